// The security headers: on every answer of the Worker, whatever is asked and whoever gives the answer.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { assertRefused, call, orderBody, randomId, randomWord } from '../support/order.mjs';
import { ROOT } from '../support/paths.mjs';
import { OPERATOR, hold, openShop } from '../support/shop.mjs';

const EXACT = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
};
/** Every power that the pages' own policy names. */
const POWERS = /Permissions-Policy: (.*)/.exec(fs.readFileSync(path.join(ROOT, 'static/_headers'), 'utf8'))[1].split(',').map((part) => part.trim().split('=')[0]);

/** Asserts the headers of an answer; other: those that are meant to differ. */
function assertProtected(headers, what, other = {}) {
  for (const [name, value] of Object.entries({ ...EXACT, ...other })) assert.equal(headers.get(name), value, `${what}: ${name}`);
  const denied = (headers.get('permissions-policy') ?? '').split(', ');
  for (const power of POWERS) assert.ok(denied.includes(`${power}=()`), `${what}: permissions-policy does not deny ${power}`);
  assert.ok(denied.every((part) => part.endsWith('=()')), `${what}: ${denied}`);
  assert.equal(headers.get('set-cookie'), null);
}

const FRONT_END = 'https://front-end.example';
const A_MINUTE = 20;
let shop;
before(async () => {
  // What is held is let go by the test, not given up by the Worker.
  shop = await openShop({ vars: { LNPLAY_ORIGIN: FRONT_END, CREATES_PER_MINUTE: String(A_MINUTE), UPSTREAM_TIMEOUT_MS: '600000' } });
});
after(() => shop.close());

async function assertAnswer(status, method, target, options) {
  const answer = await call(shop.worker, method, target, options);
  assert.equal(answer.status, status, `${method} ${target}: ${answer.text}`);
  assertProtected(answer.headers, `${status} ${method} ${target}`);
  return answer;
}

test('what is granted', async () => {
  const order = await shop.order();
  const at = `/api/bootstrap/${order.id}`;
  const { body } = await orderBody();
  await assertAnswer(200, 'GET', '/api/health');
  await assertAnswer(200, 'HEAD', '/api/health');
  await assertAnswer(200, 'GET', '/api/catalogue');
  await assertAnswer(200, 'GET', '/api/releases');
  await assertAnswer(201, 'POST', '/api/bootstrap', { body });
  await assertAnswer(200, 'GET', at, { token: order.token });
  await assertAnswer(200, 'HEAD', at, { token: order.token });
  await assertAnswer(204, 'DELETE', `${at}/push`, { token: order.token });
  await assertAnswer(200, 'POST', `${at}/refund`, { token: order.token, body: { refundTo: shop.lnurl.lnurl('somebody') } });
  await assertAnswer(200, 'GET', '/api/operator/fleets', { token: OPERATOR });
  await assertAnswer(200, 'GET', `/api/operator/orders/${order.id}`, { token: OPERATOR });
  await assertAnswer(200, 'POST', '/api/dev/clock', { body: { advanceSeconds: 0 } });
});

test('what is refused', async (t) => {
  const order = await shop.order();
  const at = `/api/bootstrap/${order.id}`;
  const { body } = await orderBody();
  await assertAnswer(400, 'POST', '/api/bootstrap', { body: '{' });
  await assertAnswer(400, 'POST', `${at}/claim`, { token: order.token, body: { nonce: '' } });
  for (const [method, target] of [
    ['GET', '/api/'], ['GET', '/api/nothing'], ['OPTIONS', '/api/nothing'], ['PROPFIND', '/api/nothing'], ['GET', '/api/%00'], ['GET', at],
    ['GET', `/api/bootstrap/${randomId()}`], ['GET', `${at}/backup`], ['PUT', `${at}/push`], ['POST', `/api/machine/${order.id}/report`],
    ['POST', `/api/lnbits/${order.id}/hook`], ['GET', '/api/operator/fleets'], ['GET', `/api/operator/orders/${order.id}`],
  ]) {
    await assertAnswer(404, method, target);
  }
  await assertAnswer(404, 'GET', '/api/operator/fleets', { token: randomWord() });
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST']) await assertAnswer(405, method, '/api/catalogue');
  await assertAnswer(405, 'GET', `${at}/push`, { token: order.token });
  await assertAnswer(409, 'POST', `${at}/claim`, { token: order.token, body: { nonce: randomWord() } });
  await assertAnswer(409, 'POST', '/api/bootstrap', { body: { ...body, orderId: order.id } });
  await assertAnswer(413, 'POST', '/api/bootstrap', { body: ' '.repeat(16 * 1024 + 1) });
  await assertAnswer(413, 'PUT', `${at}/push`, { token: order.token, body: ' '.repeat(16 * 1024 + 1) });
  await assertAnswer(426, 'GET', `${at}/live`, { token: order.token });
  const headers = { 'cf-connecting-ip': '198.51.100.7' };
  const post = async (status) => assertAnswer(status, 'POST', '/api/bootstrap', { body: (await orderBody()).body, headers });
  await Promise.all(Array.from({ length: A_MINUTE }, () => post(201)));
  await post(429);
  const outage = shop.lnbits.fault({ method: 'POST', kind: 'status', status: 500, times: 100 });
  t.after(outage.clear);
  await assertAnswer(503, 'POST', '/api/bootstrap', { body });
});

