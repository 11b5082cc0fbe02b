// The fakes are held to the official contracts, both ways: a good request passes, a bad one is refused, and every answer validates.
// Where the contracts are absent the same conversations run against the fakes alone.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { withContract } from '../support/contract.mjs';
import { lnbitsMissing, startLnbits } from '../support/lnbits.mjs';
import { CONTRACTS } from '../support/paths.mjs';
import { createDigitalOcean } from './digitalocean.mjs';
import { createLnbits } from './lnbits.mjs';
import { createTailscale } from './tailscale.mjs';

const needsContracts = { skip: CONTRACTS ? false : 'no contracts: set KINDLING_CONTRACTS' };
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const FINGERPRINT = '65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd';
const DROPLET = {
  name: 'kindling-1', region: 'nyc3', size: 's-2vcpu-4gb', image: 'debian-12-x64', ssh_keys: [FINGERPRINT], tags: ['kindling-order-1'],
  user_data: '#cloud-config\n{}\n',
};

function client(base, token) {
  return async (method, target, body, headers = {}) => {
    const response = await fetch(base + target, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }), ...headers },
      body: body && (typeof body === 'string' ? body : JSON.stringify(body)),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  };
}

/** A fake behind its contract, closed at the test's end; the conversation must be clean unless the test says otherwise. */
async function behind(t, fake, token, { clean = true } = {}) {
  const contract = await withContract(fake);
  t.after(async () => {
    await contract.close();
    await fake.close();
  });
  if (clean) t.after(() => contract.assertClean());
  return { contract, call: client(contract.url, token) };
}

test('a droplet with key and volume lives and dies as the contract says', async (t) => {
  const booted = [];
  const ended = [];
  const cloud = await createDigitalOcean({ token: 'good', onBoot: (droplet) => booted.push(droplet), onDestroy: (droplet) => ended.push(droplet) });
  const { call } = await behind(t, cloud, 'good');

  assert.equal((await call('GET', '/v2/account')).body.account.droplet_limit, 25);
  assert.ok((await call('GET', '/v2/regions')).body.regions.some(({ slug }) => slug === 'nyc3'));
  assert.equal((await call('GET', '/v2/sizes')).status, 200);

  assert.equal((await call('GET', `/v2/account/keys/${FINGERPRINT}`)).status, 404);
  const key = await call('POST', '/v2/account/keys', { name: 'k', public_key: KEY });
  assert.deepEqual([key.status, key.body.ssh_key.fingerprint], [201, FINGERPRINT]);
  const again = await call('POST', '/v2/account/keys', { name: 'k2', public_key: KEY });
  assert.deepEqual([again.status, again.body.message], [422, 'SSH Key is already in use on your account']);
  assert.equal((await call('GET', `/v2/account/keys/${FINGERPRINT}`)).body.ssh_key.id, key.body.ssh_key.id);
  assert.equal((await call('GET', `/v2/account/keys/${key.body.ssh_key.id}`)).body.ssh_key.name, 'k');

  const disk = { name: 'kindling-1', region: 'nyc3', size_gigabytes: 20 };
  const volume = (await call('POST', '/v2/volumes', disk)).body.volume;
  assert.equal((await call('POST', '/v2/volumes', disk)).status, 409);
  assert.equal((await call('GET', '/v2/volumes?name=kindling-1&region=nyc3')).body.volumes[0].id, volume.id);
  assert.equal((await call('GET', '/v2/volumes?name=kindling-1&region=ams3')).body.meta.total, 0);

  const created = await call('POST', '/v2/droplets', { ...DROPLET, volumes: [volume.id] });
  assert.deepEqual([created.status, created.body.droplet.status, created.body.droplet.networks.v4], [202, 'new', []]);
  const { id } = created.body.droplet;
  const found = (await call('GET', '/v2/droplets?tag_name=kindling-order-1')).body.droplets;
  assert.deepEqual(found.map((droplet) => [droplet.id, droplet.status]), [[id, 'active']]);
  assert.equal((await call('GET', '/v2/droplets?tag_name=other')).body.droplets.length, 0);
  const address = (await call('GET', `/v2/droplets/${id}`)).body.droplet.networks.v4.find(({ type }) => type === 'public').ip_address;
  assert.match(address, /^203\.0\.113\.\d+$/);
  assert.deepEqual(booted.map((droplet) => [droplet.address, droplet.user_data, droplet.ssh_keys]), [[address, DROPLET.user_data, [KEY]]]);

  assert.equal((await call('DELETE', `/v2/volumes/${volume.id}`)).status, 409);
  const action = (await call('POST', `/v2/volumes/${volume.id}/actions`, { type: 'detach', droplet_id: id, region: 'nyc3' })).body.action;
  assert.equal(action.status, 'in-progress');
  assert.equal((await call('GET', `/v2/volumes/${volume.id}/actions/${action.id}`)).body.action.status, 'completed');
  assert.equal((await call('DELETE', `/v2/volumes/${volume.id}`)).status, 204);

  assert.equal((await call('DELETE', `/v2/droplets/${id}`)).status, 204);
  assert.equal((await call('GET', `/v2/droplets/${id}`)).status, 404);
  assert.equal((await call('DELETE', `/v2/droplets/${id}`)).status, 404);
  assert.equal((await call('DELETE', `/v2/account/keys/${key.body.ssh_key.id}`)).status, 204);
  assert.deepEqual([ended.length, cloud.maxDroplets, cloud.droplets.length, cloud.volumes.length, cloud.keys.length], [1, 1, 0, 0, 0]);
  assert.deepEqual(cloud.bootErrors, []);
});

