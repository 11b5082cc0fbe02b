// What happens at once: claims, a cut answer, payments at the moment of expiry, a storm of webhooks, and a panic in the middle of it all.
// DigitalOcean, Tailscale and LNbits are fakes.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertRefused, call, orderBody, randomWord } from '../support/order.mjs';
import { BUILD, ROOT } from '../support/paths.mjs';
import { PATIENCE } from '../support/process.mjs';
import { hold, openShop } from '../support/shop.mjs';

let shop;
let root;
before(async () => {
  // The Worker as it is, but for how soon an alarm that failed comes again.
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'kindling-races-'));
  fs.copyFileSync(path.join(ROOT, 'wrangler.toml'), path.join(root, 'wrangler.toml'));
  fs.cpSync(path.join(BUILD, 'worker'), path.join(root, 'build/worker'), { recursive: true });
  fs.symlinkSync(path.join(BUILD, 'assets'), path.join(root, 'build/assets'));
  const entry = path.join(root, 'build/worker/entry.js');
  const text = fs.readFileSync(entry, 'utf8');
  assert.ok(text.includes('const ALARM_AGAIN = 60_000;'));
  fs.writeFileSync(entry, text.replace('const ALARM_AGAIN = 60_000;', 'const ALARM_AGAIN = 300;'));
  // What is held is let go by the test, not given up by the Worker.
  shop = await openShop({ cloud: { dropletLimit: 1000 }, vars: { UPSTREAM_TIMEOUT_MS: '600000' }, root });
});
after(async () => {
  await shop.close();
  fs.rmSync(root, { recursive: true, force: true });
});

/** How often something happened to an order. */
const times = async (order, wanted) => (await order.events()).filter((event) => event === wanted).length;

/** POSTs by a socket of its own, and cuts it after so many bytes of the answer -> {status, length: of the whole body, got: bytes of it} */
function cutAnswer(target, token, body, bytes) {
  const { hostname, port } = new URL(shop.worker.url);
  const text = JSON.stringify(body);
  const request = [
    `POST ${target} HTTP/1.1`, `host: ${hostname}:${port}`, `authorization: Bearer ${token}`, 'content-type: application/json',
    `content-length: ${text.length}`, 'connection: close', '', text,
  ].join('\r\n');
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: hostname, port, onread: { buffer: Buffer.alloc(1024), callback: hear } }, () => socket.write(request));
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    let heard = '';
    function hear(count, buffer) {
      heard += buffer.toString('latin1', 0, count);
      if (heard.length < bytes) return true;
      socket.destroy();
      const [head, ...rest] = heard.split('\r\n\r\n');
      const [, status] = /^HTTP\/1.1 (\d+)/.exec(head);
      const length = /content-length: (\d+)/i.exec(head)?.[1] ?? Infinity;
      resolve({ status: Number(status), length: Number(length), got: rest.join('').length });
      return false;
    }
  });
}

