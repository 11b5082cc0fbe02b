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
