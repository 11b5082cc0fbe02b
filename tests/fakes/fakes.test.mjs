// The fakes are held to the official contracts, both ways: a good request passes, a bad one is refused, and every answer validates.
// Where the contracts are absent the same conversations run against the fakes alone.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { bech32 } from '@scure/base';
import { makeInvoice, readInvoice } from '../support/bolt11.mjs';
import { withContract } from '../support/contract.mjs';
import { lnbitsMissing, startLnbits } from '../support/lnbits.mjs';
import { CONTRACTS } from '../support/paths.mjs';
import { createDigitalOcean } from './digitalocean.mjs';
import { createLnbits } from './lnbits.mjs';
import { createLnurl, encodeLnurl } from './lnurl.mjs';
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

test('a droplet is renamed, and only one that stands', async (t) => {
  let at = Date.parse('2030-01-01T00:00:00Z');
  const cloud = await createDigitalOcean({ token: 'good', actionAfterMs: 5000, activeAfterMs: 60_000, now: () => at });
  const { call } = await behind(t, cloud, 'good');
  const { id, created_at: created } = (await call('POST', '/v2/droplets', { ...DROPLET, ssh_keys: [] })).body.droplet;
  assert.equal(created, '2030-01-01T00:00:00Z');
  const rename = (name, droplet = id) => call('POST', `/v2/droplets/${droplet}/actions`, { type: 'rename', name });
  const nameNow = async () => (await call('GET', `/v2/droplets/${id}`)).body.droplet.name;

  assert.deepEqual([(await rename('kindling-1-2')).status, await nameNow()], [422, 'kindling-1']);
  at += 60_000;
  const { status, body: { action } } = await rename('kindling-1-1893456000');
  assert.deepEqual([status, action.status, action.type, action.resource_id, await nameNow()], [201, 'in-progress', 'rename', id, 'kindling-1']);
  at += 5000;
  assert.equal((await call('GET', `/v2/droplets/${id}/actions/${action.id}`)).body.action.status, 'completed');
  assert.equal(await nameNow(), 'kindling-1-1893456000');
  assert.equal((await call('GET', '/v2/droplets?name=kindling-1-1893456000')).body.meta.total, 1);
  assert.equal((await rename('no_underscores')).status, 422);
  assert.equal((await rename('kindling-2', 1)).status, 404);
});

