// A real Chromium for tests: fresh profiles, phone and desktop sizes, both colour schemes, and a record of everything that a page
// said to the console or to the network, so that a test can search it for secrets.

import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { BUILD } from './paths.mjs';
import { PATIENCE } from './process.mjs';

export const CHROMIUM = process.env.KINDLING_CHROMIUM ?? '/usr/bin/chromium';
export const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const SIZE_NAMES = { phone: '390x844', desktop: '1280x800' };

/** Where no Chromium is installed, a test skips with this reason; null where it is. */
export const browserMissing = fs.existsSync(CHROMIUM) ? null : `no Chromium at ${CHROMIUM}: set KINDLING_CHROMIUM`;

/** -> {open(options) -> visit, close()}: one Chromium, any number of fresh profiles. */
export async function launchBrowser() {
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS, timeout: PATIENCE });
  return {
    version: browser.version(),
    open: (options) => openProfile(browser, options),
    close: () => browser.close(),
  };
}

/**
 * A profile of its own, with no past. Further options go to Playwright's newContext (permissions, acceptDownloads, offline, ...).
 * -> {context, page, console, errors, requests, said(), screenshot(name), close()}
 */
async function openProfile(browser, { size = 'phone', scheme = 'light', baseURL, ...options } = {}) {
  const context = await browser.newContext({
    viewport: SIZES[size], colorScheme: scheme, baseURL, hasTouch: size === 'phone', isMobile: size === 'phone', ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const visit = { context, console: [], errors: [], requests: [] };
  const entries = new Map(); // request -> what is kept of it
  const completing = new Set();

  context.on('console', (message) => {
    visit.console.push({ type: message.type(), text: message.text() });
    if (message.type() === 'error') visit.errors.push(`console: ${message.text()}`);
  });
  context.on('weberror', (problem) => visit.errors.push(`page: ${problem.error().message}`));
  // The context hears the service worker's requests too.
  context.on('request', (request) => {
    const entry = { method: request.method(), url: request.url(), headers: request.headers(), body: request.postData() };
    visit.requests.push(entry);
    entries.set(request, entry);
  });
  // Complete headers (Referer, Cookie, Authorization) come later, and where a worker is ended while it loads never; a request whose page has
  // gone keeps the first ones.
  const complete = (request) => {
    const done = request.allHeaders().then((headers) => { entries.get(request).headers = headers; }, () => {});
    completing.add(done);
    done.then(() => completing.delete(done));
  };
  context.on('requestfinished', complete).on('requestfailed', complete);
  context.on('page', (page) => page.on('websocket', (socket) => {
    const entry = { method: 'WEBSOCKET', url: socket.url(), headers: {}, body: '' };
    visit.requests.push(entry);
    socket.on('framesent', ({ payload }) => { entry.body += `${payload}\n`; });
  }));

  visit.page = await context.newPage();
  return Object.assign(visit, {
    /** Everything that left the page or stands in its console, as one text to search. */
    async said() {
      await Promise.all(completing);
      return JSON.stringify({ requests: visit.requests, console: visit.console, errors: visit.errors });
    },
    /** shown: the colour scheme that the page has by now. -> build/screenshots/NAME-<size>-<scheme>.png */
    async screenshot(name, { fullPage = false, shown = scheme } = {}) {
      const file = path.join(BUILD, 'screenshots', `${name}-${SIZE_NAMES[size]}-${shown}.png`);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      await visit.page.screenshot({ path: file, fullPage });
      return file;
    },
    async close() {
      // A page asks until its end, and nobody needs the answers that a test's routes are still fetching by then.
      await Promise.all([context, ...context.pages()].map((one) => one.unrouteAll({ behavior: 'ignoreErrors' })));
      await context.close();
    },
  });
}
