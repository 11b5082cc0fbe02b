// An order's customer, for tests: its keys by the real ssh-keygen and age, its calls to the API, and waiting for what it should see.
// Invariant: nothing waits for a time; what is waited for is a condition, and a time-out is a failure.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { PATIENCE } from './process.mjs';

const run = promisify(execFile);

let scratch;
/** A folder for this test process, removed at its end. */
export function scratchFolder() {
  if (!scratch) {
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'kindling-order-'));
    process.once('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));
  }
  return fs.mkdtempSync(path.join(scratch, 'x'));
}

/** A fresh SSH key pair -> {publicKey: the line of its .pub file, identity: path of the private key} */
export async function sshKey({ type = 'ed25519', bits, comment = 'customer@example.com' } = {}) {
  const identity = path.join(scratchFolder(), `id_${type}`);
  await run('ssh-keygen', ['-q', '-t', type, ...(bits ? ['-b', String(bits)] : []), '-N', '', '-C', comment, '-f', identity]);
  return { publicKey: fs.readFileSync(`${identity}.pub`, 'utf8').trim(), identity };
}

/** A fresh age key pair -> {recipient, identity: path of the identity file} */
export async function ageKey() {
  const identity = path.join(scratchFolder(), 'age.txt');
  const { stderr } = await run('age-keygen', ['-o', identity]);
  return { recipient: /age1[0-9a-z]+/.exec(stderr)[0], identity };
}

/** What `age -d` makes of a sealed bundle in base64: the parsed JSON. */
export async function openBundle(sealed, identity) {
  const file = path.join(scratchFolder(), 'bundle.age');
  fs.writeFileSync(file, Buffer.from(sealed, 'base64'));
  const { stdout } = await run('age', ['-d', '-i', identity, file]);
  return JSON.parse(stdout);
}

/** Seals with `age -R`, as the machine does -> base64 of the binary file */
export async function sealBundle(plain, recipients) {
  const folder = scratchFolder();
  fs.writeFileSync(path.join(folder, 'recipients'), `${recipients.join('\n')}\n`);
  fs.writeFileSync(path.join(folder, 'plain'), plain);
  await run('age', ['-R', 'recipients', '-o', 'sealed', 'plain'], { cwd: folder });
  return fs.readFileSync(path.join(folder, 'sealed')).toString('base64');
}

export const randomId = () => crypto.randomBytes(16).toString('hex');
export const randomWord = () => crypto.randomBytes(32).toString('base64url');
export const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');

let sharedKey;
/**
 * A body that is accepted, with id and access hash of the caller's own, and what belongs to it. fields override the body's; an
 * undefined one is left out. Tests that say nothing of keys share one key pair. -> {body, id, token, key}
 */
export async function orderBody(fields = {}, { key } = {}) {
  key ??= await (sharedKey ??= sshKey());
  const id = randomId();
  const token = randomWord();
  const whole = { orderId: id, product: { kind: 'full_node', bitcoin: 'knots' }, sshPublicKey: key.publicKey, accessHash: sha256(token), ...fields };
  const body = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
  return { body, id, token, key };
}

/** One call with a JSON body (or raw text) -> {status, headers, body, text} */
export async function call(worker, method, target, { body, token, headers } = {}) {
  const response = await worker.fetch(target, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(token && { authorization: `Bearer ${token}` }), ...headers },
    body: body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, body: json && text !== '' ? JSON.parse(text) : null, text };
}

/** Refused with this status, this code and one sentence. */
export function assertRefused(answer, status, code) {
  assert.deepEqual([answer.status, answer.body?.error?.code], [status, code], answer.text);
  assert.deepEqual(Object.keys(answer.body), ['error']);
  assert.deepEqual(Object.keys(answer.body.error).sort(), ['code', 'message']);
  assert.match(answer.body.error.message, /^[A-Za-z].{10,}[.)]$/);
}

/** Orders, and expects a 201 -> the customer's hand on that order */
export async function placeOrder(worker, fields, options) {
  const wanted = await orderBody(fields, options);
  const answer = await call(worker, 'POST', '/api/bootstrap', { body: wanted.body });
  assert.equal(answer.status, 201, answer.text);
  return customer(worker, { ...wanted, id: answer.body.bootstrapJobId, token: answer.body.accessToken ?? wanted.token, created: answer.body });
}

