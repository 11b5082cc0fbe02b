// The key that most customers wait for: RSA-4096 from the order's secret by the vault, asked for as the page asks and confirmed, beside whatever
// else makes such keys, all in turns. How long one key takes is a matter of luck on every side, hence many keys.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { watchMainThread } from '../support/main_thread.mjs';
import { scratchFolder } from '../support/order.mjs';
import { ROOT } from '../support/paths.mjs';
import { WITHOUT_RELAXED_SIMD, enginesOf, inVaults, openVault } from '../support/vault.mjs';
import { withBuiltShop } from './assets_server.mjs';
import { count, median, percentile95 } from './median.mjs';

const run = promisify(execFile);

/** Each: {name, what it is, of: who makes its keys} */
const KEYS = [
  { name: 'rsa4096_chromium', of: 'ours', what: 'ours' },
  { name: 'rsa4096_scalar_chromium', of: 'scalar', what: 'ours without relaxed SIMD' },
  { name: 'rsa4096_forge', of: 'forge', what: "node-forge's own generator, in JavaScript" },
  { name: 'rsa4096_ssh_keygen', of: 'sshKeygen', what: 'ssh-keygen, a process' },
  { name: 'rsa4096_openssl', of: 'openssl', what: 'openssl genrsa, a process' },
];
const COLD = 'rsa4096_cold_chromium';
const REDERIVE = 'rsa4096_rederive_ms';
const LONGEST_TASK = 'rsa4096_longest_task_ms';

export const rows = [...KEYS.flatMap(({ name }) => [name, `${name}_p95`]), COLD, LONGEST_TASK, REDERIVE];

export const measure = () => withBuiltShop(async ({ browser, url }) => {
  const open = async (options) => {
    const { context, page, requests } = await browser.open({ baseURL: url, serviceWorkers: 'block', ...options });
    return { context, page, requests };
  };
  // Pages without a key of their own in the making.
  const vaultOf = async (engine, script = '') => {
    const { context, page, requests } = await open();
    await inVaults(context, `${script}${TELLING_OF_WORKERS}`);
    await page.goto('/orders');
    await page.evaluate(countWorkers);
    const vault = await openVault(page);
    const { answer: { fragment } } = await vault.ask('NewOrder');
    const cold = await keyOf(vault, fragment);
    assert.deepEqual(enginesOf({ requests }), [engine], 'another engine is measured than is meant');
    return { page, vault, cold, hasKept: () => assert.deepEqual(enginesOf({ requests }), [engine]) };
  };
  const fast = await vaultOf('fused');
  const scalar = await vaultOf('scalar', WITHOUT_RELAXED_SIMD);
  const forge = await open({ bypassCSP: true });
  await forge.page.goto('/orders');
  await forge.page.addScriptTag({ path: path.join(ROOT, 'node_modules/node-forge/dist/forge.min.js') });

  const makers = {
    ours: () => newKey(fast),
    native: () => fast.page.evaluate(keyOfBrowser),
    scalar: () => newKey(scalar),
    forge: () => forge.page.evaluate(keyOfForge),
    sshKeygen: () => timed('ssh-keygen', ['-q', '-t', 'rsa', '-b', '4096', '-N', '', '-f', path.join(scratchFolder(), 'id_rsa')]),
    openssl: () => timed('openssl', ['genrsa', '-out', path.join(scratchFolder(), 'key.pem'), '4096']),
  };
  const times = Object.fromEntries(Object.keys(makers).map((name) => [name, []]));
  const n = count(30);
  for (let i = 0; i < n; i += 1) {
    for (const [name, make] of Object.entries(makers)) {
      // Half a minute each.
      if (name !== 'forge' || i % 10 === 0) times[name].push(await make());
    }
  }
  // A search that fails goes on with the other engine.
  for (const { hasKept } of [fast, scalar]) hasKept();
  const native = times.native;
  const rederived = await rederive(fast.page, fast.cold.fragment);
  return [
    ...KEYS.flatMap(({ name, of, what }) => [['', median, 'medians'], ['_p95', percentile95, '95th percentiles']].map(([end, statistic, words]) => ({
      name: `${name}${end}`, value: statistic(times[of]), unit: 'ms', peer: { value: statistic(native) }, n: times[of].length,
      note: `${what}; peer: the browser's crypto.subtle.generateKey; ${words}`,
    }))),
    { name: COLD, value: fast.cold.milliseconds, unit: 'ms', n: 1, note: 'the first key of a page, while its key workers start' },
    await longestTask(browser, url),
    {
      name: REDERIVE, value: median(rederived), unit: 'ms', n: rederived.length,
      note: `what a link stands for, by a vault that has just started; p95 ${percentile95(rederived).toFixed(1)}`,
    },
  ];
});

