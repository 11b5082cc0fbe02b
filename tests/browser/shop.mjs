// What every browser test needs, for the file that imports this: the shop in stub mode and a Chromium, closed when its tests are over.
// A file that prepares more does so inside its `describe`: hooks at the top of a file do not wait for one another.

import { after, before } from 'node:test';
import { browserMissing, launchBrowser } from '../support/browser.mjs';
import { startWorker } from '../support/worker.mjs';

/** How long a step may take, in ms: it normally takes far less than a second, and a busy machine may stand still for many. */
export const STEP = 90_000;

export const skip = browserMissing ?? false;
export let worker;
export let browser;

before(async () => {
  if (skip) return;
  worker = await startWorker();
  const launched = await launchBrowser();
  browser = { ...launched, open: async (options) => prepared(await launched.open(options)) };
});
after(async () => {
  await browser?.close();
  await worker?.stop();
});

/** A visit with patience, whose pages remember what they have said to screen readers, and which may end at any time. */
async function prepared(visit) {
  const { context, close } = visit;
  const complete = new Set();
  context.setDefaultTimeout(STEP);
  for (const end of ['requestfinished', 'requestfailed']) context.on(end, (request) => complete.add(request.allHeaders().catch(() => {})));
  await context.addInitScript(remember);
  return Object.assign(visit, {
    /** The same text, with the complete headers of whatever has come to an end: where a worker is ended while it loads, nobody ever tells of that. */
    async said() {
      await Promise.all(complete);
      return JSON.stringify({ requests: visit.requests, console: visit.console, errors: visit.errors });
    },
    async close() {
      // A page asks until its end, and nobody needs the answers that a test's routes are still fetching by then.
      await Promise.all([context, ...context.pages()].map((one) => one.unrouteAll({ behavior: 'ignoreErrors' })));
      await close();
    },
  });
}

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