test('an upgrade to a WebSocket, and its refusals', async () => {
  const order = await shop.order();
  const upgrade = (protocols) => new Promise((resolve, reject) => {
    const request = http.get(`${shop.worker.url}/api/bootstrap/${order.id}/live`, {
      headers: {
        connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': crypto.randomBytes(16).toString('base64'),
        'sec-websocket-protocol': protocols,
      },
    });
    const take = (response, socket) => {
      (socket ?? response).destroy();
      resolve({ status: response.statusCode, headers: new Headers(response.headers) });
    };
    request.once('error', reject).once('upgrade', take).once('response', (response) => take(response));
  });
  const opened = await upgrade(`kindling.v1, ${order.token}`);
  assert.deepEqual([opened.status, opened.headers.get('sec-websocket-protocol')], [101, 'kindling.v1']);
  assertProtected(opened.headers, '101');
  const refused = await upgrade(`kindling.v1, ${randomWord()}`);
  assert.equal(refused.status, 404);
  assertProtected(refused.headers, '404 of an upgrade');
});

test('what another origin may read is not kept from it', async () => {
  const shared = { 'cross-origin-resource-policy': 'cross-origin', 'access-control-allow-origin': FRONT_END };
  const headers = { origin: FRONT_END, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
  for (const target of ['/api/createorder', '/api/invoicestatus']) {
    const asked = await call(shop.worker, 'OPTIONS', target, { headers });
    assert.equal(asked.status, 204);
    assertProtected(asked.headers, `OPTIONS ${target}`, shared);
    assertProtected((await call(shop.worker, 'POST', target, { body: '{' })).headers, `POST ${target}`, shared);
  }
  const made = await call(shop.worker, 'POST', '/api/createorder', { body: { node_count: 8, hours: 1 } });
  assert.equal(made.status, 201, made.text);
  assertProtected(made.headers, '201 POST /api/createorder', shared);
  // What an order's object refuses, too.
  const outage = shop.lnbits.fault({ method: 'POST', kind: 'status', status: 500 });
  const refused = await call(shop.worker, 'POST', '/api/createorder', { body: { node_count: 8, hours: 1 } });
  assert.equal(outage.left, 0);
  assertRefused(refused, 503, 'lightning_unavailable');
  assertProtected(refused.headers, '503 POST /api/createorder', shared);
});

// Last: the panic takes every call with it that is under way.
test('the answer that Rust cannot give any more', async (t) => {
  const victim = await shop.order();
  const release = hold(t, shop.lnbits, { method: 'POST', pathPattern: '/api/v1/payments' });
  const asked = shop.lnbits.requests.length;
  const cut = call(shop.worker, 'POST', '/api/bootstrap', { body: (await orderBody()).body });
  await shop.lnbits.seen('POST', '/api/v1/payments', { where: (record) => shop.lnbits.requests.indexOf(record) >= asked });
  assertProtected((await call(shop.worker, 'POST', `/api/dev/panic/${victim.id}`)).headers, 'the panic');
  const answer = await cut;
  release();
  assert.deepEqual([answer.status, answer.body.error], [503, { code: 'temporarily_unavailable', message: 'Something went wrong. Please try again.' }]);
  assertProtected(answer.headers, 'the answer of entry.js');
});
