// The benchmark behind `cargo xtask bench [--json] [FILTER]`: measures, and prints one row per figure as soon as it is known.
// Invariant: with --json there is nothing on stdout but rows, {name, value, unit, peer, ratio, n}: `peer` is the other side's value
// in the same unit and `ratio` ours divided by it (null where that is 0), or both are null. What failed is told on stderr and by the exit
// code, and costs no other figure.

import { parseArgs } from 'node:util';
import * as coldStart from './cold_start.mjs';
import * as firstLoad from './first_load.mjs';
import * as payment from './payment.mjs';
import * as getOrder from './get_order.mjs';
import * as landing from './landing.mjs';
import * as openOrders from './open_orders.mjs';
import * as orderCosts from './order_costs.mjs';
import * as postOrder from './post_order.mjs';
import * as rsa from './rsa.mjs';
import * as workerSize from './worker_size.mjs';

/** Each: {rows: names, measure(): rows, where `note` says what else one should know}. */
const MEASUREMENTS = [workerSize, coldStart, firstLoad, landing, getOrder, postOrder, openOrders, orderCosts, payment, rsa];

const { values: { json }, positionals: [filter = ''] } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true });
const wanted = (name) => name.includes(filter);
const chosen = MEASUREMENTS.filter(({ rows }) => rows.some(wanted));

if (chosen.length === 0) fail(`no row's name contains "${filter}"; there are: ${MEASUREMENTS.flatMap(({ rows }) => rows).join(', ')}`);
if (!json && chosen.length > 0) console.log(line({ name: 'figure', value: 'value', unit: 'unit', peer: 'peer', ratio: 'ratio', n: 'n', note: '' }));
for (const { rows, measure } of chosen) {
  try {
    for (const row of await measure()) if (wanted(row.name)) tell(row);
  } catch (problem) {
    fail(`${rows.filter(wanted).join(', ')}: ${problem.stack ?? problem}`);
  }
}
// A library's timer or socket must not keep a finished benchmark open.
process.exit();

function tell({ name, value, unit, peer = null, n, note = '' }) {
  const ratio = peer && peer.value !== 0 ? short(peer.ratio ?? value / peer.value) : null;
  const row = { name, value: short(value), unit, peer: peer && short(peer.value), ratio, n };
  console.log(json ? JSON.stringify(row) : line({ ...row, note }));
}

function line({ name, value, unit, peer, ratio, n, note }) {
  const cells = [
    name.padEnd(40), String(value).padStart(9), unit.padEnd(12), String(peer ?? '-').padStart(9), String(ratio ?? '-').padStart(7), String(n).padStart(6), note,
  ];
  return cells.join('  ').trimEnd();
}

/** Four significant digits; whole numbers stay whole. */
function short(value) {
  return Number.isInteger(value) || value >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}

function fail(sentence) {
  process.exitCode = 1;
  console.error(`failed: ${sentence}`);
}
