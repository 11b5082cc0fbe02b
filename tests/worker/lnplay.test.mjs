// The two calls of lnplay.live's front end: its names and fields, on orders like every other.

import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ageIdentity } from '../support/age_identity.mjs';
import { readInvoice } from '../support/bolt11.mjs';
import { assertBetween, assertRefused, call, customer, openBundle, orderBody, randomId, randomWord, scratchFolder, sha256, sshKey } from '../support/order.mjs';
import { HOUR, openShop } from '../support/shop.mjs';

let shop;
const FRONT_END = 'https://front-end.example';
before(async () => { shop = await openShop({ cloud: { dropletLimit: 100 }, vars: { LNPLAY_ORIGIN: FRONT_END } }); });
after(() => shop.close());

const create = (body) => call(shop.worker, 'POST', '/api/createorder', { body });
const status = (body) => call(shop.worker, 'POST', '/api/invoicestatus', { body });
const statusOf = async (id) => {
  const answer = await status({ payment_type: 'bolt11', invoice_id: id });
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
};

/** The order's token, which whoever has the order link has. */
function accessToken(link) {
  const secret = Buffer.from(link.split('#')[1].split('.')[1], 'base64url');
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'kindling/v1/access', 32)).toString('base64url');
}

describe('createorder', () => {
  test('makes a class and answers with its own field names', async () => {
    const asked = shop.now();
    const { status: code, body } = await create({ node_count: 8, hours: 48, description: 'our front end' });
    assert.equal(code, 201);
    assert.deepEqual(Object.keys(body).sort(), ['bolt11_invoice', 'bolt11_invoice_id', 'expiration_date', 'hours', 'message', 'node_count', 'order_url']);
    assert.deepEqual([body.node_count, body.hours], [8, 48]);
    assertBetween(asked, body.expiration_date, shop.now(), 48 * HOUR);
    assert.equal(Number(readInvoice(body.bolt11_invoice).amountMsat), 76_800_000);
    assert.match(body.order_url, new RegExp(`^${shop.worker.url}/orders/${body.bolt11_invoice_id}#1\\.[A-Za-z0-9_-]{43}\\.ed25519$`));
  });

  test('takes the caller\'s own keys, and then draws none', async () => {
    const key = await sshKey();
    const token = randomWord();
    const { body } = await create({ node_count: 16, hours: 3, ssh_public_key: key.publicKey, access_hash: sha256(token), distribution: 'poisson', seed: 9 });
    assert.equal(body.order_url, `${shop.worker.url}/orders/${body.bolt11_invoice_id}`);
    const order = shop.adopt(customer(shop.worker, { id: body.bolt11_invoice_id, token, key, created: { invoice: { paymentRequest: body.bolt11_invoice } } }));
    assert.deepEqual((await order.get()).product, { kind: 'classroom', plan: 'B', hours: 3, distribution: 'poisson', seed: 9 });
    await order.getReady();
    const { body: claimed } = await order.claim(randomWord());
    assert.equal((await openBundle(claimed.sealed, key.identity)).product, 'classroom');
  });

  test('may be called by the operator\'s front end from its own origin, and only these calls', async () => {
    const allowed = ({ headers }) => headers.get('access-control-allow-origin');
    const asked = await call(shop.worker, 'OPTIONS', '/api/createorder', {
      headers: { origin: FRONT_END, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
    assert.deepEqual([asked.status, allowed(asked), asked.headers.get('access-control-allow-headers')], [204, FRONT_END, 'content-type']);
    assert.equal(allowed(await create({ node_count: 8, hours: 1 })), FRONT_END);
    assert.equal(allowed(await create({ node_count: 9, hours: 1 })), FRONT_END, 'it may read a refusal, too');
    const { body } = await orderBody();
    assert.equal(allowed(await call(shop.worker, 'POST', '/api/bootstrap', { body })), null);
    assertRefused(await call(shop.worker, 'OPTIONS', '/api/bootstrap'), 405, 'method_not_allowed');
  });

  test('refuses what is not sold', async () => {
    assertRefused(await create({ node_count: 9, hours: 48 }), 400, 'unknown_plan');
    assertRefused(await create({ node_count: 8, hours: 0 }), 400, 'invalid_hours');
    assertRefused(await create({ node_count: 8, hours: 505 }), 400, 'invalid_hours');
    assertRefused(await create({ node_count: 64, hours: 5, graph: 'full' }), 400, 'unavailable_option');
    assertRefused(await create({ hours: 5 }), 400, 'invalid_body');
    assertRefused(await create({ node_count: 8, hours: 5, seal_to: 'age1' }), 400, 'invalid_body');
    assertRefused(await create({ node_count: 8, hours: 5, surprise: 1 }), 400, 'unknown_field');
    assertRefused(await call(shop.worker, 'GET', '/api/createorder'), 405, 'method_not_allowed');
  });
});

describe('invoicestatus', () => {
  test('follows the order from its invoice to its end, without a word that opens something', async () => {
    const { body: made } = await create({ node_count: 8, hours: 1 });
    const id = made.bolt11_invoice_id;
    const base = { invoice_id: id, node_count: 8, hours: 1, payment_type: 'bolt11' };
    assert.deepEqual(await statusOf(id), { ...base, invoice_status: 'unpaid', deployment_details: 'not_deployed' });

    const order = shop.adopt(customer(shop.worker, { id, token: accessToken(made.order_url), created: { invoice: { paymentRequest: made.bolt11_invoice } } }));
    await order.pay();
    await order.sees(({ phase }) => phase === 'booting');
    const paid = await statusOf(id);
    assert.deepEqual([paid.invoice_status, paid.deployment_details.status], ['paid', 'starting_deployment']);
    await (await order.machine()).run();
    const ready = await order.sees(({ state }) => state === 'ready');
    assert.deepEqual((await statusOf(id)).deployment_details, {
      node_count: 8, hours: 1, vm_expiration_date: ready.endsAt, status: 'provisioned', connection_strings: [],
    });
    const { body: claimed } = await order.claim(randomWord());
    const identity = path.join(scratchFolder(), 'link.txt');
    fs.writeFileSync(identity, ageIdentity(made.order_url.split('#')[1]));
    assert.equal((await openBundle(claimed.sealed, identity)).orderId, id, 'the drawn link opens what was sealed to it');
    await order.destroy();
    await order.sees(({ state }) => state === 'ended');
    assert.equal((await statusOf(id)).deployment_details.status, 'culled');
  });

  test('sees a payment of which no webhook told', async () => {
    const { body: made } = await create({ node_count: 8, hours: 1 });
    shop.lnbits.markPaid(shop.lnbits.payments.find(({ bolt11 }) => bolt11 === made.bolt11_invoice).hash);
    await shop.advanceUntil(async () => (await statusOf(made.bolt11_invoice_id)).invoice_status === 'paid', 2, 'the payment is seen', { id: made.bolt11_invoice_id });
  });

  test('knows nothing of other orders, ids and payment types', async () => {
    const node = await shop.order();
    assertRefused(await status({ payment_type: 'bolt11', invoice_id: node.id }), 404, 'not_found');
    assertRefused(await status({ payment_type: 'bolt11', invoice_id: randomId() }), 404, 'not_found');
    assertRefused(await status({ payment_type: 'bolt11', invoice_id: 'aec62c5a-3dcb-41d6-ab85-3b8da6b5356f' }), 404, 'not_found');
    assertRefused(await status({ payment_type: 'bolt12', invoice_id: node.id }), 400, 'invalid_body');
    assertRefused(await status({ invoice_id: node.id }), 400, 'invalid_body');
  });
});
