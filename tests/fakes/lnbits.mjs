// A scripted LNbits for what a real one will not do on command: outages, wrong answers, invoices and payments of the test's choosing.
// Normal answers are those of LNbits 1.6.2 (fakes.test.mjs holds both to one conversation); settlement happens when the test says so.
// Invariant: paidOut() has an entry for each time money left, so that a second one of the same order is seen.

import { readInvoice } from '../support/bolt11.mjs';
import { Refusal, startFake, timestamp } from './http.mjs';

/** LNbits keeps this much for routing fees of a payment out. */
const feeReserve = (msats) => Math.max(2000, Math.floor(msats / 100));

/**
 * invoice({amountSats, memo, expiry, ...body}) -> {bolt11, paymentHash}: the test supplies the BOLT11 strings, by this function or in advance by
 * `invoices`. invoiceKey works for invoices and look-ups, adminKey also for payments. balanceSats is what the wallet has at the start.
 * onPay(payment) -> 'success' | 'pending' | 'failed': what becomes of a payment out; see settle for what comes after. prices: {currency: units for
 * one bitcoin}. now: the clock, in ms.
 */
export async function createLnbits({
  invoiceKey = 'invoice-key-test', adminKey = 'admin-key-test', walletId = '0'.repeat(32), invoice, invoices = [], balanceSats = 10_000_000,
  prices = {}, onPay = () => 'success', now = Date.now,
} = {}) {
  const payments = []; // in and out, as LNbits' table has them; `node` is what the node behind LNbits knows of a payment out
  const left = [];
  let tamper = (answer) => answer;

  const view = (payment) => ({
    checking_id: payment.internal ? `internal_${payment.hash}` : payment.hash, payment_hash: payment.hash, wallet_id: payment.walletId,
    amount: payment.amountMsats, fee: payment.feeMsats, bolt11: payment.bolt11, payment_request: payment.bolt11, fiat_provider: null,
    status: payment.status, memo: payment.memo, expiry: timestamp(payment.expiresAt), webhook: payment.webhook, webhook_status: null,
    preimage: payment.preimage, tag: null, extension: null, time: timestamp(payment.createdAt), created_at: timestamp(payment.createdAt),
    updated_at: timestamp(payment.createdAt), labels: [], extra: payment.extra, external_id: payment.externalId,
  });
  const keyOf = (headers) => {
    const key = headers['x-api-key'];
    if (!key) throw new Refusal(401, 'No Api Key provided.');
    if (key !== invoiceKey && key !== adminKey) throw new Refusal(404, 'Wallet not found.');
    return key;
  };
  const blank = () => ({
    walletId, memo: '', webhook: null, extra: {}, externalId: null, status: 'pending', preimage: 'f'.repeat(64), feeMsats: 0, internal: false,
    createdAt: now(), expiresAt: now(),
  });
  const incoming = (hash) => payments.find((payment) => payment.hash === hash && payment.amountMsats > 0);
  const outgoing = (hash) => payments.find((payment) => payment.hash === hash && payment.amountMsats < 0);
  /** What came in, less what went out or is on its way. */
  const balance = () => payments.reduce((sum, { amountMsats, feeMsats, status }) => {
    const counts = amountMsats > 0 ? status === 'success' : status !== 'failed';
    return counts ? sum + amountMsats + feeMsats : sum;
  }, balanceSats * 1000);

  function createPayment({ body, headers }) {
    const key = keyOf(headers);
    if (body?.out !== false) {
      if (key !== adminKey) throw new Refusal(403, 'Invoice (or Admin) key required.');
      return payOut(body);
    }
    const next = invoices.shift() ?? invoice?.({ ...body, amountSats: body.amount });
    if (!next) throw new Error('the test supplied no invoice: pass invoice() or push to invoices');
    const payment = {
      ...blank(), hash: next.paymentHash, bolt11: next.bolt11, amountMsats: body.amount * 1000, memo: body.memo ?? '', webhook: body.webhook ?? null,
      extra: body.extra ?? {}, externalId: body.external_id ?? null, expiresAt: now() + (body.expiry ?? 3600) * 1000,
    };
    payments.push(payment);
    return { status: 201, body: tamper(view(payment), 'create') };
  }

  /** 201 and 520 both come with every status: the caller has to look. */
  const refuse = (detail, status) => ({ status: 520, body: { detail, status } });
  const answer = (payment) => ({ status: 201, body: tamper(view(payment), 'pay') });

  function payOut({ bolt11, extra }) {
    if (!bolt11) throw new Refusal(400, 'Missing BOLT11 invoice');
    let read;
    try {
      read = readInvoice(bolt11);
    } catch {
      return refuse('Bolt11 decoding failed.', 'failed');
    }
    if (!read.amountMsat) return refuse('Amountless invoices not supported.', 'failed');
    const hash = read.paymentHash;
    const own = incoming(hash);
    const old = outgoing(hash) ?? own;
    if (old?.internal) return refuse('Internal invoice already paid.', 'failed');
    const payment = {
      ...blank(), hash, bolt11, amountMsats: -read.amountMsat, memo: read.description, preimage: null, extra: extra ?? {},
      expiresAt: (read.timestamp + read.expiry) * 1000,
    };
    if (own?.status === 'pending') {
      if (balance() < read.amountMsat) return refuse('Insufficient balance.', 'failed');
      own.status = 'success';
      payments.push(Object.assign(payment, { internal: true, status: 'success', node: 'success', preimage: own.preimage }));
      leave(payment);
      return answer(payment);
    }
    const reserve = feeReserve(read.amountMsat);
    if (balance() < read.amountMsat) return refuse('Insufficient balance.', 'failed');
    if (balance() < read.amountMsat + reserve) {
      return refuse(`You must reserve at least (${Math.round(reserve / 1000)}  sat) to cover potential routing fees.`, 'failed');
    }
    if (old) return again(old);

    payment.feeMsats = -reserve;
    payments.push(payment);
    const outcome = onPay(payment);
    if (!['success', 'pending', 'failed'].includes(outcome)) throw new Error(`onPay answers success, pending or failed, not ${outcome}`);
    settle(payment, outcome);
    update(payment);
    return outcome === 'failed' ? refuse('Payment failed: no route', 'failed') : answer(payment);
  }

  /** A BOLT11 that was asked for before is never sent again; of a failed one the node is asked once more. */
  function again(old) {
    if (old.status === 'pending') return refuse('Payment is still pending.', 'pending');
    if (old.status === 'success') return refuse('Payment already paid.', 'success');
    if (old.node === 'failed') return refuse('Payment is failed node, retrying is not possible.', 'failed');
    if (old.node !== 'success') return answer(old);
    update(old);
    return refuse('Failed payment was already paid on the fundingsource.', 'success');
  }

  function leave({ hash, bolt11, amountMsats, extra }) {
    left.push({ bolt11: bolt11.toLowerCase(), paymentHash: hash, amountSats: -amountMsats / 1000, order: extra.kindling_order ?? null });
  }

  function settle(payment, outcome) {
    if (outcome === 'success' && payment.node !== 'success') leave(payment);
    payment.node = outcome;
  }

  /** LNbits takes over what its node knows. */
  function update(payment) {
    payment.status = payment.node;
    if (payment.status === 'success') Object.assign(payment, { feeMsats: 0, preimage: 'e'.repeat(64) });
  }

  function lookUp({ params, headers }) {
    const payment = outgoing(params.hash) ?? incoming(params.hash);
    if (!payment) throw new Refusal(404, 'Payment does not exist.');
    // A key that opens no wallet is as good as none.
    const details = [invoiceKey, adminKey].includes(headers['x-api-key']) && { details: view(payment) };
    if (payment.status === 'success') return found({ paid: true, preimage: payment.preimage, ...details });
    if (payment.status === 'failed') return found({ paid: false, status: 'failed', ...details });
    if (payment.node) update(payment);
    const paid = payment.status === 'success';
    return found({
      paid, ...(details && { status: payment.status }), preimage: paid ? payment.preimage : null, ...(details && { details: view(payment) }),
    });
  }
  const found = (body) => ({ status: 200, body: tamper(body, 'lookup') });

  const fake = await startFake({
    error: (status, message) => (status === 429 ? { error: message } : { detail: message }),
    routes: [
      ['POST', '/api/v1/payments', createPayment],
      ['GET', '/api/v1/payments/:hash', lookUp],
      ['GET', '/api/v1/rate/:currency', ({ params: { currency } }) => {
        const price = prices[currency] ?? 0;
        return { status: 200, body: { rate: price && 100_000_000 / price, price } };
      }],
      ['GET', '/api/v1/wallet', ({ headers }) => ({
        status: 200,
        body: { ...(keyOf(headers) === adminKey && { id: walletId }), name: 'merchant', balance: balance() },
      })],
    ],
  });

  const need = (payment) => {
    if (!payment) throw new Error('no such payment');
    return payment;
  };
  const change = (hash, status) => Object.assign(need(incoming(hash)), { status });

  return Object.assign(fake, {
    invoiceKey, adminKey, walletId, invoices, payments,
    /** The customer has paid; no webhook is sent (see notify). */
    markPaid: (hash) => change(hash, 'success'),
    markFailed: (hash) => change(hash, 'failed'),
    /**
     * What the node knows of a payment out from now on: 'success' | 'pending' | 'failed'. A look-up takes it over while LNbits has the
     * payment as pending; one that LNbits has as failed stays so until the same BOLT11 is asked for again.
     */
    settle: (hash, outcome) => settle(need(outgoing(hash)), outcome),
    /** Every payment that really left, in order: {bolt11, paymentHash, amountSats, order}. */
    paidOut: () => left.map((entry) => ({ ...entry })),
    /** Sends the hint as LNbits does: the payment as a JSON string inside JSON, unsigned. */
    notify: (hash) => {
      const payment = incoming(hash);
      const body = JSON.stringify(JSON.stringify(view(payment)));
      return fetch(payment.webhook, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    },
    /** change(answer, call) -> answer, for wrong amounts, hashes or wallets; call: 'create' | 'lookup' | 'pay'. */
    tamper: (changeAnswer) => { tamper = changeAnswer ?? ((body) => body); },
  });
}
