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
  const launched = await launchBrowser();
  browser = {
    ...launched,
    async open(options) {
      const visit = await launched.open(options);
      await visit.context.addInitScript(remember);
      return visit;
    },
  };
});
after(async () => {
  await browser?.close();
  await worker?.stop();
});

/** In the page: all that its live region has said goes into `window.spoken`. The region itself forgets it after some seconds. */
function remember() {
  window.spoken = [];
  let last = '';
  new MutationObserver(() => {
    const text = document.querySelector('[role=status]')?.textContent ?? '';
    if (text && text !== last) window.spoken.push(text);
    last = text;
  }).observe(document, { childList: true, characterData: true, subtree: true });
}

/** An order that a visit has opened, as the server shows it, without its page knowing. */
export async function viewBehind(visit, id) {
  const authorization = visit.requests.map(({ headers }) => headers.authorization).find(Boolean);
  return (await worker.fetch(`/api/bootstrap/${id}`, { headers: { authorization } })).json();
}

/** Pays its invoice, without the page knowing either. */
export async function payBehind(visit, id) {
  const { invoice } = await viewBehind(visit, id);
  await worker.fetch(`/api/dev/stub/pay/${invoice.paymentHash}`, { method: 'POST' });
}
