// The primes that the key workers' modules find, as they are built, judged by OpenSSL. KINDLING_PRIMES says how many; 10000 take an hour.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import os from 'node:os';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { startOf } from './support/golden.mjs';

const PRIMES = Number(process.env.KINDLING_PRIMES ?? 60);
const SEEDS = Math.ceil(PRIMES / 2);
const E = 65_537n;

const seedOf = (i) => crypto.createHash('sha256').update(`prime ${i}`).digest();

describe('the primes that are found', () => {
  let threads;
  before(() => {
    threads = Array.from({ length: Math.min(os.availableParallelism(), SEEDS) }, () => new Worker(new URL('support/primes_worker.mjs', import.meta.url)));
  });
  after(() => Promise.all(threads.map((thread) => thread.terminate())));

  test('are the same by both engines, and are primes by the judgement of OpenSSL', async (t) => {
    let next = 0;
    let tested = 0;
    await Promise.all(threads.map(async (thread) => {
      while (next < SEEDS) {
        const i = next;
        next += 1;
        const seed = seedOf(i);
        thread.postMessage(seed);
        const [[fused, scalar]] = await once(thread, 'message');
        assert.deepEqual(fused, scalar, `seed ${i}`);
        for (const [prime, found] of fused.entries()) {
          const number = startOf(seed, prime) + 2n * BigInt(found.counter);
          assert.ok(found.confirmed, `seed ${i}, prime ${prime}: not confirmed`);
          assert.ok(crypto.checkPrimeSync(number), `seed ${i}, prime ${prime}: OpenSSL says it is composite`);
          assert.equal(number.toString(2).length, 2048);
          assert.notEqual(number % E, 1n);
          tested += found.tested;
        }
      }
    }));
    t.diagnostic(`${SEEDS * 2} primes, ${(tested / SEEDS / 2).toFixed(1)} tests for each`);
  });
});