test('DigitalOcean refuses what it would refuse', async (t) => {
  const cloud = await createDigitalOcean({ token: 'good', dropletLimit: 1 });
  const { contract, call } = await behind(t, cloud, 'good');
  const body = { ...DROPLET, ssh_keys: [] };

  const stranger = await client(contract.url, 'bad')('GET', '/v2/account');
  assert.deepEqual(stranger, { status: 401, body: { id: 'Unauthorized', message: 'Unable to authenticate you' } });
  for (const [change, message] of [
    [{ size: 'huge' }, /size/], [{ image: 'windows' }, /image/], [{ region: 'mars1' }, /region/], [{ tags: ['no spaces'] }, /tag/],
    [{ ssh_keys: ['00:11'] }, /key identifiers/], [{ user_data: 'x'.repeat(65_537) }, /64 KiB/],
  ]) {
    const refused = await call('POST', '/v2/droplets', { ...body, ...change });
    assert.equal(refused.status, 422);
    assert.match(refused.body.message, message);
  }
  assert.equal((await call('POST', '/v2/account/keys', { name: 'k', public_key: 'ssh-ed25519 AAAA' })).status, 422);
  assert.equal((await call('POST', '/v2/volumes', { name: 'No', region: 'nyc3', size_gigabytes: 1 })).status, 400);
  assert.equal((await call('POST', '/v2/droplets', body)).status, 202);
  assert.match((await call('POST', '/v2/droplets', body)).body.message, /droplet limit/);
  assert.equal(cloud.maxDroplets, 1);
});

test('a fresh droplet may be missing for a while, a start and an end take time', async (t) => {
  const cloud = await createDigitalOcean({ token: 'good', hiddenReads: 2, activeAfterMs: 3_600_000, goneAfterMs: 3_600_000 });
  const { call } = await behind(t, cloud, 'good');
  const { id } = (await call('POST', '/v2/droplets', { ...DROPLET, ssh_keys: [] })).body.droplet;
  assert.equal((await call('GET', '/v2/droplets?tag_name=kindling-order-1')).body.droplets.length, 0);
  assert.equal((await call('GET', `/v2/droplets/${id}`)).status, 404);
  assert.equal((await call('GET', `/v2/droplets/${id}`)).body.droplet.status, 'new');
  assert.equal((await call('DELETE', `/v2/droplets/${id}`)).status, 204);
  assert.equal((await call('GET', `/v2/droplets/${id}`)).body.droplet.locked, true);
});

