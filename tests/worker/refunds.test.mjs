// Where a refund may go: an address is read, judged and asked for its invoice, and neither the customer nor the service behind the address is
// trusted. What LNbits makes of the invoice is payouts.test.mjs' matter.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { encodeLnurl } from '../fakes/lnurl.mjs';
import { assertRefused, call, orderBody } from '../support/order.mjs';
import { OWED, REFUSING, assertPaidBackOnce, owing, payouts, problemOf } from '../support/refunds.mjs';
import { HOUR, PRICE, foreignInvoice, hold, openShop } from '../support/shop.mjs';

describe('a refund', { concurrency: true }, () => {
  describe('to an address', { concurrency: 1 }, () => {
    let shop;
    before(async () => { shop = await openShop(REFUSING); });
    after(() => shop.close());

    test('that was given with the order is paid as soon as the order has failed', async () => {
      const to = shop.lnurl.lnurl('early');
      const order = await owing(shop, { refundTo: to });
      await assertPaidBackOnce(shop, order, to);
      assert.deepEqual(shop.lnurl.transcript().filter((line) => line.includes('early')), [
        'GET /.well-known/lnurlp/early 200', 'GET /callback/early?amount=10000000 200',
      ]);
      assert.deepEqual(payouts(shop, order).map(({ body }) => body), [
        { out: true, bolt11: shop.lnurl.issued.find(({ name }) => name === 'early').bolt11, extra: { kindling_order: order.id } },
      ]);
    });

    test('can be given when the order has failed, and until then nothing is asked', async () => {
      const order = await owing(shop);
      assert.deepEqual((await order.get()).refund, OWED);
      assert.match((await order.get()).message, /Say where it should go\.$/);
      await order.isNoted('refund of 10000 sats owed');
      assert.deepEqual(payouts(shop, order), []);
      const to = foreignInvoice(shop, PRICE);
      assert.equal((await order.refund(to)).refund.to, to);
      await assertPaidBackOnce(shop, order, to);
    });

    test('can be given before anything is owed, and changed', async () => {
      const order = await shop.order({ refundTo: shop.lnurl.lnurl('first-thought') });
      assert.equal((await order.refund(shop.lnurl.lnurl('second-thought'))).refund, undefined);
      await order.pay();
      await assertPaidBackOnce(shop, order, shop.lnurl.lnurl('second-thought'));
      assert.ok(!shop.lnurl.transcript().some((line) => line.includes('first-thought')));
    });

    test('is the same whether it is given once or often, also when all is paid', async () => {
      const order = await owing(shop);
      const to = shop.lnurl.lnurl('often');
      await Promise.all(Array.from({ length: 10 }, () => order.refund(to)));
      await assertPaidBackOnce(shop, order, to);
      await order.refund(to);
      await shop.advance(HOUR, order);
      assert.equal((await order.refund(shop.lnurl.lnurl('later'))).state, 'refunded');
      await order.isNoted(undefined);
      assert.deepEqual(shop.paidOut(order), [PRICE]);
    });

    test('is read in every spelling of a BOLT11 and an LNURL', async () => {
      const bolt11 = () => foreignInvoice(shop, PRICE);
      const lnurl = shop.lnurl.lnurl('spelt');
      const spellings = [
        bolt11().toUpperCase(), `lightning:${bolt11()}`, `LIGHTNING:${bolt11().toUpperCase()}`, ` ${bolt11()}\n`, lnurl.toLowerCase(), `lightning:${lnurl}`,
      ];
      for (const to of spellings) {
        const order = await owing(shop);
        await order.refund(to);
        await assertPaidBackOnce(shop, order, to.trim());
      }
    });

    test('that is an invoice for something else than what is owed is refused at once', async () => {
      const order = await owing(shop);
      const good = foreignInvoice(shop, PRICE);
      const rows = {
        'a satoshi less': foreignInvoice(shop, PRICE - 1), 'a satoshi more': foreignInvoice(shop, PRICE + 1),
        'a millisatoshi more': foreignInvoice(shop, 0, { amountMsat: PRICE * 1000 + 1 }), 'no amount': foreignInvoice(shop, 0, { amountMsat: undefined }),
        testnet: foreignInvoice(shop, PRICE, { network: 'testnet' }), signet: foreignInvoice(shop, PRICE, { network: 'signet' }),
        regtest: foreignInvoice(shop, PRICE, { network: 'regtest' }),
        'run out': foreignInvoice(shop, PRICE, { timestamp: Math.floor(shop.now() / 1000) - 4000 }),
        'about to run out': foreignInvoice(shop, PRICE, { expiry: 50 }), 'cut off': good.slice(0, -7), 'in mixed case': good.replace('l', 'L'),
        mistyped: good.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q')), 'a text': 'give it to the cat',
        'an on-chain address': 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq', nothing: '',
        'not a text': 7,
      };
      for (const [what, refundTo] of Object.entries(rows)) {
        const answer = await order.post('refund', { refundTo });
        assert.deepEqual([what, answer.status, answer.body.error?.code], [what, 400, what === 'not a text' ? 'invalid_body' : 'invalid_refund_address']);
        if (String(refundTo).length > 8) assert.ok(!answer.text.includes(refundTo), 'the answer repeats its input');
      }
      await order.refused('refund', { refundTo: good, extra: 1 }, 400, 'unknown_field');
      await order.refused('refund', {}, 400, 'invalid_body');
      assert.deepEqual([(await order.get()).refund, payouts(shop, order)], [OWED, []]);
    });

    test('that is an invoice of this shop, or was paid for another refund, is found out before money leaves', async () => {
      const [one, other, unpaid] = [await owing(shop), await owing(shop), await shop.order()];
      await one.refund(one.created.invoice.paymentRequest);
      assert.match(await problemOf(shop, one), /this order's own invoice/);
      const used = foreignInvoice(shop, PRICE);
      await other.refund(used);
      await assertPaidBackOnce(shop, other);
      for (const to of [unpaid.created.invoice.paymentRequest, other.created.invoice.paymentRequest, used]) {
        assert.equal((await one.refund(to)).refund.problem, undefined);
        assert.match(await problemOf(shop, one), /in use for something else/);
      }
      assert.deepEqual([payouts(shop, one), (await unpaid.get()).state], [[], 'awaiting_payment']);
      await one.refund(foreignInvoice(shop, PRICE));
      await assertPaidBackOnce(shop, one);
      assert.equal(shop.lnbits.paidOut().filter(({ bolt11 }) => bolt11 === used).length, 1);
    });

    describe('the service behind the address', { concurrency: 1 }, () => {
      const FIRST = '/.well-known/lnurlp/:name';
      const SECOND = '/callback/:name';
      const first = (change) => () => shop.lnurl.tamper((answer, what) => (what === 'first' ? { ...answer, ...change() } : answer));
      const second = (change) => () => shop.lnurl.tamper((answer, what) => (what === 'second' ? { ...answer, ...change() } : answer));
      const fault = (pathPattern, fields) => () => shop.lnurl.fault({ method: 'GET', pathPattern, ...fields });
      const pr = (sats, fields) => second(() => ({ pr: foreignInvoice(shop, sats, fields) }));
      const away = { kind: 'status', status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere' } };

      const final = {
        'redirects the first question': [fault(FIRST, away), /not reachable by https/],
        'redirects the second question': [fault(SECOND, away), /not reachable by https/],
        'answers the first question with a page': [fault(FIRST, { kind: 'garbage' }), /Nothing can be paid/],
        'answers the second question with a page': [fault(SECOND, { kind: 'garbage' }), /Nothing can be paid/],
        'answers more than anybody would read': [first(() => ({ metadata: 'x'.repeat(70_000) })), /Nothing can be paid/],
        'pays out instead of taking': [first(() => ({ tag: 'withdrawRequest' })), /Nothing can be paid/],
        'takes less than is owed': [first(() => ({ maxSendable: 9_999_000 })), /between 1 and 9999 sats/],
        'takes more than is owed': [first(() => ({ minSendable: 10_001_000 })), /between 10001 and 1000000 sats/],
        'leads back to this shop': [first(() => ({ callback: `${shop.worker.url}/api/health` })), /not reachable by https/],
        'leads to a file': [first(() => ({ callback: 'file:///etc/passwd' })), /not reachable by https/],
        'hides a user in its callback': [first(() => ({ callback: 'http://user@127.0.0.1/x' })), /not reachable by https/],
        'asks for a satoshi more': [pr(PRICE + 1), /exactly what is owed/],
        'asks for a millisatoshi more': [pr(0, { amountMsat: PRICE * 1000 + 1 }), /exactly what is owed/],
        'asks for less': [pr(PRICE - 1), /exactly what is owed/],
        'asks for any amount': [pr(0, { amountMsat: undefined }), /Nothing can be paid/],
        'is on another network': [pr(PRICE, { network: 'testnet' }), /another Bitcoin network/],
        'gives an invoice that runs out': [pr(PRICE, { expiry: 30 }), /has expired/],
        'gives an invoice that ran out': [pr(PRICE, { timestamp: 1_700_000_000 }), /has expired/],
        'gives an LNURL for an invoice': [second(() => ({ pr: shop.lnurl.lnurl('round-and-round') })), /Nothing can be paid/],
        'gives no invoice': [second(() => ({ pr: undefined })), /Nothing can be paid/],
      };
      for (const [what, [arrange, sentence]] of Object.entries(final)) {
        test(`${what}: nothing is paid, and another address is asked for`, async () => {
          const order = await owing(shop);
          arrange();
          await order.refund(shop.lnurl.lnurl('bad'));
          const problem = await problemOf(shop, order);
          assert.match(problem, sentence);
          assert.deepEqual([shop.lnurl.unusedFaults, payouts(shop, order)], [0, []]);
          shop.lnurl.tamper();
          const to = shop.lnurl.lnurl('good');
          const { refund } = await order.refund(to);
          assert.deepEqual([refund.to, refund.problem], [to, undefined]);
          await assertPaidBackOnce(shop, order, to);
        });
      }

      const busy = (status, headers) => ({ kind: 'status', status, headers });
      const no = { kind: 'status', status: 200, body: { status: 'ERROR', reason: 'not today: marker4711' } };
      const later = {
        'drops the first question': fault(FIRST, { kind: 'before', times: 3 }),
        'drops the second question': fault(SECOND, { kind: 'before', times: 3 }),
        'makes an invoice and drops the answer': fault(SECOND, { kind: 'after', times: 3 }),
        'is broken (500)': fault(FIRST, busy(500)),
        'is busy (429)': fault(FIRST, busy(429, { 'retry-after': '20' })),
        'is away (503)': fault(SECOND, busy(503, { 'retry-after': '600' })),
        'says no': fault(FIRST, { ...no, times: 2 }),
        'says no to the amount': fault(SECOND, { ...no, times: 2 }),
        'says no with a status': fault(FIRST, { ...no, status: 400 }),
      };
      for (const [what, arrange] of Object.entries(later)) {
        test(`${what}: it is asked again later`, async () => {
          const order = await owing(shop);
          const trouble = arrange();
          const to = shop.lnurl.lnurl('patient');
          await order.refund(to);
          await shop.advanceUntil(() => trouble.left === 0, 35, 'the trouble', order);
          assert.equal((await order.get()).refund.problem, undefined);
          await assertPaidBackOnce(shop, order, to);
          assert.ok(!shop.worker.logs().includes('marker4711'), 'words of a stranger are in the log');
        });
      }
    });

    test('what the operator has paid back by hand is paid back', async () => {
      const order = await owing(shop);
      const path = `/api/operator/orders/${order.id}/refunded`;
      for (const token of [undefined, 'wrong', order.token]) assertRefused(await call(shop.worker, 'POST', path, { token }), 404, 'not_found');
      assert.deepEqual((await order.get()).refund, OWED);
      for (let times = 0; times < 3; times += 1) {
        const { status, body } = await shop.operator('POST', `orders/${order.id}/refunded`);
        assert.deepEqual([status, body.state, body.refund], [200, 'refunded', { state: 'paid', owedSats: 0, paidSats: PRICE }]);
      }
      await order.isNoted(undefined);
      assert.equal((await order.events()).filter((event) => event === 'refunded_by_hand').length, 1);
      await order.refund(shop.lnurl.lnurl('greedy'));
      await shop.advance(HOUR, order);
      await order.isNoted(undefined);
      assert.deepEqual([shop.paidOut(order), shop.lnurl.transcript().filter((line) => line.includes('greedy'))], [[], []]);
    });

    describe('while an address is asked for its invoice', { concurrency: 1 }, () => {
      /** The answer with the invoice is on its way until `release`. */
      async function resolving(t, name) {
        const order = await owing(shop);
        const release = hold(t, shop.lnurl, { pathPattern: `/callback/${name}` });
        await order.refund(shop.lnurl.lnurl(name));
        await shop.lnurl.seen('GET', `/callback/${name}`);
        return { order, release };
      }

      test('the operator pays by hand: nothing is paid again', async (t) => {
        const { order, release } = await resolving(t, 'by-hand');
        assert.equal((await shop.operator('POST', `orders/${order.id}/refunded`)).status, 200);
        release();
        await order.isNoted(undefined);
        await shop.advance(HOUR, order);
        const view = await order.get();
        assert.deepEqual([view.state, view.refund.paidSats, payouts(shop, order)], ['refunded', PRICE, []]);
      });

      test('the customer names another: only the new one is paid', async (t) => {
        const { order, release } = await resolving(t, 'old');
        await order.refund(shop.lnurl.lnurl('new'));
        release();
        await assertPaidBackOnce(shop, order, shop.lnurl.lnurl('new'));
        const [{ bolt11 }] = shop.lnbits.paidOut().filter((entry) => entry.order === order.id);
        assert.equal(shop.lnurl.issued.find((invoice) => invoice.bolt11 === bolt11).name, 'new');
      });
    });
  });

  describe('without the setting for tests', { concurrency: 1 }, () => {
    let shop;
    let order;
    before(async () => {
      shop = await openShop({ vars: { LNURL_ALLOW_PRIVATE: '', PUBLIC_URL: 'https://kindling.example' } });
      order = await shop.order();
    });
    after(() => shop.close());
    const hasAddress = async () => (await order.story()).inner.refund.has_address;

    test('an address that is not https on the public internet is refused, up front and later', async () => {
      const hosts = [
        'localhost', 'LOCALHOST', 'a.localhost', 'router', 'nas.lan', 'printer.local', 'metadata.google.internal', 'x.home.arpa', 'x.test', 'x.onion',
        '127.0.0.1', '10.0.0.1', '192.168.1.1', '169.254.169.254', '8.8.8.8', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '127.1', '0', '127.0.0.1.',
        'example.com:8443', 'kindling.example', 'KINDLING.example.', 'kindling.example:443',
      ];
      const urls = [
        ...hosts.map((host) => `https://${host}/x`), 'http://example.com/x', 'ftp://example.com/x', 'https://[::1]/x', 'https://[::ffff:127.0.0.1]/x',
        'https://[fd00::1]/x', 'https://user@example.com/x', 'https://user:pass@example.com/x', 'https://example.com@127.0.0.1/x',
        'https://%31%32%37.0.0.1/x', 'https://kindl%69ng.example/x', 'https:\\\\example.com/x', shop.lnurl.url, shop.worker.url,
      ];
      const addresses = [
        ...hosts.map((host) => `me@${host}`), 'me@[::1]', ...urls.map(encodeLnurl), 'lnurlp://127.0.0.1/x', 'lnurlp://localhost/x',
        'lnurlp://kindling.example/x', 'lnurlw://example.com/x', 'https://example.com/pay', 'me@example.com/../x', 'me@example.com#x', '@example.com', 'me@', 'me@a@example.com',
      ];
      await Promise.all(addresses.map(async (refundTo) => {
        const later = await order.post('refund', { refundTo });
        assert.deepEqual([refundTo, later.status, later.body.error?.code], [refundTo, 400, 'invalid_refund_address']);
        const early = await call(shop.worker, 'POST', '/api/bootstrap', { body: (await orderBody({ refundTo })).body });
        assert.deepEqual([`${refundTo} up front`, early.status, early.body.error?.code], [`${refundTo} up front`, 400, 'invalid_refund_address']);
        for (const { body } of [later, early]) assert.ok(!body.error.message.toLowerCase().includes('127.0'), body.error.message);
      }));
      assert.deepEqual([await hasAddress(), shop.lnurl.requests], [false, []]);
    });

    test('a Lightning Address or an LNURL of the public internet is taken, and nobody is asked before something is owed', async () => {
      const good = ['me@example.com', 'Me+Tips@Sub.Example.com', 'lightning:me@example.com', encodeLnurl('https://example.com/x'), 'lnurlp://example.com/x'];
      await Promise.all(good.map(async (to) => {
        await order.refund(to);
        const { body } = await orderBody({ refundTo: to });
        assert.equal((await call(shop.worker, 'POST', '/api/bootstrap', { body })).status, 201, to);
      }));
      assert.deepEqual([await hasAddress(), shop.lnurl.requests], [true, []]);
    });
  });
});
