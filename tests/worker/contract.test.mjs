// The wire contract of a purchase, field for field, with both stubs on: what each call answers in each state, and that real tools
// open what comes out.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { readInvoice } from '../support/bolt11.mjs';
import { ageKey, assertBetween, assertRefused, call, openBundle, orderBody, placeOrder, randomWord, sha256, sshKey } from '../support/order.mjs';
import { startWorker } from '../support/worker.mjs';

const ALWAYS = ['amountSats', 'bootstrapJobId', 'createdAt', 'expiresAt', 'message', 'product', 'region', 'revision', 'sshFingerprint', 'state', 'stubMode'];
const PHASES = [
  'payment_received', 'ssh_key', 'volume_created', 'tailscale_key', 'droplet', 'booting', 'packages', 'system', 'firewall', 'docker', 'tailscale', 'volume', 'bitcoin', 'lnd', 'wallet', 'lnbits', 'sealed',
];
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Exactly these keys, whatever their order. */
const assertKeys = (value, ...names) => assert.deepEqual(Object.keys(value).sort(), names.flat().sort());

let worker;
before(async () => { worker = await startWorker(); });
after(() => worker.stop());

describe('the catalogue and health', () => {
  test('the catalogue lists what is sold, for how much and where', async () => {
    const { status, body } = await call(worker, 'GET', '/api/catalogue');
    assert.equal(status, 200);
    assertKeys(body, 'defaultRegion', 'lightningNetwork', 'products', 'regions', 'stubMode');
    assert.deepEqual(body.products.filter(({ kind }) => kind !== 'classroom'), [{
      kind: 'full_node', amountSats: 10_000, bitcoin: ['knots', 'core'], networks: ['mainnet', 'signet', 'testnet4', 'regtest'], assumeutxo: true, available: true,
    }]);
    assert.deepEqual([body.defaultRegion, body.stubMode, body.lightningNetwork], ['nyc3', true, 'regtest']);
    assert.ok(body.regions.length > 1 && body.regions.some(({ slug }) => slug === body.defaultRegion));
    for (const region of body.regions) {
      assertKeys(region, 'available', 'name', 'slug');
      assert.match(region.slug, /^[a-z]{3}\d$/);
      assert.equal(region.available, true);
    }
  });

  test('health says the version and which parts are stubs', async () => {
    const { status, body } = await call(worker, 'GET', '/api/health');
    assert.equal(status, 200);
    assertKeys(body, 'stubs', 'tailscale', 'version');
    assert.match(body.version, /^\d+\.\d+\.\d+/);
    assert.deepEqual([body.stubs, body.tailscale], [{ lightning: true, cloud: true }, false]);
  });

  test('no answer of the API is cached, sniffed, framed or named as a referrer', async () => {
    const order = await placeOrder(worker);
    const answers = await Promise.all([
      call(worker, 'GET', '/api/health'), call(worker, 'GET', '/api/catalogue'), call(worker, 'GET', `/api/bootstrap/${order.id}`, { token: order.token }),
      call(worker, 'GET', `/api/bootstrap/${order.id}`), call(worker, 'POST', '/api/bootstrap', { body: '{' }), call(worker, 'GET', '/api/nothing'),
      call(worker, 'POST', '/api/bootstrap', { body: (await orderBody()).body }), order.claim(randomWord()),
    ]);
    for (const { headers } of answers) {
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.match(headers.get('content-type'), /^application\/json\b/);
      assert.match(headers.get('content-security-policy'), /default-src 'none'.*frame-ancestors 'none'/);
      assert.deepEqual([headers.get('access-control-allow-origin'), headers.get('set-cookie')], [null, null]);
    }
  });
});

