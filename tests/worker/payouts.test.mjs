// What LNbits makes of a refund's invoice: pending, failed, answers that were lost or lie, a Worker that dies in between, no key to pay with.
// Whatever it is, what was owed leaves the wallet once.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertRefused, pollUntil } from '../support/order.mjs';
import { OWED, REFUSING, assertPaidBackOnce, owing, payouts } from '../support/refunds.mjs';
import { HOUR, PRICE, foreignInvoice, hold, openShop } from '../support/shop.mjs';

/** No call is given up, however slow the machine: each is made as often as LNbits has it made, or until the Worker dies. */
const PATIENT = { UPSTREAM_TIMEOUT_MS: '600000' };
/** A call that the test holds is given up; one that the machine is slow to answer is not. */
const IMPATIENT = { UPSTREAM_TIMEOUT_MS: '8000' };
const pay = { method: 'POST', pathPattern: '/api/v1/payments' };
/** A call to pay for this order. */
const payingFor = ({ id }) => ({ body }) => body?.extra?.kindling_order === id;

describe('a payout', { concurrency: true }, () => {
  describe('LNbits, asked to pay,', { concurrency: 1 }, () => {
    let shop;
    let fate = () => 'success'; // of each payment
    before(async () => { shop = await openShop({ ...REFUSING, vars: PATIENT, lnbits: { onPay: (payment) => fate(payment) } }); });
    after(() => shop.close());
    /** The last payment that LNbits began for an order. */
    const payment = (order) => pollUntil(() => shop.lnbits.payments.filter(({ extra }) => extra.kindling_order === order.id).at(-1), 'the payment');
    const issued = (name) => shop.lnurl.issued.filter((invoice) => invoice.name === name).length;

    test('has it pending, then settled: the address cannot be changed meanwhile', async () => {
      const order = await owing(shop);
      fate = () => 'pending';
      const to = shop.lnurl.lnurl('pending');
      await order.refund(to);
      const paying = await order.sees(({ refund }) => refund.state === 'paying');
      assert.deepEqual(paying.refund, { state: 'paying', owedSats: PRICE, paidSats: 0, to });
      assert.match(paying.message, /It is being paid\.$/);
      const { hash } = await payment(order);
      await order.refused('refund', { refundTo: foreignInvoice(shop, PRICE) }, 409, 'refund_under_way');
      await order.refund(to);
      assertRefused(await shop.operator('POST', `orders/${order.id}/refunded`), 409, 'refund_under_way');
      await shop.advance(30 * HOUR, order);
      assert.equal((await order.get()).refund.state, 'paying');
      shop.lnbits.settle(hash, 'success');
      await assertPaidBackOnce(shop, order, to);
      assert.deepEqual([payouts(shop, order).length, issued('pending')], [1, 1]);
    });

    test('has it pending, then failed: it is asked for once more, then another invoice is paid', async () => {
      const order = await owing(shop);
      fate = ({ bolt11 }) => (bolt11 === shop.lnurl.issued.find(({ name }) => name === 'unlucky').bolt11 ? 'pending' : 'success');
      await order.refund(shop.lnurl.lnurl('unlucky'));
      shop.lnbits.settle((await payment(order)).hash, 'failed');
      await assertPaidBackOnce(shop, order, shop.lnurl.lnurl('unlucky'));
      const asked = payouts(shop, order).map(({ body }) => body.bolt11);
      const [one, other] = shop.lnurl.issued.filter(({ name }) => name === 'unlucky').map(({ bolt11 }) => bolt11);
      assert.deepEqual(asked, [one, one, other]);
    });

    test('fails by its books while its node has paid: that is found by asking once more, and nothing is paid again', async () => {
      const order = await owing(shop);
      fate = () => 'failed';
      await order.refund(shop.lnurl.lnurl('booked-wrong'));
      shop.lnbits.settle((await payment(order)).hash, 'success');
      await assertPaidBackOnce(shop, order, shop.lnurl.lnurl('booked-wrong'));
      assert.deepEqual([payouts(shop, order).length, issued('booked-wrong')], [2, 1]);
    });

    test('fails twice: a third invoice is paid', async () => {
      const order = await owing(shop);
      let tries = 0;
      fate = () => ((tries += 1) < 3 ? 'failed' : 'success');
      await order.refund(shop.lnurl.lnurl('third-time'));
      await assertPaidBackOnce(shop, order, shop.lnurl.lnurl('third-time'));
      assert.deepEqual([payouts(shop, order).length, issued('third-time')], [5, 3]);
    });

    test('fails with the customer\'s invoice, which is good for one payment: a new one is asked for', async () => {
      const order = await owing(shop);
      fate = () => 'failed';
      await order.refund(foreignInvoice(shop, PRICE));
      const problem = await shop.advanceUntil(async () => (await order.get()).refund.problem, 35, 'a problem', order);
      assert.match(problem, /could not be paid; give a new one/);
      assert.deepEqual(shop.paidOut(order), []);
      fate = () => 'success';
      const to = foreignInvoice(shop, PRICE);
      await order.refund(to);
      await assertPaidBackOnce(shop, order, to);
    });

    test('says nothing true of a pending payment when it is looked up: it stays under way', async () => {
      const order = await owing(shop);
      fate = () => 'pending';
      await order.refund(shop.lnurl.lnurl('doubted'));
      const { hash } = await payment(order);
      const look = { method: 'GET', pathPattern: `/api/v1/payments/${hash}` };
      const details = { payment_hash: hash, amount: -PRICE * 1000, status: 'success', extra: { kindling_order: order.id } };
      const lies = [
        { kind: 'before' }, { kind: 'garbage' }, { kind: 'status', status: 500 }, { kind: 'status', status: 404, body: { detail: 'Wallet not found.' } },
        { kind: 'status', status: 404, body: '<html>no such page</html>' }, { kind: 'status', status: 401 },
        { kind: 'status', status: 429, body: { error: 'slow down' } },
        { kind: 'status', status: 200, body: { paid: false } }, { kind: 'status', status: 200, body: { paid: true } },
        { kind: 'status', status: 200, body: { paid: true, details: { ...details, amount: -1 } } },
        { kind: 'status', status: 200, body: { paid: true, details: { ...details, payment_hash: 'a'.repeat(64) } } },
        { kind: 'status', status: 200, body: { paid: true, details: { ...details, status: 'pending' } } },
      ];
      for (const lie of lies) {
        const fault = shop.lnbits.fault({ ...look, ...lie });
        await shop.advanceUntil(() => fault.left === 0, 61, 'a look-up', order);
        assert.deepEqual([(await order.get()).refund.state, payouts(shop, order).length], ['paying', 1], JSON.stringify(lie));
      }
      shop.lnbits.settle(hash, 'success');
      await assertPaidBackOnce(shop, order);
      assert.equal(issued('doubted'), 1);
    });

    // what LNbits does with the call to pay, and how often it is asked for the one invoice until it is paid
    const troubles = {
      'drops the call before it pays': [{ kind: 'before' }, 2],
      'drops the call after it paid': [{ kind: 'after' }, 1],
      'pays and answers with a page': [{ kind: 'garbage' }, 1],
      'answers with a page and does not pay': [{ kind: 'garbage', applied: false }, 2],
      'pays and says 520': [{ kind: 'status', status: 520, applied: true }, 1],
      'says 520 and does not pay': [{ kind: 'status', status: 520 }, 2],
      'pays and says 500': [{ kind: 'status', status: 500, applied: true }, 1],
      'says 500 and does not pay': [{ kind: 'status', status: 500 }, 2],
      'pays and says 201 without a status': [{ kind: 'status', status: 201, body: {}, applied: true }, 1],
      'says 401': [{ kind: 'status', status: 401 }, 2],
      'says 403': [{ kind: 'status', status: 403 }, 2],
      'says 404, as for a wrong key': [{ kind: 'status', status: 404, body: { detail: 'Wallet not found.' } }, 2],
      'says 429': [{ kind: 'status', status: 429, body: { error: 'Rate limit exceeded: 1 per 1 minute' }, headers: { 'retry-after': '60' } }, 2],
      'redirects': [{ kind: 'status', status: 307, headers: { location: '/api/v1/payments' } }, 2],
    };
    for (const [what, [trouble, asked]] of Object.entries(troubles)) {
      test(`${what}: it is looked up, and paid once`, async () => {
        const order = await owing(shop);
        fate = () => 'success';
        shop.lnbits.fault({ ...pay, ...trouble });
        const to = shop.lnurl.lnurl('steady');
        const before = issued('steady');
        await order.refund(to);
        await assertPaidBackOnce(shop, order, to);
        assert.deepEqual([shop.lnbits.unusedFaults, payouts(shop, order).length, issued('steady') - before], [0, asked, 1]);
        const { hash } = await payment(order);
        const said = shop.lnbits.requests.filter(({ path, body }) => path.endsWith(hash) || body?.extra?.kindling_order === order.id);
        assert.deepEqual(said.slice(0, 3).map(({ method }) => method), ['GET', 'POST', 'GET'], 'looked up before and after');
      });
    }

    test('was asked for an invoice that ran out before it could be paid: another one is asked for', async () => {
      const order = await owing(shop);
      fate = () => 'success';
      const fault = shop.lnbits.fault({ ...pay, kind: 'status', status: 401, times: Infinity });
      await order.refund(shop.lnurl.lnurl('outlived'));
      await shop.lnbits.seen('POST', '/api/v1/payments', { where: payingFor(order) });
      await shop.advance(2 * HOUR, order);
      await shop.advanceUntil(() => issued('outlived') > 1, 61, 'another invoice', order);
      fault.clear();
      await assertPaidBackOnce(shop, order);
    });
  });

  describe('LNbits, asked to pay and too slow', { concurrency: true }, () => {
    let shop;
    before(async () => { shop = await openShop({ ...REFUSING, vars: IMPATIENT }); });
    after(() => shop.close());
    // A call is given up after seconds of real time; meanwhile no invoice may run out by the clock that the test moves.
    const isPaidBack = (order) => assertPaidBackOnce(shop, order, undefined, 1);
    /** LNbits holds the first call to pay for the order. */
    const holdPayment = (t, order, kind) => hold(t, shop.lnbits, { ...pay, kind, where: payingFor(order) });

    for (const [name, path] of Object.entries({ 'slow-first': '/.well-known/lnurlp', 'slow-second': '/callback' })) {
      test(`or the service behind the address is (${path}): it is asked again`, async (t) => {
        const order = await owing(shop);
        hold(t, shop.lnurl, { pathPattern: `${path}/${name}`, kind: 'stalled' });
        await order.refund(shop.lnurl.lnurl(name));
        await isPaidBack(order);
      });
    }

    test('after it has paid: it is looked up, not paid again', async (t) => {
      const order = await owing(shop);
      holdPayment(t, order, 'late');
      await order.refund(shop.lnurl.lnurl('slow'));
      await isPaidBack(order);
      assert.equal(payouts(shop, order).length, 1);
    });

    test('before it pays, until the same invoice was paid when it was asked for again', async (t) => {
      const order = await owing(shop);
      const release = holdPayment(t, order, 'stalled');
      await order.refund(shop.lnurl.lnurl('slow'));
      await isPaidBack(order);
      release();
      await pollUntil(() => payouts(shop, order).every(({ status }) => status !== null), 'the end of the slow call');
      assert.deepEqual([payouts(shop, order).map(({ status }) => status), shop.paidOut(order)], [[520, 201], [PRICE]], 'the slow call pays nothing');
    });

    test('before it pays, until it was looked up', async (t) => {
      const order = await owing(shop);
      const release = holdPayment(t, order, 'stalled');
      await order.refund(shop.lnurl.lnurl('slow'));
      const { payment_hash: hash } = await pollUntil(async () => (await order.story()).inner.refund.payout, 'a payout');
      // Looked up before it was asked for, and when that call was given up: LNbits does not know it, both times.
      await shop.lnbits.seen('GET', `/api/v1/payments/${hash}`, { times: 2 });
      release();
      await isPaidBack(order);
      const [slow] = payouts(shop, order);
      assert.deepEqual([slow.status, new Set(payouts(shop, order).map(({ body }) => body.bolt11)).size], [201, 1]);
    });
  });

  test('a Worker without the key that pays owes; one that dies while it pays, pays once', async (t) => {
    const shop = await openShop({ ...REFUSING, vars: { ...PATIENT, LNBITS_ADMIN_KEY: '' }, survives: true });
    t.after(() => shop.close());

    await t.test('without LNBITS_ADMIN_KEY it stays owed, listed for the operator, and nobody is asked', async () => {
      const order = await owing(shop, { refundTo: shop.lnurl.lnurl('waiting') });
      await order.isNoted('refund of 10000 sats owed');
      await shop.advance(HOUR + 60, order);
      assert.deepEqual((await order.get()).refund, { ...OWED, to: shop.lnurl.lnurl('waiting') });
      assert.deepEqual([shop.lnurl.requests, shop.lnbits.requests.filter(({ body }) => body?.out)], [[], []]);

      await shop.restart('stop', { LNBITS_ADMIN_KEY: shop.lnbits.adminKey });
      await shop.advance(HOUR, order);
      await assertPaidBackOnce(shop, order);
    });

    await t.test('killed while it asks for the invoice, after it stored it, and after LNbits paid', async () => {
      const never = new Promise(() => {});
      const orders = [await owing(shop), await owing(shop), await owing(shop)];
      const names = ['asked', 'stored', 'paid'];
      shop.lnurl.fault({ pathPattern: '/callback/asked', kind: 'late', until: never });
      await orders[0].refund(shop.lnurl.lnurl('asked'));
      await shop.lnurl.seen('GET', '/callback/asked');
      shop.lnbits.fault({ ...pay, where: payingFor(orders[1]), kind: 'stalled', until: never });
      await orders[1].refund(shop.lnurl.lnurl('stored'));
      await pollUntil(() => payouts(shop, orders[1]).length, 'the call to pay');
      shop.lnbits.fault({ ...pay, where: payingFor(orders[2]), kind: 'late', until: never });
      await orders[2].refund(shop.lnurl.lnurl('paid'));
      await pollUntil(() => shop.paidOut(orders[2]).length, 'the payment');
      assert.deepEqual(orders.map((order) => shop.paidOut(order)), [[], [], [PRICE]]);

      await shop.restart('kill');
      await Promise.all(orders.map((order, i) => assertPaidBackOnce(shop, order, shop.lnurl.lnurl(names[i]))));
      assert.deepEqual(names.map((name) => shop.lnurl.issued.filter((invoice) => invoice.name === name).length), [2, 1, 1]);
      assert.deepEqual(orders.map((order) => payouts(shop, order).length), [1, 2, 1]);
    });
  });
});
