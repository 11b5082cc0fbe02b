// The README's curl lines, run as they stand: a newcomer copies them, and they work.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from './support/paths.mjs';
import { startWorker } from './support/worker.mjs';

test('the README buys a machine with curl and opens its bundle with age', async (t) => {
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const script = /tests\/readme\.test\.mjs runs this block\. -->\n```sh\n(.*?)```/s.exec(readme)[1];
  const worker = await startWorker();
  t.after(() => worker.stop());
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'kindling-readme-'));
  t.after(() => fs.rmSync(home, { recursive: true, force: true }));
  fs.mkdirSync(path.join(home, '.ssh'), { mode: 0o700 });

  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: home, env: { PATH: process.env.PATH, HOME: home, URL: worker.url }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const [code] = await once(shell, 'close');
  assert.equal(code, 0, said);

  assert.match(said, /POST \/api\/dev\/stub\/pay\/[0-9a-f]{64}/);
  assert.match(said, /^provisioning\nready$/m);
  assert.match(said, /"delivery":"erased"/);
  const bundle = JSON.parse(fs.readFileSync(path.join(home, 'bundle.json'), 'utf8'));
  assert.equal(bundle.fake, true);
  assert.equal(bundle.orderId, JSON.parse(fs.readFileSync(path.join(home, 'order.json'), 'utf8')).bootstrapJobId);
  assert.equal(bundle.lnd.seedWords.length, 24);
});
