// The sweep: what the cloud has and no live order owns is gone after one pass; what is anybody else's stays; what an order believes in
// and the cloud does not have is told to its order. Time is moved, never waited for.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { pollUntil, randomId } from '../support/order.mjs';
import { HOUR, openShop } from '../support/shop.mjs';

const tagOf = (url) => `kindling-at-${crypto.createHash('sha256').update(url).digest('hex').slice(0, 12)}`;

/** Waits until the sweep has put its row away. */
const isSwept = (shop) => pollUntil(async () => {
  const storage = await shop.worker.storage('SWEEP', '@');
  return (await storage.exec('SELECT key FROM kept')).length === 0;
}, 'the end of a sweep');
/** A whole pass. */
async function sweep(shop) {
  const lists = () => shop.cloud.requests.filter(({ method, path }) => method === 'GET' && path === '/v2/account/keys').length;
  const devices = () => shop.tailscale.requests.filter(({ path }) => path.endsWith('/devices')).length;
  const before = [lists(), devices()];
  await shop.worker.scheduled('*/5 * * * *');
  await isSwept(shop);
  assert.ok(lists() > before[0] && devices() > before[1], 'nothing was swept');
}

describe('the sweep', () => {
  let shop;
  let tag;
  before(async () => {
    shop = await openShop({ cloud: {}, contract: true, vars: { FULL_NODE_HOURS: '24' } });
    tag = tagOf(shop.worker.url);
  });
  after(() => shop.close());

  test('removes what bears this deployment\'s tag and no live order owns, page after page', async () => {
    const ids = Array.from({ length: 120 }, randomId);
    for (const id of ids) shop.cloud.plantVolume({ name: `kindling-${id}`, tags: ['kindling', `kindling-${id}`, tag] });
    for (const id of ids.slice(0, 3)) {
      shop.cloud.plantDroplet({ name: `kindling-${id}-1790000000`, tags: ['kindling', `kindling-${id}`, tag] });
    }
    await sweep(shop);
    assert.deepEqual([shop.cloud.droplets, shop.cloud.volumes], [[], []]);
  });

  test('leaves alone what is somebody else\'s', async () => {
    const id = randomId();
    const other = tagOf('https://another.example');
    const left = [
      shop.cloud.plantDroplet({ name: `kindling-${id}`, tags: ['kindling', `kindling-${id}`, other] }),
      shop.cloud.plantDroplet({ name: 'web-1', tags: [] }),
      shop.cloud.plantVolume({ name: `kindling-${id}`, tags: ['kindling', other] }),
      shop.cloud.plantVolume({ name: 'data', tags: [tag] }),
      shop.cloud.plantKey({ name: `kindling-${id}` }),
      shop.cloud.plantKey({ name: 'laptop' }),
      shop.tailscale.plantDevice({ hostname: `kindling-${id}`, tags: ['tag:kindling'] }),
      shop.tailscale.plantDevice({ hostname: 'laptop', tags: [] }),
    ];
    await sweep(shop);
    const now = [...shop.cloud.droplets, ...shop.cloud.volumes, ...shop.cloud.keys, ...shop.tailscale.devices].map(({ id: kept }) => kept);
    assert.deepEqual(now.sort(), left.map(({ id: kept }) => kept).sort());
    const deletes = shop.cloud.requests.filter(({ method, path }) => method === 'DELETE' && left.some(({ id: kept }) => path.endsWith(`/${kept}`)));
    assert.deepEqual(deletes, []);
  });

  test('leaves a live order all that is its own, and takes a second machine that bears its name', async () => {
    const order = await shop.order();
    await order.getReady();
    const name = `kindling-${order.id}`;
    const [own] = shop.droplets(order);
    const device = shop.tailscale.plantDevice({ hostname: name, tags: ['tag:kindling'] });
    const twin = shop.cloud.plantDroplet({ name, tags: ['kindling', name, tag] });
    await sweep(shop);
    assert.deepEqual(shop.cloud.droplets.filter(({ tags }) => tags.includes(name)).map(({ id }) => id), [own.id]);
    assert.ok(shop.cloud.requests.some(({ method, path }) => method === 'GET' && path === `/v2/droplets/${twin.id}`), 'not read again before its end');
    assert.equal(shop.cloud.volumes.filter((volume) => volume.name === name).length, 1);
    assert.equal(shop.cloud.keys.filter((key) => key.name === name).length, 1);
    assert.ok(shop.tailscale.devices.some(({ nodeId }) => nodeId === device.nodeId));
    assert.equal((await order.get()).state, 'ready');
  });

  test('takes what turns up under the name of an order that is over', async () => {
    const order = await shop.order();
    await order.getReady();
    await order.destroy();
    await shop.advanceUntil(async () => (await order.get()).state === 'ended', 5, 'the end', order);
    const name = `kindling-${order.id}`;
    shop.cloud.plantDroplet({ name, tags: ['kindling', name, tag] });
    shop.cloud.plantVolume({ name, tags: [tag] });
    shop.cloud.plantKey({ name });
    shop.tailscale.plantDevice({ hostname: name, tags: ['tag:kindling'] });
    await sweep(shop);
    const left = [...shop.cloud.droplets, ...shop.cloud.volumes, ...shop.cloud.keys].filter((thing) => thing.name === name);
    assert.deepEqual(left, []);
    assert.ok(shop.tailscale.devices.every(({ hostname }) => hostname !== name));
  });

  test('takes nothing of an order whose create is still under way', async () => {
    let answer;
    const held = new Promise((resolve) => { answer = resolve; });
    shop.cloud.fault({ method: 'POST', pathPattern: '/v2/droplets', kind: 'late', until: held });
    const order = await shop.order();
    await order.pay();
    await pollUntil(() => shop.droplets(order).length === 1, 'the droplet, whose answer is held back');
    await sweep(shop);
    assert.equal(shop.droplets(order).filter((droplet) => !droplet.gone).length, 1);
    answer();
    await order.sees(({ phase }) => phase === 'booting');
  });

  test('a cloud that cannot list now costs a pause, not the pass', async () => {
    const id = randomId();
    shop.cloud.plantDroplet({ name: `kindling-${id}`, tags: ['kindling', `kindling-${id}`, tag] });
    shop.cloud.fault({ method: 'GET', pathPattern: '/v2/droplets', kind: 'status', status: 429, headers: { 'retry-after': '1' } });
    await shop.worker.scheduled('*/5 * * * *');
    await shop.cloud.seen('GET', '/v2/droplets', { where: ({ status }) => status === 429 });
    await isSwept(shop);
    assert.ok(shop.cloud.droplets.every((droplet) => droplet.name !== `kindling-${id}`));
  });

  test('a droplet that the cloud has lost ends its order, and what is left of it is removed', async () => {
    const order = await shop.order();
    await order.getReady();
    const [droplet] = shop.droplets(order);
    droplet.gone = true;
    await sweep(shop);
    await order.journal('droplet_missing');
    assert.equal((await order.get()).state, 'ready', 'a moment\'s error of the cloud costs a customer the machine');
    await shop.advanceUntil(async () => (await order.get()).state === 'ended', 130, 'the end', order);
    const view = await order.get();
    assert.deepEqual([view.errorCode, view.refund], ['machine_lost', undefined]);
    assert.deepEqual(shop.cloud.volumes.filter(({ name }) => name === `kindling-${order.id}`), []);
    const looks = shop.cloud.requests.filter(({ method, path }) => method === 'GET' && path === `/v2/droplets/${droplet.id}`);
    assert.ok(looks.filter(({ status }) => status === 404).length >= 3, `${looks.length} looks`);
  });

  test('a droplet that was missed by mistake goes on', async () => {
    const order = await shop.order();
    await order.getReady();
    const [droplet] = shop.droplets(order);
    const { tags } = droplet;
    droplet.tags = ['kindling', `kindling-${order.id}`];
    await sweep(shop);
    await order.journal('droplet_found_again');
    droplet.tags = tags;
    await shop.advance(HOUR, order);
    await sweep(shop);
    assert.equal((await order.get()).state, 'ready');
  });
});
