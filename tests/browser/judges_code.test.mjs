// The invoice's QR code as a phone's camera meets it: in a picture of the whole screen, light and dark, at several sizes. It holds the invoice, and
// around it there is the light margin of four modules that the standard asks for.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromPng, readCodes } from '../support/codes.mjs';
import { orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';

const MARGIN = 4;

/** How bright a pixel is, 0 to 1; outside of the picture there is nothing light. */
function light({ data, width, height }, x, y) {
  if (x < 0 || y < 0 || x >= width || y >= height) return 0;
  const [red, green, blue] = data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3);
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

const span = (from, to) => Array.from({ length: to - from }, (_, at) => from + at);

/**
 * found: where a decoder saw the code, to a pixel or so. -> {module: its size in pixels, margins: modules of light on each side, at the narrowest
 * place}
 */
function measure(picture, found) {
  const dark = (x, y) => light(picture, x, y) < 0.5;
  // Its exact edges: outward from well inside, until a whole line has nothing dark any more.
  let [left, top, right, bottom] = [found.x, found.y, found.x + found.width, found.y + found.height].map(Math.round);
  const inset = Math.round(found.width / 30);
  [left, top, right, bottom] = [left + inset, top + inset, right - inset, bottom - inset];
  const column = (x) => span(top - 2 * inset, bottom + 2 * inset).some((y) => dark(x, y));
  const row = (y) => span(left - 2 * inset, right + 2 * inset).some((x) => dark(x, y));
  while (column(left - 1)) left -= 1;
  while (column(right)) right += 1;
  while (row(top - 1)) top -= 1;
  while (row(bottom)) bottom += 1;
  // The upper left finder pattern begins with seven dark modules; a code has 17 + 4 n modules in a row.
  let pattern = 0;
  while (dark(left + pattern, top)) pattern += 1;
  const modules = 17 + 4 * Math.round(((right - left) / (pattern / 7) - 17) / 4);
  const module = (right - left) / modules;
  const clear = (x, y, dx, dy) => {
    let length = 0;
    while (light(picture, x + dx * length, y + dy * length) > 0.8) length += 1;
    return length / module;
  };
  const narrowest = (places) => Math.min(...places);
  return {
    module,
    modules,
    margins: {
      left: narrowest(span(top, bottom).map((y) => clear(left - 1, y, -1, 0))),
      right: narrowest(span(top, bottom).map((y) => clear(right, y, 1, 0))),
      above: narrowest(span(left, right).map((x) => clear(x, top - 1, 0, -1))),
      below: narrowest(span(left, right).map((x) => clear(x, bottom, 0, 1))),
    },
  };
}

describe("the invoice's code", { skip }, () => {
  for (const [size, scheme, deviceScaleFactor] of [['phone', 'light', 3], ['phone', 'dark', 3], ['desktop', 'light', 1], ['desktop', 'dark', 1], ['desktop', 'dark', 1.5]]) {
    test(`is read from the screen of a ${size}, ${scheme}, at ${deviceScaleFactor} pixels to one, and has its light margin`, async (t) => {
      const visit = await browser.open({ size, scheme, deviceScaleFactor, baseURL: worker.url });
      const bought = await orderNode(visit.page);
      await bought.untilPaying();
      await bought.qr.scrollIntoViewIfNeeded();
      const invoice = (await bought.wallet.getAttribute('href')).slice('lightning:'.length);
      const screen = await visit.page.screenshot();
      const codes = await readCodes(screen);
      assert.equal(codes.length, 1);
      assert.equal(codes[0].text.toLowerCase().replace(/^lightning:/, ''), invoice);
      const { module, modules, margins } = measure(fromPng(screen), codes[0]);
      t.diagnostic(`${modules} modules of ${module.toFixed(2)} px; margins in modules: ${Object.entries(margins).map(([side, wide]) => `${side} ${wide.toFixed(2)}`).join(', ')}`);
      assert.ok(module >= 2 * deviceScaleFactor, `a module of ${module} px`);
      for (const [side, wide] of Object.entries(margins)) assert.ok(wide >= MARGIN, `${side}: ${wide} modules`);
      await visit.close();
    });
  }
});
