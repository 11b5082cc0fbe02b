// Places and doors: how many machines are sold where, from which cloud account they come, and how many orders one network address may
// have. What is refused writes nothing. Both upstreams are the Worker's stubs, but for the accounts.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createDigitalOcean } from '../fakes/digitalocean.mjs';
import { assertRefused, call, customer, openLive, orderBody, pollUntil, randomId, randomWord } from '../support/order.mjs';
import { HOUR, openShop } from '../support/shop.mjs';
import { scriptedMachine } from '../support/scripted_machine.mjs';

/** How long an invoice can be paid, and its place is kept beyond that, in seconds. */
const INVOICE = HOUR;
const PLACE_GRACE = 600;
/** An unpaid order more in one fleet is refused, whatever room there is. */
const UNPAID_PER_FLEET = 20;
const UNPAID = 5;
const A_MINUTE = 10;

let shop;
before(async () => {
  shop = await openShop({
    vars: {
      LNBITS_URL: '', UNPAID_PER_FLEET: String(UNPAID_PER_FLEET), UNPAID_PER_ADDRESS: String(UNPAID), CREATES_PER_MINUTE: String(A_MINUTE),
      FLEETS: 'nyc3=10 fra1=1 ams3=1 lon1=1 sgp1=1000 tor1=0 sfo2=1000 sfo3=1000 nyc1=1000 nyc2=1000 mars1=7 nonsense',
    },
  });
});
after(() => shop.close());

let visitors = 0;
/** A network address that nobody has used. */
const newAddress = () => `198.51.${(visitors += 1) >> 8}.${visitors & 255}`;

/** Asks for an order -> {answer, order}; the order is there whether it was taken or not. */
async function ask(fields, address = newAddress()) {
  const wanted = await orderBody(fields);
  const answer = await call(shop.worker, 'POST', '/api/bootstrap', { body: wanted.body, headers: { 'cf-connecting-ip': address } });
  return { answer, order: customer(shop.worker, { ...wanted, created: answer.body }) };
}
async function taken(fields, address) {
  const { answer, order } = await ask(fields, address);
  assert.equal(answer.status, 201, answer.text);
  return order;
}
async function refused(fields, address, status, code) {
  const { answer, order } = await ask(fields, address);
  assertRefused(answer, status, code);
  assert.match(answer.headers.get('retry-after'), /^\d+$/);
  assert.deepEqual(await tables(order.id), [], 'what is refused is stored');
  return order;
}
/** The same body again. */
const again = (order, address = newAddress()) => call(shop.worker, 'POST', '/api/bootstrap', { body: order.body, headers: { 'cf-connecting-ip': address } });
/** What an order's object has written; the harness keeps a table of its own in every object that it wakes. */
async function tables(id) {
  const storage = await shop.worker.storage('ORDER', id);
  const rows = await storage.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'");
  return rows.map(({ name }) => name);
}
async function fleet(name) {
  const { body } = await shop.operator('GET', 'fleets');
  return body.fleets.find((one) => one.name === name);
}
/** Waits until the catalogue shows a region like this: a fleet that needs more than a second to answer counts as one with room. */
async function isShown(region, available) {
  await pollUntil(async () => {
    await shop.advance(3); // what the fleets said last is repeated for two seconds
    const { body } = await call(shop.worker, 'GET', '/api/catalogue');
    return body.regions.find(({ slug }) => slug === region).available === available;
  }, `${region} ${available ? 'with' : 'without'} room`);
}

