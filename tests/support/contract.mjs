// Puts a validator of the upstream's official contract between the Worker and a fake: Prism judges every request and every answer.
// Where the contracts are absent, the Worker talks to the fake itself, and `active` says so.
//
//   Worker -> front (here) -> Prism -> dispatcher (here) -> fake
//
// One Prism serves all fakes of a kind in this process. The front finds the fake's own answer again by the exchange's number, so that
// a fault stays what the test ordered (Prism would turn a dropped connection into an HTTP error).

import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';
import { EXCHANGE_HEADER } from '../fakes/http.mjs';
import { CONTRACTS } from './paths.mjs';
import { startProcess } from './process.mjs';

const validators = new Map(); // contract file -> Promise of Prism's URL
const waiting = new Map(); // exchange number -> fake
let serial = 0;

/** fake: from tests/fakes, with `contract` (file name) and `basePath`. -> {url, active, violations, assertClean(), close()} */
export async function withContract(fake) {
  if (!CONTRACTS) return { url: fake.url, active: false, violations: [], assertClean() {}, async close() {} };
  if (!validators.has(fake.contract)) validators.set(fake.contract, startValidator(fake.contract, fake.basePath));
  const validator = await validators.get(fake.contract);

  const violations = [];
  const front = http.createServer((req, res) => {
    res.shouldKeepAlive = false;
    judge(fake, validator, violations, req, res).catch((problem) => {
      violations.push({ side: 'validator', call: `${req.method} ${req.url}`, problem: String(problem) });
      res.destroy();
    });
  });
  const url = await listen(front);
  return {
    url,
    active: true,
    violations,
    assertClean: () => assert.deepEqual(violations, [], 'the conversation breaks the contract'),
    close: () => new Promise((resolve) => {
      front.close(resolve);
      front.closeAllConnections();
    }),
  };
}

async function judge(fake, validator, violations, req, res) {
  const id = String((serial += 1));
  waiting.set(id, fake);
  const target = req.url.slice(fake.basePath.length);
  const judged = await relay(validator + target, req, { ...req.headers, [EXCHANGE_HEADER]: id });
  waiting.delete(id);
  const own = fake.takeExchange(id);
  if (own?.dropped) return res.destroy();

  const problem = /problem\+json/.test(judged.headers['content-type']) && JSON.parse(judged.body);
  if (problem && !own?.injected) {
    const answers = (problem.validation ?? []).some(({ location }) => location[0] === 'response');
    violations.push({ side: answers ? 'answer' : 'request', call: `${req.method} ${req.url}`, problem });
    return res.writeHead(judged.status, { 'content-type': judged.headers['content-type'] }).end(judged.body);
  }
  return res.writeHead(own.status, own.headers).end(own.body);
}

async function startValidator(contract, basePath) {
  const dispatcher = http.createServer(async (req, res) => {
    const fake = waiting.get(req.headers[EXCHANGE_HEADER]);
    try {
      const answer = await relay(fake.url + basePath + req.url, req, req.headers);
      res.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      res.destroy(); // the fake dropped the connection
    }
  });
  const upstream = await listen(dispatcher);
  dispatcher.unref();
  const prism = startProcess(
    process.execPath,
    [
      createRequire(import.meta.url).resolve('@stoplight/prism-cli'), 'proxy', path.join(CONTRACTS, contract), upstream, '-p', '0', '--errors',
      '--cors', 'false',
    ],
    { background: true },
  );
  const [, url] = await prism.until(/Prism is listening on (http:\/\/[\d.:]+)/);
  return url;
}

function relay(url, req, headers) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, { method: req.method, headers: { ...headers, host: new URL(url).host, connection: 'close' }, agent: false });
    outgoing.once('error', reject).once('response', async (answer) => {
      const chunks = [];
      answer.once('error', reject);
      for await (const chunk of answer) chunks.push(chunk);
      const { connection, 'transfer-encoding': _, ...kept } = answer.headers;
      resolve({ status: answer.statusCode, headers: kept, body: Buffer.concat(chunks).toString() });
    });
    req.pipe(outgoing);
  });
}

async function listen(server) {
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}`;
}
