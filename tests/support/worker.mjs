// Runs the built Worker in workerd, in two ways: inside the test process with access to its objects (startWorker), and as a separate
// `wrangler dev` that can be killed and started again on the same storage (workerProcess).
// Invariant: only the variables that a test names reach it. The configuration is copied to a folder of its own, because wrangler
// reads .dev.vars and .env beside the configuration; so a developer's settings stay out.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import { BUILD, ROOT } from './paths.mjs';
import { freePort, startProcess } from './process.mjs';

/** Limits that no test meets unless it names its own. */
export const GENEROUS = { FLEET_CAPACITY: '100000', UNPAID_PER_ADDRESS: '100000', CREATES_PER_MINUTE: '100000', UNPAID_PER_FLEET: '100000' };
/** X_LOCAL_OBSERVABILITY would have wrangler trace each storage call into a database of its own, which takes a third of the time. */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', CLOUDFLARE_INCLUDE_PROCESS_ENV: 'false', X_LOCAL_OBSERVABILITY: 'false', CI: '1',
};

/**
 * vars override those of wrangler.toml; PUBLIC_URL is the Worker's own address unless given. persist: a folder for the storage (else
 * it is thrown away). -> {url, fetch, scheduled, storage(CLASS, name), evict(CLASS, name), ids(CLASS), logs(), stop()}
 */
export async function startWorker({ vars = {}, persist, root = ROOT } = {}) {
  Object.assign(process.env, QUIET, { WRANGLER_LOG: 'warn' });
  const { createTestHarness } = await harnessWithRealNetwork();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const folder = isolatedConfig(root);
  const configPath = path.join(folder, 'wrangler.toml');
  devOptions.set(configPath, { port, persist: persist ?? path.join(folder, 'state') });

  const harness = createTestHarness({ root: folder, workers: [{ configPath, vars: { PUBLIC_URL: url, ...GENEROUS, ...vars } }] });
  const stop = async () => {
    await harness.close();
    devOptions.delete(configPath);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    await harness.listen();
  } catch (problem) {
    await stop();
    throw problem;
  }
  return {
    url,
    stop,
    fetch: (target, init) => fetch(new URL(target, url), init),
    scheduled: (cron = '* * * * *') => harness.getWorker().scheduled({ cron, scheduledTime: new Date() }),
    /** `exec(sql, ...values)` -> rows, inside the object. */
    storage: (durableObject, name) => harness.getWorker().getDurableObjectStorage(durableObject, { name }),
    /** Ends the object's instance, as Cloudflare may at any time; its storage stays. */
    evict: (durableObject, name) => harness.getWorker().evictDurableObject(durableObject, { name }),
    ids: (durableObject) => harness.getWorker().listDurableObjectIds(durableObject),
    /** Everything that the Worker has logged, as one text. */
    logs: () => harness.getLogs().map(({ level, message }) => `${level}: ${message}`).join('\n'),
  };
}

/**
 * A Worker that survives its process: address and storage stay the same over start, stop, kill and restart. scratch: where its folder is
 * made. -> {url, persist, start(vars?), stop(), kill(), restart(vars?), scheduled(), fetch, logs(), close()}
 */
export async function workerProcess({ vars = {}, root = ROOT, scratch } = {}) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const folder = isolatedConfig(root, scratch);
  const persist = path.join(folder, 'state');
  const wrangler = path.join(path.dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js');
  let current = { PUBLIC_URL: url, ...GENEROUS, ...vars };
  let server;
  let earlier = '';

  const end = async (how) => {
    if (!server) return;
    await server[how]();
    earlier += server.output();
    server = undefined;
  };
  const worker = {
    url,
    persist,
    async start(changed = {}) {
      if (server) throw new Error('the Worker runs already');
      current = { ...current, ...changed };
      fs.writeFileSync(path.join(folder, '.dev.vars'), dotenv(current), { mode: 0o600 });
      server = startProcess(process.execPath, [
        wrangler, 'dev', '--local', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0', '--show-interactive-dev-session=false',
        '--persist-to', persist, '--config', path.join(folder, 'wrangler.toml'),
      ], {
        cwd: folder,
        env: {
          ...QUIET, PATH: process.env.PATH, HOME: folder, TMPDIR: folder, XDG_CONFIG_HOME: folder, WRANGLER_LOG_PATH: folder,
          WRANGLER_REGISTRY_PATH: folder,
        },
        background: true,
      });
      await server.until(/Ready on http/);
    },
    stop: () => end('stop'),
    /** SIGKILL to wrangler and workerd at once, as a power cut would be. */
    kill: () => end('kill'),
    async restart(changed) {
      await worker.stop();
      await worker.start(changed);
    },
    fetch: (target, init) => fetch(new URL(target, url), init),
    scheduled: () => fetch(new URL('/cdn-cgi/handler/scheduled', url)),
    logs: () => earlier + (server?.output() ?? ''),
    async close() {
      await worker.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
  return worker;
}

/** A folder that holds the configuration and a link to the build, and nothing else. */
function isolatedConfig(root, scratch = roomyFolder()) {
  const build = root === ROOT ? BUILD : path.join(root, 'build');
  if (!fs.existsSync(build)) throw new Error(`${build} does not exist: build the Worker first (cargo xtask build)`);
  const folder = fs.mkdtempSync(path.join(scratch, 'kindling-worker-'));
  fs.copyFileSync(path.join(root, 'wrangler.toml'), path.join(folder, 'wrangler.toml'));
  fs.symlinkSync(build, path.join(folder, 'build'));
  return folder;
}

/** In memory where there is room: each write of an object waits for the disk, and here nothing has to outlive more than its process. */
export function roomyFolder() {
  const memory = '/dev/shm';
  try {
    fs.accessSync(memory, fs.constants.W_OK);
    const { bavail, bsize } = fs.statfsSync(memory);
    if (bavail * bsize > 512 * 1024 * 1024) return memory;
  } catch {
    // Not every system has it.
  }
  return os.tmpdir();
}

function dotenv(vars) {
  return Object.entries(vars).map(([name, value]) => {
    if (/['\n]/.test(value)) throw new Error(`${name}: a quote or a line break cannot be written to .dev.vars`);
    return `${name}='${value}'\n`;
  }).join('');
}

const devOptions = new Map(); // configuration's path -> {port, persist}
let harnessModule;

/**
 * wrangler's harness sends the Worker's outgoing calls through Node's fetch, where a dropped connection becomes an answer 500 with
 * Node's error text; and it picks the port itself. Both are options of the layer below, which is adjusted here: calls leave by
 * workerd's own network, so that a Worker meets network failures as it would in production. (Holds for the pinned wrangler; fakes.test.mjs
 * fails where it no longer does.)
 */
async function harnessWithRealNetwork() {
  if (harnessModule) return harnessModule;
  const { default: wrangler } = await import('wrangler');
  const DevEnv = wrangler.unstable_DevEnv;
  wrangler.unstable_DevEnv = class extends DevEnv {
    constructor(...options) {
      super(...options);
      const set = this.config.set.bind(this.config);
      this.config.set = (input, ...rest) => {
        const { port, persist } = devOptions.get(input.config) ?? {};
        const dev = { ...input.dev, outboundService: undefined };
        if (port) dev.server = { ...dev.server, port };
        if (persist) dev.persist = persist;
        return set({ ...input, dev }, ...rest);
      };
    }
  };
  harnessModule = wrangler;
  return wrangler;
}
