// Purchases by Tab, Enter, Space and the arrows alone, from the first page to opened credentials. At each stop the focus can be seen: the element
// is on the screen, nothing covers it, and a line stands around it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { focusComesTo } from './class.mjs';
import { landing } from './pages/landing.mjs';
import { order } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';

const MOST_STOPS = 80;

/** What is wrong with how the focus shows itself; undefined where all is well or nothing has it. */
function hidden() {
  const element = document.activeElement;
  if (element === document.body) return undefined;
  // A radio button is seen by the label around it.
  const shown = element.closest('label') ?? element;
  const name = `${element.tagName} "${(shown.textContent || element.getAttribute('aria-label') || element.value).trim().slice(0, 40)}"`;
  if (!element.matches(':focus-visible')) return `${name} has the focus, but not visibly`;
  const isLined = (one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  };
  if (![element, shown].some(isLined)) return `${name} has no line around it`;
  const { left, top, width, height } = shown.getBoundingClientRect();
  const [x, y] = [left + width / 2, top + Math.min(height, innerHeight) / 2];
  const over = document.elementFromPoint(x, y);
  if (width === 0 || height === 0) return `${name} has no size`;
  if (!over) return `${name} is off the screen`;
  return shown.contains(over) || over.contains(shown) ? undefined : `${name} is covered by ${over.tagName}.${over.className}`;
}

/** Someone with a keyboard -> {tabTo, press, arrow, starts} */
function keyboard(page) {
  const has = (locator) => locator.evaluate((element) => element === document.activeElement).catch(() => false);
  const own = {
    async tabTo(locator) {
      await locator.waitFor();
      for (let stops = 0; stops < MOST_STOPS; stops += 1) {
        if (await has(locator)) return;
        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(hidden), undefined);
      }
      assert.fail(`not reached by Tab: ${locator}`);
    },
    async press(locator, key = 'Enter') {
      await own.tabTo(locator);
      await page.keyboard.press(key);
    },
    /** From the chosen one of a group to another */
    async arrow(from, key, to) {
      await own.tabTo(from);
      await page.keyboard.press(key);
      assert.ok(await has(to) && await to.isChecked(), 'the arrow chooses, and takes the focus with it');
      assert.equal(await page.evaluate(hidden), undefined);
    },
    /** A new screen begins at its heading, so that Tab goes on from there. */
    async starts(heading) {
      await heading.waitFor();
      await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
      assert.ok(await has(heading));
    },
  };
  return own;
}

const radio = (page, name) => page.getByRole('radio', { name, exact: true });

describe('with the keyboard alone', { skip }, () => {
  for (const size of ['phone', 'desktop']) {
    test(`a full node is bought, opened and its sealed copy erased, on a ${size}`, async () => {
      const visit = await browser.open({ size, baseURL: worker.url });
      const { page } = visit;
      const keys = keyboard(page);
      const form = await landing(page).open();
      await keys.arrow(radio(page, 'Bitcoin Knots'), 'ArrowRight', radio(page, 'Bitcoin Core'));
      await keys.tabTo(form.region);
      const region = await form.region.inputValue();
      await page.keyboard.press('ArrowDown');
      assert.notEqual(await form.region.inputValue(), region);
      await keys.arrow(radio(page, 'RSA-4096'), 'ArrowRight', radio(page, 'Ed25519'));
      await keys.press(form.moreChoices, 'Space');
      await keys.press(form.snapshot, 'Space');
      assert.ok(await form.snapshot.isChecked());
      await keys.press(form.continue);

      const bought = order(page);
      await keys.starts(bought.saving);
      await keys.press(bought.savedForm);
      await keys.starts(bought.paying);
      await keys.press(bought.payStub, 'Space');
      await keys.starts(bought.ready);
      await keys.press(bought.claim);
      await keys.press(bought.button('Show the seed words'), 'Space');
      await page.locator('ol.words li').first().waitFor();
      await keys.press(bought.button('I have saved it'));
      await focusComesTo(page, 'erase-question');
      await keys.press(bought.button('Not yet'));
      await focusComesTo(page, 'erase');
      await keys.press(bought.button('I have saved it'));
      await keys.press(bought.button('Yes, erase it'));
      await page.getByText('The sealed copy was erased').waitFor();
      const { product } = JSON.parse(visit.requests.find(({ method, url }) => method === 'POST' && url.endsWith('/api/bootstrap')).body);
      assert.deepEqual(product, { kind: 'full_node', bitcoin: 'core', assumeutxo: true });
      assert.deepEqual(visit.errors, []);
      await visit.close();
    });
  }

  test('a class is bought and its cards are opened, enlarged and given away', async () => {
    const visit = await browser.open({ size: 'desktop', baseURL: worker.url });
    const { page } = visit;
    const keys = keyboard(page);
    const form = await landing(page).open();
    await keys.arrow(form.product('Full node'), 'ArrowDown', form.product('Classroom'));
    await keys.arrow(form.plan('A'), 'ArrowDown', form.plan('B'));
    await keys.press(form.quickHours('2 days'), 'Space');
    await keys.arrow(radio(page, 'RSA-4096'), 'ArrowRight', radio(page, 'Ed25519'));
    await keys.press(form.continue);

    const bought = order(page);
    await keys.starts(bought.saving);
    await keys.press(bought.remember, 'Space');
    await keys.starts(bought.paying);
    await keys.press(bought.payStub);
    await keys.starts(bought.classReady);
    await keys.press(bought.getCards);
    await bought.codesDrawn();
    const first = page.getByRole('button', { name: /^Enlarge the QR code of / }).first();
    await keys.press(first, 'Space');
    const dialog = page.getByRole('dialog', { name: 'QR code, enlarged' });
    await keys.press(dialog.getByRole('button', { name: 'Close' }));
    await dialog.waitFor({ state: 'hidden' });
    assert.ok(await first.evaluate((element) => element === document.activeElement), 'the focus is back where it was');
    const taken = page.getByRole('checkbox', { name: / is taken$/ }).first();
    await keys.press(taken, 'Space');
    assert.ok(await taken.isChecked());
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });
});