// First of all, as long as the clock is the real one: a panic takes what a test moved it by.
describe('a panic', () => {
  const panic = async (order) => assertRefused(await call(shop.worker, 'POST', `/api/dev/panic/${order.id}`), 503, 'temporarily_unavailable');
  const stored = async ({ id }) => (await shop.worker.storage('ORDER', id)).exec('SELECT key, value FROM kept ORDER BY key');
  /** An order for which a call to the cloud is under way. */
  async function underWay(t, method, pathPattern) {
    const order = await shop.order();
    const release = hold(t, shop.cloud, { method, pathPattern });
    order.payQuietly();
    await order.hook();
    await shop.cloud.seen(method, pathPattern, { where: ({ fault }) => fault === 'late' });
    return { order, release };
  }

  test('of one order leaves the others, their storage and the next request unharmed', async (t) => {
    const [victim, ...readers] = await Promise.all(Array.from({ length: 11 }, () => shop.order()));
    const working = await underWay(t, 'POST', '/v2/droplets');
    const before = { victim: await victim.get(), rows: await stored(victim), views: await Promise.all(readers.map(({ get }) => get())) };

    // Ten new orders wait for LNbits, a droplet is being ordered, ten orders are read: then it happens.
    const released = [];
    const bodies = await Promise.all(Array.from({ length: 10 }, async () => (await orderBody()).body));
    for (let count = 0; count < 10; count += 1) released.push(hold(t, shop.lnbits, { method: 'POST' }));
    const asked = shop.lnbits.requests.filter(({ method }) => method === 'POST').length;
    const creating = bodies.map((body) => call(shop.worker, 'POST', '/api/bootstrap', { body }));
    await shop.lnbits.seen('POST', '/api/v1/payments', { times: asked + 10 });
    const reading = readers.map(({ id, token }) => call(shop.worker, 'GET', `/api/bootstrap/${id}`, { token }));
    await panic(victim);
    for (const release of [...released, working.release]) release();

    const fine = (answer, status) => {
      if (answer.status === status) return true;
      assertRefused(answer, 503, 'temporarily_unavailable');
      assert.match(answer.headers.get('retry-after'), /^\d+$/);
      return false;
    };
    for (const [i, answer] of (await Promise.all(reading)).entries()) {
      if (fine(answer, 200)) assert.deepEqual(answer.body, before.views[i]);
    }
    for (const [i, answer] of (await Promise.all(creating)).entries()) {
      const made = fine(answer, 201) ? answer : await call(shop.worker, 'POST', '/api/bootstrap', { body: bodies[i] });
      assert.deepEqual([made.status, made.body.bootstrapJobId, made.body.state], [201, bodies[i].orderId, 'awaiting_payment']);
    }

    assert.deepEqual([await stored(victim), await victim.get()], [before.rows, before.victim]);
    assert.deepEqual(await Promise.all(readers.map(({ get }) => get())), before.views);
    await working.order.poll('provisioning');
    await (await working.order.machine()).run();
    await working.order.sees(({ state }) => state === 'ready');
    assert.equal(shop.droplets(working.order).length, 1);
    assert.equal(await times(working.order, 'droplet_asked'), 1, 'ordered once');
    victim.payQuietly();
    await victim.hook();
    await victim.sees(({ phase }) => phase === 'booting');
  });

  test('in an alarm does not strand its order: the alarm comes again by itself', async (t) => {
    const bystander = await shop.order();
    const { order, release } = await underWay(t, 'POST', '/v2/account/keys');
    await panic(bystander);
    release();
    // Nobody asks this order for anything: it goes on because its alarm does.
    await shop.cloud.seen('POST', '/v2/droplets', { where: ({ body }) => body.tags.includes(`kindling-${order.id}`) });
    assert.equal((await order.events()).filter((event) => event === 'cut').length, 1, 'it was not the alarm that was cut');
    await (await order.machine()).run();
    await order.sees(({ state }) => state === 'ready');
    assert.equal(shop.droplets(order).length, 1);
  });
});

describe('the bundle', () => {
  test('of a hundred claims at once exactly one wins', async () => {
    const order = await shop.order();
    await order.getReady();
    const answers = await Promise.all(Array.from({ length: 100 }, () => order.claim(randomWord())));
    const lost = answers.filter(({ status }) => status !== 200);
    assert.equal(lost.length, 99);
    for (const answer of lost) assertRefused(answer, 409, 'claimed_elsewhere');
    assert.equal(await times(order, 'claimed'), 1);
  });

  test('is the same when its answer was cut midway and is asked for again, and so is its acknowledgement', async () => {
    const order = await shop.order();
    await order.pay();
    await order.sees(({ phase }) => phase === 'booting');
    const machine = await order.machine();
    await machine.pair();
    const sealed = await machine.seal({ filler: 'x'.repeat(60_000) });
    assert.equal((await machine.deliver({ sealed })).status, 200);
    const nonce = randomWord();
    for (const bytes of [1500, 20, 40_000]) {
      const { status, length, got } = await cutAnswer(`/api/bootstrap/${order.id}/claim`, order.token, { nonce }, bytes);
      assert.equal(status, 200);
      assert.ok(got < length && length > sealed.length, `${got} of ${length} bytes are not a cut answer`);
    }
    assert.equal((await order.get()).credentials.delivery, 'claimed');
    assertRefused(await order.claim(randomWord()), 409, 'claimed_elsewhere');
    for (let count = 0; count < 2; count += 1) {
      const again = await order.claim(nonce);
      assert.deepEqual([again.status, again.body], [200, { sealed }]);
    }
    await cutAnswer(`/api/bootstrap/${order.id}/ack`, order.token, { nonce }, 20);
    const acknowledged = await order.ack(nonce);
    assert.deepEqual([acknowledged.status, acknowledged.body], [200, { delivery: 'erased' }]);
    assertRefused(await order.claim(nonce), 410, 'bundle_erased');
  });
});

