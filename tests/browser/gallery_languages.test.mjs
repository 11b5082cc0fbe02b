// The pages in every other language than English: right direction, nothing left in English, nothing too wide, nothing that axe objects to. What is
// left in English is found by comparing each page with the English one, text by text, so no translation has to be repeated here.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { violations } from '../support/axe.mjs';
import { SIZES } from '../support/browser.mjs';
import { sharedLink } from './gallery_scenes.mjs';
import { browser, skip, worker } from './shop.mjs';
import { classOrder, classView, fromNow, invoiceOf, machineView, stage, states } from './staged.mjs';

const LANGUAGES = { es: 'ltr', pt: 'ltr', de: 'ltr', fr: 'ltr', ja: 'ltr', ar: 'rtl' };
/** Those that axe judges and of which pictures are kept: the longest words, the densest letters, and the other direction. */
const PICTURED = ['de', 'ja', 'ar'];
const NARROW = 320;
/** Names alone, which are the same everywhere. */
const NAMES = ['Bitcoin, LND, LNbits', 'you@wallet.example'];

const owed = (more) => ({ refund: { state: 'owed', owedSats: 10_000, paidSats: 0, ...more } });
/** The server speaks English: the page has words of its own for what it knows by its code, or says that these are English ones. */
const HOURS_OVER = { errorCode: 'hours_over', errorMessage: 'The hours you paid for are over.' };
const machine = () => machineView({ lastHeardAt: fromNow(-20), estimate: { fromSeconds: 360_000, toSeconds: 480_000 } });
/** name -> how to get there without knowing a word of the page */
const ORDERS = {
  save: (visit) => stage(visit, sharedLink(), 'awaiting_payment'),
  pay: async (visit) => {
    await stage(visit, sharedLink(), 'awaiting_payment', { invoice: invoiceOf(10_000) });
    await visit.page.goto(`/orders/${sharedLink().id}?saved=1#${sharedLink().fragment}`);
    await visit.page.locator('svg.qr').waitFor();
  },
  expired: (visit) => stage(visit, sharedLink(), 'expired'),
  building: (visit) => stage(visit, sharedLink(), 'provisioning', { phase: 'bitcoin', percent: 55 }),
  node: async (visit) => {
    await stage(visit, sharedLink(), 'ready', {
      machine: machine(), pairing: { paired: true, since: fromNow(-86_400) }, endsAt: fromNow(5 * 3600), extension: { amountSats: 10_000, perHours: 168, maxHours: 720 },
    });
    await visit.page.locator('.facts').first().waitFor();
  },
  class: async (visit) => {
    await stage(visit, sharedLink(), 'ready', { ...classOrder(), class: classView({ connected: [0, 1, 3], down: [5], off: [2] }) });
    await visit.page.locator('svg.net').first().waitFor();
  },
  removing: (visit) => stage(visit, sharedLink(), 'ready', { ...states.ready(), ending: true }),
  ended: (visit) => stage(visit, sharedLink(), 'ended', { ...HOURS_OVER }),
  'ended-class': (visit) => stage(visit, sharedLink(), 'ended', { ...classOrder(), ...HOURS_OVER }),
  owed: (visit) => stage(visit, sharedLink(), 'failed', owed()),
  refunded: (visit) => stage(visit, sharedLink(), 'refunded', { refund: { state: 'paid', owedSats: 0, paidSats: 10_000, to: 'me@wallet.example' } }),
  'sign-in': ({ page }) => page.goto('/orders'),
  'wrong-link': ({ page }) => page.goto(`/orders/${sharedLink().id}#hello`),
  nowhere: ({ page }) => page.goto('/nowhere'),
};
const LANDINGS = { 'landing-node': '', 'landing-class': '#classroom' };

/** In the page: every text of three words or more that is shown, and every name that is only heard. */
function sentences() {
  const found = new Set();
  const keep = (text) => {
    const plain = text.replace(/\s+/g, ' ').trim();
    if ((plain.match(/\p{L}{2,}/gu) ?? []).length >= 3) found.add(plain);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    // Code, and what says itself to be of another language, is the same everywhere.
    if (!walker.currentNode.parentElement.closest('code, pre, script, style, noscript, select, [translate=no], [lang]:not(html)')) keep(walker.currentNode.data);
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
    for (const name of ['aria-label', 'title', 'placeholder']) keep(element.getAttribute(name) ?? '');
  }
  keep(document.title);
  return [...found];
}

async function open(locale) {
  const visit = await browser.open({ baseURL: worker.url, locale, timezoneId: 'Europe/Berlin' });
  return Object.assign(visit, {
    async reach(go) {
      await visit.page.unrouteAll({ behavior: 'ignoreErrors' });
      await visit.page.close();
      visit.page = await visit.context.newPage();
      await go(visit);
      await visit.page.locator('main h1').waitFor();
      await visit.page.waitForFunction(() => !document.querySelector('main [aria-busy=true]'));
    },
  });
}

/** The landing page, its form included, without a word of it. language: undefined for English */
const landingAt = (hash, language = '') => async ({ page }) => {
  await page.goto(`/${language}${hash}`);
  await page.locator('#order-form button[type=submit]:enabled, .order-form button[type=submit]:enabled').waitFor();
};

describe('in other languages', { skip, concurrency: 2 }, () => {
  const english = {};
  before(async () => {
    const visit = await open('en-US');
    for (const [name, go] of [...Object.entries(LANDINGS).map(([key, hash]) => [key, landingAt(hash)]), ...Object.entries(ORDERS)]) {
      await visit.reach(go);
      english[name] = await visit.page.evaluate(sentences);
      assert.ok(english[name].length >= 2, `${name}: hardly a sentence`);
    }
    await visit.close();
  });

  for (const [language, direction] of Object.entries(LANGUAGES)) {
    describe(language, { concurrency: 1 }, () => {
      let visit;
      before(async () => { visit = await open(language); });
      after(() => visit?.close());

      for (const [name, go] of [...Object.entries(LANDINGS).map(([key, hash]) => [key, landingAt(hash, language)]), ...Object.entries(ORDERS)]) {
        test(`${name} reads ${direction}, is all translated, fits and is accessible`, async () => {
          await visit.reach(go);
          const { page } = visit;
          const html = await page.evaluate(() => [document.documentElement.lang, getComputedStyle(document.documentElement).direction]);
          assert.deepEqual(html, [language, direction]);
          const own = await page.evaluate(sentences);
          assert.ok((await page.locator('main').innerText()).length > 30, 'hardly a sentence');
          assert.deepEqual(own.filter((text) => english[name].includes(text) && !NAMES.includes(text)), [], 'left in English');
          if (PICTURED.includes(language)) {
            await visit.screenshot(`gallery-${language}-${name}`, { fullPage: true });
            const found = await violations(page);
            assert.deepEqual(found, [], found.join('\n\n'));
          }
          for (const width of [NARROW, SIZES.phone.width]) {
            await page.setViewportSize({ width, height: 640 });
            // To the left of what is read from the right nothing scrolls, so a wide element is found by its own edges.
            const out = await page.evaluate((wide) => [...document.querySelectorAll('main *, header *, footer *')]
              .filter((element) => element.checkVisibility() && !element.closest('svg *, .visually-hidden, .skip'))
              .filter((element) => !element.closest('pre, table, [style*=overflow]'))
              .filter((element) => { const { left, right } = element.getBoundingClientRect(); return left < -1 || right > wide + 1; })
              .map((element) => element.outerHTML.slice(0, 120)), width);
            assert.deepEqual(out, [], `wider than ${width}`);
          }
        });
      }
    });
  }
});
