// Payments that come late, twice or wrong: nothing is provisioned twice, nothing is lost, and nothing that LNbits did not confirm is believed.
// The cloud is the Worker's stub.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HOUR, PRICE, foreignInvoice, openShop } from '../support/shop.mjs';

/** How long an invoice can be paid, and a place is kept beyond that, in seconds. */
const INVOICE = HOUR;
const PLACE_GRACE = 600;

let shop;
/** Regions of one place, each for one test. */
const SMALL = ['fra1', 'ams3', 'lon1', 'tor1'];
before(async () => { shop = await openShop({ vars: { FLEETS: `nyc3=1000 ${SMALL.map((region) => `${region}=1`).join(' ')}` } }); });
after(() => shop.close());

/** An order whose invoice ran out `seconds` ago, unpaid as LNbits says. */
async function expiredOrder(seconds = 5, fields) {
  const order = await shop.order(fields);
  await shop.advance(INVOICE + seconds, order);
  await order.sees(({ state }) => state === 'expired');
  return order;
}
const standings = async (order) => (await order.story()).inner.bills.map(({ standing }) => standing.is);
/** How often the order's machine was ordered. */
const machines = async (order) => (await order.events()).filter((event) => event === 'droplet_asked').length;

describe('a payment that comes late', () => {
  test('by seconds is provisioned', async () => {
    const order = await expiredOrder(5);
    await order.pay();
    const ready = await order.becomesReady();
    assert.deepEqual([ready.refund, await machines(order)], [undefined, 1]);
    await order.isNoted(undefined);
  });

  test('by a day is provisioned, and is found although no webhook came', async () => {
    const order = await expiredOrder(22 * HOUR);
    order.payQuietly();
    await shop.advance(HOUR, order);
    const ready = await order.becomesReady();
    assert.deepEqual([ready.refund, await machines(order)], [undefined, 1]);
  });

  test('when another has its place is owed back: shown to the customer and to the operator', async () => {
    const region = SMALL[0];
    const late = await expiredOrder(PLACE_GRACE + 5, { region });
    const other = await shop.order({ region });
    await late.pay();
    const failed = await late.sees(({ state }) => state === 'failed');
    assert.equal(failed.errorCode, 'no_capacity');
    assert.deepEqual(failed.refund, { state: 'owed', owedSats: PRICE, paidSats: 0 });
    assert.match(failed.message, /A refund of 10000 sats is owed to you/);
    await late.isNoted('refund of 10000 sats owed');
    assert.equal(await machines(late), 0);
    await other.pay();
    await other.becomesReady();

    await late.refund(foreignInvoice(shop, PRICE));
    const refunded = await late.sees(({ state }) => state === 'refunded');
    assert.deepEqual([refunded.refund.state, refunded.refund.paidSats, shop.paidOut(late)], ['paid', PRICE, [PRICE]]);
    assert.equal(refunded.message, 'Everything that was made for this order was removed. 10000 sats were sent back to you.');
    await late.isNoted(undefined);
  });
});