/** The calls that the holder of an order's access token can make. */
export function customer(worker, order) {
  const base = `/api/bootstrap/${order.id}`;
  const own = {
    ...order,
    get: async () => {
      const answer = await call(worker, 'GET', base, { token: order.token });
      assert.equal(answer.status, 200, answer.text);
      return answer.body;
    },
    claim: (nonce) => call(worker, 'POST', `${base}/claim`, { token: order.token, body: { nonce } }),
    ack: (nonce) => call(worker, 'POST', `${base}/ack`, { token: order.token, body: { nonce } }),
    payStub: async () => {
      const answer = await call(worker, 'POST', `/api/dev/stub/pay/${order.created.invoice.paymentHash}`);
      assert.equal(answer.status, 200, answer.text);
      return answer.body;
    },
    live: () => openLive(worker, order),
    /** Waits by WebSocket, which hints at nothing -> the first view in that state */
    async until(state, timeoutMs) {
      const live = await openLive(worker, order);
      try {
        return await live.until((view) => view.state === state, timeoutMs);
      } finally {
        live.close();
      }
    },
    /** Waits as a page without WebSocket does: GET, again and again. */
    poll: (state, timeoutMs) => pollUntil(async () => {
      const view = await own.get();
      return view.state === state && view;
    }, `state ${state}`, timeoutMs),
  };
  return own;
}

/** Asks until the answer is truthy -> that answer */
export async function pollUntil(ask, what, timeoutMs = PATIENCE) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not seen in ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** That this time (RFC 3339, whole seconds), less so many seconds, was between two readings of the clock, in ms. */
export function assertBetween(from, time, to, secondsLater = 0) {
  const at = Date.parse(time) - secondsLater * 1000;
  assert.ok(at > from - 1000 && at <= to, `${time} is not between ${new Date(from).toISOString()} and ${new Date(to).toISOString()}, and ${secondsLater} s`);
}

/** A live connection -> {views (all so far), until(condition), received (texts that are no views), protocol, send, close, closed} */
export async function openLive(worker, { id, token }) {
  const socket = new WebSocket(`${worker.url.replace(/^http/, 'ws')}/api/bootstrap/${id}/live`, ['kindling.v1', token]);
  const views = [];
  const received = [];
  const watchers = new Set();
  const tell = () => { for (const look of [...watchers]) look(); };
  let end;
  const closed = new Promise((resolve) => { end = resolve; });
  socket.onclose = (event) => {
    end(event);
    tell();
  };
  socket.onmessage = ({ data }) => {
    if (data.startsWith('{')) views.push(JSON.parse(data));
    else received.push(data);
    tell();
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('the live connection was refused'));
  });
  const watch = (find, what, timeoutMs = PATIENCE) => new Promise((resolve, reject) => {
    const settle = (act, value) => {
      clearTimeout(timer);
      watchers.delete(look);
      act(value);
    };
    const look = () => {
      const found = find();
      if (found) settle(resolve, found);
      else if (socket.readyState === WebSocket.CLOSED) settle(reject, new Error(`the live connection closed before ${what}`));
    };
    const seen = () => views.map(({ state, phase, errorCode }) => [state, phase ?? errorCode].filter(Boolean).join(' ')).join(', ');
    const timer = setTimeout(() => settle(reject, new Error(`not seen in ${timeoutMs} ms: ${what}; seen: ${seen()}`)), timeoutMs);
    watchers.add(look);
    look();
  });
  return {
    views,
    received,
    closed,
    protocol: socket.protocol,
    until: (condition, timeoutMs) => watch(() => views.find(condition), String(condition), timeoutMs),
    untilText: (text, timeoutMs) => watch(() => received.find((one) => one === text), text, timeoutMs),
    send: (text) => socket.send(text),
    close: () => socket.close(),
  };
}

/** What a plain HTTP client gets for a WebSocket request with these subprotocols -> {status, body} */
export function upgradeStatus(worker, id, protocols) {
  return new Promise((resolve, reject) => {
    const request = http.get(`${worker.url}/api/bootstrap/${id}/live`, {
      headers: {
        connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': crypto.randomBytes(16).toString('base64'),
        ...(protocols && { 'sec-websocket-protocol': protocols }),
      },
    });
    request.once('error', reject).once('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, body: null });
    }).once('response', async (response) => {
      resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(await response.toArray()).toString()) });
    });
  });
}
