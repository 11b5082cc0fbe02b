// What bad input gets: a stable code, its status and one sentence that repeats nothing of the input; and nothing is stored for it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ageKey, assertRefused, call, orderBody, placeOrder, randomId, randomWord, sshKey } from '../support/order.mjs';
import { startWorker } from '../support/worker.mjs';

const MARKER = 'marker4711';

let worker;
let keys;
before(async () => {
  const [good, ecdsa, rsa2048, age] = await Promise.all([
    sshKey(), sshKey({ type: 'ecdsa' }), sshKey({ type: 'rsa', bits: 2048 }), ageKey(), startWorker().then((started) => { worker = started; }),
  ]);
  keys = { good, ecdsa, rsa2048, age };
});
after(() => worker.stop());

const order = (body) => call(worker, 'POST', '/api/bootstrap', { body });

describe('an order is refused, and leaves no trace,', () => {
  const truncated = () => keys.good.publicKey.replace(/^(\S+ \S{40})\S+/, '$1');
  const certificate = () => keys.good.publicKey.replace(/^ssh-ed25519/, 'ssh-ed25519-cert-v01@openssh.com');
  const pem = () => execFileSync('ssh-keygen', ['-e', '-m', 'PKCS8', '-f', `${keys.rsa2048.identity}.pub`], { encoding: 'utf8' });
  const rows = [
    // what is wrong, code, fields of the body (or the whole text)
    ['not JSON', 'invalid_json', () => `{"product": ${MARKER}`],
    ['an empty body', 'invalid_json', () => ''],
    ['JSON with a comma too many', 'invalid_json', async () => `${JSON.stringify((await orderBody()).body).slice(0, -1)},}`],
    ['something behind the JSON', 'invalid_json', async () => `${JSON.stringify((await orderBody()).body)} ${MARKER}`],
    ['bytes that are not UTF-8', 'invalid_json', () => Buffer.concat([Buffer.from('{"refundTo":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])],
    ['JSON nested without end', 'invalid_json', () => `{"sealTo":${'['.repeat(10_000)}`],
    ['a list', 'invalid_body', () => '[]'],
    ['an empty object', 'invalid_body', () => '{}'],
    ['no product', 'invalid_body', () => ({ product: undefined })],
    ['no SSH key', 'invalid_body', () => ({ sshPublicKey: undefined })],
    ['a number for the SSH key', 'invalid_body', () => ({ sshPublicKey: 4711 })],
    ['a text for the product', 'invalid_body', () => ({ product: MARKER })],
    ['a Bitcoin node that does not exist', 'invalid_body', () => ({ product: { kind: 'full_node', bitcoin: MARKER } })],
    ['a number for sealTo', 'invalid_body', () => ({ sealTo: 7 })],
    ['a field twice', 'invalid_body', async () => JSON.stringify((await orderBody()).body).replace('{', `{"region":"${MARKER}","region":"nyc3",`)],
    ['an unknown field', 'unknown_field', () => ({ [MARKER]: 1 })],
    ['a field in another spelling', 'unknown_field', () => ({ sshPublicKey: undefined, ssh_public_key: 'x' })],
    ['an unknown field of the product', 'unknown_field', () => ({ product: { kind: 'full_node', [MARKER]: true } })],
    ['an order id in capitals', 'invalid_order_id', () => ({ orderId: randomId().toUpperCase().replace(/^./, 'A') })],
    ['a short order id', 'invalid_order_id', () => ({ orderId: randomId().slice(1) })],
    ['an order id that is none', 'invalid_order_id', () => ({ orderId: `../${MARKER}` })],
    ['a product that is not sold', 'unknown_product', () => ({ product: { kind: MARKER } })],
    ['a region that does not exist', 'unknown_region', () => ({ region: MARKER })],
    ['a region in capitals', 'unknown_region', () => ({ region: 'NYC3' })],
    ['an empty region', 'unknown_region', () => ({ region: '' })],
    ['an empty SSH key', 'invalid_ssh_key', () => ({ sshPublicKey: '' })],
    ['an SSH key that is none', 'invalid_ssh_key', () => ({ sshPublicKey: `ssh-ed25519 ${MARKER}` })],
    ['an SSH key cut short', 'invalid_ssh_key', () => ({ sshPublicKey: truncated() })],
    ['two SSH keys', 'invalid_ssh_key', () => ({ sshPublicKey: `${keys.good.publicKey}\n${keys.good.publicKey}` })],
    ['a public key in PEM', 'invalid_ssh_key', () => ({ sshPublicKey: pem() })],
    ['a private key', 'ssh_key_is_private', () => ({ sshPublicKey: fs.readFileSync(keys.good.identity, 'utf8') })],
    ['an RSA key of 2048 bits', 'ssh_key_too_short', () => ({ sshPublicKey: keys.rsa2048.publicKey })],
    ['options before the key', 'ssh_key_has_options', () => ({ sshPublicKey: `command="echo ${MARKER}",no-pty ${keys.good.publicKey}` })],
    ['an ECDSA key', 'ssh_key_unsupported', () => ({ sshPublicKey: keys.ecdsa.publicKey })],
    ['a certificate', 'ssh_key_unsupported', () => ({ sshPublicKey: certificate() })],
    ['a recipient that is none', 'invalid_recipient', () => ({ sealTo: `age1${MARKER}` })],
    ['an empty recipient', 'invalid_recipient', () => ({ sealTo: '' })],
    ['a good recipient and a bad one', 'invalid_recipient', () => ({ sealTo: [keys.age.recipient, MARKER] })],
    ['no recipients at all', 'invalid_recipient', () => ({ sealTo: [] })],
    ['five recipients', 'invalid_recipient', () => ({ sealTo: Array(5).fill(keys.age.recipient) })],
    ['an age identity for a recipient', 'invalid_recipient', () => ({ sealTo: /AGE-SECRET-KEY-1\S+/.exec(fs.readFileSync(keys.age.identity, 'utf8'))[0] })],
    ['a weak SSH key for a recipient', 'invalid_recipient', () => ({ sealTo: keys.rsa2048.publicKey })],
    ['an access hash in capitals', 'invalid_access_hash', () => ({ accessHash: 'A'.repeat(64) })],
    ['a short access hash', 'invalid_access_hash', () => ({ accessHash: 'a'.repeat(63) })],
    ['an access token for its hash', 'invalid_access_hash', () => ({ accessHash: randomWord() })],
    ['a refund address of two lines', 'invalid_refund_address', () => ({ refundTo: `me@example.com\n${MARKER}` })],
    ['an endless refund address', 'invalid_refund_address', () => ({ refundTo: 'm'.repeat(4096) })],
  ];
  for (const [what, code, make] of rows) {
    test(`with ${what}: ${code}`, async () => {
      const made = await make();
      const raw = typeof made === 'string' || made instanceof Uint8Array;
      const body = raw ? made : (await orderBody(made, { key: keys.good })).body;
      const answer = await order(body);
      assertRefused(answer, 400, code);
      const sent = raw ? [] : Object.values(made).filter((value) => typeof value === 'string' && value.length > 3);
      for (const value of [MARKER, ...sent]) assert.ok(!answer.text.includes(value), `the answer repeats its input: ${answer.text}`);
    });
  }

  test('with a body over 16 KiB, announced or not: body_too_large', async () => {
    const { body } = await orderBody({}, { key: keys.good });
    const padded = (size) => {
      const text = JSON.stringify(body);
      return text.replace('{', `{${' '.repeat(size - text.length)}`);
    };
    assertRefused(await order(padded(16 * 1024 + 1)), 413, 'body_too_large');
    const chunked = new ReadableStream({
      pull(controller) {
        controller.enqueue(Buffer.from(padded(16 * 1024 + 1)));
        controller.close();
      },
    });
    const response = await worker.fetch('/api/bootstrap', { method: 'POST', body: chunked, duplex: 'half' });
    assert.deepEqual([response.status, (await response.json()).error.code], [413, 'body_too_large']);
  });

  test('no object was made for any of them, and the log has nothing of them', async () => {
    assert.deepEqual(await worker.ids('ORDER'), []);
    assert.ok(!worker.logs().includes(MARKER));
  });

  test('while a body of exactly 16 KiB is read', async () => {
    const { body } = await orderBody({}, { key: keys.good });
    const text = JSON.stringify(body);
    assert.equal((await order(text.replace('{', `{${' '.repeat(16 * 1024 - text.length)}`))).status, 201);
  });
});

describe('paths and methods', () => {
  test('another method than a path takes: method_not_allowed', async () => {
    const id = randomId();
    const paths = {
      '/api/health': 'GET', '/api/catalogue': 'GET', '/api/bootstrap': 'POST', [`/api/bootstrap/${id}`]: 'GET', [`/api/bootstrap/${id}/live`]: 'GET',
      [`/api/bootstrap/${id}/claim`]: 'POST', [`/api/bootstrap/${id}/ack`]: 'POST', [`/api/machine/${id}/pair`]: 'POST', [`/api/machine/${id}/report`]: 'POST',
      [`/api/machine/${id}/deliver`]: 'POST', [`/api/machine/${id}/heartbeat`]: 'POST', [`/api/lnbits/${id}/${MARKER}`]: 'POST',
      [`/api/dev/stub/pay/${id}${id}`]: 'POST', [`/api/bootstrap/${id}/extend`]: 'POST', [`/api/bootstrap/${id}/refund`]: 'POST',
      [`/api/bootstrap/${id}/destroy`]: 'POST', [`/api/bootstrap/${id}/renew`]: 'POST', '/api/operator/fleets': 'GET', [`/api/operator/orders/${id}`]: 'GET',
      [`/api/operator/orders/${id}/refunded`]: 'POST', '/api/dev/clock': 'POST', [`/api/dev/panic/${id}`]: 'POST',
    };
    for (const [path, taken] of Object.entries(paths)) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((name) => name !== taken)) {
        const answer = await call(worker, method, path);
        assertRefused(answer, 405, 'method_not_allowed');
        assert.equal(answer.headers.get('allow'), taken === 'GET' ? 'GET, HEAD' : taken, path);
      }
    }
  });

  test('a path that does not exist: not_found', async () => {
    const id = randomId();
    const paths = [
      '/api/', '/api/nothing', '/api/health/', '/api/bootstrap/', `/api/bootstrap/${id}/`, `/api/bootstrap/${id}/${MARKER}`, `/api/bootstrap/${id}/claim/x`,
      `/api/machine/${id}`, `/api/lnbits/${id}`, '/api/dev/stub/pay', '/api/open', `/api//bootstrap/${id}`, '/api/%62ootstrap',
      '/api/dev/clock', `/api/dev/panic/${id}`, `/api/operator/orders/${id}/refunded`, // closed without DEV_CLOCK and OPERATOR_TOKEN
    ];
    for (const path of paths) {
      const answer = await call(worker, 'POST', path, { body: '{}' });
      assertRefused(answer, 404, 'not_found');
      assert.ok(!answer.text.includes(MARKER));
    }
  });

  test('unknown id, wrong token, no token and malformed id are one and the same 404', async () => {
    const known = await placeOrder(worker, {}, { key: keys.good });
    const unknown = randomId();
    const { token } = known;
    const ways = [
      [known.id, {}], [known.id, { token: randomWord() }], [known.id, { token: '' }], [known.id, { headers: { authorization: token } }],
      [known.id, { headers: { authorization: `Basic ${token}` } }], [known.id, { token: known.body.accessHash }], [known.id, { token: `${token}x` }],
      [unknown, { token }], [unknown, {}], [known.id.toUpperCase(), { token }], [known.id.slice(1), { token }], [MARKER, { token }], ['..%2f', { token }],
    ];
    const shape = ({ status, text, headers }) => [status, text, [...headers].filter(([name]) => name !== 'date').sort()];
    const calls = [
      ['GET', ''], ['POST', '/claim', { nonce: randomWord() }], ['POST', '/ack', { nonce: randomWord() }], ['POST', '/claim', '{'], ['POST', '/extend', { hours: 1 }],
      ['POST', '/extend', '{'], ['POST', '/refund', { refundTo: 'me@example.com' }], ['POST', '/refund', '{'], ['POST', '/destroy', {}], ['POST', '/destroy', '{'],
      ['POST', '/renew', {}], ['PUT', '/push', { endpoint: 'https://fcm.googleapis.com/x' }], ['PUT', '/push', '{'], ['DELETE', '/push', undefined],
    ];
    for (const [method, tail, body] of calls) {
      const expected = shape(await call(worker, method, `/api/bootstrap/${randomId()}${tail}`, { body }));
      assert.deepEqual([expected[0], JSON.parse(expected[1]).error.code], [404, 'not_found']);
      for (const [id, options] of ways) {
        assert.deepEqual(shape(await call(worker, method, `/api/bootstrap/${id}${tail}`, { body, ...options })), expected, `${method} ${id}${tail}`);
      }
    }
    assert.equal((await known.get()).state, 'awaiting_payment');
    const tables = await worker.storage('ORDER', unknown).then((storage) => storage.exec("SELECT name FROM sqlite_master WHERE name = 'kept'"));
    assert.equal(tables.length, 0, 'asking for an unknown id stored something');
  });

  test('the scheme of the token is read in any case', async () => {
    const known = await placeOrder(worker, {}, { key: keys.good });
    const answer = await call(worker, 'GET', `/api/bootstrap/${known.id}`, { headers: { authorization: `bearer ${known.token}` } });
    assert.equal(answer.status, 200);
  });
});

describe('a claim is refused', () => {
  test('for a body or nonce that is none, and the bundle stays', async () => {
    const known = await placeOrder(worker, {}, { key: keys.good });
    await known.payStub();
    await known.until('ready');
    const rows = [
      ['invalid_json', '{'], ['invalid_body', '{}'], ['invalid_body', '[]'], ['invalid_body', { nonce: 1 }], ['unknown_field', { nonce: randomWord(), [MARKER]: 1 }],
      ['invalid_nonce', { nonce: '' }], ['invalid_nonce', { nonce: 'a'.repeat(15) }], ['invalid_nonce', { nonce: 'a'.repeat(129) }],
      ['invalid_nonce', { nonce: `${MARKER} with spaces and more` }], ['invalid_nonce', { nonce: 'ä'.repeat(20) }],
    ];
    for (const [code, body] of rows) {
      for (const tail of ['claim', 'ack']) {
        const answer = await call(worker, 'POST', `/api/bootstrap/${known.id}/${tail}`, { token: known.token, body });
        assertRefused(answer, 400, code);
        assert.ok(!answer.text.includes(MARKER));
      }
    }
    const big = await call(worker, 'POST', `/api/bootstrap/${known.id}/claim`, { token: known.token, body: { nonce: 'a'.repeat(16 * 1024) } });
    assertRefused(big, 413, 'body_too_large');
    assert.equal((await known.get()).credentials.delivery, 'sealed');
    assert.equal((await known.claim('a'.repeat(16))).status, 200);
  });
});
