// Loads our Worker and its peer in turns (A B, B A, ...), so that a drift of the machine hits both, and compares round by round.

import { fork } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD } from '../support/paths.mjs';
import { median } from './median.mjs';
import { startWorkerd } from './workerd.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CONNECTIONS = 16;
/** What Linux counts a process's time in. */
const TICK_MS = 10;
/** No round takes longer, however slow the machine. */
const MAX_ROUND_MS = 10_000;

/** Both Workers, each on a workerd of its own, and the generator. options: of startWorkerd() */
export async function withBothWorkers(work, options) {
  const ours = await startWorkerd(path.join(BUILD, 'worker'), 'entry.js', options);
  const peer = await startWorkerd(path.join(HERE, 'bare_worker'), 'entry.js', options).catch(async (problem) => {
    await ours.close();
    throw problem;
  });
  const generator = fork(path.join(HERE, 'generator.mjs'));
  try {
    return await work({ ours, peer, generator });
  } finally {
    generator.disconnect();
    await Promise.all([ours.close(), peer.close()]);
  }
}

/**
 * rounds: how many, the first of which only warms up. requests(side): the raw requests of a round.
 * -> the rows PREFIX_rps, PREFIX_p50_ms, PREFIX_p99_ms and PREFIX_cpu_ms, the processor time of workerd for each request
 */
export async function compare({ ours, peer, generator }, { prefix, rounds, count, status, requests, note }) {
  const heard = { ours: [], peer: [] };
  for (let i = 0; i < rounds; i += 1) {
    for (const side of i % 2 === 0 ? ['ours', 'peer'] : ['peer', 'ours']) {
      const { port, pid } = { ours, peer }[side];
      const plan = { port, requests: requests(side), connections: CONNECTIONS, count, maxMs: MAX_ROUND_MS, status };
      const before = processorMs(pid);
      const result = await round(generator, plan).catch((problem) => {
        throw new Error(`${side === 'ours' ? 'our Worker' : 'the peer'}: ${problem.message}`);
      });
      if (i > 0) heard[side].push({ ...result, cpu: (processorMs(pid) - before) / result.n });
    }
  }
  const n = heard.ours.reduce((sum, { n: some }) => sum + some, 0);
  const row = (name, key, unit) => ({
    name: `${prefix}_${name}`,
    value: median(heard.ours.map((one) => one[key])),
    unit,
    peer: { value: median(heard.peer.map((one) => one[key])), ratio: median(heard.ours.map((one, i) => one[key] / heard.peer[i][key])) },
    n,
    note: `${note}; ${CONNECTIONS} connections, median of ${heard.ours.length} rounds`,
  });
  return [row('rps', 'rps', 'requests/s'), row('p50_ms', 'p50', 'ms'), row('p99_ms', 'p99', 'ms'), row('cpu_ms', 'cpu', 'ms')];
}

/** What a process has had of the processors, with all its threads. */
function processorMs(pid) {
  const [, , , , , , , , , , , user, system] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(user) + Number(system)) * TICK_MS;
}

function round(generator, plan) {
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`the load generator ended (${code})`));
    generator.once('exit', ended).once('message', ({ result, problem }) => {
      generator.off('exit', ended);
      if (problem) reject(new Error(problem));
      else resolve(result);
    });
    generator.send(plan);
  });
}

/** An HTTP/1.1 request as it stands on the wire. */
export function raw(method, target, headers, body) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = Object.entries({ host: 'kindling.test', ...headers, ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }) });
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text}`;
}
