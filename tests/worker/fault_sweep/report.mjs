// What the sweep prints: its table, and how long an order that failed leaves things in the cloud.

import { EFFECTS, FAULTS } from './cases.mjs';

const REMOVALS = ['delete_droplet', 'delete_volume', 'delete_key', 'delete_device'];
const isApplied = ({ outcome }) => outcome !== undefined && outcome.status < 300;

/** One cell for each case: delivered or refunded, and how many seconds after the fault, by the clock that was moved. */
export function table(cases) {
  const cell = (order) => {
    if (!order?.end) return order ? 'open' : '';
    const over = Math.max(order.delivered?.clock ?? 0, ...order.calls.filter(({ swept }) => !swept).map(({ applied }) => applied?.clock ?? 0));
    const seconds = Math.max(0, Math.round((over - order.struck.arrived.clock) / 1000));
    return `${order.delivered ? 'D' : 'R'}${String(seconds).padStart(4)}${order.left.length > 0 ? '*' : ' '}`;
  };
  const head = ['', ...FAULTS.map(({ name, short = name }) => short)];
  const rows = EFFECTS.map(({ name }) => [name, ...FAULTS.map((column) => cell(cases.find((order) => order.effect.name === name && order.column === column)))]);
  return [head, ...rows].map(([name, ...cells]) => `${name.padEnd(25)} ${cells.map((text) => text.padStart(8)).join(' ')}`).join('\n');
}

const removals = ({ calls }) => calls.filter((call) => REMOVALS.includes(call.kind) && isApplied(call)).map(({ applied }) => applied.clock);

/** The refunded orders that had something in the cloud and removed it themselves. */
export const emptied = (cases) => cases.filter((order) => order.end && !order.delivered && order.left.length === 0 && removals(order).length > 0);

/**
 * For each of these: from its last failed step, as its own journal has it, to the moment when the last of its things was gone.
 * real(order, time): when that was by the wall -> {moved: [seconds], real: [seconds]}
 */
export function emptyings(journals, real) {
  const spans = [...journals].map(([order, journal]) => {
    const empty = Math.max(...removals(order));
    const failures = journal.filter(({ event, detail }) => event === 'failed' || (event === 'tear_down' && !detail.endsWith('answered')));
    return [order, Math.max(...failures.map(({ at }) => at).filter((at) => at <= empty)), empty];
  });
  return {
    moved: spans.map(([, from, to]) => (to - from) / 1000), real: spans.map(([order, from, to]) => (real(order, to) - real(order, from)) / 1000),
  };
}

/** "median 0.2 s, at most 61.0 s" */
export function spread(seconds) {
  const sorted = seconds.toSorted((a, b) => a - b);
  return `median ${sorted[Math.floor(sorted.length / 2)].toFixed(1)} s, at most ${sorted.at(-1).toFixed(1)} s`;
}
