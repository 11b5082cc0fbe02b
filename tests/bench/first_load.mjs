// What a first visit to the landing page downloads, as Chromium counts it: answers with their headers, compressed by brotli at its
// best. The wasm that makes the key comes after the page is there and is counted apart; so is what the service worker keeps for later.

import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { withBuiltShop } from './assets_server.mjs';

export const rows = ['first_load_bytes', 'first_load_requests', 'vault_bytes', 'precache_bytes'];

export const measure = () => withBuiltShop(async ({ browser, url }) => {
  // Without a service worker, which asks for the same files meanwhile: who comes second takes them from the browser's own cache.
  const first = await visit(browser, url, { serviceWorkers: 'block' });
  const loaded = await Promise.all(first.finished.map(sized));
  const { page } = await visit(browser, url);
  return [...report(loaded), await precache(page, url)];
});

/** Loads the page until one could order -> {page, finished: requests of the page and its worker} */
async function visit(browser, baseURL, options = {}) {
  const { context, page, errors } = await browser.open({ baseURL, ...options });
  const finished = [];
  context.on('requestfinished', (request) => { if (!request.serviceWorker()) finished.push(request); });
  await page.goto('/');
  await page.getByRole('button', { name: /^Continue/ }).waitFor();
  await page.getByText('Your key is ready').waitFor({ timeout: 120_000 });
  // What blocks service workers here registers nothing, and says so to nobody: what the page makes of that is no customer's error.
  assert.deepEqual(errors.filter((text) => !(options.serviceWorkers && text.includes("(reading 'installing')"))), []);
  return { page, finished };
}

async function sized(request) {
  const { responseHeadersSize, responseBodySize } = await request.sizes();
  return { path: new URL(request.url()).pathname, bytes: responseHeadersSize + responseBodySize };
}

function report(loaded) {
  const vault = loaded.filter((one) => /^\/(vault|key-worker|primes_)/.test(one.path));
  const page = loaded.filter((one) => !vault.includes(one));
  // Without these the count would be of something else than the page and its key.
  for (const [some, part] of [[page, /^\/$/], [page, /^\/shop_bg-/], [page, /^\/words-shop-/], [page, /^\/api\/catalogue$/], [vault, /^\/vault_bg-/]]) {
    assert.ok(some.some((one) => part.test(one.path) && one.bytes > 0), `${part} was not seen among ${loaded.map((one) => one.path).join(', ')}`);
  }
  const sum = (some) => some.reduce((total, { bytes }) => total + bytes, 0);
  const parts = page.map((one) => `${one.path.replace(/-[0-9a-f]{16}/, '')} ${one.bytes}`).join(', ');
  return [
    { name: 'first_load_bytes', value: sum(page), unit: 'bytes brotli', n: page.length, note: `brotli 11 and headers, until one can order; vault apart: ${parts}` },
    { name: 'first_load_requests', value: page.length, unit: 'requests', n: page.length },
    { name: 'vault_bytes', value: sum(vault), unit: 'bytes brotli', n: vault.length, note: 'the key maker, loaded behind the page' },
  ];
}

/** What the service worker has fetched for later by the time it is active, on a first visit. */
async function precache(page, url) {
  const kept = await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    const lists = await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname)));
    return lists.flat();
  });
  const sizes = await Promise.all(kept.map(async (path) => {
    const plain = Buffer.from(await (await fetch(url + path)).arrayBuffer());
    // Pictures are packed already, and travel as they are.
    return { packed: path.endsWith('.png') ? plain.length : zlib.brotliCompressSync(plain).length, plain: plain.length };
  }));
  const sum = (key) => sizes.reduce((total, one) => total + one[key], 0);
  return { name: 'precache_bytes', value: sum('packed'), unit: 'bytes brotli', n: kept.length, note: `${sum('plain')} bytes unpacked; aim 1 MB` };
}
