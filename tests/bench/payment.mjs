// From the customer's wallet paying to the customer seeing `provisioning`, with a real LNbits: once with its webhook, and once with
// the webhook lost, where only the order's own alarm looks. Nobody polls; the live connection hints at nothing.
// The clock starts when the wallet is told to pay, so LNbits' own part is in the figure.

import { startLnbits } from '../support/lnbits.mjs';
import { placeOrder } from '../support/order.mjs';
import { freePort } from '../support/process.mjs';
import { startWorker } from '../support/worker.mjs';
import { count, median } from './median.mjs';

export const rows = ['settled_to_provisioning_webhook_ms', 'settled_to_provisioning_lost_webhook_ms'];

const MAX_MS = 60_000;

export async function measure() {
  const toClose = [];
  try {
    const lnbits = await startLnbits();
    toClose.unshift(() => lnbits.close());
    const start = async (vars) => {
      const worker = await startWorker({ vars: { LNBITS_URL: lnbits.url, LNBITS_API_KEY: lnbits.merchant.inkey, ...vars } });
      toClose.unshift(() => worker.stop());
      return worker;
    };
    const reached = await start({});
    const lost = await start({ PUBLIC_URL: `http://127.0.0.1:${await freePort()}` });

    // All are ordered before the first is paid: nobody pays in the very second in which the invoice is made.
    const prompt = await orders(reached, count(7));
    const late = await orders(lost, count(3));
    // The late ones wait half a minute, and do nothing meanwhile that the others could feel.
    const [promptTimes, lateTimes] = await Promise.all([inTurn(lnbits, prompt), Promise.all(late.map((order) => pay(lnbits, order)))]);
    return [
      { name: rows[0], value: median(promptTimes), unit: 'ms', n: promptTimes.length, note: 'from the wallet starting to pay; aim 1000' },
      { name: rows[1], value: median(lateTimes), unit: 'ms', n: lateTimes.length, note: 'paid right after the invoice came, which is the worst moment; aim 60000' },
    ];
  } finally {
    for (const close of toClose) await close();
  }
}

/** This many orders that wait for their payment, each with its live connection open. */
async function orders(worker, n) {
  const placed = [];
  for (let i = 0; i < n; i += 1) {
    const order = await placeOrder(worker);
    placed.push({ invoice: order.created.invoice.paymentRequest, live: await order.live() });
  }
  return placed;
}

async function inTurn(lnbits, some) {
  const times = [];
  for (const order of some) times.push(await pay(lnbits, order));
  return times;
}

async function pay(lnbits, { invoice, live }) {
  const since = performance.now();
  try {
    await Promise.all([lnbits.pay(invoice), live.until((view) => view.state === 'provisioning', MAX_MS)]);
    return performance.now() - since;
  } finally {
    live.close();
  }
}
