// How fast an order is made: POST /api/bootstrap on both stubs, each request a new Durable Object with its SQLite file.

import { orderBody } from '../support/order.mjs';
import { compare, raw, withBothWorkers } from './load.mjs';
import { count } from './median.mjs';

export const rows = ['post_order_rps', 'post_order_p50_ms', 'post_order_p99_ms'];

const PER_ROUND = 200;

export const measure = () => withBothWorkers(async (both) => {
  const bodies = [];
  const rounds = 1 + count(6);
  for (let i = 0; i < PER_ROUND * rounds; i += 1) bodies.push((await orderBody()).body);
  const view = await (await fetch(`${both.ours.url}/api/bootstrap`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify((await orderBody()).body),
  })).json();
  const next = { ours: 0, peer: 0 };
  return compare(both, {
    prefix: 'post_order',
    rounds,
    count: PER_ROUND,
    status: 201,
    // The peer is told what to answer, so that both write and answer texts of one size.
    requests: (side) => bodies.slice(next[side], next[side] += PER_ROUND)
      .map((body) => raw('POST', '/api/bootstrap', {}, side === 'ours' ? body : { ...body, view })),
    note: 'peer: bare JavaScript Worker that writes one row',
  });
});
