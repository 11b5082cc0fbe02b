// Machines that are bought by the hour: when they end, more hours, an early end, and that at the end just this order's things are gone.
// DigitalOcean and Tailscale are fakes behind their official contracts.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertBetween, assertRefused, call, pollUntil, randomWord, sha256 } from '../support/order.mjs';
import { HOUR, PRICE, foreignInvoice, hold, openShop } from '../support/shop.mjs';

const HOURS = 24;
/** What a new machine may take until it is delivered, by the name that its droplet is made with. */
const BRING_UP = 4 * HOUR;

const seconds = (time) => Date.parse(time) / 1000;
const extension = (view) => ({ ...view.extension, invoice: view.extension.invoice && view.extension.invoice.amountSats });
/**
 * The calls that change one of these things (ids). Only these: all orders of this shop live by one clock, so that whatever moves it may also
 * end the order of another test, at any later moment.
 */
const said = ({ requests }, from, things) => requests.slice(from).flatMap(({ method, path, status }) => {
  const [, kind, id, rest] = /^\/(?:api\/)?v2\/(account\/keys|droplets|volumes|device)\/([^/]+)(.*)$/.exec(path) ?? [];
  return method !== 'GET' && things.includes(id) ? [`${method} ${kind}/ID${rest} ${status}`] : [];
});

let shop;
before(async () => {
  shop = await openShop({ vars: { FULL_NODE_HOURS: String(HOURS) }, cloud: { dropletLimit: 1000 }, contract: true });
});
after(() => shop.close());

/** A delivered machine in the tailnet -> {order, ready, droplet, device, machine, things: the ids of all that is the order's at the clouds} */
async function readyOrder() {
  const order = await shop.order();
  await order.pay();
  await order.sees(({ phase }) => phase === 'booting');
  const machine = await order.machine();
  const { tailscaleAuthKey } = (await machine.pair()).body;
  const device = shop.tailscale.join(tailscaleAuthKey, `kindling-${order.id}`);
  assert.equal((await machine.deliver({ tailscaleHostname: device.name, tailscaleNodeId: device.nodeId })).status, 200);
  const ready = await order.sees(({ state }) => state === 'ready');
  const [droplet] = shop.droplets(order);
  await isNamed(droplet, order, ready.endsAt);
  return { order, ready, droplet, device, machine, things: leftOf(order).map(({ id, nodeId }) => String(nodeId ?? id)) };
}
/** Waits for the droplet's name to tell this end. */
async function isNamed(droplet, order, endsAt) {
  const name = `kindling-${order.id}-${seconds(endsAt)}`;
  const tells = ({ path, body, status }) => path === `/v2/droplets/${droplet.id}/actions` && body.name === name && status === 201;
  await pollUntil(() => shop.cloud.requests.some(tells), name);
}
/** What is left of an order at the clouds. */
const leftOf = ({ id }) => [
  ...shop.cloud.droplets.filter(({ tags }) => tags.includes(`kindling-${id}`)),
  ...[...shop.cloud.volumes, ...shop.cloud.keys].filter(({ name }) => name === `kindling-${id}`),
  ...shop.tailscale.devices.filter(({ hostname }) => hostname === `kindling-${id}`),
];
/** LNbits holds its next answer to a look-up of this invoice. */
function holdLookUp(t, order, invoice) {
  const pathPattern = `/api/v1/payments/${order.bill(invoice).hash}`;
  const release = hold(t, shop.lnbits, { method: 'GET', pathPattern });
  return { release, asked: shop.lnbits.seen('GET', pathPattern, { times: order.looks(invoice) + 1 }) };
}
/** Whether an order is as it should be before its end: with droplet, volume, key and device. */
const runs = async (order) => (await order.get()).state === 'ready' && leftOf(order).length === 4;

