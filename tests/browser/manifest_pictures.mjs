// Makes the pictures that stores and install dialogs show of the app (`screenshots` of the manifest) from its real pages: run by hand
// when the pages have changed, `node tests/browser/manifest_pictures.mjs`. It needs a build, as the tests do.

import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { SIZES, launchBrowser } from '../support/browser.mjs';
import { ROOT } from '../support/paths.mjs';
import { startWorker } from '../support/worker.mjs';
import { landing } from './pages/landing.mjs';
import { course, machineView, makeLink, stage, states } from './staged.mjs';

/** The pixels of a PNG, RGBA, as Chromium reads it */
async function pixels(browser, png) {
  const { page, close } = await browser.open();
  const text = await page.evaluate(async (source) => {
    const image = await createImageBitmap(await (await fetch(source)).blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    return new Uint8Array(context.getImageData(0, 0, image.width, image.height).data.buffer).toBase64();
  }, `data:image/png;base64,${png.toString('base64')}`);
  await close();
  return Buffer.from(text, 'base64');
}

/** A PNG of 256 colours, which is all that flat pages need: the commonest ones, and for the others the nearest of them. */
function indexed(rgba, { width, height }) {
  const counts = new Map();
  for (let at = 0; at < rgba.length; at += 4) {
    const colour = rgba.readUIntBE(at, 3);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const parts = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255];
  const palette = [];
  const distance = (a, b) => parts(a).reduce((sum, part, at) => sum + (part - parts(b)[at]) ** 2, 0);
  // Not twice what nobody can tell apart.
  for (const [colour] of [...counts].sort(([, a], [, b]) => b - a)) {
    if (palette.length < 256 && !palette.some((other) => distance(colour, other) < 40)) palette.push(colour);
  }
  const places = new Map();
  const nearest = (colour) => palette.reduce((best, other, at) => (distance(colour, other) < distance(colour, palette[best]) ? at : best), 0);
  for (const colour of counts.keys()) places.set(colour, nearest(colour));
  const rows = Buffer.alloc((width + 1) * height);
  for (let at = 0; at < width * height; at += 1) rows[at + Math.floor(at / width) + 1] = places.get(rgba.readUIntBE(at * 4, 3));
  const chunk = (name, content) => {
    const body = Buffer.concat([Buffer.from(name), content]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(content.length, 0);
    ends.writeUInt32BE(zlib.crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('PLTE', Buffer.from(palette.flatMap(parts))),
    chunk('IDAT', zlib.deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0)),
  ]);
}

const FORMS = { narrow: 'phone', wide: 'desktop' };

const worker = await startWorker();
const browser = await launchBrowser();
try {
  const link = await makeLink(browser, worker.url);
  for (const [form, size] of Object.entries(FORMS)) {
    const visit = await browser.open({ size, baseURL: worker.url });
    const { page } = visit;
    const save = async (name) => {
      const picture = await pixels(browser, await page.screenshot({ clip: { x: 0, y: 0, ...SIZES[size] } }));
      fs.writeFileSync(path.join(ROOT, 'static', `picture-${name}-${form}.png`), indexed(picture, SIZES[size]));
    };
    // The shop is one for tests, which is not what the picture is about.
    await page.route('/api/catalogue', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...await answer.json(), stubMode: false } });
    });
    const shown = await landing(page).open();
    await shown.keyReady.waitFor();
    await save('shop');
    const machine = machineView({ usable: true, validated: true, history: course([61, 68, 74, 81, 86, 91, 95, 100]) }, {
      bitcoin: { blocks: 925_003, progressPpm: 1_000_000, initialBlockDownload: false },
      lnd: { state: 'SERVER_ACTIVE', syncedToChain: true, blockHeight: 925_003, peers: 4, activeChannels: 3 },
    });
    const { credentials } = states.ready();
    const ready = await stage(visit, link, 'ready', { machine, credentials: { ...credentials, delivery: 'erased' }, pairing: { paired: true } });
    await ready.page.node.waitFor();
    await page.evaluate(() => document.activeElement.blur());
    await save('node');
    await visit.close();
  }
} finally {
  await browser.close();
  await worker.stop();
}
for (const file of fs.readdirSync(path.join(ROOT, 'static')).filter((name) => name.startsWith('picture-'))) {
  console.log(file, fs.statSync(path.join(ROOT, 'static', file)).size);
}
