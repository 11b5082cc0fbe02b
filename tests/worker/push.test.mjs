// Notifications: who is told that an order is ready or has failed, by a push service that believes nobody, and that whatever such a service
// does, the order goes on as without it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createPush, vapidKeys } from '../fakes/push.mjs';
import { OWED, REFUSING, assertPaidBackOnce } from '../support/refunds.mjs';
import { assertRefused, call, pollUntil, randomId, randomWord } from '../support/order.mjs';
import { HOUR, foreignInvoice, openShop } from '../support/shop.mjs';

const SUBJECT = 'mailto:operator@shop.example';
const KEYS = vapidKeys();
const MINUTE = 60;

/** A shop that sends notifications, and the push service they go to. */
async function openNotifyingShop({ vars, subject = SUBJECT, ...options } = {}) {
  let shop;
  const push = await createPush({ subject, now: () => shop.now() });
  shop = await openShop({
    ...options, vars: { VAPID_PRIVATE_KEY: KEYS.privateKey, VAPID_SUBJECT: SUBJECT, PUSH_HOSTS: `${push.url} *.push.example`, ...vars },
  });
  return Object.assign(shop, { push, closeAll: () => shop.close().then(() => push.close()) });
}

const subscription = (shop, order, method, body, token = order.token) => call(shop.worker, method, `/api/bootstrap/${order.id}/push`, { token, body });
/** Has a new device told of an order -> its endpoint */
async function subscribe(shop, order, endpoint = shop.push.subscribe(KEYS.publicKey)) {
  const answer = await subscription(shop, order, 'PUT', { endpoint });
  assert.deepEqual([answer.status, answer.text], [204, ''], answer.text);
  return endpoint;
}
const failed = async (order) => {
  await order.pay();
  return order.sees(({ state }) => state === 'failed');
};
const row = async (shop, { id }) => (await (await shop.worker.storage('ORDER', id)).exec("SELECT value FROM kept WHERE key = 'order'"))[0].value;
/** What the journal has of an order's notifications. */
const told = async (order) => (await order.story()).journal.filter(({ event }) => event === 'notification').map(({ detail }) => detail);
/** Waits until the answer of a push service was taken in `times` times. */
const isTold = (order, times) => pollUntil(async () => (await told(order)).length >= times && told(order), `${times} answers of a push service`);
/** Nobody is left to be told, and of whom it was nothing is stored or logged. */
async function assertForgotten(shop, order, ...endpoints) {
  await pollUntil(async () => !(await row(shop, order)).includes('/push/'), 'the subscriptions are removed');
  const story = JSON.stringify(await order.story());
  for (const endpoint of endpoints) {
    const secret = endpoint.split('/').at(-1);
    assert.ok(!shop.worker.logs().includes(secret) && !story.includes(secret), 'an endpoint is where it can be read');
  }
}