describe('a machine for some hours', () => {
  test('ends so many hours after its delivery, and the droplet\'s name tells tag and end', async () => {
    const { status, body } = await call(shop.worker, 'GET', '/api/catalogue');
    assert.deepEqual([status, body.products[0].hours, body.products[0].amountSats], [200, HOURS, PRICE]);

    const asked = shop.now();
    const { order, ready, droplet } = await readyOrder();
    assert.equal(order.created.endsAt, undefined, 'nothing ends before it began');
    assertBetween(asked, ready.endsAt, shop.now(), HOURS * HOUR);
    const create = shop.cloud.requests.find(({ path, body: sent }) => path === '/v2/droplets' && sent?.name.includes(order.id));
    const [, end] = new RegExp(`^kindling-${order.id}-(\\d+)$`).exec(create.body.name);
    assertBetween(asked, new Date(end * 1000).toISOString(), shop.now(), BRING_UP + HOURS * HOUR);
    assert.deepEqual(create.body.tags, ['kindling', `kindling-${order.id}`, `kindling-at-${sha256(shop.worker.url).slice(0, 12)}`]);
    const renames = shop.cloud.requests.filter(({ path }) => path === `/v2/droplets/${droplet.id}/actions`).map(({ body: sent }) => sent);
    assert.deepEqual(renames, [{ type: 'rename', name: `kindling-${order.id}-${seconds(ready.endsAt)}` }]);
    assert.deepEqual(ready.extension, { amountSats: PRICE, perHours: HOURS, maxHours: 744 });
    assert.equal((await order.get()).endsAt, ready.endsAt);
  });

  test('is gone at its end: droplet, volume, key, device and bundle, and nothing else', async () => {
    const { order, ready, droplet, machine, things } = await readyOrder();
    const [, , ourTag] = droplet.tags;
    const others = [
      shop.cloud.plantDroplet({ name: 'kindling', tags: ['kindling'] }),
      shop.cloud.plantDroplet({ name: `kindling-${'0'.repeat(32)}-1`, tags: ['kindling', ourTag] }),
      shop.cloud.plantVolume({ name: 'kindling', tags: ['kindling', ourTag] }), shop.cloud.plantKey({ name: 'kindling' }),
      shop.tailscale.plantDevice({ hostname: 'kindling', tags: ['tag:kindling'] }),
    ];
    const neighbour = await readyOrder();
    await neighbour.order.pay((await neighbour.order.extend(HOURS)).extension.invoice);
    const { endsAt } = await neighbour.order.sees((view) => view.endsAt !== neighbour.ready.endsAt);
    await isNamed(neighbour.droplet, neighbour.order, endsAt);
    assert.ok(await runs(order));
    const [atCloud, atTailnet] = [shop.cloud.requests.length, shop.tailscale.requests.length];
    const live = await order.live();

    await shop.advanceTo(ready.endsAt, 1, order, neighbour.order);
    const ended = await live.until(({ state }) => state === 'ended');
    live.close();
    const { createdAt, expiresAt, product, sshFingerprint } = ready;
    const same = { bootstrapJobId: order.id, amountSats: PRICE, createdAt, expiresAt, product, region: 'nyc3', sshFingerprint, stubMode: false };
    const why = { errorCode: 'hours_over', errorMessage: 'The hours you bought are over.', endsAt: ready.endsAt };
    assert.deepEqual(live.views.at(-2), {
      ...same, ...why, state: 'ready', ending: true, revision: ended.revision - 1, message: 'The hours you bought are over. The machine is being removed.',
      credentials: { ...ready.credentials, delivery: 'erased' },
    });
    assert.deepEqual(ended, { ...same, ...why, state: 'ended', revision: ended.revision, message: 'The hours you bought are over. The machine is gone.' });
    assert.deepEqual(await order.get(), ended);

    assert.deepEqual(leftOf(order), []);
    assert.deepEqual(said(shop.cloud, atCloud, things), ['DELETE droplets/ID 204', 'DELETE volumes/ID 204', 'DELETE account/keys/ID 204']);
    assert.deepEqual(said(shop.tailscale, atTailnet, things), ['DELETE device/ID 200']);
    const still = [...shop.cloud.droplets, ...shop.cloud.volumes, ...shop.cloud.keys].map(({ id }) => id).concat(shop.tailscale.devices.map(({ id }) => id));
    for (const { id } of others) assert.ok(still.includes(id), `${id} of somebody else is gone`);
    assert.ok(await runs(neighbour.order));

    const nonce = randomWord();
    for (const answer of [await order.claim(nonce), await order.claim(randomWord())]) assertRefused(answer, 410, 'bundle_erased');
    const rows = await (await shop.worker.storage('ORDER', order.id)).exec('SELECT key FROM kept');
    assert.deepEqual(rows.map(({ key }) => key), ['order'], 'the bundle is still stored');
    for (const answer of [await machine.heartbeat(), await machine.report('lnd'), await machine.deliver()]) assertRefused(answer, 404, 'not_found');
    await order.refused('extend', { hours: 1 }, 409, 'not_extendable');
    assert.deepEqual(await order.destroy(), ended);
  });

  test('is given up by nobody though the cloud fails at its end', async () => {
    const { order, ready, things } = await readyOrder();
    const trouble = [{ kind: 'before' }, { kind: 'after' }, ...[500, 401, 429].map((status) => ({ kind: 'status', status }))];
    const where = ({ path }) => things.includes(path.split('/').at(-1));
    const faults = [shop.cloud, shop.tailscale].flatMap((upstream) => trouble.map((fault) => upstream.fault({ method: 'DELETE', where, ...fault })));
    await shop.advanceTo(ready.endsAt, 1, order);
    await order.sees(({ ending }) => ending);
    await shop.advanceUntil(async () => (await order.get()).state === 'ended', 61, 'the end', order);
    assert.deepEqual([leftOf(order), faults.map(({ left }) => left)], [[], faults.map(() => 0)]);
  });
});

