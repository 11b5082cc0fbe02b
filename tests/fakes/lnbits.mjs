// A scripted LNbits for what a real one will not do on command: outages, wrong answers, invoices of the test's choosing.
// Normal answers have the shape of LNbits 1.6.2; settlement happens when the test says so.

import { Refusal, startFake, timestamp } from './http.mjs';

/**
 * invoice({amountSats, memo, expiry, ...body}) -> {bolt11, paymentHash}: the test supplies the BOLT11 strings, by this function or in advance by
 * `invoices`. invoiceKey works for invoices and look-ups, adminKey also for payments.
 */
export async function createLnbits({ invoiceKey = 'invoice-key-test', adminKey = 'admin-key-test', walletId = '0'.repeat(32), invoice, invoices = [] } = {}) {
  const payments = [];
  let tamper = (answer) => answer;

  const view = (payment) => ({
    checking_id: payment.hash, payment_hash: payment.hash, wallet_id: payment.walletId, amount: payment.amountMsats, fee: 0, bolt11: payment.bolt11,
    payment_request: payment.bolt11, fiat_provider: null, status: payment.status, memo: payment.memo, expiry: timestamp(payment.expiresAt),
    webhook: payment.webhook, webhook_status: null, preimage: payment.preimage, tag: null, extension: null, time: timestamp(payment.createdAt),
    created_at: timestamp(payment.createdAt), updated_at: timestamp(payment.createdAt), labels: [], extra: payment.extra, external_id: payment.externalId,
  });
  const keyOf = (headers) => {
    const key = headers['x-api-key'];
    if (!key) throw new Refusal(401, 'No Api Key provided.');
    if (key !== invoiceKey && key !== adminKey) throw new Refusal(404, 'Wallet not found.');
    return key;
  };

  function createPayment({ body, headers }) {
    const key = keyOf(headers);
    if (body?.out !== false) {
      if (key !== adminKey) throw new Refusal(403, 'Invalid adminkey');
      const paid = { ...blank(), out: true, hash: `${payments.length}`.padStart(64, 'e'), bolt11: body.bolt11, amountMsats: 0, status: 'success' };
      payments.push(paid);
      return { status: 201, body: tamper(view(paid), 'pay') };
    }
    const next = invoices.shift() ?? invoice?.({ ...body, amountSats: body.amount });
    if (!next) throw new Error('the test supplied no invoice: pass invoice() or push to invoices');
    const payment = {
      ...blank(), hash: next.paymentHash, bolt11: next.bolt11, amountMsats: body.amount * 1000, memo: body.memo ?? '', webhook: body.webhook ?? null,
      extra: body.extra ?? {}, externalId: body.external_id ?? null, expiresAt: Date.now() + (body.expiry ?? 3600) * 1000,
    };
    payments.push(payment);
    return { status: 201, body: tamper(view(payment), 'create') };
  }

  const blank = () => ({
    walletId, memo: '', webhook: null, extra: {}, externalId: null, status: 'pending', preimage: 'f'.repeat(64), createdAt: Date.now(), expiresAt: Date.now(),
  });

  function lookUp({ params, headers }) {
    const payment = payments.find((entry) => entry.hash === params.hash);
    if (headers['x-api-key']) keyOf(headers);
    if (!payment) throw new Refusal(404, 'Payment does not exist.');
    const paid = payment.status === 'success';
    if (!headers['x-api-key']) return { status: 200, body: { paid, preimage: paid ? payment.preimage : null } };
    const answer = { paid, status: payment.status, preimage: paid ? payment.preimage : null, details: view(payment) };
    return { status: 200, body: tamper(answer, 'lookup') };
  }

  const fake = await startFake({
    error: (status, message) => (status === 429 ? { error: message } : { detail: message }),
    routes: [
      ['POST', '/api/v1/payments', createPayment],
      ['GET', '/api/v1/payments/:hash', lookUp],
      ['GET', '/api/v1/wallet', ({ headers }) => ({ status: 200, body: { ...(keyOf(headers) === adminKey && { id: walletId }), name: 'merchant', balance: 0 } })],
    ],
  });

  const change = (hash, status) => {
    const payment = payments.find((entry) => entry.hash === hash);
    if (!payment) throw new Error('no such payment');
    payment.status = status;
    return payment;
  };

  return Object.assign(fake, {
    invoiceKey, adminKey, walletId, invoices, payments,
    /** The customer has paid; no webhook is sent (see notify). */
    markPaid: (hash) => change(hash, 'success'),
    markFailed: (hash) => change(hash, 'failed'),
    /** Sends the hint as LNbits does: the payment as a JSON string inside JSON, unsigned. */
    notify: (hash) => {
      const payment = payments.find((entry) => entry.hash === hash);
      const body = JSON.stringify(JSON.stringify(view(payment)));
      return fetch(payment.webhook, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    },
    /** change(answer, call) -> answer, for wrong amounts, hashes or wallets; call: 'create' | 'lookup' | 'pay'. */
    tamper: (changeAnswer) => { tamper = changeAnswer ?? ((answer) => answer); },
  });
}
