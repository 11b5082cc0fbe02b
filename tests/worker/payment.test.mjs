// How a payment is noticed, and that nothing but LNbits' own word makes an order paid: with a real LNbits first, then with a scripted
// one for what a real one does not do on command.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createDigitalOcean } from '../fakes/digitalocean.mjs';
import { createLnbits } from '../fakes/lnbits.mjs';
import { makeInvoice, readInvoice } from '../support/bolt11.mjs';
import { lnbitsMissing, startLnbits } from '../support/lnbits.mjs';
import { assertRefused, call, orderBody, placeOrder, pollUntil, randomId } from '../support/order.mjs';
import { freePort } from '../support/process.mjs';
import { startWorker } from '../support/worker.mjs';

const PRICE = 10_000;
const HOUR = 3600;
/**
 * A Worker half a day ahead of LNbits: by its clock each invoice ran out long ago, and an order's alarm looks for its payment only once an hour.
 * What it notices sooner, somebody has told it.
 */
const AHEAD = { DEV_CLOCK: String(12 * HOUR) };
/** The rows of an order's object that speak of an order. */
const kept = async (worker, id) => {
  const storage = await worker.storage('ORDER', id);
  const tables = await storage.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'kept'");
  return tables.length ? storage.exec('SELECT key, value FROM kept') : [];
};

/** A Worker on a scripted LNbits that makes true invoices; the cloud is the stub. */
async function scripted(t, vars = {}) {
  const invoice = ({ amountSats, expiry }) => makeInvoice({ amountMsat: amountSats * 1000, expiry });
  const lnbits = await createLnbits({ invoice });
  const worker = await startWorker({ vars: { LNBITS_URL: lnbits.url, LNBITS_API_KEY: lnbits.invoiceKey, ...vars } });
  t.after(() => worker.stop().then(() => lnbits.close()));
  return { lnbits, worker };
}