test('lists come in pages', async (t) => {
  const cloud = await createDigitalOcean({ token: 'good' });
  const { call } = await behind(t, cloud, 'good');
  for (const n of [1, 2, 3]) await call('POST', '/v2/volumes', { name: `v${n}`, region: 'nyc3', size_gigabytes: 1 });
  const first = (await call('GET', '/v2/volumes?per_page=2')).body;
  assert.deepEqual([first.volumes.length, first.meta.total], [2, 3]);
  assert.match(first.links.pages.next, /page=2/);
  const second = (await call('GET', '/v2/volumes?per_page=2&page=2')).body;
  assert.deepEqual([second.volumes.map(({ name }) => name), second.links.pages.next], [['v3'], undefined]);
});

test('the contract refuses a bad request before the fake sees it', needsContracts, async (t) => {
  const cloud = await createDigitalOcean({ token: 'good' });
  const { contract, call } = await behind(t, cloud, 'good', { clean: false });
  for (const [method, target, body] of [
    ['POST', '/v2/droplets', { ...DROPLET, sshKeys: [] }],
    ['POST', '/v2/droplets', { ...DROPLET, name: 'no_underscores' }],
    ['POST', '/v2/account/keys', { public_key: KEY }],
    ['GET', '/v2/volumes?region=mars1', undefined],
    ['GET', '/v2/volumes/not-a-uuid', undefined],
    ['GET', '/v2/nothing', undefined],
  ]) {
    assert.ok((await call(method, target, body)).status >= 400, `${method} ${target}`);
  }
  assert.equal((await client(contract.url)('GET', '/v2/account')).status, 401);
  assert.equal(contract.violations.length, 7);
  assert.ok(contract.violations.every(({ side }) => side === 'request'));
  assert.deepEqual(cloud.requests, []);
  assert.throws(contract.assertClean, /breaks the contract/);
});

test('the contract refuses an answer that lacks a required field', needsContracts, async (t) => {
  const cloud = await createDigitalOcean({ token: 'good' });
  const { contract, call } = await behind(t, cloud, 'good', { clean: false });
  await call('POST', '/v2/volumes', { name: 'v', region: 'nyc3', size_gigabytes: 1 });
  cloud.volumes[0].name = 17;
  assert.equal((await call('GET', '/v2/volumes')).status, 500);
  assert.deepEqual(contract.violations.map(({ side, call: line }) => [side, line]), [['answer', 'GET /v2/volumes']]);
});

