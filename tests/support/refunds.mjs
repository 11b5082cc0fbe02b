// Orders that failed after they were paid, and what must be true of their refunds: made by a cloud that does not know our token.

import assert from 'node:assert/strict';
import { PRICE } from './shop.mjs';

/** Every order that is paid in such a shop fails at once; nothing was made for it. */
export const REFUSING = { cloud: { token: 'not ours' }, ownKeys: false };
export const OWED = { state: 'owed', owedSats: PRICE, paidSats: 0 };

/** An order that failed, and to which its whole price is owed. */
export async function owing(shop, fields) {
  const order = await shop.order(fields);
  await order.pay();
  const failed = await order.sees(({ state }) => ['failed', 'refunded'].includes(state));
  assert.equal(failed.errorCode, 'cloud_refused');
  return order;
}

/**
 * Waits, over any number of pauses, until all is paid back; then it was paid once, and just as much as was owed. step: what the time is moved
 * by at each look, in seconds.
 */
export async function assertPaidBackOnce(shop, order, to, step = 35) {
  const view = await shop.advanceUntil(async () => {
    const seen = await order.get();
    return seen.state === 'refunded' && seen;
  }, step, 'the refund', order);
  assert.deepEqual(view.refund, { state: 'paid', owedSats: 0, paidSats: PRICE, to: to ?? view.refund.to });
  assert.equal(view.message, 'Everything that was made for this order was removed. 10000 sats were sent back to you.');
  assert.deepEqual(shop.paidOut(order), [PRICE]);
  await order.isNoted(undefined);
  const { inner } = await order.story();
  assert.deepEqual([inner.owed_sats, inner.refund.returned_sats, inner.refund.payout], [0, PRICE, null]);
  return view;
}

/** Waits for the address to be found bad -> the sentence that says why */
export async function problemOf(shop, order) {
  const view = await order.sees(({ refund }) => refund.problem);
  assert.deepEqual([view.state, view.refund.state, view.refund.owedSats, shop.paidOut(order)], ['failed', 'owed', PRICE, []]);
  assert.match(view.refund.problem, /^(The|Your|That|Nothing) [^{}<>]{15,}\.$/);
  await order.isNoted('refund of 10000 sats owed, its address was refused');
  return view.refund.problem;
}

/** Every call that asked LNbits to pay for an order. */
export const payouts = (shop, order) =>
  shop.lnbits.requests.filter(({ method, body }) => method === 'POST' && body?.out && body.extra.kindling_order === order.id);