describe('a payment', { concurrency: true }, () => {
  describe('with a real LNbits', { skip: lnbitsMissing ?? false, concurrency: true }, () => {
    let lnbits;
    let told; // a Worker that hears LNbits' webhooks, and by itself hardly ever looks
    let polled; // one that hardly ever looks, and hears nothing: webhooks go to a port where nobody is
    let deaf; // one that hears nothing
    let clouds;
    before(async () => {
      lnbits = await startLnbits();
      clouds = await Promise.all([createDigitalOcean(), createDigitalOcean(), createDigitalOcean()]);
      const nobody = { PUBLIC_URL: `http://127.0.0.1:${await freePort()}` };
      [told, polled, deaf] = await Promise.all([AHEAD, { ...AHEAD, ...nobody }, nobody].map((own, i) => startWorker({
        vars: { LNBITS_URL: lnbits.url, LNBITS_API_KEY: lnbits.merchant.inkey, DO_API_TOKEN: 'dop_v1_test', DO_API_URL: clouds[i].url, ...own },
      })));
    });
    after(async () => {
      await Promise.all([told, polled, deaf].map((worker) => worker.stop()));
      await Promise.all([lnbits.close(), ...clouds.map((cloud) => cloud.close())]);
    });
    const pay = (order) => lnbits.pay(order.created.invoice.paymentRequest);

    test('the invoice is LNbits\' own, for the price, and shows no payment hash', async () => {
      const { created } = await placeOrder(deaf);
      assert.deepEqual(Object.keys(created.invoice).sort(), ['amountSats', 'expiresAt', 'paymentRequest']);
      assert.match(created.message, /Pay the invoice of 10000 sats/);
      const invoice = readInvoice(created.invoice.paymentRequest);
      assert.deepEqual([invoice.network, invoice.amountMsat], ['bitcoin', PRICE * 1000]);
      assert.equal((invoice.timestamp + invoice.expiry) * 1000, Date.parse(created.expiresAt));
      const { paid, details } = await lnbits.payment(invoice.paymentHash);
      assert.deepEqual([paid, details.amount, details.wallet_id], [false, PRICE * 1000, lnbits.merchant.id]);
      assertRefused(await call(deaf, 'POST', `/api/dev/stub/pay/${invoice.paymentHash}`), 404, 'not_found');
    });

    test('a payment is noticed at once by the webhook', async () => {
      const order = await placeOrder(told);
      const live = await order.live();
      await pay(order);
      const view = await live.until(({ state }) => state === 'provisioning');
      assert.equal(view.invoice, undefined);
      live.close();
    });

    test('with the webhook lost, a poll of the page finds it', async () => {
      const order = await placeOrder(polled);
      assert.equal((await order.get()).state, 'awaiting_payment');
      await pay(order);
      await order.poll('provisioning');
    });

    test('with the webhook lost and nobody looking, the alarm finds it within a minute', async () => {
      const order = await placeOrder(deaf);
      const live = await order.live(); // it watches, and hints at nothing
      await pay(order);
      await live.until(({ state }) => state === 'provisioning', 60_000);
      live.close();
    });

    test('five polls at once start one provisioning', async () => {
      const order = await placeOrder(deaf);
      await pay(order);
      await Promise.all(Array.from({ length: 5 }, () => order.poll('provisioning')));
      const name = `kindling-${order.id}`;
      await pollUntil(() => clouds[2].droplets.some((droplet) => droplet.name === name), 'a droplet');
      await Promise.all(Array.from({ length: 5 }, order.get));
      const creates = clouds[2].requests.filter(({ method, path, body }) => method === 'POST' && path === '/v2/droplets' && body.name === name);
      assert.equal(creates.length, 1);
    });

    test('a forged, duplicated or early webhook changes nothing that LNbits does not confirm', async () => {
      const order = await placeOrder(deaf);
      const { paymentHash } = readInvoice(order.created.invoice.paymentRequest);
      const { details } = await lnbits.payment(paymentHash);
      const hook = new URL(details.webhook).pathname;
      assert.match(hook, new RegExp(`^/api/lnbits/${order.id}/[0-9a-f]{32}$`));
      const forged = JSON.stringify(JSON.stringify({ ...details, status: 'success', pending: false, paid: true }));
      const stored = await kept(deaf, order.id);
      for (const body of [forged, forged, '{}', 'not json', '']) {
        const answer = await call(deaf, 'POST', hook, { body });
        assert.deepEqual([answer.status, answer.body], [200, {}]);
      }
      for (const wrong of [`/api/lnbits/${order.id}/${'0'.repeat(32)}`, `/api/lnbits/${randomId()}/${hook.split('/').at(-1)}`, hook.slice(0, -1)]) {
        assertRefused(await call(deaf, 'POST', wrong, { body: forged }), 404, 'not_found');
      }
      assert.equal((await order.get()).state, 'awaiting_payment');
      assert.deepEqual(await kept(deaf, order.id), stored);

      await pay(order);
      await call(deaf, 'POST', hook, { body: 'anything' });
      await order.until('provisioning');
      const again = await call(deaf, 'POST', hook, { body: forged });
      assert.equal(again.status, 200);
      assert.equal((await order.get()).state, 'provisioning');
    });

    test('an order\'s hook opens no other order', async () => {
      const [one, other] = await Promise.all([placeOrder(deaf), placeOrder(deaf)]);
      const { details } = await lnbits.payment(readInvoice(one.created.invoice.paymentRequest).paymentHash);
      const hook = new URL(details.webhook).pathname.split('/').at(-1);
      assertRefused(await call(deaf, 'POST', `/api/lnbits/${other.id}/${hook}`), 404, 'not_found');
    });
  });

  describe('with LNbits in trouble', { concurrency: true }, () => {
    test('no order is half made: the customer hears "try again", and the same body succeeds later', async (t) => {
      const { lnbits, worker } = await scripted(t);
      const wrong = (fields) => () => makeInvoice({ amountMsat: PRICE * 1000, ...fields });
      const rows = {
        down: { fault: { kind: 'before' } },
        'cut off after it worked': { fault: { kind: 'after' } },
        'answering HTML': { fault: { kind: 'garbage' } },
        'answering HTML with 201': { fault: { kind: 'status', status: 201, body: '<html>' } },
        'saying 404 for a wrong key': { fault: { kind: 'status', status: 404, body: { detail: 'Wallet not found.' } } },
        'saying 401': { fault: { kind: 'status', status: 401 } },
        'saying 429': { fault: { kind: 'status', status: 429, body: { error: 'Rate limit exceeded: 1 per 1 minute' } } },
        'saying 500': { fault: { kind: 'status', status: 500 } },
        'saying 520': { fault: { kind: 'status', status: 520 } },
        'moving away': { fault: { kind: 'status', status: 307, headers: { location: '/api/v1/payments' } } },
        'with an invoice of another amount': { invoice: wrong({ amountMsat: PRICE * 1000 + 1 }) },
        'with an invoice of no amount': { invoice: wrong({ amountMsat: undefined }) },
        'with an invoice of another network': { invoice: wrong({ network: 'testnet' }) },
        'with an invoice that is none': { invoice: () => ({ bolt11: 'lnbc1nonsense', paymentHash: 'a'.repeat(64) }) },
        'with an invoice of another hash': { invoice: () => ({ ...wrong()(), paymentHash: 'a'.repeat(64) }) },
        'without the invoice': { tamper: ({ bolt11, payment_request: _, ...rest }) => rest },
        'without the hash': { tamper: ({ payment_hash: _, ...rest }) => rest },
        'without the wallet': { tamper: ({ wallet_id: _, ...rest }) => rest },
      };
      for (const [what, { fault, invoice, tamper }] of Object.entries(rows)) {
        await t.test(what, async () => {
          const { body, id, token } = await orderBody();
          if (fault) lnbits.fault({ method: 'POST', ...fault });
          if (invoice) lnbits.invoices.push(invoice());
          lnbits.tamper(tamper);
          const refused = await call(worker, 'POST', '/api/bootstrap', { body });
          assertRefused(refused, 503, 'lightning_unavailable');
          assert.match(refused.body.error.message, /try again/);
          assert.match(refused.headers.get('retry-after'), /^\d+$/);
          assert.equal((await call(worker, 'GET', `/api/bootstrap/${id}`, { token })).status, 404);
          assert.deepEqual(await kept(worker, id), []);

          lnbits.tamper();
          const made = await call(worker, 'POST', '/api/bootstrap', { body });
          assert.equal(made.status, 201);
          assert.equal(lnbits.unusedFaults, 0);
        });
      }
    });

    test('too slow is down: after 15 seconds the customer hears "try again"', async (t) => {
      const { lnbits, worker } = await scripted(t);
      let release;
      lnbits.fault({ method: 'POST', kind: 'late', until: new Promise((resolve) => { release = resolve; }) });
      const { body, id, token } = await orderBody();
      const asked = Date.now();
      assertRefused(await call(worker, 'POST', '/api/bootstrap', { body }), 503, 'lightning_unavailable');
      // The rest is for a busy machine.
      assert.ok(Date.now() - asked < 60_000);
      release();
      assert.equal((await call(worker, 'GET', `/api/bootstrap/${id}`, { token })).status, 404);
      assert.equal((await call(worker, 'POST', '/api/bootstrap', { body })).status, 201);
    });

    test('an open invoice survives LNbits being away', async (t) => {
      const { lnbits, worker } = await scripted(t);
      const order = await placeOrder(worker);
      const { hash } = lnbits.payments[0];
      const troubles = [
        { kind: 'before' }, { kind: 'garbage', applied: false }, { kind: 'status', status: 404 }, { kind: 'status', status: 401 }, { kind: 'status', status: 429 },
        { kind: 'status', status: 500 }, { kind: 'status', status: 200, body: { paid: true } },
      ];
      for (const trouble of troubles) lnbits.fault({ method: 'GET', ...trouble });
      lnbits.markPaid(hash);
      await order.poll('ready');
      const looks = lnbits.requests.filter(({ method }) => method === 'GET').map(({ fault }) => fault);
      assert.deepEqual(looks, [...troubles.map(({ kind }) => kind), undefined], 'paid before LNbits could say so, or looked for once more');
    });
  });

  describe('a look-up', { concurrency: true }, () => {
    test('with another amount, hash or wallet never makes an order paid', async (t) => {
      const { lnbits, worker } = await scripted(t);
      const order = await placeOrder(worker);
      const { hash } = lnbits.payments[0];
      lnbits.markPaid(hash);
      const lookUps = () => lnbits.requests.filter(({ method, status }) => method === 'GET' && status === 200).length;
      const lies = [
        (details) => ({ ...details, amount: details.amount - 1 }), (details) => ({ ...details, amount: details.amount + 1 }), (details) => ({ ...details, amount: -details.amount }),
        (details) => ({ ...details, amount: PRICE }), (details) => ({ ...details, payment_hash: crypto.randomBytes(32).toString('hex') }),
        (details) => ({ ...details, wallet_id: 'f'.repeat(32) }),
      ];
      for (const lie of lies) {
        lnbits.tamper((answer) => ({ ...answer, details: lie(answer.details) }));
        const before = lookUps();
        await pollUntil(async () => {
          assert.equal((await order.get()).state, 'awaiting_payment');
          return lookUps() > before;
        }, 'a look-up');
        assert.equal((await order.get()).state, 'awaiting_payment');
      }
      const lied = lookUps();
      lnbits.tamper();
      await order.poll('ready');
      assert.ok(lookUps() > lied, 'the last lie was believed');
    });

    test('is authenticated, asks for the order\'s own invoice, and not more than once a second', async (t) => {
      const { lnbits, worker } = await scripted(t);
      const began = Date.now();
      const order = await placeOrder(worker);
      const { hash } = lnbits.payments[0];
      await pollUntil(async () => {
        await Promise.all(Array.from({ length: 5 }, order.get));
        return lnbits.requests.filter(({ method }) => method === 'GET').length >= 3;
      }, 'three look-ups');
      const looks = lnbits.requests.filter(({ method }) => method === 'GET');
      assert.ok(looks.every(({ path, status }) => path === `/api/v1/payments/${hash}` && status === 200));
      assert.ok(Date.now() - began > 2900, 'the first comes a second after the order, each other a second after the one before');
    });

    test('that is under way while the webhook comes is followed by another', async (t) => {
      const { lnbits, worker } = await scripted(t, AHEAD);
      const order = await placeOrder(worker);
      const { hash, webhook } = lnbits.payments[0];
      let release;
      lnbits.fault({ method: 'GET', kind: 'late', until: new Promise((resolve) => { release = resolve; }) });
      await pollUntil(async () => (await order.get()) && lnbits.requests.some(({ method }) => method === 'GET'), 'a look-up under way');
      lnbits.markPaid(hash);
      const answer = await call(worker, 'POST', new URL(webhook).pathname, { body: 'anything' });
      assert.equal(answer.status, 200);
      release();
      await order.until('ready');
    });
  });

  describe('an invoice that runs out', { concurrency: true }, () => {
    test('shows so, and a payment that arrives late still gets its machine', async (t) => {
      const { lnbits, worker } = await scripted(t, { INVOICE_SECONDS: '3' });
      const order = await placeOrder(worker);
      const { hash } = lnbits.payments[0];
      const expired = await order.until('expired');
      assert.deepEqual([expired.errorCode, expired.invoice], ['invoice_expired', undefined]);
      assert.match(expired.errorMessage, /^The invoice ran out/);
      assert.match(expired.message, /late payments/);
      assert.deepEqual(await order.get(), expired);
      const live = await order.live();
      lnbits.markPaid(hash);
      await lnbits.notify(hash);
      await live.until(({ state }) => state === 'provisioning');
      await live.until(({ state }) => state === 'ready');
      live.close();
    });

    test('counts as paid when it was paid in its last second', async (t) => {
      const { lnbits, worker } = await scripted(t, { DEV_CLOCK: '0' });
      const order = await placeOrder(worker);
      const live = await order.live();
      lnbits.markPaid(lnbits.payments[0].hash);
      await call(worker, 'POST', '/api/dev/clock', { body: { advanceSeconds: HOUR + 1, orders: [order.id] } });
      await live.until(({ state }) => state === 'provisioning');
      assert.ok(live.views.every(({ state }) => state !== 'expired'));
      live.close();
    });

    test('and the same order asked for again is still that order', async (t) => {
      const { worker, lnbits } = await scripted(t, { INVOICE_SECONDS: '3' });
      const order = await placeOrder(worker);
      await order.until('expired');
      const again = await call(worker, 'POST', '/api/bootstrap', { body: order.body });
      assert.deepEqual([again.status, again.body.state, lnbits.payments.length], [201, 'expired', 1]);
      assert.equal((await order.get()).state, 'expired');
    });
  });
});
