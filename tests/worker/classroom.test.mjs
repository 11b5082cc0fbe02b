// A class: what it costs, what its machine is told, what it tells, more hours, and its end. DigitalOcean and Tailscale are fakes behind
// their official contracts; the make-believe cloud is the Worker's own.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { assertBetween, assertRefused, call, openBundle, orderBody, placeOrder, randomWord } from '../support/order.mjs';
import { CLASS_PHASES, classStatus, readUserData } from '../support/scripted_machine.mjs';
import { HOUR, openShop } from '../support/shop.mjs';
import { startWorker } from '../support/worker.mjs';

const PLANS = { A: [8, 200_000], B: [16, 220_000], C: [32, 240_000], D: [64, 260_000] };
const SIZES = { A: 's-2vcpu-4gb', B: 's-4vcpu-8gb', C: 's-8vcpu-16gb', D: 's-8vcpu-16gb' };
const classroom = (plan, hours, more) => ({ kind: 'classroom', plan, hours, ...more });
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

describe('buying a class', () => {
  let worker;
  before(async () => {
    worker = await startWorker({ vars: { CREATES_PER_MINUTE: '1000', UNPAID_PER_ADDRESS: '1000' } });
  });
  after(() => worker.stop());

  const refused = async (product, code, status = 400) => {
    const { body } = await orderBody({ product });
    assertRefused(await call(worker, 'POST', '/api/bootstrap', { body }), status, code);
  };

  test('the catalogue has the plans with their prices', async () => {
    const { body } = await call(worker, 'GET', '/api/catalogue');
    const [, product] = body.products;
    assert.deepEqual(product, {
      kind: 'classroom', amountSats: 1600, bitcoin: [], networks: [], assumeutxo: false, available: true, maxHours: 504,
      plans: Object.entries(PLANS).map(([plan, [nodes, msatPerNodeHour]]) => ({
        plan, nodes, msatPerNodeHour, graphs: nodes <= 16 ? ['sparse', 'full'] : ['sparse'],
      })),
    });
  });

  for (const [plan, [nodes, msats]] of Object.entries(PLANS)) {
    test(`plan ${plan} costs its node-hours`, async () => {
      for (const hours of [1, 48, 504]) {
        const { created } = await placeOrder(worker, { product: classroom(plan, hours) });
        assert.equal(created.amountSats, Math.ceil((nodes * hours * msats) / 1000));
        assert.equal(created.invoice.amountSats, created.amountSats);
        const { seed, ...product } = created.product;
        assert.deepEqual(product, { kind: 'classroom', plan, hours });
        assert.equal(seed, Number.parseInt(created.bootstrapJobId.slice(0, 8), 16), 'the order\'s id decides where no seed is given');
      }
    });
  }

  test('what is not sold is refused, and nothing is ordered', async () => {
    await refused(classroom('E', 1), 'unknown_plan');
    await refused(classroom('a', 1), 'unknown_plan');
    await refused(classroom('A', 0), 'invalid_hours');
    await refused(classroom('A', 505), 'invalid_hours');
    await refused(classroom('A', 1.5), 'invalid_body');
    await refused(classroom('A', -1), 'invalid_body');
    await refused({ kind: 'classroom', plan: 'A' }, 'invalid_body');
    await refused(classroom('A', 1, { bitcoin: 'core' }), 'unknown_field');
    await refused(classroom('C', 1, { graph: 'full' }), 'unavailable_option');
    await refused(classroom('D', 1, { graph: 'full' }), 'unavailable_option');
    await refused(classroom('A', 1, { seed: 2 ** 32 }), 'invalid_body');
    await refused(classroom('A', 1, { satsPerNode: 9_999_999 }), 'invalid_amount');
    await refused(classroom('A', 1, { satsPerNode: 1_000_000_001 }), 'invalid_amount');
  });

  test('the same order again is the same order; another class is another', async () => {
    const { body } = await orderBody({ product: classroom('A', 48) });
    const first = await call(worker, 'POST', '/api/bootstrap', { body });
    const again = await call(worker, 'POST', '/api/bootstrap', { body });
    assert.deepEqual([first.status, again.status, again.body.invoice], [201, 201, first.body.invoice]);
    const other = await call(worker, 'POST', '/api/bootstrap', { body: { ...body, product: classroom('A', 49) } });
    assertRefused(other, 409, 'order_exists');
  });

  test('a make-believe class is sealed to its teacher, with a connection for each participant', async () => {
    const order = await placeOrder(worker, { product: classroom('B', 3, { distribution: 'political', seed: 7 }) });
    const live = await order.live();
    await order.payStub();
    const ready = await live.until(({ state }) => state === 'ready');
    const phases = live.views.map(({ phase }) => phase).filter((phase, at, all) => phase && phase !== all[at - 1]);
    assert.deepEqual(phases.slice(-CLASS_PHASES.length), CLASS_PHASES);
    live.close();
    assert.equal(ready.credentials.lnbitsUrl, undefined);
    assert.deepEqual(ready.extension, { amountSats: order.created.amountSats, perHours: 3, maxHours: 504 });
    const { body } = await order.claim(randomWord());
    const bundle = await openBundle(body.sealed, order.key.identity);
    assert.deepEqual([bundle.product, bundle.fake, bundle.classroom.seed, bundle.classroom.nodes.length], ['classroom', true, 7, 16]);
    for (const [at, node] of bundle.classroom.nodes.entries()) {
      assert.equal(node.port, 6001 + at);
      const link = new URL(node.connect);
      assert.deepEqual([link.searchParams.get('address'), link.searchParams.get('rune')], [`${node.publicKey}@203.0.113.10:${node.port}`, node.rune]);
      assert.ok(!node.connect.includes(node.adminRune) && !node.wallet.includes(node.adminRune));
    }
    assert.equal(new Set(bundle.classroom.nodes.map(({ name }) => name)).size, 16);
  });

  test('the operator sets prices, and may leave a plan out', async (t) => {
    const other = await startWorker({ vars: { CLASSROOM_PRICES: 'A=1 D=0 nonsense' } });
    t.after(() => other.stop());
    const { body } = await call(other, 'GET', '/api/catalogue');
    assert.deepEqual(body.products[1].plans.map(({ plan, msatPerNodeHour }) => [plan, msatPerNodeHour]), [['A', 1], ['B', 220_000], ['C', 240_000]]);
    const { created } = await placeOrder(other, { product: classroom('A', 1) });
    assert.equal(created.amountSats, 1, '8 msat are rounded up');
    const { body: dear } = await orderBody({ product: classroom('D', 1) });
    assertRefused(await call(other, 'POST', '/api/bootstrap', { body: dear }), 400, 'unknown_plan');
  });

  test('a full fleet says so', async (t) => {
    const full = await startWorker({ vars: { FLEETS: 'nyc3=0' } });
    t.after(() => full.stop());
    const { body } = await call(full, 'GET', '/api/catalogue');
    assert.equal(body.products[1].available, false);
    const { body: wanted } = await orderBody({ product: classroom('A', 1) });
    assertRefused(await call(full, 'POST', '/api/bootstrap', { body: wanted }), 503, 'no_capacity');
  });
});