/** The key workers are up before anything is timed, as they are before a customer has read the page. */
async function newKey({ page, vault }) {
  await page.evaluate(() => { window.workersUp = 0; });
  const { answer: { fragment } } = await vault.ask('NewOrder');
  await page.waitForFunction(() => window.workersUp === Math.min(Math.max(navigator.hardwareConcurrency, 2), 4));
  return (await keyOf(vault, fragment)).milliseconds;
}

async function keyOf(vault, fragment) {
  const { answer, milliseconds } = await vault.ask('SearchRsa', { fragment });
  // An RSA key of 4096 bits has 535 bytes in OpenSSH's format: three lengths, "ssh-rsa", the exponent, 513 bytes of modulus.
  const [type, blob] = answer.ssh_public_key.split(' ');
  assert.deepEqual([type, Buffer.from(blob, 'base64').length], ['ssh-rsa', 535]);
  return { milliseconds, fragment: answer.fragment };
}

async function timed(program, args) {
  const start = performance.now();
  await run(program, args);
  return performance.now() - start;
}

/** By a new vault each time, as on another page or device. */
async function rederive(page, text) {
  const times = [];
  for (let i = 0; i < count(20); i += 1) {
    const vault = await openVault(page);
    await assert.rejects(vault.ask('ReadLink', { text: 'is it up?' }));
    times.push((await vault.ask('ReadLink', { text })).milliseconds);
    await vault.end();
  }
  return times;
}

/** Of the first page's own thread, from when the page stands until its key is ready. */
async function longestTask(browser, baseURL) {
  const longest = [];
  for (let i = 0; i < count(5); i += 1) {
    const { context, page, close } = await browser.open({ baseURL, serviceWorkers: 'block' });
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    await context.route(/\/primes_.*\.wasm$/, async (route) => {
      await released;
      await route.continue();
    });
    await page.goto('/');
    await page.getByRole('button', { name: /^Continue/ }).waitFor();
    const { tasks: [first] } = await watchMainThread(page, async () => {
      release();
      await page.getByText('Your key is ready').waitFor();
    });
    longest.push(first.worked);
    await close();
  }
  return {
    name: LONGEST_TASK, value: median(longest), unit: 'ms', n: longest.length,
    note: `CPU time of the first page's own thread while its key is made; worst ${Math.max(...longest).toFixed(1)}`,
  };
}

// What follows runs in the page, or in its vault.

/* global window, navigator, BroadcastChannel, crypto, forge */

/** The first thing that a key worker says is that it is up. */
const TELLING_OF_WORKERS = `
  const told = new BroadcastChannel('up');
  self.Worker = class extends self.Worker {
    constructor(...of) {
      super(...of);
      this.addEventListener('message', () => told.postMessage(null), { once: true });
    }
  };`;

function countWorkers() {
  window.workersUp = 0;
  new BroadcastChannel('up').onmessage = () => { window.workersUp += 1; };
}

async function keyOfBrowser() {
  const start = performance.now();
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
  await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  return performance.now() - start;
}

function keyOfForge() {
  forge.options.usePureJavaScript = true;
  const start = performance.now();
  forge.pki.rsa.generateKeyPair(4096, 0x10001);
  return performance.now() - start;
}