describe('a fleet', () => {
  test('of ten places takes ten of two hundred orders that come at once, and writes nothing for the others', async () => {
    await isShown('nyc3', true);
    const asked = await Promise.all(Array.from({ length: 200 }, () => ask({ region: 'nyc3' })));
    const [won, lost] = [201, 503].map((status) => asked.filter(({ answer }) => answer.status === status));
    assert.deepEqual([won.length, lost.length], [10, 190]);
    for (const { answer } of lost) assertRefused(answer, 503, 'no_capacity');
    const written = await Promise.all(asked.map(async ({ order }) => [order.id, (await tables(order.id)).length > 0]));
    const ids = won.map(({ order }) => order.id).sort();
    assert.deepEqual(written.filter(([, has]) => has).map(([id]) => id).sort(), ids);
    const { free, capacity, orders } = await fleet('nyc3');
    assert.deepEqual([free, capacity, orders.map(({ id }) => id).sort()], [0, 10, ids]);
    assert.ok(orders.every(({ place }) => place.name === 'reserved'));
    await isShown('nyc3', false);
    assertRefused(await call(shop.worker, 'GET', `/api/bootstrap/${lost[0].order.id}`, { token: lost[0].order.token }), 404, 'not_found');
  });

  test('keeps an order\'s place over the end of its object, and has it back when the invoice has run out', async () => {
    const region = 'fra1';
    const first = await taken({ region });
    const second = await refused({ region }, undefined, 503, 'no_capacity');
    await shop.worker.evict('FLEET', region);
    assertRefused(await again(second), 503, 'no_capacity');
    assert.equal((await again(first)).status, 201, 'an order that has its place is answered');
    await shop.advance(INVOICE + PLACE_GRACE - 120);
    assertRefused(await again(second), 503, 'no_capacity');
    await shop.advance(130);
    await isShown(region, true);
    assert.equal((await again(second)).status, 201);
    assert.deepEqual((await fleet(region)).orders.map(({ id }) => id), [second.id]);
  });

  test('keeps a paid order\'s place until its machine is gone', async () => {
    const region = 'ams3';
    const order = await taken({ region });
    await order.payStub();
    await shop.advanceUntil(async () => (await order.get()).state === 'ready', 1, 'ready', order);
    await shop.advance(1000 * HOUR, order);
    // It was bought without an end, so there is nothing to extend.
    const { endsAt, extension } = await order.get();
    assert.deepEqual([endsAt, extension], [undefined, undefined]);
    assertRefused(await call(shop.worker, 'POST', `/api/bootstrap/${order.id}/extend`, { token: order.token, body: { hours: 1 } }), 409, 'not_extendable');
    const second = await refused({ region }, undefined, 503, 'no_capacity');
    assert.deepEqual((await fleet(region)).orders, [{ id: order.id, place: { name: 'paid' } }]);
    const { status } = await call(shop.worker, 'POST', `/api/bootstrap/${order.id}/destroy`, { token: order.token, body: {} });
    assert.equal(status, 200);
    const ended = await order.until('ended');
    assert.deepEqual([ended.errorCode, ended.endsAt], ['destroyed', undefined]);
    await pollUntil(async () => (await again(second)).status === 201, 'the place');
    assert.deepEqual((await fleet(region)).orders.map(({ id }) => id), [second.id]);
  });

  test('takes only so many orders that are not paid', async () => {
    const region = 'sgp1';
    const orders = await Promise.all(Array.from({ length: UNPAID_PER_FLEET }, () => taken({ region })));
    const one = await refused({ region }, undefined, 503, 'no_capacity');
    await isShown(region, false);
    await orders[0].payStub();
    await pollUntil(async () => (await again(one)).status === 201, 'room for another unpaid one');
  });

  test('is in the catalogue if it is sold, and available if there is room', async () => {
    await shop.advance(3);
    const { body } = await call(shop.worker, 'GET', '/api/catalogue');
    assert.deepEqual(body.regions.map(({ slug }) => slug).sort(), ['ams3', 'fra1', 'lon1', 'nyc1', 'nyc2', 'nyc3', 'sfo2', 'sfo3', 'sgp1', 'tor1']);
    assert.deepEqual([body.defaultRegion, body.products[0].available], ['nyc3', true]);
    await isShown('tor1', false); // a fleet of no places
    await isShown('lon1', true);
    await taken({ region: 'lon1' });
    await isShown('lon1', false);
    await refused({ region: 'tor1' }, undefined, 503, 'no_capacity');
    await refused({ region: 'blr1' }, undefined, 503, 'no_capacity'); // exists, and is not sold here
    for (const region of ['mars1', 'nonsense', 'NYC3']) assertRefused((await ask({ region })).answer, 400, 'unknown_region');
  });
});