describe('the machine of a class', () => {
  let shop;
  before(async () => {
    shop = await openShop({ vars: { CLASSROOM_DOMAIN: 'class.example' }, cloud: { dropletLimit: 1000 }, contract: true });
  });
  after(() => shop.close());

  test('is of the plan\'s size, has no volume, and is told its network', async () => {
    for (const [plan, [nodes]] of Object.entries(PLANS)) {
      const order = await shop.order({ product: classroom(plan, 2, { distribution: 'proof_of_work', seed: 5, satsPerNode: 20_000_000 }) });
      await order.getReady();
      const sent = shop.cloud.requests.find(({ path, body }) => path === '/v2/droplets' && body?.name.includes(order.id)).body;
      assert.deepEqual([sent.size, sent.volumes], [SIZES[plan], []]);
      assert.ok(Buffer.byteLength(sent.user_data) < 56 * 1024, `user-data has ${Buffer.byteLength(sent.user_data)} bytes of 64 KiB`);
      const { config, files } = readUserData(sent.user_data);
      assert.deepEqual([config.PRODUCT, config.BITCOIN, config.NETWORK, config.VOLUME_NAME, config.VOLUME_SIZE_GB], ['classroom', 'core', 'regtest', '', '0']);
      const file = files['/etc/kindling/class.json'];
      const { nodes: laidOut, channels, ...options } = JSON.parse(file.bytes);
      assert.deepEqual(options, {
        plan, hours: 2, graph: 'sparse', distribution: 'proof_of_work', seed: 5, satsPerNode: 20_000_000, domain: 'class.example',
        connectUrl: 'https://app.clams.tech', walletUrl: 'https://remote.clams.tech',
      });
      assert.deepEqual([file.permissions, laidOut.length, sum(laidOut.map(({ fundSats }) => fundSats))], ['0644', nodes, nodes * 20_000_000]);
      for (const [at, { fundSats }] of laidOut.entries()) assert.ok(sum(channels.filter(({ from }) => from === at).map(({ sats }) => sats)) < fundSats);
    }
  });

  test('reports its own phases and no others', async () => {
    const order = await shop.order({ product: classroom('A', 1) });
    await order.pay();
    await order.sees(({ phase }) => phase === 'booting');
    const machine = await order.machine();
    assert.equal((await machine.pair()).status, 200);
    assertRefused(await machine.report('lnd'), 400, 'invalid_body');
    assert.equal((await machine.report('nodes')).status, 200);
    await order.sees(({ phase }) => phase === 'nodes');
    const withLnbits = await machine.deliver({ lnbitsUrl: 'http://127.0.0.1:5000' });
    assertRefused(withLnbits, 400, 'invalid_body');
  });

  test('tells the class as it lives, is told its end, and is bounded', async () => {
    const order = await shop.order({ product: classroom('A', 5) });
    const ready = await order.getReady();
    const machine = await order.machine();
    const asked = shop.now();
    const answer = await machine.classHeartbeat({ connected: [0, 3], down: [7], message: 'A sentence.' });
    assert.deepEqual([answer.status, answer.body], [200, { nextSeconds: 60, endsAt: Date.parse(ready.endsAt) / 1000 }]);
    const view = await order.get();
    const { lastHeardAt, everySeconds, ...said } = view.class;
    assertBetween(asked, lastHeardAt, shop.now());
    assert.equal(everySeconds, 60);
    assert.deepEqual(said.class.nodes.map(({ up, wallets }) => up && wallets), [1, 0, 0, 1, 0, 0, 0, false]);
    assert.equal(said.message, 'A sentence.');
    assert.equal(view.machine, undefined);

    const good = classStatus(machine.network);
    const wrong = [
      { ...good, class: { ...good.class, nodes: good.class.nodes.slice(1) } },
      { ...good, class: { ...good.class, channels: [{ ...good.class.channels[0], to: 8 }] } },
      { ...good, class: { ...good.class, channels: [{ ...good.class.channels[0], fromSats: 10 ** 12 }] } },
      { ...good, class: { ...good.class, channels: Array(513).fill(good.class.channels[0]) } },
      { ...good, class: { ...good.class, nodes: good.class.nodes.map((node) => ({ ...node, name: 'two words' })) } },
    ];
    for (const said of wrong) assertRefused(await machine.say('heartbeat', said), 400, 'invalid_body');
    assertRefused(await machine.heartbeat(), 400, 'invalid_body');
    assert.equal((await machine.say('heartbeat', { ...good, class: null })).status, 200);
    assert.equal((await order.get()).class.class, null);
  });

  test('may deliver the bundle of 64 nodes, and nothing beyond 512 KiB', async () => {
    const order = await shop.order({ product: classroom('D', 1) });
    await order.pay();
    await order.sees(({ phase }) => phase === 'booting');
    const machine = await order.machine();
    await machine.pair();
    const large = (bytes) => machine.seal({ classroom: randomBytes(bytes).toString('hex') });
    assertRefused(await machine.deliver({ sealed: await large(200_000) }), 413, 'body_too_large');
    const sealed = await large(150_000);
    assert.equal((await machine.deliver({ sealed })).status, 200);
    assert.equal((await order.claim(randomWord())).body.sealed, sealed);
  });

  test('more hours cost in proportion and move the end that it is told; at its end it is gone', async () => {
    const order = await shop.order({ product: classroom('A', 3) });
    const ready = await order.getReady();
    const machine = await order.machine();
    await order.refused('extend', { hours: 505 }, 400, 'invalid_hours');
    const { extension } = await order.extend(2);
    assert.equal(extension.invoice.amountSats, 3200);
    await order.pay(extension.invoice);
    const later = await order.sees(({ endsAt }) => endsAt !== ready.endsAt);
    assert.equal(Date.parse(later.endsAt) - Date.parse(ready.endsAt), 2 * HOUR * 1000);
    assert.equal((await machine.classHeartbeat()).body.endsAt, Date.parse(later.endsAt) / 1000);
    await shop.advanceTo(later.endsAt, -60, order);
    assert.equal((await order.get()).state, 'ready');
    await shop.advanceTo(later.endsAt, 60, order);
    const ended = await order.sees(({ state }) => state === 'ended');
    assert.deepEqual([ended.errorCode, ended.class], ['hours_over', undefined]);
    assert.deepEqual(shop.cloud.droplets.filter(({ tags }) => tags.includes(`kindling-${order.id}`)), []);
    assertRefused(await machine.classHeartbeat(), 404, 'not_found');
  });

  test('30 days are added to a class at most, in however many invoices', async () => {
    const order = await shop.order({ product: classroom('A', 504) });
    const first = await order.getReady();
    const { extension } = await order.extend(504);
    await order.refused('extend', { hours: 300 }, 400, 'invalid_hours');
    assert.equal((await order.extend(504)).extension.invoice.paymentRequest, extension.invoice.paymentRequest, 'the open one again');
    await order.pay(extension.invoice);
    const later = await order.sees(({ endsAt }) => endsAt !== first.endsAt);
    assert.equal(later.extension.maxHours, 720 - 504);
    await order.refused('extend', { hours: 217 }, 400, 'invalid_hours');
    const { extension: last } = await order.extend(216);
    await order.pay(last.invoice);
    const full = await order.sees(({ endsAt }) => endsAt !== later.endsAt);
    assert.equal(full.extension, undefined);
    await order.refused('extend', { hours: 1 }, 409, 'not_extendable');
    assert.equal(Date.parse(full.endsAt) - Date.parse(first.endsAt), 720 * HOUR * 1000);
  });
});
