// The one-shot hand-over of the bundle: one claimant for ever, a lost answer loses nothing, a GET consumes nothing; also when the
// object dies in between.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertRefused, openBundle, placeOrder, pollUntil, randomWord } from '../support/order.mjs';
import { startWorker } from '../support/worker.mjs';

let worker;
before(async () => { worker = await startWorker(); });
after(() => worker.stop());

async function readyOrder() {
  const order = await placeOrder(worker);
  await order.payStub();
  await order.until('ready');
  return order;
}
const delivery = async (order) => (await order.get()).credentials.delivery;
const evict = (order) => worker.evict('ORDER', order.id);
const rows = async (order, sql, ...values) => (await worker.storage('ORDER', order.id)).exec(sql, ...values);

describe('the bundle', { concurrency: true }, () => {
  test('before the machine is ready there is nothing to claim, and trying spoils nothing', async () => {
    const order = await placeOrder(worker);
    const nonce = randomWord();
    for (const answer of [await order.claim(nonce), await order.ack(nonce)]) assertRefused(answer, 409, 'not_ready');
    await order.payStub();
    assertRefused(await order.claim(nonce), 409, 'not_ready');
    await order.until('ready');
    assert.equal((await order.claim(randomWord())).status, 200);
  });

  test('the first nonce wins for ever and may repeat, with the same bytes', async () => {
    const order = await readyOrder();
    const nonce = randomWord();
    const first = await order.claim(nonce);
    assert.equal(first.status, 200);
    assert.equal(await delivery(order), 'claimed');
    assertRefused(await order.claim(randomWord()), 409, 'claimed_elsewhere');
    assertRefused(await order.ack(randomWord()), 409, 'claimed_elsewhere');
    await evict(order);
    assertRefused(await order.claim(randomWord()), 409, 'claimed_elsewhere');
    const again = await order.claim(nonce);
    assert.deepEqual([again.status, again.body], [200, first.body]);
    assert.equal((await openBundle(again.body.sealed, order.key.identity)).orderId, order.id);
  });

  test('an acknowledgement erases the bundle, and may repeat', async () => {
    const order = await readyOrder();
    const nonce = randomWord();
    assertRefused(await order.ack(nonce), 409, 'not_ready');
    const { sealed } = (await order.claim(nonce)).body;
    assert.equal((await rows(order, "SELECT value FROM kept WHERE key = 'bundle'"))[0].value, sealed);
    const answer = await order.ack(nonce);
    assert.deepEqual([answer.status, answer.body], [200, { delivery: 'erased' }]);
    assert.equal(await delivery(order), 'erased');
    assert.deepEqual(await rows(order, 'SELECT key FROM kept WHERE instr(value, ?)', sealed.slice(0, 60)), [], 'the bundle is still stored');

    await evict(order);
    const again = await order.ack(nonce);
    assert.deepEqual([again.status, again.body], [200, { delivery: 'erased' }]);
    for (const late of [await order.claim(nonce), await order.claim(randomWord()), await order.ack(randomWord())]) assertRefused(late, 410, 'bundle_erased');
    assert.equal(await delivery(order), 'erased');
  });

  test('of forty claims at once exactly one nonce wins', async () => {
    const order = await readyOrder();
    const nonces = Array.from({ length: 20 }, randomWord);
    const tried = await Promise.all([...nonces, ...nonces].map(async (nonce) => ({ nonce, answer: await order.claim(nonce) })));
    const won = tried.filter(({ answer }) => answer.status === 200);
    assert.equal(new Set(won.map(({ nonce }) => nonce)).size, 1);
    assert.equal(won.length, 2, 'the winner claimed twice and got it twice');
    assert.deepEqual(won[0].answer.body, won[1].answer.body);
    for (const { answer } of tried.filter(({ answer: { status } }) => status !== 200)) assertRefused(answer, 409, 'claimed_elsewhere');
  });

  test('reading consumes nothing', async () => {
    const order = await readyOrder();
    const before = await rows(order, 'SELECT * FROM kept ORDER BY key');
    const first = await order.get();
    for (const view of await Promise.all(Array.from({ length: 10 }, order.get))) assert.deepEqual(view, first);
    await evict(order);
    assert.deepEqual(await order.get(), first);
    assert.deepEqual(await rows(order, 'SELECT * FROM kept ORDER BY key'), before);
    assert.equal((await order.claim(randomWord())).status, 200);
  });

  test('a nonce is kept as its hash', async () => {
    const order = await readyOrder();
    const nonce = randomWord();
    await order.claim(nonce);
    assert.deepEqual(await rows(order, 'SELECT key FROM kept WHERE instr(value, ?)', nonce), []);
  });

  test('a claim nobody acknowledged is over after 24 hours', async () => {
    const order = await readyOrder();
    const nonce = randomWord();
    await order.claim(nonce);
    const dayBack = async (seconds) => {
      await rows(order, "UPDATE kept SET value = json_set(value, '$.state.bundle.at_time', CAST(? AS INTEGER)) WHERE key = 'order'", Date.now() - seconds * 1000);
      await evict(order);
    };
    await dayBack(24 * 3600 - 60);
    assert.equal((await order.claim(nonce)).status, 200);
    assertRefused(await order.claim(randomWord()), 409, 'claimed_elsewhere');
    await dayBack(24 * 3600);
    assertRefused(await order.claim(nonce), 410, 'bundle_erased');
  });

  test('every change of the hand-over is seen on a live connection', async () => {
    const order = await readyOrder();
    const live = await order.live();
    const nonce = randomWord();
    await order.claim(nonce);
    await live.until(({ credentials }) => credentials.delivery === 'claimed');
    await order.ack(nonce);
    await live.until(({ credentials }) => credentials.delivery === 'erased');
    live.close();
    await pollUntil(async () => (await delivery(order)) === 'erased', 'erased');
  });
});