describe('a notification', { concurrency: true }, () => {
  describe('of a shop with make-believe machines', { concurrency: 1 }, () => {
    let shop;
    before(async () => { shop = await openNotifyingShop({ vars: { LNBITS_URL: '' } }); });
    after(() => shop.closeAll());
    const paid = async (order) => {
      await order.payStub();
      return order.becomesReady();
    };

    test('needs a key that browsers can subscribe with', async () => {
      const { body } = await call(shop.worker, 'GET', '/api/catalogue');
      assert.equal(body.pushKey, KEYS.publicKey);
    });

    test('tells each device once that the order is ready, and nothing else ever', async () => {
      const order = await shop.order();
      const [phone, desktop, lost] = [await subscribe(shop, order), await subscribe(shop, order), await subscribe(shop, order)];
      await subscribe(shop, order, phone);
      await subscribe(shop, order, phone.replace('http:', 'HTTP:'));
      assert.equal((await subscription(shop, order, 'DELETE', { endpoint: lost })).status, 204);
      await shop.advance(MINUTE, order);
      assert.deepEqual([phone, desktop].map(shop.push.calls), [0, 0], 'there is nothing to tell yet');
      await paid(order);
      await isTold(order, 2);
      assert.deepEqual([phone, desktop, lost].map(shop.push.received), [1, 1, 0]);
      assert.deepEqual(await told(order), ['taken', 'taken']);
      await assertForgotten(shop, order, phone, desktop, lost);

      // It is ready already: nothing is to be waited for.
      const late = await subscribe(shop, order);
      assert.ok(!(await row(shop, order)).includes('/push/'));
      await order.destroy();
      await shop.advance(HOUR, order);
      await order.poll('ended');
      assert.deepEqual([phone, desktop, lost, late].map(shop.push.calls), [1, 1, 0, 0]);
      assert.deepEqual(shop.push.problems, []);
    });

    test('is not sent to whom everything was taken away, nor for an invoice that ran out', async () => {
      const [silenced, expired] = [await shop.order(), await shop.order()];
      const endpoints = [await subscribe(shop, silenced), await subscribe(shop, silenced), await subscribe(shop, expired)];
      assert.equal((await subscription(shop, silenced, 'DELETE')).status, 204);
      assert.equal((await subscription(shop, silenced, 'DELETE')).status, 204, 'twice is as good as once');
      await paid(silenced);
      await shop.advance(2 * HOUR, silenced, expired);
      await expired.poll('expired');
      assert.deepEqual(endpoints.map(shop.push.calls), [0, 0, 0]);

      const renewed = await expired.renew();
      assert.equal(shop.push.calls(endpoints[2]), 0);
      const answer = await call(shop.worker, 'POST', `/api/dev/stub/pay/${renewed.invoice.paymentHash}`);
      assert.equal(answer.status, 200, answer.text);
      await expired.becomesReady();
      await isTold(expired, 1);
      assert.deepEqual(endpoints.map(shop.push.received), [0, 0, 1]);
    });

    for (const [status, word] of [[404, 'unknown there'], [410, 'unknown there'], [400, 'refused'], [403, 'refused'], [301, 'refused']]) {
      test(`that is answered by ${status} is not sent again`, async () => {
        const order = await shop.order();
        const [good, bad] = [await subscribe(shop, order), await subscribe(shop, order)];
        shop.push.failing(bad, { kind: 'status', status, headers: { location: good } });
        await paid(order);
        await isTold(order, 2);
        assert.deepEqual((await told(order)).sort(), ['taken', word].sort());
        await assertForgotten(shop, order, good, bad);
        await shop.advance(HOUR, order);
        assert.deepEqual([good, bad].map(shop.push.calls), [1, 1]);
      });
    }

    test('that a service puts off is sent when it said, and not before', async () => {
      const order = await shop.order();
      const endpoint = await subscribe(shop, order);
      shop.push.failing(endpoint, { kind: 'status', status: 429, headers: { 'retry-after': '3600' } });
      await paid(order);
      await isTold(order, 1);
      await shop.advance(HOUR - 60, order);
      await order.get();
      assert.equal(shop.push.calls(endpoint), 1);
      await shop.advance(65, order);
      assert.deepEqual(await isTold(order, 2), ['not taken', 'taken']);
      assert.deepEqual([shop.push.calls(endpoint), shop.push.received(endpoint)], [2, 1]);
      await assertForgotten(shop, order, endpoint);
    });

    test('that a service never takes is tried six times, with growing pauses', async () => {
      const order = await shop.order();
      const endpoint = await subscribe(shop, order);
      shop.push.failing(endpoint, { kind: 'status', status: 500, times: Infinity });
      await paid(order);
      for (const [tries, pause] of [30, 60, 120, 240, 480].entries()) {
        await isTold(order, tries + 1);
        await shop.advance(pause / 2, order);
        assert.equal(shop.push.calls(endpoint), tries + 1, `before the pause of ${pause} s is over`);
        await shop.advance(pause / 2 + 5, order);
      }
      assert.deepEqual(await isTold(order, 6), Array(6).fill('not taken'));
      await assertForgotten(shop, order, endpoint);
      await shop.advance(24 * HOUR, order);
      assert.equal(shop.push.calls(endpoint), 6);
    });

    test('is tried again by the order\'s own alarm', async () => {
      const order = await shop.order();
      const endpoint = await subscribe(shop, order);
      const fault = shop.push.failing(endpoint, { kind: 'before', times: 1 });
      await paid(order);
      await isTold(order, 1);
      assert.equal(fault.left, 0);
      // Nobody calls this order: its alarm has to be on its way.
      await shop.worker.evict('ORDER', order.id);
      await shop.push.seen('POST', new URL(endpoint).pathname, { times: 2 });
      await isTold(order, 2);
      assert.equal(shop.push.received(endpoint), 1);
    });

    test('is asked for by the holder of the order only, and at services that the shop knows', async () => {
      const order = await shop.order();
      const endpoint = shop.push.subscribe(KEYS.publicKey);
      for (const method of ['PUT', 'DELETE']) {
        const unknown = await subscription(shop, { id: randomId() }, method, { endpoint }, order.token);
        assertRefused(unknown, 404, 'not_found');
        for (const token of [undefined, randomWord(), `${order.token}x`]) {
          for (const body of [{ endpoint }, '{', undefined]) {
            const answer = await call(shop.worker, method, `/api/bootstrap/${order.id}/push`, { token, body });
            assert.deepEqual([answer.status, answer.text], [404, unknown.text]);
          }
        }
      }
      for (const method of ['GET', 'POST', 'PATCH']) {
        const answer = await call(shop.worker, method, `/api/bootstrap/${order.id}/push`, { token: order.token });
        assertRefused(answer, 405, 'method_not_allowed');
        assert.equal(answer.headers.get('allow'), 'PUT, DELETE');
      }
      for (const [code, body] of [
        ['invalid_json', '{'], ['invalid_json', undefined], ['invalid_body', {}], ['invalid_body', { endpoint: 7 }], ['unknown_field', { endpoint, keys: {} }],
      ]) {
        assertRefused(await subscription(shop, order, 'PUT', body), 400, code);
      }
      const port = new URL(shop.push.url).port;
      for (const bad of [
        '', 'marker4711', 'https://fcm.googleapis.com/x', 'https://push.example/marker4711', 'http://a.push.example/marker4711', 'https://a.push.example:444/marker4711',
        `http://localhost:${port}/push/marker4711`, `http://127.0.0.1:${Number(port) + 1}/marker4711`, `http://me@127.0.0.1:${port}/marker4711`,
        'https://a.push.example@evil.example/marker4711', 'https://evil.example/?.push.example', `https://a.push.example/${'x'.repeat(1024)}`,
        'file:///etc/passwd', 'https://a.push.example/#marker4711', 'https://a.push.example/ä',
      ]) {
        const answer = await subscription(shop, order, 'PUT', { endpoint: bad });
        assertRefused(answer, 400, 'invalid_push_endpoint');
        assert.ok(!answer.text.includes('4711'));
      }
      assert.ok(!(await row(shop, order)).includes('bell'), 'something was stored');
      for (let count = 0; count < 5; count += 1) await subscribe(shop, order, `https://a.push.example/${count}`);
      await subscribe(shop, order, 'https://a.push.example/0');
      assertRefused(await subscription(shop, order, 'PUT', { endpoint }), 409, 'too_many_subscriptions');
      assert.equal((await subscription(shop, order, 'DELETE', { endpoint: 'https://a.push.example/3' })).status, 204);
      await subscribe(shop, order, endpoint);
      assert.ok(!shop.worker.logs().includes('4711'));
    });
  });

  describe('of a failure', { concurrency: 1 }, () => {
    let shop;
    before(async () => { shop = await openNotifyingShop(REFUSING); });
    after(() => shop.closeAll());

    test('is sent once, and none of the refund', async () => {
      const order = await shop.order();
      const endpoint = await subscribe(shop, order);
      assert.deepEqual((await failed(order)).refund, OWED);
      await isTold(order, 1);
      assert.equal(shop.push.received(endpoint), 1);
      await order.refund(foreignInvoice(shop, 10_000));
      await assertPaidBackOnce(shop, order);
      await shop.advance(HOUR, order);
      assert.equal(shop.push.calls(endpoint), 1);
      await assertForgotten(shop, order, endpoint);
      assert.deepEqual(shop.push.problems, []);
    });

    test('that a service hangs on holds up neither refund nor alarm', async (t) => {
      const order = await shop.order({ refundTo: foreignInvoice(shop, 10_000) });
      const endpoints = [await subscribe(shop, order), await subscribe(shop, order)];
      const until = new Promise((resolve) => { t.after(resolve); });
      for (const endpoint of endpoints) shop.push.failing(endpoint, { kind: 'stalled', until, times: Infinity });
      await order.pay();
      const waiting = await Promise.all(endpoints.map((endpoint) => shop.push.seen('POST', new URL(endpoint).pathname, { where: ({ fault }) => fault === 'stalled' })));
      const isRefund = ({ body }) => body?.out && body.extra.kindling_order === order.id;
      await shop.lnbits.seen('POST', '/api/v1/payments', { where: isRefund });
      assert.deepEqual(waiting.flat().map(({ abandoned }) => abandoned), [undefined, undefined], 'the refund waited for the notifications to be given up');
      await assertPaidBackOnce(shop, order);
      assert.deepEqual(endpoints.map(shop.push.received), [0, 0]);
    });
  });

  test('is sent under the shop\'s own address where no other is named', async (t) => {
    const shop = await openNotifyingShop({ subject: 'https://shop.example', vars: { LNBITS_URL: '', PUBLIC_URL: 'https://shop.example', VAPID_SUBJECT: '' } });
    t.after(() => shop.closeAll());
    const order = await shop.order();
    const endpoint = await subscribe(shop, order);
    await order.payStub();
    await order.becomesReady();
    await isTold(order, 1);
    assert.deepEqual([shop.push.received(endpoint), shop.push.problems], [1, []]);
  });

  for (const [what, vars] of [['without a key', { VAPID_PRIVATE_KEY: '' }], ['with a key that is none', { VAPID_PRIVATE_KEY: 'marker4711' }]]) {
    test(`is not offered ${what}`, async (t) => {
      const shop = await openNotifyingShop({ vars: { LNBITS_URL: '', ...vars } });
      t.after(() => shop.closeAll());
      assert.equal((await call(shop.worker, 'GET', '/api/catalogue')).body.pushKey, undefined);
      const order = await shop.order();
      assertRefused(await subscription(shop, order, 'PUT', { endpoint: shop.push.subscribe(KEYS.publicKey) }), 409, 'no_notifications');
      assert.equal((await subscription(shop, order, 'DELETE')).status, 204);
      assert.ok(!shop.worker.logs().includes('4711'));
    });
  }

  test('that is cut by the end of the process is sent again, twice at most', async (t) => {
    const shop = await openNotifyingShop({ vars: { LNBITS_URL: '' }, survives: true });
    t.after(() => shop.closeAll());
    const order = await shop.order();
    const endpoint = await subscribe(shop, order);
    const path = new URL(endpoint).pathname;
    let release;
    shop.push.failing(endpoint, { kind: 'late', until: new Promise((resolve) => { release = resolve; }) });
    t.after(() => release());
    await order.payStub();
    // At once: a call that takes ten seconds is given up.
    await shop.push.seen('POST', path, { where: ({ fault }) => fault === 'late' });
    await shop.restart('kill');
    await shop.advance(35, order);
    await shop.push.seen('POST', path, { times: 2 });
    assert.deepEqual(await isTold(order, 1), ['taken']);
    await shop.advance(HOUR, order);
    assert.equal((await order.get()).state, 'ready');
    assert.deepEqual([shop.push.calls(endpoint), shop.push.problems], [2, []]);
    assert.ok(!shop.worker.logs().includes(path));
  });
});