test('faults fail before, after, late, with garbage and with a status', async (t) => {
  const cloud = await createDigitalOcean({ token: 'good' });
  const { contract, call } = await behind(t, cloud, 'good');
  const create = () => call('POST', '/v2/droplets', { ...DROPLET, ssh_keys: [] });
  const pathPattern = '/v2/droplets';

  cloud.fault({ method: 'POST', pathPattern, kind: 'before' });
  await assert.rejects(create(), /fetch failed/);
  assert.equal(cloud.droplets.length, 0);

  cloud.fault({ method: 'POST', pathPattern, kind: 'after' });
  await assert.rejects(create(), /fetch failed/);
  assert.equal(cloud.droplets.length, 1);

  let release;
  cloud.fault({ method: 'POST', pathPattern, kind: 'late', until: new Promise((resolve) => { release = resolve; }) });
  const late = create();
  await cloud.seen('POST', pathPattern, { where: ({ fault, status }) => fault === 'late' && status === 202 });
  assert.equal(cloud.droplets.length, 2);
  release();
  assert.equal((await late).status, 202);

  cloud.fault({ method: 'POST', pathPattern, kind: 'stalled', until: new Promise((resolve) => { release = resolve; }) });
  const gone = new AbortController();
  const stalled = fetch(`${contract.url}/v2/droplets`, {
    method: 'POST', signal: gone.signal, headers: { authorization: 'Bearer good', 'content-type': 'application/json' },
    body: JSON.stringify({ ...DROPLET, ssh_keys: [] }),
  });
  await cloud.seen('POST', pathPattern, { where: ({ fault }) => fault === 'stalled' });
  gone.abort();
  await assert.rejects(stalled, /abort/i);
  assert.equal(cloud.droplets.length, 2);
  release();
  await cloud.seen('POST', pathPattern, { where: ({ fault, status }) => fault === 'stalled' && status === 202 });
  assert.equal(cloud.droplets.length, 3, 'a stalled call lands after its caller has gone');

  cloud.fault({ pathPattern: /droplets/, kind: 'garbage' });
  await assert.rejects(create(), SyntaxError);
  assert.equal(cloud.droplets.length, 4);

  cloud.fault({ kind: 'status', status: 429, headers: { 'retry-after': '7' }, times: 2, skip: 1 });
  assert.equal((await call('GET', '/v2/account')).status, 200);
  assert.equal((await call('GET', '/v2/account')).body.id, 'too_many_requests');
  assert.equal(cloud.unusedFaults, 1);
  assert.equal((await call('GET', '/v2/regions')).status, 429);
  assert.equal(cloud.unusedFaults, 0);

  assert.deepEqual(cloud.transcript(), [
    'POST /v2/droplets - (before)', 'POST /v2/droplets 202 (after)', 'POST /v2/droplets 202 (late)', 'POST /v2/droplets 202 (stalled)',
    'POST /v2/droplets 200 (garbage)', 'GET /v2/account 200', 'GET /v2/account 429 (status)', 'GET /v2/regions 429 (status)',
  ]);
});

test('Tailscale: a key made by token or by OAuth lets one device in, which is then removed', async (t) => {
  const oauth = { clientId: 'client', clientSecret: 'secret', tags: ['tag:kindling'] };
  const net = await createTailscale({ apiKey: 'tskey-api-good', oauth });
  const { contract, call } = await behind(t, net, 'tskey-api-good');
  const create = { reusable: false, ephemeral: false, preauthorized: true, tags: ['tag:kindling'] };
  const wanted = { capabilities: { devices: { create } }, expirySeconds: 3600, description: 'order 1' };

  const key = await call('POST', '/api/v2/tailnet/-/keys', wanted);
  assert.equal(key.status, 200);
  assert.equal((await call('GET', `/api/v2/tailnet/-/keys/${key.body.id}`)).body.key, undefined);
  assert.equal((await client(contract.url, 'bad')('POST', '/api/v2/tailnet/-/keys', wanted)).status, 401);
  assert.equal((await call('POST', '/api/v2/tailnet/elsewhere/keys', wanted)).status, 404);

  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const grant = await client(contract.url)('POST', '/api/v2/oauth/token', 'grant_type=client_credentials&client_id=client&client_secret=secret', form);
  const byOauth = client(contract.url, grant.body.access_token);
  assert.equal((await byOauth('POST', '/api/v2/tailnet/-/keys', wanted)).status, 200);
  const untagged = { ...wanted, capabilities: { devices: { create: { ...create, tags: [] } } } };
  assert.equal((await byOauth('POST', '/api/v2/tailnet/-/keys', untagged)).status, 400);

  const device = net.join(key.body.key, 'node-1');
  assert.throws(() => net.join(key.body.key, 'node-2'), /invalid key/);
  assert.equal((await call('GET', '/api/v2/tailnet/-/devices')).body.devices[0].nodeId, device.nodeId);
  assert.equal((await call('GET', `/api/v2/device/${device.nodeId}`)).body.name, 'node-1.tail1234.ts.net');
  assert.equal((await call('DELETE', `/api/v2/device/${device.nodeId}`)).status, 200);
  assert.equal((await call('DELETE', `/api/v2/device/${device.nodeId}`)).status, 404);
  assert.equal((await call('DELETE', `/api/v2/tailnet/-/keys/${key.body.id}`)).status, 200);
  assert.equal((await call('GET', `/api/v2/tailnet/-/keys/${key.body.id}`)).body.invalid, true);
});