describe('more hours', () => {
  test('cost in proportion, rounded up; the same hours again are the same invoice', async () => {
    const { order } = await readyOrder();
    const one = await order.extend(1);
    assert.deepEqual(extension(one), { amountSats: PRICE, perHours: HOURS, maxHours: 744, invoice: 417, invoiceHours: 1 });
    const made = shop.lnbits.payments.length;
    const again = await Promise.all(Array.from({ length: 5 }, () => order.extend(1)));
    assert.deepEqual(new Set(again.map((view) => view.extension.invoice.paymentRequest)), new Set([one.extension.invoice.paymentRequest]));
    assert.equal(shop.lnbits.payments.length, made, 'no invoice that nobody is shown');
    assert.deepEqual(extension(await order.extend(HOURS)), { amountSats: PRICE, perHours: HOURS, maxHours: 744, invoice: PRICE, invoiceHours: HOURS });
    assert.deepEqual(extension(await order.extend(744)), { amountSats: PRICE, perHours: HOURS, maxHours: 744, invoice: 310_000, invoiceHours: 744 });
    const { extension: shown } = await order.get();
    assert.deepEqual([shown.invoiceHours, shown.invoice.expiresAt <= (await order.get()).endsAt], [744, true]);
  });

  test('are refused: bad numbers, no running machine, too many invoices, LNbits down', async () => {
    const fresh = await shop.order();
    await fresh.refused('extend', { hours: 1 }, 409, 'not_extendable');
    await fresh.refused('destroy', {}, 409, 'not_running');
    await fresh.pay();
    await fresh.sees(({ state }) => state === 'provisioning');
    await fresh.refused('extend', { hours: 1 }, 409, 'not_extendable');
    await fresh.refused('destroy', {}, 409, 'not_running');

    const { order, ready } = await readyOrder();
    for (const hours of [0, 745, 4_294_967_295]) await order.refused('extend', { hours }, 400, 'invalid_hours');
    for (const hours of [-1, 1.5, '1', null, 1e20, [1]]) await order.refused('extend', { hours }, 400, 'invalid_body');
    await order.refused('extend', {}, 400, 'invalid_body');
    await order.refused('extend', { hours: 1, minutes: 1 }, 400, 'unknown_field');
    shop.lnbits.fault({ method: 'POST', kind: 'status', status: 500 });
    await order.refused('extend', { hours: 1 }, 503, 'lightning_unavailable');
    assert.deepEqual(await order.get(), await order.sees(({ revision }) => revision === ready.revision), 'what was refused changed something');
    for (const hours of [1, 2, 3, 4, 5]) await order.extend(hours);
    await order.refused('extend', { hours: 6 }, 429, 'too_many_requests');
    await order.extend(5);
    await shop.advanceTo(ready.endsAt, -30, order);
    await order.refused('extend', { hours: 5 }, 409, 'not_extendable');
  });

  test('move the end when they are paid, and the machine lives on past the old one', async () => {
    const { order, ready, droplet } = await readyOrder();
    const { extension: offered } = await order.extend(5);
    await order.pay(offered.invoice);
    const extended = await order.sees(({ endsAt }) => endsAt !== ready.endsAt);
    assert.equal(seconds(extended.endsAt), seconds(ready.endsAt) + 5 * HOUR);
    assert.deepEqual([extended.state, extension(extended)], ['ready', { amountSats: PRICE, perHours: HOURS, maxHours: 744, invoice: undefined }]);
    await isNamed(droplet, order, extended.endsAt);

    await shop.advanceTo(ready.endsAt, 60, order);
    const unpaid = await order.extend(HOURS);
    assert.equal(seconds(unpaid.endsAt), seconds(extended.endsAt));
    assert.ok(await runs(order));
    await shop.advanceTo(extended.endsAt, 1, order);
    await order.sees(({ state }) => state === 'ended');
    assert.deepEqual(leftOf(order), []);
  });

  test('can be bought twice, and each counts', async () => {
    const { order, ready } = await readyOrder();
    const invoices = [];
    for (const hours of [1, 2]) invoices.push((await order.extend(hours)).extension.invoice);
    await Promise.all(invoices.map((invoice) => order.pay(invoice)));
    await order.sees(({ endsAt }) => seconds(endsAt) === seconds(ready.endsAt) + 3 * HOUR);
    assert.equal((await order.get()).refund, undefined);
  });
});

