// How fast an order is read: GET /api/bootstrap/:id, each connection polling an order of its own, as customers do.

import assert from 'node:assert/strict';
import { orderBody } from '../support/order.mjs';
import { compare, raw, withBothWorkers } from './load.mjs';
import { count } from './median.mjs';

export const rows = ['get_order_rps', 'get_order_p50_ms', 'get_order_p99_ms', 'get_order_cpu_ms'];

const ORDERS = 16;

export const measure = () => withBothWorkers(async (both) => {
  const orders = [];
  for (let i = 0; i < ORDERS; i += 1) {
    const { body, id, token } = await orderBody();
    await create(both.ours, body);
    const view = await read(both.ours, id, token);
    // The peer answers the very same text.
    await create(both.peer, { ...body, view });
    assert.deepEqual(await read(both.peer, id, token), view);
    orders.push(raw('GET', `/api/bootstrap/${id}`, { authorization: `Bearer ${token}` }));
  }
  return compare(both, {
    prefix: 'get_order', rounds: 1 + count(10), count: 3000, status: 200, requests: () => orders, note: 'peer: bare JavaScript Worker with the same hop',
  });
});

async function create({ url }, body) {
  const answer = await fetch(`${url}/api/bootstrap`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.equal(answer.status, 201, await answer.text());
}

async function read({ url }, id, token) {
  const answer = await fetch(`${url}/api/bootstrap/${id}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  return answer.json();
}
