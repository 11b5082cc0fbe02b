// Ten thousand open orders in one workerd: its memory, how much of it each order takes, and how fast one of them is read then.
// Their storage is in memory where there is room, because what the disk takes is another figure (post_order); tmpfs counts for no process.

import fs from 'node:fs';
import { orderBody } from '../support/order.mjs';
import { compare, raw, withBothWorkers } from './load.mjs';
import { count } from './median.mjs';

export const rows = ['workerd_rss_10k_bytes', 'workerd_bytes_per_order', 'get_order_10k_rps', 'get_order_10k_p50_ms', 'get_order_10k_p99_ms'];

const ORDERS = 10_000;
/** So many reads a round; the orders take turns. */
const READS = 3000;

export const measure = () => withBothWorkers(async (both) => {
  const orders = count(ORDERS);
  const bodies = [];
  for (let i = 0; i < orders; i += 1) bodies.push(await orderBody());
  const view = await (await create(both.ours.url, (await orderBody()).body)).json();
  const empty = { ours: rss(both.ours), peer: rss(both.peer) };
  for (const [side, with_] of [['ours', {}], ['peer', { view }]]) {
    for (let i = 0; i < orders; i += 50) {
      await Promise.all(bodies.slice(i, i + 50).map(async ({ body }) => (await create(both[side].url, { ...body, ...with_ })).arrayBuffer()));
    }
  }
  const full = { ours: rss(both.ours), peer: rss(both.peer) };
  const each = (side) => (full[side] - empty[side]) / orders;
  const requests = bodies.map(({ id, token }) => raw('GET', `/api/bootstrap/${id}`, { authorization: `Bearer ${token}` }));
  const note = `${orders} open orders`;
  return [
    { name: rows[0], value: full.ours, unit: 'bytes', peer: { value: full.peer }, n: orders, note: `resident, ${note}; peer: bare JavaScript Worker` },
    { name: rows[1], value: each('ours'), unit: 'bytes', peer: { value: each('peer') }, n: orders, note: 'growth of resident memory, its SQLite included' },
    ...await compare(both, { prefix: 'get_order_10k', rounds: 1 + count(6), count: READS, status: 200, requests: () => requests, note }),
  ];
  // None is put out of memory for being idle: this is what all of them take at once.
}, { inMemory: true, evicts: false });

async function create(url, body) {
  const answer = await fetch(`${url}/api/bootstrap`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer;
}

/** Resident memory of a process, in bytes (proc(5)). */
function rss({ pid }) {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes) * 1024;
}
