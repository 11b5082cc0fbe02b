// What one undisturbed order costs, as docs/scale.md tells it: rows, alarms, calls to upstreams, requests. Counted, not timed.

import { countUndisturbedOrder, rowsOf } from '../support/counted.mjs';

const PLAIN = ['order_rows_written', 'order_alarms_set', 'order_worker_requests', 'order_object_requests'];
const UPSTREAMS = ['lnbits', 'digitalocean', 'tailscale'];

export const rows = [...PLAIN, ...UPSTREAMS.map((name) => `order_calls_${name}`)];

export async function measure() {
  const counted = await countUndisturbedOrder();
  const all = Object.values(counted.classes);
  const sum = (key) => all.reduce((total, one) => total + one[key], 0);
  const split = Object.entries(counted.classes).filter(([, one]) => one.rows > 0).map(([name, one]) => `${name.replace('Object', '')} ${one.rows}`).join(', ');
  const values = [
    [rowsOf(counted), 'rows', `${split}, alarms ${sum('alarmsSet') + sum('alarmsDeleted')}; tables included`],
    [sum('alarmsSet'), 'alarms', `of which ${sum('alarmsRung')} rang before the order was acknowledged`],
    [counted.requests, 'requests', ''],
    [sum('requests') + sum('alarmsRung'), 'requests', 'alarms included'],
  ];
  const calls = UPSTREAMS.map((name) => [counted.upstream[name], 'calls', '']);
  return [...values, ...calls].map(([value, unit, note], at) => ({ name: rows[at], value, unit, n: 1, note }));
}