describe('both invoices of a renewed order paid', () => {
  for (const [name, paysFirst] of Object.entries({ 'the new one first': 1, 'the old one first': 0 })) {
    test(`${name}: one machine, and one refund owed`, async () => {
      const order = await expiredOrder();
      const renewed = await order.renew();
      const invoices = [order.created.invoice, renewed.invoice];
      assert.notEqual(invoices[0].paymentRequest, invoices[1].paymentRequest);
      assert.deepEqual([renewed.state, renewed.expiresAt], ['awaiting_payment', renewed.invoice.expiresAt]);

      await order.pay(invoices[paysFirst]);
      await order.becomesReady();
      assert.equal((await order.get()).refund, undefined);
      await order.pay(invoices[1 - paysFirst]);
      const owing = await order.sees(({ refund }) => refund);
      assert.deepEqual([owing.state, owing.refund], ['ready', { state: 'owed', owedSats: PRICE, paidSats: 0 }]);
      await order.isNoted('refund of 10000 sats owed');

      const to = foreignInvoice(shop, PRICE);
      await order.refund(to);
      const paid = await order.sees(({ refund }) => refund.state === 'paid');
      assert.deepEqual([paid.state, paid.refund], ['ready', { state: 'paid', owedSats: 0, paidSats: PRICE, to }]);
      assert.deepEqual([shop.paidOut(order), await machines(order)], [[PRICE], 1]);
      assert.deepEqual((await standings(order)).sort(), ['bought', 'owed']);
    });
  }

  test('at the same time: the same', async () => {
    const order = await expiredOrder();
    const { invoice } = await order.renew();
    await Promise.all([order.pay(), order.pay(invoice)]);
    await order.becomesReady();
    const view = await order.sees(({ refund }) => refund);
    assert.deepEqual([view.refund.owedSats, await machines(order), (await standings(order)).sort()], [PRICE, 1, ['bought', 'owed']]);
  });

  /** An order that was renewed and ran out again, and whose place has gone to another. */
  async function renewedInVain(region, fields) {
    const order = await expiredOrder(PLACE_GRACE + 5, { region, ...fields });
    const { invoice } = await order.renew();
    await shop.advance(INVOICE + PLACE_GRACE + 5, order);
    await order.sees(({ state }) => state === 'expired');
    await shop.order({ region });
    return { order, invoice };
  }

  test('and no machine to be had: both are owed and go back as one', async () => {
    const { order, invoice } = await renewedInVain(SMALL[1]);
    await order.pay();
    await order.sees(({ state }) => state === 'failed');
    await order.pay(invoice);
    await order.sees(({ refund }) => refund.owedSats === 2 * PRICE);
    await order.refused('refund', { refundTo: foreignInvoice(shop, PRICE) }, 400, 'invalid_refund_address');
    await order.refund(foreignInvoice(shop, 2 * PRICE));
    await order.sees(({ state }) => state === 'refunded');
    assert.deepEqual(shop.paidOut(order), [2 * PRICE]);
  });

  test('and the first refunded before the second came: the second is refunded for itself', async () => {
    const { order, invoice } = await renewedInVain(SMALL[2], { refundTo: shop.lnurl.lnurl('twice') });
    await order.pay();
    await order.sees(({ state }) => state === 'refunded');
    await order.pay(invoice);
    await order.sees(({ state, refund }) => state === 'refunded' && refund.paidSats === 2 * PRICE);
    assert.deepEqual(shop.paidOut(order), [PRICE, PRICE]);
  });
});

describe('a payment that is not what was asked for', () => {
  const lies = {
    wrong_amount: (details) => ({ ...details, amount: details.amount - 1000 }),
    wrong_hash: (details) => ({ ...details, payment_hash: 'ab'.repeat(32) }),
    wrong_wallet: (details) => ({ ...details, wallet_id: 'f'.repeat(32) }),
  };
  for (const [odd, lie] of Object.entries(lies)) {
    test(`(${odd}) buys nothing, and is shown to customer and operator until LNbits says something else`, async () => {
      const order = await shop.order();
      const { hash } = order.bill();
      shop.lnbits.tamper((answer) => (answer.details?.payment_hash === hash ? { ...answer, details: lie(answer.details) } : answer));
      try {
        await order.pay();
        const view = await order.sees(({ message }) => /not what was asked for/.test(message));
        assert.deepEqual([view.state, view.refund], ['awaiting_payment', undefined]);
        assert.equal((await order.journal('payment_quarantined')).detail, odd);
        await order.isNoted(`payment in quarantine: ${odd}`);

        await order.isLookedAt();
        assert.deepEqual([await standings(order), await machines(order)], [['open'], 0]);
        assert.equal((await order.events()).filter((event) => event === 'payment_quarantined').length, 1, 'said once');

        await shop.advance(INVOICE, order);
        const expired = await order.sees(({ state }) => state === 'expired');
        assert.match(expired.message, /not what was asked for/);
      } finally {
        shop.lnbits.tamper();
      }
      await shop.advance(HOUR, order);
      const ready = await order.becomesReady();
      assert.doesNotMatch(ready.message, /not what was asked for/);
      await order.isNoted(undefined);
      assert.equal(await machines(order), 1);
    });
  }
});

