// A thread that searches primes as a key worker does, with both engines, each from beginning to end.

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort } from 'node:worker_threads';
import { BUILD } from './paths.mjs';

const engines = await Promise.all(['fused', 'scalar'].map(load));

parentPort.on('message', (seed) => parentPort.postMessage(engines.map((engine) => [0, 1].map((prime) => search(engine, seed, prime)))));

async function load(name) {
  const file = path.join(BUILD, 'wasm', `primes_${name}`, `primes_${name}`);
  const engine = await import(pathToFileURL(`${file}.js`));
  engine.initSync({ module: fs.readFileSync(`${file}_bg.wasm`) });
  if (!engine.works()) throw new Error(`the ${name} engine does not work on this machine`);
  return engine;
}

/** -> {counter, tested: how many candidates, confirmed} */
function search({ Search }, seed, prime) {
  const own = Search.begin(seed);
  try {
    for (let window = 0, tested = 0; ; window += 1) {
      const survivors = own.sieve(prime, window);
      const counter = own.test(prime, survivors);
      if (counter !== undefined) return { counter, tested: tested + survivors.indexOf(counter) + 1, confirmed: own.confirm(prime, counter) };
      tested += survivors.length;
    }
  } finally {
    own.free();
  }
}