describe('POST /api/bootstrap', () => {
  test('answers the whole order and its invoice', async () => {
    const { body, id } = await orderBody({ region: 'ams3', product: { kind: 'full_node', bitcoin: 'core' }, refundTo: 'me@example.com' });
    const asked = Date.now();
    const answer = await call(worker, 'POST', '/api/bootstrap', { body });
    assert.equal(answer.status, 201);
    const view = answer.body;
    assertKeys(view, ALWAYS, 'invoice', 'orderUrl');
    assert.deepEqual(
      [view.bootstrapJobId, view.state, view.amountSats, view.product, view.region, view.stubMode],
      [id, 'awaiting_payment', 10_000, { kind: 'full_node', bitcoin: 'core' }, 'ams3', true]);
    assert.equal(view.orderUrl, `${worker.url}/orders/${id}`);
    assertKeys(view.invoice, 'amountSats', 'expiresAt', 'paymentHash', 'paymentRequest');
    assert.deepEqual([view.invoice.amountSats, view.invoice.expiresAt], [10_000, view.expiresAt]);
    for (const time of [view.createdAt, view.expiresAt]) assert.match(time, RFC_3339);
    assertBetween(asked, view.createdAt, Date.now());

    const [, blob] = body.sshPublicKey.split(' ');
    assert.equal(view.sshFingerprint, `SHA256:${crypto.hash('sha256', Buffer.from(blob, 'base64'), 'base64').replace(/=+$/, '')}`);

    const invoice = readInvoice(view.invoice.paymentRequest);
    assert.deepEqual(
      [invoice.network, invoice.amountMsat, invoice.paymentHash, (invoice.timestamp + invoice.expiry) * 1000],
      ['regtest', 10_000_000, view.invoice.paymentHash, Date.parse(view.expiresAt)]);
    assert.ok(view.message.includes(`POST /api/dev/stub/pay/${view.invoice.paymentHash}`), view.message);
    assert.match(view.message, /fake/);
  });

  test('each stub invoice has a key of its own', async () => {
    const payees = await Promise.all([1, 2].map(async () => readInvoice((await placeOrder(worker)).created.invoice.paymentRequest).payee));
    assert.notEqual(payees[0], payees[1]);
  });

  test('draws id and access token for who sends none, and takes the defaults', async () => {
    const key = await sshKey();
    const { status, body } = await call(worker, 'POST', '/api/bootstrap', { body: { product: { kind: 'full_node' }, sshPublicKey: key.publicKey } });
    assert.equal(status, 201);
    assertKeys(body, ALWAYS, 'invoice', 'orderUrl', 'accessToken');
    assert.match(body.bootstrapJobId, /^[0-9a-f]{32}$/);
    assert.match(body.accessToken, /^[A-Za-z0-9_-]{43}$/);
    assert.ok(!body.orderUrl.includes(body.accessToken));
    assert.deepEqual([body.product, body.region], [{ kind: 'full_node', bitcoin: 'knots' }, 'nyc3']);
    const view = await call(worker, 'GET', `/api/bootstrap/${body.bootstrapJobId}`, { token: body.accessToken });
    assert.deepEqual([view.status, view.body.state], [200, 'awaiting_payment']);
  });

  test('the same id and body is the same order, however it is spelt', async () => {
    const { body } = await orderBody({ region: 'nyc3' });
    const first = await call(worker, 'POST', '/api/bootstrap', { body });
    const again = await call(worker, 'POST', '/api/bootstrap', { body });
    assert.deepEqual([again.status, again.body], [201, first.body]);
    const [type, blob] = body.sshPublicKey.split(' ');
    const respelt = { ...body, region: undefined, product: { kind: 'full_node' }, sshPublicKey: `  ${type} ${blob} another comment\n` };
    const third = await call(worker, 'POST', '/api/bootstrap', { body: respelt });
    assert.deepEqual([third.status, third.body], [201, first.body]);
  });

  test('ten at once with one id and body make one invoice', async () => {
    const { body } = await orderBody();
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(worker, 'POST', '/api/bootstrap', { body })));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.equal(new Set(answers.map((answer) => answer.body.invoice.paymentRequest)).size, 1);
  });

  test('an id in use with another body is refused, and the order stays as it was', async () => {
    const order = await placeOrder(worker);
    const before = await order.get();
    const other = await sshKey();
    const changes = [
      { region: 'ams3' }, { product: { kind: 'full_node', bitcoin: 'core' } }, { sshPublicKey: other.publicKey }, { accessHash: sha256('another token') },
      { accessHash: undefined },
      { refundTo: 'me@example.com' }, { sealTo: other.publicKey },
    ];
    for (const change of changes) {
      assertRefused(await call(worker, 'POST', '/api/bootstrap', { body: { ...order.body, ...change } }), 409, 'order_exists');
    }
    assert.deepEqual(await order.get(), before);
  });

  test('asking again shows no second access token, and does not let somebody else in', async () => {
    const { body } = await orderBody({ accessHash: undefined });
    const first = await call(worker, 'POST', '/api/bootstrap', { body });
    assert.match(first.body.accessToken, /^[A-Za-z0-9_-]{43}$/);
    const again = await call(worker, 'POST', '/api/bootstrap', { body });
    assert.equal(again.body.accessToken, undefined);
    assert.match(again.body.message, /order anew/);
    const view = await call(worker, 'GET', `/api/bootstrap/${body.orderId}`, { token: first.body.accessToken });
    assert.equal(view.status, 200);
    // From the payment on there is more to see than an invoice, and the request alone proves nothing.
    await call(worker, 'POST', `/api/dev/stub/pay/${first.body.invoice.paymentHash}`);
    assertRefused(await call(worker, 'POST', '/api/bootstrap', { body }), 409, 'order_exists');
  });
});

