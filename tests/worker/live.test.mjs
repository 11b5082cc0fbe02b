// The live connection of an order: who may open it, what it says, and that it survives the object's end (hibernation).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertRefused, call, openLive, placeOrder, pollUntil, randomId, randomWord, upgradeStatus } from '../support/order.mjs';
import { startWorker } from '../support/worker.mjs';

let worker;
before(async () => { worker = await startWorker(); });
after(() => worker.stop());

describe('a live connection', { concurrency: true }, () => {
  test('says the order at once, in the protocol it was asked for', async () => {
    const order = await placeOrder(worker);
    const live = await order.live();
    assert.equal(live.protocol, 'kindling.v1');
    assert.deepEqual(await live.until(({ state }) => state === 'awaiting_payment'), await order.get());
    live.close();
  });

  test('opens to the access token alone, and the refusal is the same for an unknown order', async () => {
    const order = await placeOrder(worker);
    const wrong = [
      [order.id, `kindling.v1, ${randomWord()}`], [order.id, 'kindling.v1'], [order.id, undefined], [order.id, order.token], [order.id, `${order.token}, kindling.v1`],
      [order.id, `kindling.v2, ${order.token}`], [order.id, `kindling.v1, ${order.body.accessHash}`], [randomId(), `kindling.v1, ${order.token}`],
      [order.id.toUpperCase(), `kindling.v1, ${order.token}`],
    ];
    for (const [id, protocols] of wrong) {
      const { status, body } = await upgradeStatus(worker, id, protocols);
      assert.deepEqual([status, body.error.code], [404, 'not_found'], `${protocols}`);
    }
    assert.equal((await upgradeStatus(worker, order.id, `kindling.v1, ${order.token}`)).status, 101);
    const byHeader = await call(worker, 'GET', `/api/bootstrap/${order.id}/live`, { token: order.token });
    assertRefused(byHeader, 426, 'upgrade_required');
  });

  test('says every change once, to everybody who watches', async () => {
    const order = await placeOrder(worker);
    const [one, other] = await Promise.all([order.live(), order.live()]);
    await order.payStub();
    await Promise.all([one, other].map((live) => live.until(({ state }) => state === 'ready')));
    const texts = one.views.map((view) => JSON.stringify(view));
    assert.equal(new Set(texts).size, texts.length, 'a view was said twice');
    assert.deepEqual(one.views, other.views);
    one.close();
    assert.equal((await one.closed).code, 1000);
    await order.claim(randomWord());
    await other.until(({ credentials }) => credentials?.delivery === 'claimed');
    other.close();
  });

  test('answers "ping", and nothing else that is said to it', async () => {
    const order = await placeOrder(worker);
    const live = await order.live();
    for (const text of ['hello', '{"state":"ready"}', 'x'.repeat(100_000)]) live.send(text);
    live.send('ping');
    await live.untilText('pong');
    assert.deepEqual([live.views.length, live.received], [1, ['pong']]);
    live.close();
  });

  test('survives the end of the object', async () => {
    const order = await placeOrder(worker);
    const live = await order.live();
    await worker.evict('ORDER', order.id);
    live.send('ping');
    await live.untilText('pong');
    await order.payStub();
    await live.until(({ state }) => state === 'ready');
    await worker.evict('ORDER', order.id);
    await order.claim(randomWord());
    await live.until(({ credentials }) => credentials?.delivery === 'claimed');
    live.close();
  });

  test('is bounded: the seventeenth of an order is refused until another closes', async () => {
    const order = await placeOrder(worker);
    const open = await Promise.all(Array.from({ length: 16 }, order.live));
    const { status, body } = await upgradeStatus(worker, order.id, `kindling.v1, ${order.token}`);
    assert.deepEqual([status, body.error.code], [429, 'too_many_requests']);
    open[0].close();
    await open[0].closed;
    // The object may hear of it a little later than who closed it.
    const next = await pollUntil(() => openLive(worker, order).catch(() => null), 'room for another');
    assert.equal(next.views.length <= 1, true);
    for (const live of [...open.slice(1), next]) live.close();
  });
});
