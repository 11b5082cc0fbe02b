// The product with its storage counted, and one undisturbed order whose costs are counted: what docs/scale.md says of an order comes from here.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { call, pollUntil, randomWord } from './order.mjs';
import { BUILD, ROOT } from './paths.mjs';
import { PHASES } from './scripted_machine.mjs';
import { openShop } from './shop.mjs';

/** A folder like the project's, whose build counts -> {root, close()} */
export function countingBuild() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'kindling-counted-'));
  const worker = path.join(root, 'build/worker');
  fs.cpSync(path.join(BUILD, 'worker'), worker, { recursive: true });
  fs.renameSync(path.join(worker, 'entry.js'), path.join(worker, 'product.js'));
  fs.copyFileSync(path.join(ROOT, 'tests/support/counting_entry.js'), path.join(worker, 'entry.js'));
  fs.symlinkSync(path.join(BUILD, 'assets'), path.join(root, 'build/assets'));
  fs.copyFileSync(path.join(ROOT, 'wrangler.toml'), path.join(root, 'wrangler.toml'));
  return { root, close: () => fs.rmSync(root, { recursive: true, force: true }) };
}

/** What has been counted so far. */
export const counts = async (worker) => (await call(worker, 'GET', '/api/test/counts')).body;

/** A shop that counts, for as long as `use(shop)` takes. */
export async function withCountedShop(options, use) {
  const build = countingBuild();
  try {
    const shop = await openShop({ ...options, root: build.root });
    try {
      return await use(shop);
    } finally {
      await shop.close();
    }
  } finally {
    build.close();
  }
}

/** A visitor's network address, so that its door is counted, too. */
const VISITOR = { 'cf-connecting-ip': '203.0.113.200' };
/** Longer than the pause between two looks at an unpaid invoice, in milliseconds. */
const UNPAID_MS = 31_000;
/** A droplet is active at this look of its order, one each 5 s. */
const LOOKS = 6;

/**
 * A full node with a volume and Tailscale, paid after half a minute, its droplet active after six looks, each phase told as begun and done, delivered,
 * claimed and acknowledged; in real time, because moving the clock would wake objects. -> {requests, classes, upstream: {lnbits, digitalocean, tailscale}}
 */
export const countUndisturbedOrder = () => withCountedShop({ cloud: { newReads: LOOKS - 1 } }, async (shop) => {
  const { worker } = shop;
  const { fetch } = worker;
  worker.fetch = (target, init) => fetch(target, { ...init, headers: { ...init?.headers, ...VISITOR } });
  const before = await counts(worker);
  const order = await shop.order();
  const live = await order.live();
  await new Promise((resolve) => setTimeout(resolve, UNPAID_MS));
  order.payQuietly();
  await order.hook();
  await live.until(({ phase }) => phase === 'booting');
  const machine = await order.machine();
  await pollUntil(async () => (await machine.pair()).status === 200, 'the pairing');
  const good = ({ status, text }) => assert.equal(status, 200, text);
  await pollUntil(() => shop.cloud.requests.filter(({ path: at }) => /droplets\/\d+$/.test(at)).length >= LOOKS, 'the look that finds it active');
  for (const phase of PHASES) for (const status of ['started', 'done']) good(await machine.report(phase, status));
  good(await machine.deliver());
  await live.until(({ state }) => state === 'ready');
  const nonce = randomWord();
  good(await order.claim(nonce));
  good(await order.ack(nonce));
  live.close();
  const after = await counts(worker);
  assert.deepEqual(before.requests, 0);
  const upstream = { lnbits: shop.lnbits.requests.length, digitalocean: shop.cloud.requests.length, tailscale: shop.tailscale.requests.length };
  return { ...after, upstream };
});

/** Rows of all classes, each alarm that was set or deleted being one. */
export function rowsOf({ classes }) {
  return Object.values(classes).reduce((sum, one) => sum + one.rows + one.alarmsSet + one.alarmsDeleted, 0);
}
