// A Worker on bare workerd: one process, no `wrangler dev` in between. Its proxies would cost each request more than the Worker
// does, and would make any two Workers look alike.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import { ROOT } from '../support/paths.mjs';
import { startProcess } from '../support/process.mjs';
import { roomyFolder } from '../support/worker.mjs';

// wrangler's own workerd, wherever npm put it.
const { default: WORKERD } = createRequire(createRequire(import.meta.url).resolve('wrangler/package.json'))('workerd');
const KINDS = { '.js': 'esModule', '.wasm': 'wasm' };

/**
 * folder: of modules, the entry named; its Durable Object classes are bound as in wrangler.toml. inMemory: its storage is in a
 * folder in memory; evicts: whether objects that are idle for ten seconds are put out. -> {pid, port, url, close()}
 */
export async function startWorkerd(modules, entry, { inMemory = false, evicts = true } = {}) {
  const folder = fs.mkdtempSync(path.join(inMemory ? roomyFolder() : os.tmpdir(), 'kindling-workerd-'));
  const close = async () => {
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const code = path.join(folder, 'code');
  fs.cpSync(modules, code, { recursive: true });
  fs.mkdirSync(path.join(folder, 'state'));
  fs.writeFileSync(path.join(code, 'config.capnp'), config(code, entry, path.join(folder, 'state'), evicts));
  const server = startProcess(WORKERD, ['serve', '--experimental', '--control-fd=1', path.join(code, 'config.capnp')], { background: true });
  try {
    const [, port] = await server.until(/"event":"listen","socket":"http","port":(\d+)/);
    return { pid: server.pid, port: Number(port), url: `http://127.0.0.1:${port}`, close };
  } catch (problem) {
    await close();
    throw problem;
  }
}

/** Room for every order of a bench. Nothing else is set, so both stubs are on. */
const VARIABLES = { FLEET_CAPACITY: '1000000000', UNPAID_PER_FLEET: '1000000000' };

/** The same as wrangler.toml says, in workerd's own language, as far as the entry has the classes. */
function config(code, entry, state, evicts) {
  const wrangler = fs.readFileSync(path.join(ROOT, 'wrangler.toml'), 'utf8');
  const [, date] = /^compatibility_date = "(.+)"$/m.exec(wrangler);
  const source = fs.readFileSync(path.join(code, entry), 'utf8');
  const objects = [...wrangler.matchAll(/^name = "(.+)"\nclass_name = "(.+)"$/gm)].filter(([, , name]) => source.includes(`export class ${name} `));
  const bindings = [
    ...objects.map(([, binding, name]) => `(name = "${binding}", durableObjectNamespace = "${name}")`),
    ...Object.entries(VARIABLES).map(([name, text]) => `(name = "${name}", text = "${text}")`),
  ];
  const namespaces = objects.map(([, , name]) => `(className = "${name}", uniqueKey = "kindling-${name}", enableSql = true, preventEviction = ${!evicts})`);
  const files = fs.readdirSync(code, { recursive: true }).filter((file) => KINDS[path.extname(file)] && file !== entry);
  const modules = [entry, ...files].map((file) => `(name = "${file}", ${KINDS[path.extname(file)]} = embed "${file}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "state", disk = (path = "${state}", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "${date}",
  bindings = [${bindings.join(', ')}],
  durableObjectNamespaces = [${namespaces.join(', ')}],
  durableObjectStorage = (localDisk = "state"),
);
`;
}
