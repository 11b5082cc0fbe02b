// Money with two real LNbits: the shop's stands in front of a wallet at the other one, where customers are. So payments and refunds cross
// from one server to another, and the shop's LNbits can be stopped while somebody pays.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createDigitalOcean } from '../fakes/digitalocean.mjs';
import { encodeLnurl } from '../fakes/lnurl.mjs';
import { lnbitsMissing, startLnbits } from '../support/lnbits.mjs';
import { call, customer, orderBody, pollUntil, sshKey } from '../support/order.mjs';
import { startWorker } from '../support/worker.mjs';

const PRICE = 10_000;

describe('with two real LNbits', { skip: lnbitsMissing ?? false }, () => {
  let network; // where the customers' wallets are, and the shop's node
  let lnbits; // the shop's
  let cloud;
  let worker;
  before(async () => {
    network = await startLnbits();
    await network.credit(network.merchant, 1_000_000);
    lnbits = await startLnbits({ behind: { url: network.url, wallet: network.merchant } });
    // A refund needs the reserve for its fees on top of what came in.
    await lnbits.credit(lnbits.merchant, 100_000);
    cloud = await createDigitalOcean();
    worker = await startWorker({
      vars: {
        LNBITS_URL: lnbits.url, LNBITS_API_KEY: lnbits.merchant.inkey, LNBITS_ADMIN_KEY: lnbits.merchant.adminkey, LNURL_ALLOW_PRIVATE: 'true',
        DO_API_TOKEN: 'dop_v1_test', DO_API_URL: cloud.url, DEV_CLOCK: '0',
      },
    });
  });
  after(async () => {
    await worker.stop();
    await Promise.all([lnbits, network, cloud].map((server) => server.close()));
  });

  const advance = (seconds, ...orders) =>
    call(worker, 'POST', '/api/dev/clock', { body: { advanceSeconds: seconds, orders: orders.map(({ id }) => id) } });
  const pay = (order) => network.pay(order.created.invoice.paymentRequest);
  /** Orders, again where there is no invoice: the shop's LNbits gives its node five seconds for one. */
  const ordered = async (fields, shop = worker) => {
    const wanted = await orderBody(fields, { key: await sshKey() });
    const answer = await pollUntil(async () => {
      const given = await call(shop, 'POST', '/api/bootstrap', { body: wanted.body });
      return given.body.error?.code !== 'lightning_unavailable' && given;
    }, 'an invoice');
    assert.equal(answer.status, 201, answer.text);
    return customer(shop, { ...wanted, created: answer.body });
  };
  /** Advances until the order shows this. */
  const until = (order, condition, what) => pollUntil(async () => {
    const view = await order.get();
    if (condition(view)) return view;
    await advance(2, order);
    return null;
  }, what);
  /** An order that the cloud refuses a machine, so that its money is owed back. */
  const failed = async (fields) => {
    cloud.fault({ method: 'POST', pathPattern: '/v2/droplets', kind: 'status', status: 422 });
    const order = await ordered(fields);
    await pay(order);
    await until(order, ({ state }) => ['failed', 'refunded'].includes(state), 'the failure');
    return order;
  };
  const outgoing = async () => (await lnbits.payments(lnbits.merchant)).filter(({ amount }) => amount < 0);

  test('a payment crosses from one server to the other, and 20 webhooks in any order make one machine', async () => {
    const order = await ordered();
    const hook = await pollUntil(async () => {
      const [{ value }] = await (await worker.storage('ORDER', order.id)).exec("SELECT value FROM kept WHERE key = 'order'");
      return JSON.parse(value).hook;
    }, 'the hook');
    const storm = (n) => Promise.all(Array.from({ length: n }, () => call(worker, 'POST', `/api/lnbits/${order.id}/${hook}`, { body: '"{}"' })));
    const early = await storm(5);
    await pay(order);
    const late = await storm(15);
    assert.ok([...early, ...late].every(({ status }) => status === 200));
    await until(order, ({ phase }) => phase === 'booting', 'the machine');
    await storm(5);
    assert.equal(cloud.allDroplets.filter(({ tags }) => tags.includes(`kindling-${order.id}`)).length, 1);
  });

  test('a refund goes to an invoice of the customer\'s wallet at the other server', async () => {
    const before = await network.balance(network.customer);
    const sent = (await outgoing()).length;
    const order = await failed();
    assert.equal((await order.get()).refund.state, 'owed');
    // The Worker's time is ahead of LNbits' by all that was moved while something was waited for.
    const { bolt11 } = await network.createInvoice({ sats: PRICE, wallet: network.customer, expiry: 24 * 3600 });
    const answer = await call(worker, 'POST', `/api/bootstrap/${order.id}/refund`, { token: order.token, body: { refundTo: bolt11 } });
    assert.equal(answer.status, 200, answer.text);
    const view = await until(order, ({ state }) => state === 'refunded', 'the refund');
    assert.deepEqual([view.refund.state, view.refund.paidSats, view.refund.owedSats], ['paid', PRICE, 0]);
    assert.equal(await network.balance(network.customer), before);
    assert.equal((await outgoing()).length, sent + 1);
  });

  test('a refund goes to the LNURL that was given with the order', async () => {
    const before = await network.balance(network.customer);
    const [name] = network.customer.lightning_address.split('@');
    const order = await failed({ refundTo: encodeLnurl(`${network.url}/.well-known/lnurlp/${name}`) });
    await until(order, ({ state }) => state === 'refunded', 'the refund');
    assert.equal(await network.balance(network.customer), before);
  });

  test('a wallet without the means pays nothing, and pays when it has them', async () => {
    const poor = await lnbits.account('poor');
    const shop = await startWorker({
      vars: {
        LNBITS_URL: lnbits.url, LNBITS_API_KEY: poor.inkey, LNBITS_ADMIN_KEY: poor.adminkey, LNURL_ALLOW_PRIVATE: 'true', DO_API_TOKEN: 'dop_v1_test',
        DO_API_URL: cloud.url,
      },
    });
    try {
      cloud.fault({ method: 'POST', pathPattern: '/v2/droplets', kind: 'status', status: 422 });
      const order = await ordered({}, shop);
      await pay(order);
      await order.poll('failed');
      // All that the wallet has is the order's own 10,000 sats: not enough for the reserve.
      const { bolt11, paymentHash } = await network.createInvoice({ sats: PRICE, wallet: network.customer });
      await call(shop, 'POST', `/api/bootstrap/${order.id}/refund`, { token: order.token, body: { refundTo: bolt11 } });
      await pollUntil(() => /fee reserve|insufficient|balance/i.test(lnbits.logs()), 'LNbits refuses');
      const seen = await fetch(`${network.url}/api/v1/payments/${paymentHash}`, { headers: { 'x-api-key': network.customer.inkey } });
      assert.equal((await seen.json()).paid, false);
      assert.notEqual((await order.get()).state, 'refunded');
      await lnbits.credit(poor, 1000);
      await order.poll('refunded');
    } finally {
      await shop.stop();
    }
  });

  // From here on the Worker's time is far ahead of LNbits': an invoice made there would be over here.
  test('a payment two hours after the invoice ran out still buys the machine', async () => {
    const order = await ordered();
    await advance(2 * 3600, order);
    await until(order, ({ state }) => state === 'expired', 'the expiry');
    await pay(order);
    await until(order, ({ state }) => state === 'provisioning', 'the machine');
  });

  test('LNbits is stopped while somebody pays, and started again', async () => {
    const order = await ordered();
    await lnbits.stop();
    await pay(order);
    assert.equal((await order.get()).state, 'awaiting_payment');
    await advance(4000, order);
    await lnbits.start();
    await until(order, ({ state }) => state === 'provisioning', 'the payment');
  });
});
