// The Worker's cold start: from the start of workerd to its first answer, less what a workerd takes that has nothing to load (the peer's own
// difference is the peer value), and what compiling and starting the wasm takes by itself, in the same engine.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD } from '../support/paths.mjs';
import { count, median } from './median.mjs';
import { startWorkerd } from './workerd.mjs';

export const rows = ['worker_cold_start_ms', 'worker_first_answer_ms', 'worker_warm_answer_ms'];

const BARE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'bare_worker');
/** Found in no storage: what is answered first is a refusal, which has passed the Worker and an object. */
const UNKNOWN = '/api/bootstrap/00000000000000000000000000000000';

export async function measure() {
  const [ours, bare] = [[], []];
  // In turns, so that a drift of the machine hits both.
  for (let i = 0; i <= count(20); i += 1) {
    const both = [await once(path.join(BUILD, 'worker')), await once(BARE)];
    if (i > 0) for (const [list, one] of [[ours, both[0]], [bare, both[1]]]) list.push(one);
  }
  const row = (name, key, note) => {
    const [value, peer] = [ours, bare].map((some) => median(some.map((one) => one[key])));
    return { name, value, unit: 'ms', peer: { value: peer, ratio: median(ours.map((one, i) => one[key] / bare[i][key])) }, n: ours.length, note };
  };
  return [
    row(rows[0], 'cold', 'from starting workerd to the first answer; peer: bare JavaScript Worker'),
    row(rows[1], 'first', 'the first answer alone, once workerd listens'),
    row(rows[2], 'warm', 'the median of the next 20'),
  ];
}

async function once(modules) {
  const started = performance.now();
  const worker = await startWorkerd(modules, 'entry.js');
  try {
    const listening = performance.now();
    const first = await ask(worker);
    const warm = [];
    for (let i = 0; i < 20; i += 1) warm.push(await ask(worker));
    return { cold: listening - started + first, first, warm: median(warm) };
  } finally {
    await worker.close();
  }
}

async function ask({ url }) {
  const since = performance.now();
  const answer = await fetch(url + UNKNOWN, { headers: { authorization: 'Bearer x' } });
  await answer.arrayBuffer();
  if (answer.status !== 404) throw new Error(`answered ${answer.status}`);
  return performance.now() - since;
}