describe('a payment', () => {
  /** Provisioned once, and nothing owed. */
  async function assertOneMachine(order) {
    const view = await order.sees(({ phase }) => phase === 'booting');
    assert.deepEqual(
      [view.refund, await times(order, 'paid'), await times(order, 'droplet_asked'), shop.droplets(order).length], [undefined, 1, 1, 1]);
  }
  const expiry = (orders) => orders.map(({ created }) => created.expiresAt).sort().at(-1);

  test('that races the end of its invoice is provisioned, whichever comes first', async () => {
    const orders = await Promise.all(Array.from({ length: 24 }, () => shop.order()));
    const [before_, at, after_] = [0, 1, 2].map((third) => orders.filter((_, i) => i % 3 === third));
    await shop.advanceTo(expiry(orders), -60);
    for (const order of before_) order.payQuietly();
    await Promise.all([
      ...at.map(async (order) => {
        order.payQuietly();
        await Promise.all([order.hook(), order.get(), order.hook()]);
      }),
      shop.advanceTo(expiry(orders), 1, ...orders),
    ]);
    await Promise.all(after_.map(async (order) => {
      await order.sees(({ state }) => state === 'expired');
      order.payQuietly();
      await order.hook();
    }));
    await shop.advance(2, ...orders);
    await Promise.all(orders.map(assertOneMachine));
  });

  test('is found though "not paid" of before it arrives after the invoice has run out', async (t) => {
    const order = await shop.order();
    const pathPattern = `/api/v1/payments/${order.bill().hash}`;
    const release = hold(t, shop.lnbits, { method: 'GET', pathPattern });
    await shop.advanceTo(order.created.expiresAt, -60, order);
    await shop.lnbits.seen('GET', pathPattern);
    order.payQuietly();
    await order.hook();
    await shop.advanceTo(order.created.expiresAt, 10);
    const live = await order.live();
    release();
    await live.until(({ state }) => state === 'provisioning');
    assert.ok(live.views.every(({ state }) => state !== 'expired'), 'called unpaid by an answer of before');
    live.close();
    await assertOneMachine(order);
  });

  test('that a storm of webhooks tells of, early, twenty times over and late, starts one provisioning', async () => {
    const began = shop.now();
    const order = await shop.order();
    const storm = (count) => Promise.all(Array.from({ length: count }, (_, i) => (i % 4 === 3 ? order.get() : order.hook())));
    await storm(20);
    assert.equal((await order.get()).state, 'awaiting_payment');
    const paying = storm(20);
    order.payQuietly();
    await Promise.all([paying, storm(20), shop.advance(1, order)]);
    await storm(20);
    await assertOneMachine(order);
    const [looks, passed] = [order.looks(), (shop.now() - began) / 1000];
    assert.ok(looks <= passed, `LNbits was asked ${looks} times in ${passed} s`);
    await (await order.machine()).run();
    const ready = await order.sees(({ state }) => state === 'ready');
    await storm(20);
    assert.deepEqual(await order.get(), ready);
    assert.equal(order.looks(), looks, 'asked of what was paid');
  });
});