test('what an order forgot is listed whole, page by page and by tag', async (t) => {
  const cloud = await createDigitalOcean({ token: 'good', activeAfterMs: 3_600_000 });
  const { call } = await behind(t, cloud, 'good');
  const volume = cloud.plantVolume({ name: 'kindling-a', region: 'fra1' });
  const planted = [1, 2, 3, 4, 5].map((n) => cloud.plantDroplet({ name: `m${n}`, tags: n % 2 ? ['kindling', `o${n}`] : ['other'], volumes: n === 1 ? [volume.id] : [] }));
  for (const n of [1, 2, 3]) cloud.plantVolume({ name: `v${n}` });
  for (const n of [1, 2, 3, 4]) cloud.plantKey({ name: `k${n}` });

  const everything = async (path, key) => {
    const found = [];
    for (let next = path; next;) {
      const { body } = await call('GET', next);
      found.push(...body[key]);
      const onward = body.links.pages?.next;
      next = onward && new URL(onward).pathname + new URL(onward).search;
    }
    return found;
  };
  const tagged = await everything('/v2/droplets?tag_name=kindling&per_page=2', 'droplets');
  assert.deepEqual(tagged.map(({ name, status, tags }) => [name, status, tags.length]), [['m1', 'active', 2], ['m3', 'active', 2], ['m5', 'active', 2]]);
  assert.deepEqual((await everything('/v2/volumes?per_page=1', 'volumes')).map(({ name, droplet_ids: on }) => [name, on]), [
    ['kindling-a', [planted[0].id]], ['v1', []], ['v2', []], ['v3', []],
  ]);
  assert.deepEqual((await everything('/v2/account/keys?per_page=3', 'ssh_keys')).map(({ name }) => name), ['k1', 'k2', 'k3', 'k4']);
  assert.equal((await call('GET', '/v2/droplets?tag_name=kindling&name=m1')).status, 400);
  assert.equal((await call('DELETE', `/v2/account/keys/${cloud.keys[0].fingerprint}`)).status, 204);
  assert.deepEqual([cloud.keys.length, cloud.bootErrors.length], [3, 0]);
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

test('a call whose caller died before it was whole never came', async (t) => {
  const cloud = await createDigitalOcean({ token: 'good' });
  t.after(() => cloud.close());
  const { port } = new URL(cloud.url);
  const caller = net.connect(port, '127.0.0.1');
  caller.write('POST /v2/volumes HTTP/1.1\r\nhost: fake\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"name":');
  await once(caller, 'ready');
  await client(cloud.url, 'good')('GET', '/v2/account'); // read after what was written before it
  caller.resetAndDestroy();
  await client(cloud.url, 'good')('GET', '/v2/account');
  assert.deepEqual(cloud.transcript(), ['GET /v2/account 200', 'GET /v2/account 200']);
});

test('a fault is for some calls alone; what came of a call is known, and of one that is held whether its caller still waits', async (t) => {
  const cloud = await createDigitalOcean({ token: 'good' });
  t.after(() => cloud.close());
  const get = (path, signal) => fetch(`${cloud.url}${path}`, { headers: { authorization: 'Bearer good' }, signal });
  const heard = [];
  cloud.onProgress(() => heard.push(cloud.requests.length));

  cloud.fault({ where: ({ query }) => query.name === 'a', kind: 'status', status: 500, applied: true });
  assert.deepEqual([(await get('/v2/volumes?name=b')).status, (await get('/v2/volumes?name=a')).status], [200, 500]);
  cloud.fault({ kind: 'before' });
  await assert.rejects(get('/v2/account'), /fetch failed/);
  assert.deepEqual(cloud.requests.map((record) => cloud.outcomeOf(record)?.status), [200, 200, undefined]);

  cloud.fault({ kind: 'late', until: new Promise(() => {}) });
  const gone = new AbortController();
  const held = get('/v2/regions', gone.signal);
  const [record] = await cloud.seen('GET', '/v2/regions');
  assert.equal(record.abandoned, undefined);
  gone.abort();
  await assert.rejects(held, /abort/i);
  await cloud.seen('GET', '/v2/regions', { where: ({ abandoned }) => abandoned });
  assert.deepEqual([...new Set(heard)], [1, 2, 3, 4]);
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

test('Tailscale: every device is listed, and keys run out by the clock that a test moves', async (t) => {
  let at = Date.now();
  const net = await createTailscale({ apiKey: 'tskey-api-good', now: () => at });
  const { call } = await behind(t, net, 'tskey-api-good');
  const mine = net.plantDevice({ hostname: `kindling-${'5f'.repeat(16)}`, tags: ['tag:kindling'] });
  const other = net.plantDevice({ hostname: 'laptop' });
  const devices = async () => (await call('GET', '/api/v2/tailnet/-/devices')).body.devices.map(({ hostname, nodeId, tags }) => [hostname, nodeId, tags]);
  assert.deepEqual(await devices(), [[mine.hostname, mine.nodeId, ['tag:kindling']], ['laptop', other.nodeId, []]]);
  await call('DELETE', `/api/v2/device/${mine.nodeId}`);
  const third = net.plantDevice();
  assert.notEqual(third.id, other.id);
  assert.deepEqual((await devices()).map(([hostname]) => hostname), ['laptop', 'orphan']);

  const wanted = { capabilities: { devices: { create: { tags: ['tag:kindling'] } } }, expirySeconds: 3600, description: 'order 1' };
  const { key } = (await call('POST', '/api/v2/tailnet/-/keys', wanted)).body;
  at += 3_600_000;
  assert.throws(() => net.join(key, 'late'), /invalid key/);
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

/** Every way in which a payment out can go that both can show: what was answered, in the words that matter. */
async function payments({ call, ourKey, ownInvoice, external, settled }) {
  const said = [];
  const note = ({ status, body }) => {
    const { amount, fee, status: state, extra, payment_hash: hash } = body.details ?? body;
    said.push([status, body.detail ?? [body.paid, body.status ?? null, amount, fee, state, extra?.kindling_order ?? null, typeof hash]]);
  };
  const key = { 'x-api-key': ourKey };
  const pay = async (bolt11, order) => note(await call('POST', '/api/v1/payments', { out: true, bolt11, extra: { kindling_order: order } }, key));
  const look = async (hash, headers = key) => note(await call('GET', `/api/v1/payments/${hash}`, undefined, headers));

  const own = await ownInvoice(500);
  await look(own.paymentHash); // our own invoice, unpaid
  await pay(own.bolt11, 'a'); // from the wallet to itself
  await look(own.paymentHash); // the payment hides the invoice
  await pay(own.bolt11, 'b');
  for (const strange of [{}, { 'x-api-key': 'opens-nothing' }]) await look(own.paymentHash, strange);

  const lost = external({ amountMsat: 5_000_000 });
  await look(lost.paymentHash); // nobody asked yet
  await pay(lost.bolt11, 'a'); // fails
  await look(lost.paymentHash);
  settled(lost.paymentHash); // the node does not know any more
  await pay(lost.bolt11.toUpperCase(), 'b'); // not sent again, and still the first order's
  await look(lost.paymentHash);
  await look(lost.paymentHash, {});

  for (const sats of [60_000, 49_900]) {
    const much = external({ amountMsat: sats * 1000 });
    await pay(much.bolt11, 'a');
    await look(much.paymentHash); // nothing was written down
  }
  for (const bad of [external({}).bolt11, `lightning:${lost.bolt11}`, 'lnbc1nonsense', '']) await pay(bad, 'a');
  return said;
}

test('a payment out goes with the scripted LNbits as with the real one', { skip: lnbitsMissing ?? false }, async (t) => {
  const real = await startLnbits({ customerSats: 50_000 });
  t.after(() => real.close());
  const invoice = ({ amountSats }) => makeInvoice({ amountMsat: amountSats * 1000 });
  const fake = await createLnbits({ balanceSats: 50_000, onPay: () => 'failed', invoice });
  t.after(() => fake.close());
  const conversation = (url, key, settled) => {
    const call = client(url);
    const ownInvoice = async (amount) => {
      const { body } = await call('POST', '/api/v1/payments', { out: false, amount, unit: 'sat' }, { 'x-api-key': key });
      return { bolt11: body.bolt11, paymentHash: body.payment_hash };
    };
    return payments({ call, ourKey: key, ownInvoice, external: makeInvoice, settled });
  };
  // The real one's FakeWallet gives its own reason, and forgets a payment as soon as it has failed.
  const expected = (await conversation(real.url, real.customer.adminkey, () => {})).map(([status, what]) =>
    [status, String(what).startsWith('Payment failed: ') ? 'Payment failed: no route' : what]);
  assert.deepEqual(await conversation(fake.url, fake.adminKey, (hash) => fake.settle(hash, 'pending')), expected);
  assert.deepEqual(fake.paidOut().map(({ amountSats, order }) => [amountSats, order]), [[500, 'a']]);
});

test('the scripted LNbits pays out as told, and a BOLT11 once', async (t) => {
  const outcomes = [];
  const lnbits = await createLnbits({ balanceSats: 10_000, onPay: () => outcomes.shift() ?? 'success' });
  t.after(() => lnbits.close());
  const call = client(lnbits.url);
  const key = { 'x-api-key': lnbits.adminKey };
  const pay = async ({ bolt11 }, order = 'a') => {
    const { status, body } = await call('POST', '/api/v1/payments', { out: true, bolt11, extra: { kindling_order: order } }, key);
    return [status, body.status, body.detail ?? null];
  };
  const look = async ({ paymentHash }) => (await call('GET', `/api/v1/payments/${paymentHash}`, undefined, key)).body;
  const balance = async () => (await call('GET', '/api/v1/wallet', undefined, key)).body.balance;

  const [straight, slow, lost, lied] = Array.from({ length: 4 }, () => makeInvoice({ amountMsat: 1_000_000 }));
  assert.deepEqual(await pay(straight), [201, 'success', null]);
  assert.deepEqual(await pay(straight, 'b'), [520, 'success', 'Payment already paid.']);
  const { paid, details } = await look(straight);
  assert.deepEqual([paid, details.amount, details.status, details.extra], [true, -1_000_000, 'success', { kindling_order: 'a' }]);

  outcomes.push('pending', 'failed', 'failed');
  assert.deepEqual(await pay(slow), [201, 'pending', null]);
  assert.deepEqual([(await look(slow)).status, await balance()], ['pending', 7_990_000]);
  assert.deepEqual(await pay(slow), [520, 'pending', 'Payment is still pending.']);
  lnbits.settle(slow.paymentHash, 'success');
  assert.deepEqual([(await look(slow)).paid, await balance()], [true, 8_000_000]);

  assert.deepEqual(await pay(lost), [520, 'failed', 'Payment failed: no route']);
  assert.deepEqual(await pay(lost), [520, 'failed', 'Payment is failed node, retrying is not possible.']);

  await pay(lied);
  lnbits.settle(lied.paymentHash, 'success'); // the node paid what LNbits took for failed
  assert.equal((await look(lied)).status, 'failed');
  assert.deepEqual(await pay(lied), [520, 'success', 'Failed payment was already paid on the fundingsource.']);
  assert.equal((await look(lied)).paid, true);
  assert.deepEqual(lnbits.paidOut(), [straight, slow, lied].map(({ bolt11, paymentHash }) => ({ bolt11, paymentHash, amountSats: 1000, order: 'a' })));

  assert.equal((await call('POST', '/api/v1/payments', { out: true, bolt11: lost.bolt11 }, { 'x-api-key': lnbits.invoiceKey })).status, 403);
});

test('the LNURL service answers as LUD-06 has it, or as told', async (t) => {
  const at = Date.parse('2030-01-01T00:00:00Z');
  const service = await createLnurl({ names: ['alice'], minSats: 10, maxSats: 100, network: 'regtest', expiry: 60, now: () => at });
  t.after(() => service.close());
  const get = async (url) => {
    const response = await fetch(url, { redirect: 'manual' });
    return { status: response.status, body: await response.json().catch(() => null) };
  };
  const { prefix, words } = bech32.decode(service.lnurl('alice').toLowerCase(), false);
  assert.equal(prefix, 'lnurl');
  const address = Buffer.from(bech32.fromWords(words)).toString();
  assert.equal(encodeLnurl(address), service.lnurl('alice'));
  const { body: first } = await get(address);
  assert.deepEqual([first.tag, first.minSendable, first.maxSendable], ['payRequest', 10_000, 100_000]);
  assert.deepEqual(JSON.parse(first.metadata)[0], ['text/plain', 'Payment to alice']);
  const { body: second } = await get(`${first.callback}?amount=50000`);
  const invoice = readInvoice(second.pr);
  assert.deepEqual([invoice.network, invoice.amountMsat, invoice.timestamp, invoice.expiry], ['regtest', 50_000, at / 1000, 60]);
  assert.deepEqual(service.issued, [{ name: 'alice', amountMsat: 50_000, bolt11: second.pr, paymentHash: invoice.paymentHash }]);

  for (const amount of ['9000', '100001', '', 'x']) assert.equal((await get(`${first.callback}?amount=${amount}`)).body.status, 'ERROR');
  const nobody = await get(`${service.url}/.well-known/lnurlp/bob`);
  assert.deepEqual([nobody.status, nobody.body.status], [404, 'ERROR']);
  service.tamper((answer, call) => ({ ...answer, ...(call === 'first' ? { maxSendable: 1 } : { pr: 'lnbc1' }) }));
  assert.deepEqual([(await get(address)).body.maxSendable, (await get(`${first.callback}?amount=50000`)).body.pr], [1, 'lnbc1']);
  service.fault({ kind: 'status', status: 302, headers: { location: 'http://127.0.0.1:1/' } });
  assert.equal((await get(address)).status, 302);
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
