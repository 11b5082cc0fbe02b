// What must never happen in the browser: a secret in a request, a Referer, a stored place or the console; code or calls from elsewhere.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { landing } from './pages/landing.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';
import { wire } from './wire.mjs';

/** Everything a page has stored in this profile, as one text. */
const stored = (page) => page.evaluate(async () => {
  const caches_ = await Promise.all((await caches.keys()).map(async (name) => {
    const cache = await caches.open(name);
    return [name, (await cache.keys()).map(({ url }) => url)];
  }));
  const databases = await indexedDB.databases();
  return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, caches_, databases, document.cookie, history.state, document.title]);
});

describe('the page', { skip }, () => {
  test('keeps the link, the private key and the opened bundle to itself', async (t) => {
    const door = await wire(worker);
    t.after(() => door.close());
    const visit = await browser.open({ baseURL: door.url, acceptDownloads: true });
    const { page } = visit;
    const bought = await orderNode(page, { key: 'RSA-4096' });
    const { id, fragment } = bought.link();
    await bought.savedForm.click();
    await bought.payStub.click();
    await bought.ready.waitFor();
    const key = await bought.download('Download the SSH private key');
    await bought.openBundle();
    const bundle = await bought.download('Download all as a text file');
    const words = /LND seed words: (.+)/.exec(bundle.text)[1];
    const password = /RPC password: (.+)/.exec(bundle.text)[1];
    await page.reload();
    await bought.ready.waitFor();

    await visit.said();
    const kept = await stored(page);
    const sent = door.lines.join('\n');
    assert.ok(sent.includes(id) && kept.includes(id), 'the records are not empty');
    const [, secret] = fragment.split('.');
    for (const canary of [secret, key.text.split('\n')[5], words, password]) {
      assert.ok(canary.length > 8);
      for (const [place, text] of [['a request', sent], ['storage', kept], ['the console', JSON.stringify(visit.console)]]) {
        assert.ok(!text.includes(canary), `a secret stands in ${place}`);
      }
    }
    const referers = visit.requests.map(({ headers }) => headers.referer).filter(Boolean);
    assert.deepEqual(referers, [], 'no Referer, not even a harmless one');
    assert.ok(visit.requests.every(({ url }) => /^(https?|wss?):\/\/127\.0\.0\.1:|^blob:|^data:/.test(url)), 'a request went elsewhere');
    // The door lets no WebSocket through, which Chromium notes by itself.
    assert.deepEqual(visit.errors.filter((text) => !text.includes('WebSocket connection to')), []);
    await visit.close();
  });

  test('is served with a policy that allows nothing more than it needs', async () => {
    for (const target of ['/', '/orders/0', '/sw.js', '/manifest.webmanifest']) {
      const { headers } = await worker.fetch(target);
      const policy = headers.get('content-security-policy');
      assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/, target);
      assert.match(policy, /frame-ancestors 'none'; base-uri 'none'$/, target);
      assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')|https?:|\*/);
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('strict-transport-security'), /max-age=\d{8}/);
      assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
      assert.match(headers.get('permissions-policy'), /camera=\(\)/);
    }
    const html = await (await worker.fetch('/')).text();
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|style=|onload=/, 'nothing inline');
    const [, app] = /"(\/app-[0-9a-f]{16}\.js)"/.exec(html);
    assert.equal((await worker.fetch(app)).headers.get('cache-control'), 'public, max-age=31536000, immutable');
  });

  test('has its headline before any code', async () => {
    const visit = await browser.open({ baseURL: worker.url, javaScriptEnabled: false });
    await visit.page.goto('/');
    await visit.page.getByRole('heading', { name: 'Your own Bitcoin node. Or a classroom full.' }).waitFor();
    await visit.close();
  });

  test('never scrolls sideways, from 320 to 1440 pixels, and has targets big enough for fingers', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const fits = async (what) => {
      for (const width of [320, 390, 768, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${what} is ${over} px too wide at ${width}`);
      }
      const small = await page.locator('button, .button, select, .choice, input:not([type=radio]):not([type=hidden])').evaluateAll((all) => all
        .filter((element) => element.checkVisibility())
        .map((element) => [element.textContent, element.getBoundingClientRect()])
        .filter(([, box]) => box.height < 36 || box.width < 24)
        .map(([text]) => text));
      assert.deepEqual(small, [], what);
    };
    await landing(page).open();
    await fits('the landing page');
    const bought = await orderNode(page);
    await fits('the save page');
    await bought.untilPaying();
    await fits('the invoice');
    await bought.payStub.click();
    await bought.ready.waitFor();
    await bought.openBundle();
    await bought.words();
    await fits('the credentials');
    await visit.close();
  });

  test('says each change once in its one live region', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    await landing(page).open();
    assert.equal(await page.locator('[aria-live]').count(), 1);
    await page.evaluate(() => {
      window.spoken = [];
      const region = document.querySelector('[aria-live]');
      new MutationObserver(() => window.spoken.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
    });
    await page.getByRole('radio', { name: 'Ed25519' }).check();
    await page.getByRole('button', { name: /^Continue/ }).click();
    await order(page).untilReady();
    const spoken = await page.evaluate(() => window.spoken.filter(Boolean));
    assert.equal(spoken[0], 'Waiting for your payment.');
    assert.equal(spoken.at(-1), 'Your machine is ready.');
    assert.equal(new Set(spoken).size, spoken.length, `something was said twice: ${spoken}`);
    await visit.close();
  });
});
