// What must never happen in the browser: an order that is cached, code or calls from elsewhere, a page that cannot be used with a thumb.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { landing } from './pages/landing.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';

/** -> {policy, html} of a page, as served */
async function served(target) {
  const answer = await worker.fetch(target);
  return { policy: answer.headers.get('content-security-policy'), html: await answer.text() };
}

describe('the page', { skip }, () => {
  test('is served with a policy that allows nothing more than it needs', async () => {
    for (const target of ['/', '/orders/0', '/sw.js', '/manifest.webmanifest']) {
      const { headers } = await worker.fetch(target);
      const policy = headers.get('content-security-policy');
      assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'sha256-[^']+'; worker-src 'self'; connect-src 'self'; style-src 'self' 'sha256-[^']+'; img-src/, target);
      assert.match(policy, /frame-ancestors 'none'; base-uri 'none'$/, target);
      assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')|https?:|\*/);
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('strict-transport-security'), /max-age=\d{8}/);
      assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
      assert.match(headers.get('permissions-policy'), /camera=\(\)/);
    }
    const { policy, html } = await served('/');
    assert.doesNotMatch(html, / style=| on[a-z]+=/, 'nothing inline in an element');
    const inline = [...html.matchAll(/<(script|style)>([^]*?)<\/\1>/g)].map(([, , text]) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
    assert.equal(inline.length, 2, 'the boot script and the style');
    for (const hash of inline) assert.ok(policy.includes(hash), 'what stands in the page is known by its hash');
    assert.equal(policy.match(/'sha256-/g).length, inline.length, 'and nothing else is');
    const [, shop] = /"(\/shop-[0-9a-f]{16}\.js)"/.exec(html);
    assert.equal((await worker.fetch(shop)).headers.get('cache-control'), 'public, max-age=31536000, immutable');
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
      const small = await page.locator('button, .button, select, .choice, input:not([type=radio], [type=checkbox], [type=hidden]), label.check').evaluateAll((all) => all
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
    await page.getByRole('radio', { name: 'Ed25519' }).check();
    await page.getByRole('button', { name: /^Continue/ }).click();
    const bought = order(page);
    await bought.saving.waitFor();
    assert.equal(await page.locator('[aria-live]').count(), 1);
    await page.evaluate(() => {
      window.spoken = [];
      window.headings = [];
      document.addEventListener('focusin', ({ target }) => { if (target.matches('h1')) window.headings.push(target.textContent); });
    });
    await bought.untilReady();
    const { spoken, headings } = await page.evaluate(() => ({ spoken: window.spoken, headings: window.headings }));
    assert.deepEqual([headings[0], headings.at(-1)], ['Pay the invoice', 'Your machine is ready'], 'a screen is told by its heading');
    assert.ok(spoken.length > 0, 'nothing was said in between');
    const all = [...spoken, ...headings].map((text) => text.replace(/\.$/, ''));
    assert.equal(new Set(all).size, all.length, `something was said twice: ${all}`);
    await visit.close();
  });
});