describe('at the end', () => {
  /** Two minutes before its end, with an invoice for a day more that is open. */
  async function nearItsEnd() {
    const made = await readyOrder();
    await shop.advanceTo(made.ready.endsAt, -120, made.order);
    const { invoice } = (await made.order.extend(HOURS)).extension;
    assert.ok(seconds(invoice.expiresAt) <= seconds(made.ready.endsAt), 'payable beyond the end');
    return { ...made, invoice };
  }
  test('more hours paid in the last moment count, however slowly LNbits answers', async (t) => {
    const { order, ready, invoice, things } = await nearItsEnd();
    await shop.advanceTo(ready.endsAt, -60, order);
    // Paid, and over: nothing comes in between, however long anything takes.
    order.payQuietly(invoice);
    const { release, asked } = holdLookUp(t, order, invoice);
    await shop.advanceTo(ready.endsAt, 300, order);
    await asked;
    const before = shop.cloud.requests.length;
    assert.ok(await runs(order), 'removed while LNbits was asked');
    release();
    const extended = await order.sees(({ endsAt }) => endsAt !== ready.endsAt);
    assert.equal(seconds(extended.endsAt), seconds(ready.endsAt) + HOURS * HOUR);
    assert.ok(await runs(order));
    assert.deepEqual(said(shop.cloud, before, things).filter((line) => line.startsWith('DELETE')), []);
  });

  test('more hours paid in the last moment count, though LNbits\' last word of before arrives after the end', async (t) => {
    const { order, ready, invoice } = await nearItsEnd();
    await shop.advanceTo(ready.endsAt, -60, order);
    const { release, asked } = holdLookUp(t, order, invoice);
    await order.get(); // a hint
    await shop.advance(2, order);
    await asked; // and answered "not paid", which is on its way
    order.payQuietly(invoice);
    await shop.advanceTo(ready.endsAt, 5);
    release();
    const extended = await order.sees(({ endsAt, ending, state }) => endsAt !== ready.endsAt || ending || state === 'ended');
    assert.deepEqual([extended.state, seconds(extended.endsAt)], ['ready', seconds(ready.endsAt) + HOURS * HOUR]);
    assert.ok(await runs(order));
  });

  test('LNbits is waited for some minutes, and then what was paid is owed back', async (t) => {
    const { order, ready, invoice } = await nearItsEnd();
    order.payQuietly(invoice);
    const { clear } = shop.lnbits.fault({ method: 'GET', kind: 'before', times: Infinity });
    t.after(clear);
    await shop.advanceTo(ready.endsAt, 300, order);
    await order.isLookedAt(invoice);
    assert.ok(await runs(order));
    await shop.advanceTo(ready.endsAt, 601, order);
    await order.sees(({ state }) => state === 'ended');
    assert.deepEqual(leftOf(order), []);
    clear();
    await shop.advanceUntil(async () => (await order.get()).refund, 2, 'the payment found', order);
    const owing = await order.get();
    assert.deepEqual([owing.state, owing.refund], ['ended', { state: 'owed', owedSats: PRICE, paidSats: 0 }]);
  });

  test('more hours paid too late are owed back and paid back', async () => {
    const { order, ready, invoice } = await nearItsEnd();
    await shop.advanceTo(ready.endsAt, 1, order);
    const ended = await order.sees(({ state }) => state === 'ended');
    assert.equal(ended.refund, undefined);
    await order.pay(invoice);
    const owing = await order.sees(({ refund }) => refund);
    assert.deepEqual([owing.state, owing.errorCode, owing.refund], ['ended', 'hours_over', { state: 'owed', owedSats: PRICE, paidSats: 0 }]);
    await order.isNoted(`refund of ${PRICE} sats owed`);
    const to = foreignInvoice(shop, PRICE);
    await order.refund(to);
    const paid = await order.sees(({ refund }) => refund.state === 'paid');
    assert.deepEqual([paid.state, paid.refund], ['ended', { state: 'paid', owedSats: 0, paidSats: PRICE, to }]);
    assert.deepEqual(shop.paidOut(order), [PRICE]);
  });

  test('of some machines at once, half of them extended in the last moment, just the others go', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, readyOrder));
    const orders = made.map(({ order }) => order);
    const last = made.map(({ ready }) => ready.endsAt).sort().at(-1);
    await shop.advanceTo(last, -180, ...orders);
    const invoices = await Promise.all(orders.map(async (order) => (await order.extend(1)).extension.invoice));
    const paid = orders.filter((_, i) => i % 2 === 0);
    await Promise.all([...paid.map((order) => order.pay(invoices[orders.indexOf(order)])), shop.advanceTo(last, 1, ...orders)]);
    for (const order of orders.filter((one) => !paid.includes(one))) await order.sees(({ state }) => state === 'ended');
    assert.deepEqual(orders.map((order) => leftOf(order).length), [4, 0, 4, 0]);
    await Promise.all(paid.map((order) => order.sees(({ endsAt }) => seconds(endsAt) > seconds(last))));
  });
});

