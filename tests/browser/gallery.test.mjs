// Every state of the pages, on a phone and a desktop, light and dark: kept as pictures in build/screenshots to be looked at, and judged by
// axe, by the width that it needs, and by what still moves for those who asked for less motion.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { COLOURS, violations } from '../support/axe.mjs';
import { SIZES } from '../support/browser.mjs';
import { fromPng, readCodes } from '../support/codes.mjs';
import { SCENES } from './gallery_scenes.mjs';
import { browser, skip, worker } from './shop.mjs';

const LOCALE = { locale: 'en-GB', timezoneId: 'Europe/Berlin' };
/** Of a screen of 1280 CSS pixels at 200 % and 400 %, and the narrowest phones. */
const NARROW = { phone: [320], desktop: [640, 320] };

/** Opens a profile; each scene gets a new page in it, so that what is compiled once serves all. */
async function open(options) {
  const visit = await browser.open({ baseURL: worker.url, ...LOCALE, ...options });
  return Object.assign(visit, {
    async reach(name) {
      await visit.page.unrouteAll({ behavior: 'ignoreErrors' });
      await visit.page.close();
      visit.page = await visit.context.newPage();
      visit.errors.length = 0;
      await SCENES[name](visit);
    },
  });
}

async function fits(page, size) {
  for (const width of NARROW[size]) {
    await page.setViewportSize({ width, height: 640 });
    const needed = await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth));
    assert.ok(needed <= width, `${needed} px wide where there are ${width}`);
  }
  await page.setViewportSize(SIZES[size]);
}

const moving = (page) => page.evaluate(() => document.getAnimations()
  .filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime > 10)
  .map((one) => `${one.animationName ?? one.transitionProperty} of .${one.effect.target?.className?.baseVal ?? one.effect.target?.className}`));

// Refusals that a scene scripts are noted by Chromium itself.
const unexpected = (errors) => errors.filter((text) => !/the server responded with a status of|net::ERR_FAILED|WebSocket connection to/.test(text));

describe('the gallery', { skip, concurrency: 2 }, () => {
  for (const size of ['phone', 'desktop']) {
    describe(`on a ${size}`, { concurrency: 1 }, () => {
      let visit;
      before(async () => { visit = await open({ size }); });
      after(() => visit?.close());

      for (const name of Object.keys(SCENES)) {
        test(name, async () => {
          await visit.reach(name);
          const { page } = visit;
          const found = [];
          for (const shown of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme: shown });
            // What is no matter of colour is the same in both.
            found.push(...await violations(page, { rules: shown === 'dark' ? COLOURS : undefined }));
            await visit.screenshot(`gallery-${name}`, { fullPage: true, shown });
          }
          assert.deepEqual(found, [], found.join('\n\n'));
          await fits(page, size);
          await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
          assert.deepEqual(await moving(page), [], 'it moves for somebody who asked for less');
          assert.deepEqual(unexpected(visit.errors), []);
        });
      }
    });
  }
});

describe('the gallery in forced colours', { skip }, () => {
  let visit;
  before(async () => { visit = await open({ forcedColors: 'active' }); });
  after(() => visit?.close());

  for (const name of ['landing-node-refused', 'pay', 'building-bitcoin', 'node-opened', 'class-sealed', 'class-cards', 'failed-owed']) {
    test(`${name} stays legible and its controls stay visible`, async () => {
      await visit.reach(name);
      const { page } = visit;
      await visit.screenshot(`gallery-forced-${name}`, { fullPage: true });
      const found = await violations(page);
      assert.deepEqual(found, [], found.join('\n\n'));
      const bare = await page.locator('button, .button, input, select').evaluateAll((all) => all
        .filter((element) => element.checkVisibility() && element.type !== 'hidden')
        .filter((element) => {
          const { borderStyle, textDecorationLine, appearance } = getComputedStyle(element);
          const choice = element.closest('label');
          return borderStyle === 'none' && textDecorationLine === 'none' && appearance === 'none' && (!choice || getComputedStyle(choice).borderStyle === 'none');
        })
        .map((element) => element.outerHTML));
      assert.deepEqual(bare, [], 'controls without a line around them or under them');
    });
  }

  test('how far the machine is can be seen on its bar', async () => {
    await visit.reach('building-bitcoin');
    const { data, width, height } = fromPng(await visit.page.locator('progress').screenshot());
    const at = (share) => [...data.subarray((Math.floor(height / 2) * width + Math.floor(width * share)) * 4).subarray(0, 3)];
    assert.notDeepEqual(at(0.3), at(0.9), 'the bar of 55 % looks the same at 30 % and at 90 %');
  });

  test('the code of the invoice is still read', async () => {
    await visit.reach('pay');
    assert.match((await readCodes(await visit.page.screenshot({ fullPage: true })))[0]?.text ?? '', /^(lightning:)?lnbcrt/i);
  });
});

describe('motion', { skip }, () => {
  test('is there where nobody asked for less, so that its absence above means something', async () => {
    const visit = await open({});
    await visit.reach('pay');
    assert.ok((await moving(visit.page)).length > 0);
    await visit.close();
  });
});
