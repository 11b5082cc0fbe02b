// The key that most customers wait for: RSA-4096 from the order's secret by the vault, asked for as the page asks, beside Chromium's
// own `crypto.subtle.generateKey` in turns. How long one key takes is a matter of luck on both sides, hence many keys.

import assert from 'node:assert/strict';
import { withBuiltShop } from './assets_server.mjs';
import { count, median } from './median.mjs';

export const rows = ['rsa4096_chromium'];

export const measure = () => withBuiltShop(async ({ browser, url }) => {
  const { page } = await browser.open({ baseURL: url });
  // A page without a key of its own in the making.
  await page.goto('/orders');
  await page.evaluate(startVault);

  const [vault, native] = [[], []];
  for (let i = 0; i < count(30); i += 1) {
    const { milliseconds, publicKey } = await page.evaluate(keyOfVault);
    // An RSA key of 4096 bits has 535 bytes in OpenSSH's format: three lengths, "ssh-rsa", the exponent, 513 bytes of modulus.
    const [type, blob] = publicKey.split(' ');
    assert.deepEqual([type, Buffer.from(blob, 'base64').length], ['ssh-rsa', 535]);
    vault.push(milliseconds);
    native.push(await page.evaluate(keyOfBrowser));
  }
  return [{
    name: 'rsa4096_chromium', value: median(vault), unit: 'ms', peer: { value: median(native) }, n: vault.length,
    note: "peer: the browser's crypto.subtle.generateKey; medians",
  }];
});

// What follows runs in the page.

/* global window, document, Worker, crypto */

/** The page's side of app/src/vault_protocol.rs. */
async function startVault() {
  const worker = new Worker(document.querySelector('meta[name=kindling-vault]').content, { type: 'module' });
  let last = 0;
  window.askVault = (name, ask = {}) => new Promise((resolve, reject) => {
    const id = ++last;
    worker.onerror = () => reject(new Error('the vault did not start'));
    worker.onmessage = ({ data }) => {
      const [number, word, rest] = Array.isArray(data) ? data : [id, data];
      if (number !== id || word === 'progress') return;
      if (word === 'done') resolve(JSON.parse(rest));
      else reject(new Error(rest ?? word));
    };
    worker.postMessage([id, name, JSON.stringify(ask)]);
  });
  // Its wasm is compiled before anything is timed, as it is before a customer has read the page.
  await window.askVault('NewOrder');
}

async function keyOfVault() {
  const { fragment } = await window.askVault('NewOrder');
  const start = performance.now();
  const found = await window.askVault('SearchRsa', { fragment });
  return { milliseconds: performance.now() - start, publicKey: found.ssh_public_key };
}

async function keyOfBrowser() {
  const start = performance.now();
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
  await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  return performance.now() - start;
}
