// The judges judged: what axe is leant on for is found where it is planted, on a real page under its security policy.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { COLOURS, violations } from '../support/axe.mjs';
import { landing } from './pages/landing.mjs';
import { browser, skip, worker } from './shop.mjs';

describe('axe', { skip }, () => {
  test('finds every kind of fault that is planted, and leaves no trace in the page', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    await (await landing(page).open()).choose('Ed25519');
    assert.deepEqual(await violations(page), []);
    await page.evaluate(() => {
      const planted = document.createElement('div');
      planted.innerHTML = '<h5>A level is missing</h5><img src="/icon.svg"><p class="faint">Hard to read</p><input>'
        + '<div><button class="tiny">a</button><button class="tiny">b</button></div><span role="nonsense">?</span>';
      planted.querySelector('.faint').style.color = '#bbb';
      for (const button of planted.querySelectorAll('.tiny')) button.style.cssText = 'all: unset; display: inline-block; width: 12px; height: 12px; overflow: hidden';
      document.querySelector('main').append(planted);
    });
    const found = (texts) => [...new Set(texts.map((text) => text.split(' ')[0]))].sort();
    assert.deepEqual(found(await violations(page)), ['aria-roles', 'color-contrast', 'heading-order', 'image-alt', 'label', 'target-size']);
    assert.deepEqual(found(await violations(page, { rules: COLOURS })), ['color-contrast']);
    assert.equal(await page.evaluate(() => typeof window.axe), 'undefined');
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });
});