describe('a network address', () => {
  test('may have some unpaid orders: a paid one and one that ran out no longer count', async () => {
    const [address, other, region] = [newAddress(), newAddress(), 'sfo2'];
    const orders = [];
    for (let count = 0; count < UNPAID; count += 1) orders.push(await taken({ region }, address));
    const sixth = await refused({ region }, address, 429, 'too_many_orders');
    assert.equal((await fleet(region)).orders.length, UNPAID, 'a refused order has a place');
    await taken({ region }, other);
    assert.equal((await again(orders[0], address)).status, 201, 'an order that is in is answered');

    await orders[0].payStub();
    await pollUntil(async () => (await again(sixth, address)).status === 201, 'one more');
    await refused({ region }, address, 429, 'too_many_orders');
    await shop.advance(INVOICE + 5, ...orders);
    for (let count = 0; count < UNPAID; count += 1) await taken({ region }, address);
    await orders[1].until('expired');
    const { id, token } = orders[1];
    const renew = () => call(shop.worker, 'POST', `/api/bootstrap/${id}/renew`, { token, body: {}, headers: { 'cf-connecting-ip': address } });
    assertRefused(await renew(), 429, 'too_many_orders');
    assert.equal((await orders[1].get()).state, 'expired');
    await shop.advance(INVOICE + 5);
    assert.equal((await renew()).status, 200);
  });

  test('of IPv6 is the whole /64, and an IPv4 address in IPv6\'s spelling is that address', async () => {
    const region = 'sfo3';
    const one = ['2001:db8:7:1::1', '2001:db8:7:1::2', '2001:DB8:7:1:ffff:ffff:ffff:ffff', '2001:0db8:0007:0001::', '2001:db8:7:1:0:0:0:9'];
    for (const address of one) await taken({ region }, address);
    await refused({ region }, '2001:db8:7:1:abcd::', 429, 'too_many_orders');
    await taken({ region }, '2001:db8:7:2::1');
    const [plain, mapped] = ['203.0.113.77', '::ffff:203.0.113.77'];
    for (const address of [plain, mapped, plain, mapped, plain]) await taken({ region }, address);
    for (const address of [plain, mapped]) await refused({ region }, address, 429, 'too_many_orders');
  });

  test('may make some orders a minute, paid or not', async () => {
    const [address, region] = [newAddress(), 'nyc1'];
    // No more than may be unpaid at a time, and no slower than need be: the first one must not be a minute old.
    for (let count = 0; count < A_MINUTE; count += UNPAID) {
      await Promise.all(Array.from({ length: UNPAID }, async () => {
        const order = await taken({ region }, address);
        await order.payStub();
        await pollUntil(async () => (await fleet(region)).orders.some(({ id, place }) => id === order.id && place.name === 'paid'), 'the place');
      }));
    }
    const next = await refused({ region }, address, 429, 'too_many_requests');
    await shop.advance(61);
    assert.equal((await again(next, address)).status, 201);
  });

  test('is not counted twice for the same order, however often and however fast it is asked for', async () => {
    const [address, region] = [newAddress(), 'nyc2'];
    const orders = await Promise.all(Array.from({ length: UNPAID }, () => taken({ region }, address)));
    const answers = await Promise.all(orders.flatMap((order) => Array.from({ length: 4 }, () => again(order, address))));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    await refused({ region }, address, 429, 'too_many_orders');
  });

  test('that guesses ids writes nothing', async () => {
    const before = await Promise.all(['FLEET', 'DOOR', 'SWEEP'].map((name) => shop.worker.ids(name)));
    const ids = Array.from({ length: 10 }, randomId);
    const headers = { 'cf-connecting-ip': newAddress() };
    await Promise.all(ids.map(async (id) => {
      const token = randomWord();
      const calls = [
        ['GET', `bootstrap/${id}`], ['POST', `bootstrap/${id}/claim`, { nonce: randomWord() }], ['POST', `bootstrap/${id}/ack`, { nonce: randomWord() }],
        ['POST', `bootstrap/${id}/extend`, { hours: 1 }], ['POST', `bootstrap/${id}/refund`, { refundTo: 'me@example.com' }],
        ['POST', `bootstrap/${id}/destroy`, {}], ['POST', `bootstrap/${id}/renew`, {}], ['POST', `machine/${id}/heartbeat`, { nonce: 1 }],
        ['POST', `machine/${id}/pair`, { token, publicKey: `02${'a'.repeat(64)}` }],
        ['POST', `lnbits/${id}/${'0'.repeat(32)}`], ['POST', `dev/stub/pay/${id}${id}`],
      ];
      for (const [method, path, body] of calls) assertRefused(await call(shop.worker, method, `/api/${path}`, { token, body, headers }), 404, 'not_found');
      await assert.rejects(openLive(shop.worker, { id, token }), /refused/);
      assertRefused(await shop.operator('GET', `orders/${id}`), 404, 'not_found');
      assert.deepEqual(await tables(id), []);
    }));
    assert.deepEqual(await Promise.all(['FLEET', 'DOOR', 'SWEEP'].map((name) => shop.worker.ids(name))), before);
  });
});

