// How fast an order is made: POST /api/bootstrap on both stubs, each request a new Durable Object with its SQLite file.
// The peer keeps the same promises before it answers: the order's row, its place in a second object, its alarm. A second comparison is
// with a peer that writes the row and promises nothing else.
// Not evened out: our stub of Lightning signs an invoice, which LNbits does where money is real. That is a tenth of our processor time.
// A disk that is busy makes both wait for it alike; the processor time does not depend on it.

import { orderBody } from '../support/order.mjs';
import { compare, raw, withBothWorkers } from './load.mjs';
import { count } from './median.mjs';

const WITH_ONE_ROW = 'post_order_one_row_rps';
export const rows = ['post_order_rps', 'post_order_p50_ms', 'post_order_p99_ms', 'post_order_cpu_ms', WITH_ONE_ROW];

const PER_ROUND = 200;

export const measure = () => withBothWorkers(async (both) => {
  const view = await (await fetch(`${both.ours.url}/api/bootstrap`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify((await orderBody()).body),
  })).json();
  const place = { fleet: 'nyc3', until: Date.parse(view.expiresAt), capacity: 1_000_000_000 };
  const against = async (prefix, rounds, peers, note) => {
    const bodies = [];
    for (let i = 0; i < PER_ROUND * rounds; i += 1) bodies.push((await orderBody()).body);
    const next = { ours: 0, peer: 0 };
    return compare(both, {
      prefix,
      rounds,
      count: PER_ROUND,
      status: 201,
      // The peer is told what to answer, so that both write and answer texts of one size.
      requests: (side) => bodies.slice(next[side], next[side] += PER_ROUND)
        .map((body) => raw('POST', '/api/bootstrap', {}, side === 'ours' ? body : { ...body, view, ...peers })),
      note,
    });
  };
  return [
    ...await against('post_order', 1 + count(6), { place }, 'peer: bare JavaScript Worker with the same hops, rows and alarm'),
    ...(await against('post_order_one_row', 1 + count(3), {}, 'peer: bare JavaScript Worker that writes one row')).filter(({ name }) => name === WITH_ONE_ROW),
  ];
});
