// What every browser test needs, for the file that imports this: the shop in stub mode and a Chromium, closed when its tests are over.
// A file that prepares more does so inside its `describe`: hooks at the top of a file do not wait for one another.

import { after, before } from 'node:test';
import { browserMissing, launchBrowser } from '../support/browser.mjs';
import { startWorker } from '../support/worker.mjs';

export const skip = browserMissing ?? false;
export let worker;
export let browser;

before(async () => {
  if (skip) return;
  worker = await startWorker();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await worker?.stop();
});

/** Pays the invoice of an order that a visit has opened, without its page knowing. */
export async function payBehind(visit, id) {
  const authorization = visit.requests.map(({ headers }) => headers.authorization).find(Boolean);
  const { invoice } = await (await worker.fetch(`/api/bootstrap/${id}`, { headers: { authorization } })).json();
  await worker.fetch(`/api/dev/stub/pay/${invoice.paymentHash}`, { method: 'POST' });
}