describe('while LNbits cannot be reached', () => {
  /** LNbits is down from here on. -> up() */
  const down = (t) => {
    const { clear } = shop.lnbits.fault({ method: 'GET', kind: 'before', times: Infinity });
    t.after(clear);
    return clear;
  };

  test('an invoice runs out without being given up: what was paid in time is found later', async (t) => {
    const order = await shop.order();
    order.payQuietly();
    const up = down(t);
    await shop.advance(INVOICE + 5, order);
    await order.isLookedAt();
    assert.equal((await order.get()).state, 'awaiting_payment');
    up();
    await shop.advance(60, order);
    await order.becomesReady();
    assert.ok(!(await order.events()).includes('expired'));
  });

  test('an unpaid order runs out once LNbits has said so', async (t) => {
    const order = await shop.order();
    const up = down(t);
    await shop.advance(INVOICE + 5, order);
    await order.isLookedAt();
    assert.equal((await order.get()).state, 'awaiting_payment');
    up();
    await shop.advance(60, order);
    await order.sees(({ state }) => state === 'expired');
  });

  test('the 24 hours of watching do not end: what was paid before their end is found after it', async (t) => {
    const order = await expiredOrder();
    order.payQuietly();
    const up = down(t);
    await shop.advance(25 * HOUR, order);
    await order.isLookedAt();
    assert.deepEqual(await standings(order), ['open']);
    up();
    await shop.advance(2 * HOUR, order);
    await order.becomesReady();
  });
});

describe('an invoice is watched for 24 hours after it ran out,', () => {
  test('and once LNbits has called it unpaid after that, never again', async () => {
    const order = await expiredOrder();
    await shop.advance(23 * HOUR, order);
    await order.isLookedAt();
    assert.deepEqual(await standings(order), ['open']);
    await shop.advance(HOUR, order);
    await order.journal('bill_lapsed');
    assert.deepEqual([await standings(order), (await order.get()).state], [['lapsed'], 'expired']);

    const before = order.looks();
    await order.pay();
    await order.get();
    // A later order's look-up shows that the Worker went on meanwhile.
    const other = await shop.order();
    await shop.advance(HOUR, order, other);
    await other.sees(({ state }) => state === 'expired');
    assert.deepEqual([order.looks(), (await order.get()).state], [before, 'expired']);
  });

  test('and can be renewed as long as the order is there', async () => {
    const order = await expiredOrder();
    await shop.advance(25 * HOUR, order);
    await order.journal('bill_lapsed');
    const { invoice } = await order.renew();
    await order.pay(invoice);
    await order.becomesReady();
    assert.deepEqual(await standings(order), ['lapsed', 'bought']);
  });
});

describe('renewing', () => {
  test('twice at once makes one invoice, and only an order that ran out is renewed', async () => {
    const fresh = await shop.order();
    const waiting = await fresh.get();
    assert.deepEqual(await fresh.renew(), waiting, 'an open invoice stands');
    const order = await expiredOrder();
    const made = shop.lnbits.payments.length;
    const answers = await Promise.all(Array.from({ length: 5 }, () => order.renew()));
    assert.equal(new Set(answers.map(({ invoice }) => invoice.paymentRequest)).size, 1);
    assert.equal(shop.lnbits.payments.length, made + 1);
    await order.pay(answers[0].invoice);
    await order.becomesReady();
    await order.refused('renew', {}, 409, 'not_renewable');
    await order.refused('renew', { extra: 1 }, 400, 'unknown_field');
  });

  test('needs a place, and LNbits; refused, it changes nothing', async () => {
    const region = SMALL[3];
    const order = await expiredOrder(PLACE_GRACE + 5, { region });
    const other = await shop.order({ region });
    const before = await order.get();
    await order.refused('renew', {}, 503, 'no_capacity');
    assert.deepEqual(await order.get(), before);
    await shop.advance(INVOICE + PLACE_GRACE + 5, other, order);
    shop.lnbits.fault({ method: 'POST', kind: 'status', status: 500 });
    await order.refused('renew', {}, 503, 'lightning_unavailable');
    assert.deepEqual(await order.get(), before);
    assert.equal((await order.renew()).state, 'awaiting_payment');
  });

  test('ends after ten invoices', async () => {
    const order = await shop.order();
    for (let invoices = 1; invoices < 10; invoices += 1) {
      await shop.advance(INVOICE + 5, order);
      await order.sees(({ state }) => state === 'expired');
      await order.renew();
    }
    await shop.advance(INVOICE + 5, order);
    await order.sees(({ state }) => state === 'expired');
    await order.refused('renew', {}, 429, 'too_many_requests');
  });
});