test('Tailscale: the contract refuses bad key requests', needsContracts, async (t) => {
  const net = await createTailscale({ apiKey: 'tskey-api-good' });
  const { contract, call } = await behind(t, net, 'tskey-api-good', { clean: false });
  for (const body of [
    {}, { capabilities: {} }, { capabilities: { devices: {} }, description: 'no_underscores' },
    { capabilities: { devices: { create: { tags: ['untagged'] } } } },
  ]) {
    assert.equal((await call('POST', '/api/v2/tailnet/-/keys', body)).status, 422);
  }
  assert.deepEqual([contract.violations.length, net.requests.length], [4, 0]);
});

test('the scripted LNbits answers as told', async (t) => {
  const hash = 'a'.repeat(64);
  const lnbits = await createLnbits({ invoices: [{ bolt11: 'lnbc1test', paymentHash: hash }] });
  t.after(() => lnbits.close());
  const call = client(lnbits.url);
  const invoiceKey = { 'x-api-key': lnbits.invoiceKey };
  const look = () => call('GET', `/api/v1/payments/${hash}`, undefined, invoiceKey);

  const order = { out: false, amount: 10 };
  assert.deepEqual(await call('POST', '/api/v1/payments', order), { status: 401, body: { detail: 'No Api Key provided.' } });
  assert.deepEqual(await call('POST', '/api/v1/payments', order, { 'x-api-key': 'x' }), { status: 404, body: { detail: 'Wallet not found.' } });
  const made = await call('POST', '/api/v1/payments', { out: false, amount: 10, unit: 'sat', memo: 'm', expiry: 60 }, invoiceKey);
  assert.deepEqual([made.status, made.body.amount, made.body.bolt11, made.body.payment_hash], [201, 10_000, 'lnbc1test', hash]);
  assert.equal((await look()).body.paid, false);
  lnbits.markPaid(hash);
  assert.deepEqual((await call('GET', `/api/v1/payments/${hash}`)).body, { paid: true, preimage: 'f'.repeat(64) });
  lnbits.tamper((answer) => ({ ...answer, details: { ...answer.details, amount: 1 } }));
  assert.deepEqual([(await look()).body.paid, (await look()).body.details.amount], [true, 1]);
  lnbits.fault({ kind: 'status', status: 429 });
  assert.deepEqual(await look(), { status: 429, body: { error: 'injected by the test' } });
  lnbits.fault({ kind: 'garbage' });
  await assert.rejects(look(), SyntaxError);
  lnbits.fault({ kind: 'before' });
  await assert.rejects(look(), /fetch failed/);
});

test('a real LNbits pays an invoice, says so by webhook, and survives a restart', { skip: lnbitsMissing ?? false }, async (t) => {
  const hooks = http.createServer((req, res) => res.end('{}')).listen(0, '127.0.0.1');
  t.after(() => hooks.close());
  await once(hooks, 'listening');
  const lnbits = await startLnbits();
  t.after(() => lnbits.close());

  const webhook = `http://127.0.0.1:${hooks.address().port}/hook`;
  const { bolt11, paymentHash } = await lnbits.createInvoice({ sats: 10_000, webhook });
  assert.match(bolt11, /^lnbc/);
  assert.equal((await lnbits.payment(paymentHash)).paid, false);
  const told = once(hooks, 'request');
  await lnbits.pay(bolt11);
  const [hook] = await told;
  assert.deepEqual([hook.method, hook.url], ['POST', '/hook']);
  const { paid, details } = await lnbits.payment(paymentHash);
  assert.deepEqual([paid, details.amount, details.wallet_id], [true, 10_000_000, lnbits.merchant.id]);
  assert.equal(await lnbits.balance(lnbits.merchant), 10_000_000);
  await assert.rejects(lnbits.pay(bolt11), /520/);

  await lnbits.restart();
  assert.equal((await lnbits.payment(paymentHash)).paid, true);
});