describe('an early end', () => {
  test('removes the machine, once, and gives nothing back', async () => {
    const { order, ready, machine, things } = await readyOrder();
    await order.refused('destroy', { sure: true }, 400, 'unknown_field');
    const before = shop.cloud.requests.length;
    const answers = await Promise.all(Array.from({ length: 5 }, () => order.destroy()));
    for (const view of answers) assert.equal(view.state === 'ended' || view.ending, true);
    const ended = await order.sees(({ state }) => state === 'ended');
    assert.deepEqual([ended.errorCode, ended.errorMessage, ended.message], ['destroyed', 'You ended it.', 'You ended it. The machine is gone.']);
    assert.deepEqual([ended.refund, ended.endsAt, leftOf(order)], [undefined, ready.endsAt, []]);
    assert.deepEqual(said(shop.cloud, before, things), ['DELETE droplets/ID 204', 'DELETE volumes/ID 204', 'DELETE account/keys/ID 204']);
    assert.deepEqual(await order.destroy(), ended);
    assertRefused(await order.claim(randomWord()), 410, 'bundle_erased');
    assertRefused(await machine.heartbeat(), 404, 'not_found');
    await order.isNoted(undefined);
  });

  test('while more hours are being paid: what LNbits confirms after it is owed back', async (t) => {
    const { order } = await readyOrder();
    const { invoice } = (await order.extend(HOURS)).extension;
    const { release, asked } = holdLookUp(t, order, invoice);
    await order.pay(invoice);
    await asked;
    assert.equal((await order.destroy()).ending, true);
    release();
    const owing = await order.sees(({ state, refund }) => state === 'ended' && refund);
    assert.deepEqual([owing.refund, leftOf(order)], [{ state: 'owed', owedSats: PRICE, paidSats: 0 }, []]);
  });

  test('at the moment when more hours are paid: they are spent or owed back', async () => {
    const made = await Promise.all(Array.from({ length: 3 }, readyOrder));
    await Promise.all(made.map(async ({ order }) => {
      const { invoice } = (await order.extend(HOURS)).extension;
      await Promise.all([order.pay(invoice), order.destroy()]);
      const standing = await shop.advanceUntil(async () => {
        const [, bill] = (await order.story()).inner.bills;
        return bill.standing.is !== 'open' && bill.standing.is;
      }, 2, 'the payment found', order);
      const ended = await order.sees(({ state }) => state === 'ended');
      const owed = { owed: PRICE, bought: undefined };
      assert.ok(standing in owed, standing);
      assert.deepEqual([ended.refund?.owedSats, leftOf(order)], [owed[standing], []]);
    }));
  });

  test('after more hours were paid: they are spent', async () => {
    const { order, ready } = await readyOrder();
    const { invoice } = (await order.extend(HOURS)).extension;
    await order.pay(invoice);
    await order.sees(({ endsAt }) => endsAt !== ready.endsAt);
    await order.destroy();
    const ended = await order.sees(({ state }) => state === 'ended');
    assert.equal(ended.refund, undefined);
    assert.deepEqual((await order.story()).inner.bills.map(({ standing }) => standing.is), ['bought', 'bought']);
  });
});
