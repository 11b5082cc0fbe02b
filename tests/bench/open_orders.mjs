// Ten thousand open orders in one workerd: its memory, and how fast they are read then; and how much memory an order takes while it is awake.
// The runtime puts an object out of memory that was idle for ten seconds, as Cloudflare does; an awake one holds three files of SQLite open,
// so ten thousand awake at once are more than most systems let one process have. Storage is in memory: the disk's part is another figure.

import fs from 'node:fs';
import { orderBody } from '../support/order.mjs';
import { compare, raw, withBothWorkers } from './load.mjs';
import { count } from './median.mjs';

const MEMORY = ['workerd_rss_10k_bytes', 'workerd_awake_order_bytes'];
const READS = ['get_order_10k_rps', 'get_order_10k_p50_ms', 'get_order_10k_p99_ms', 'get_order_10k_cpu_ms'];
export const rows = [...MEMORY, ...READS];

const ORDERS = 10_000;
/** So many are awake for the memory of one. */
const AWAKE = 3000;
/** So many are made at once, and no sooner than so many milliseconds after the last ones, or too many would be awake. */
const BATCH = 50;
const BATCH_MS = 125;
/** So many of the orders are read in turn, once a round. */
const READ = 3000;

export async function measure() {
  const awake = await withBothWorkers(async (both) => {
    await openOrders(both, 1);
    const empty = rss(both);
    const orders = count(AWAKE);
    await openOrders(both, orders);
    const full = rss(both);
    const each = (side) => (full[side] - empty[side]) / orders;
    return { name: MEMORY[1], value: each('ours'), unit: 'bytes', peer: { value: each('peer') }, n: orders, note: 'resident, with its SQLite' };
  }, { inMemory: true, evicts: false });
  const all = await withBothWorkers(async (both) => {
    const orders = count(ORDERS);
    const opened = await openOrders(both, orders);
    const full = rss(both);
    const note = `${orders} open orders, the idle ones put out by the runtime`;
    const requests = opened.slice(0, READ).map(({ id, token }) => raw('GET', `/api/bootstrap/${id}`, { authorization: `Bearer ${token}` }));
    const memory = { name: MEMORY[0], value: full.ours, unit: 'bytes', peer: { value: full.peer }, n: orders, note: `resident; ${note}` };
    const plan = { prefix: 'get_order_10k', rounds: 1 + count(6), count: READ, status: 200, requests: () => requests, note };
    return [memory, ...await compare(both, plan)];
  }, { inMemory: true });
  return [all[0], awake, ...all.slice(1)];
}

/** Opens as many new orders on both sides, the peer's with the text that it is to answer -> {id, token} of each */
async function openOrders({ ours, peer }, orders) {
  const wanted = [];
  for (let i = 0; i < orders; i += 1) wanted.push(await orderBody());
  const view = await create(ours, (await orderBody()).body);
  for (const [side, more] of [[ours, {}], [peer, { view }]]) {
    for (let i = 0; i < orders; i += BATCH) {
      const pause = new Promise((resolve) => setTimeout(resolve, BATCH_MS));
      await Promise.all([pause, ...wanted.slice(i, i + BATCH).map(({ body }) => create(side, { ...body, ...more }))]);
    }
  }
  return wanted;
}

async function create({ url }, body) {
  const answer = await fetch(`${url}/api/bootstrap`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`${answer.status} ${text}`);
  return JSON.parse(text);
}

/** Resident memory of both, in bytes (proc(5)). */
function rss(both) {
  const of = ({ pid }) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
  return { ours: of(both.ours), peer: of(both.peer) };
}