describe('two accounts in one region', () => {
  const OTHER = 'dop_v1_of_the_other_account';
  let two;
  let clouds;
  let front;
  before(async () => {
    const machines = new Map();
    const other = await createDigitalOcean({ token: OTHER, onBoot: (droplet) => { machines.set(droplet.name, scriptedMachine(droplet)); } });
    // The accounts share an address; whose a call is, its token tells. A call without either token reaches nobody.
    front = http.createServer((req, res) => {
      const to = { 'Bearer dop_v1_test': two?.cloud, [`Bearer ${OTHER}`]: other }[req.headers.authorization];
      if (!to) return res.writeHead(401).end();
      const onward = http.request(to.url + req.url, { method: req.method, headers: { ...req.headers, connection: 'close' }, agent: false });
      onward.once('response', (answer) => { res.writeHead(answer.statusCode, answer.headers); answer.pipe(res); });
      return req.pipe(onward);
    });
    await new Promise((resolve) => front.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${front.address().port}`;
    two = await openShop({ cloud: {}, vars: { FLEETS: 'nyc3=1 nyc3@b=1 nyc3@c=5', DO_API_TOKEN_B: OTHER, DO_API_URL: url } });
    clouds = [two.cloud, other];
    two.otherMachines = machines;
  });
  after(async () => {
    await two.close();
    await clouds[1].close();
    await new Promise((resolve) => { front.close(resolve); front.closeAllConnections(); });
  });

  test('sell both\'s places; each machine is made and removed with the token of its own account', async () => {
    const orders = [await two.order(), await two.order()];
    const third = await orderBody();
    assertRefused(await call(two.worker, 'POST', '/api/bootstrap', { body: third.body }), 503, 'no_capacity');
    const { body } = await two.operator('GET', 'fleets');
    const sold = body.fleets.map(({ name, capacity, free }) => [name, capacity, free]);
    assert.deepEqual(sold, [['nyc3', 1, 0], ['nyc3@b', 1, 0]], 'an account without a token sells nothing');
    assert.deepEqual((await Promise.all(orders.map((order) => order.story()))).map(({ inner }) => inner.fleet).sort(), ['nyc3', 'nyc3@b']);

    await Promise.all(orders.map((order) => order.pay()));
    await Promise.all(orders.map((order) => order.sees(({ phase }) => phase === 'booting')));
    assert.deepEqual(clouds.map(({ droplets, volumes, keys }) => [droplets.length, volumes.length, keys.length]), [[1, 1, 1], [1, 1, 1]]);
    await Promise.all([...two.machines.values(), ...two.otherMachines.values()].map((machine) => machine.run()));
    await Promise.all(orders.map((order) => order.sees(({ state }) => state === 'ready')));
    await Promise.all(orders.map((order) => order.destroy()));
    await Promise.all(orders.map((order) => order.sees(({ state }) => state === 'ended')));
    for (const { requests, droplets, volumes, keys, allDroplets } of clouds) {
      assert.deepEqual([droplets, volumes, keys, allDroplets.length], [[], [], [], 1]);
      const changes = requests.filter(({ method }) => method !== 'GET').map(({ method, path, status }) => `${method} ${path.split('/')[2]} ${status}`);
      assert.deepEqual(
        changes, ['POST account 201', 'POST volumes 201', 'POST droplets 202', 'DELETE droplets 204', 'DELETE volumes 204', 'DELETE account 204']);
    }
    await pollUntil(async () => (await call(two.worker, 'POST', '/api/bootstrap', { body: third.body })).status === 201, 'a place');
  });

  test('give a place back that came to no invoice', async () => {
    await two.advance(INVOICE + PLACE_GRACE + 5);
    for (let tries = 0; tries < 3; tries += 1) {
      two.lnbits.fault({ method: 'POST', kind: 'status', status: 500 });
      assertRefused(await call(two.worker, 'POST', '/api/bootstrap', { body: (await orderBody()).body }), 503, 'lightning_unavailable');
    }
    const { body } = await two.operator('GET', 'fleets');
    assert.deepEqual(body.fleets.map(({ free, orders }) => [free, orders]), [[1, []], [1, []]]);
  });
});