describe('a stub purchase', () => {
  test('goes from the payment to a sealed bundle in a few seconds, each view with its own fields', async () => {
    const order = await placeOrder(worker);
    const waiting = await order.get();
    const { orderUrl, ...created } = order.created;
    assert.deepEqual(waiting, created);

    const live = await order.live();
    const paid = await order.payStub();
    assert.equal(paid.state, 'provisioning');
    assertKeys(paid, ALWAYS, 'phase', 'percent');
    // It takes seconds, where a machine takes minutes.
    const ready = await live.until(({ state }) => state === 'ready');

    const working = live.views.filter(({ state }) => state === 'provisioning');
    for (const view of working) {
      assertKeys(view, ALWAYS, 'phase', 'percent');
      assert.match(view.message, /fake/);
    }
    const phases = working.map(({ phase }) => PHASES.indexOf(phase));
    assert.ok(phases.every((phase, i) => phase >= 0 && (i === 0 || phase > phases[i - 1])), working.map(({ phase }) => phase).join(' '));
    const percents = working.map(({ percent }) => percent);
    assert.ok(percents.every((percent, i) => percent >= 0 && percent < 100 && (i === 0 || percent > percents[i - 1])), percents.join(' '));
    assert.deepEqual(working.slice(-7).map(({ phase }) => phase), PHASES.slice(-7));

    assertKeys(ready, ALWAYS, 'credentials', 'nextSteps');
    assertKeys(ready.credentials, 'delivery', 'hostKeys', 'lnbitsUrl', 'nodeIp', 'tailscaleHostname');
    const { nodeIp, tailscaleHostname, lnbitsUrl, hostKeys, delivery } = ready.credentials;
    assert.deepEqual([nodeIp, tailscaleHostname, lnbitsUrl, delivery], ['203.0.113.10', null, 'http://127.0.0.1:5000', 'sealed']);
    assert.match(hostKeys[0], /^ssh-ed25519 AAAA[A-Za-z0-9+/]+=*$/);
    assert.match(ready.message, /fake/);
    assert.ok(ready.nextSteps.includes(`Log in: ssh root@${nodeIp}`));
    for (const hint of ['/root/node-credentials.txt', 'ops.sh sync', 'LND', lnbitsUrl]) {
      assert.ok(ready.nextSteps.some((step) => step.includes(hint)), `no next step names ${hint}`);
    }
    assert.deepEqual(await order.get(), ready);

    const claimed = await order.claim(randomWord());
    assert.equal(claimed.status, 200);
    assertKeys(claimed.body, 'sealed');
    const bundle = await openBundle(claimed.body.sealed, order.key.identity);
    assertKeys(bundle, 'version', 'orderId', 'product', 'fake', 'nodeIp', 'tailscaleHostname', 'ssh', 'bitcoin', 'lnd', 'lnbits', 'components', 'credentialsFile');
    assertKeys(bundle.ssh, 'user', 'port', 'hostKeys');
    assertKeys(bundle.bitcoin, 'implementation', 'version', 'network', 'rpcUser', 'rpcPassword');
    assertKeys(bundle.lnd, 'version', 'seedWords', 'walletPassword');
    assert.deepEqual(
      [bundle.version, bundle.orderId, bundle.product, bundle.fake, bundle.nodeIp, bundle.bitcoin.implementation, bundle.credentialsFile],
      [1, order.id, 'full_node', true, nodeIp, 'knots', '/root/node-credentials.txt']);
    assert.deepEqual([bundle.ssh.user, bundle.ssh.port, bundle.ssh.hostKeys, bundle.lnd.seedWords.length], ['root', 22, hostKeys, 24]);
    assert.equal(bundle.lnbits.url, lnbitsUrl);
  });

  test('a stub payment cannot be made twice, nor for another hash', async () => {
    const order = await placeOrder(worker);
    const hash = order.created.invoice.paymentHash;
    const other = `${hash.slice(0, 32)}${'0'.repeat(32)}`;
    for (const wrong of [other, hash.slice(0, 32), 'f'.repeat(64), 'x']) {
      assertRefused(await call(worker, 'POST', `/api/dev/stub/pay/${wrong}`), 404, 'not_found');
    }
    assert.equal((await order.get()).state, 'awaiting_payment');
    await order.payStub();
    assertRefused(await call(worker, 'POST', `/api/dev/stub/pay/${hash}`), 404, 'not_found');
    await order.until('ready');
  });

  test('the bundle opens with every recipient and nobody else: age keys, Ed25519 and RSA keys of SSH', async () => {
    const [age, ed25519, rsa, stranger] = await Promise.all([ageKey(), sshKey(), sshKey({ type: 'rsa', bits: 3072 }), ageKey()]);
    const cases = [
      { fields: { sealTo: age.recipient }, key: ed25519, opens: [age], shut: [ed25519, stranger] },
      { fields: { sealTo: [age.recipient, ed25519.publicKey, rsa.publicKey] }, key: ed25519, opens: [age, ed25519, rsa], shut: [stranger] },
      { fields: {}, key: rsa, opens: [rsa], shut: [age, stranger] },
    ];
    await Promise.all(cases.map(async ({ fields, key, opens, shut }) => {
      const order = await placeOrder(worker, fields, { key });
      await order.payStub();
      await order.until('ready');
      const { sealed } = (await order.claim(randomWord())).body;
      for (const { identity } of opens) assert.equal((await openBundle(sealed, identity)).orderId, order.id);
      for (const { identity } of shut) await assert.rejects(openBundle(sealed, identity), /no identity matched/);
    }));
  });
});
