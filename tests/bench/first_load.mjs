// What a first visit to the landing page downloads, as Chromium counts it: answers with their headers, compressed by brotli at its
// best. The wasm that makes the key comes after the page is there and is counted apart.

import assert from 'node:assert/strict';
import { withBuiltShop } from './assets_server.mjs';

export const rows = ['first_load_bytes', 'first_load_requests', 'vault_bytes'];

export const measure = () => withBuiltShop(async ({ browser, url }) => report(await visit(browser, url)));

/** Loads the page until one could order -> [{path, bytes}] */
async function visit(browser, baseURL) {
  const { context, page, errors } = await browser.open({ baseURL });
  const finished = [];
  context.on('requestfinished', (request) => finished.push(request));
  await page.goto('/');
  await page.getByRole('button', { name: /^Continue/ }).waitFor();
  await page.getByText('Your key is ready').waitFor({ timeout: 120_000 });
  assert.deepEqual(errors, []);
  return Promise.all(finished.map(async (request) => {
    const { responseHeadersSize, responseBodySize } = await request.sizes();
    return { path: new URL(request.url()).pathname, bytes: responseHeadersSize + responseBodySize };
  }));
}

function report(loaded) {
  const vault = loaded.filter((one) => one.path.startsWith('/vault'));
  const page = loaded.filter((one) => !vault.includes(one));
  // Without these the count would be of something else than the page and its key.
  for (const [some, part] of [[page, '/app_bg-'], [page, '/style-'], [page, '/api/catalogue'], [vault, '/vault_bg-']]) {
    assert.ok(some.some((one) => one.path.startsWith(part) && one.bytes > 0), `${part} was not seen among ${loaded.map((one) => one.path).join(', ')}`);
  }
  const sum = (some) => some.reduce((total, { bytes }) => total + bytes, 0);
  return [
    { name: 'first_load_bytes', value: sum(page), unit: 'bytes brotli', n: page.length, note: 'brotli 11 and headers, until one can order; vault apart' },
    { name: 'first_load_requests', value: page.length, unit: 'requests', n: page.length },
    { name: 'vault_bytes', value: sum(vault), unit: 'bytes brotli', n: vault.length, note: 'the key maker, loaded behind the page' },
  ];
}
