// A machine that runs speaks for itself: heartbeats that LND signs too, a pairing that dies where it should and can be issued anew,
// and channel backups kept under the order link.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertBetween, assertRefused, call, openBundle, pollUntil, sealBundle } from '../support/order.mjs';
import { machineKey, nodeStatus } from '../support/scripted_machine.mjs';
import { HOUR, openShop } from '../support/shop.mjs';

const MINUTE = 60;
const NODE_STATUS = nodeStatus();
const { bitcoin: { progressPpm: PROGRESS } } = NODE_STATUS;

let shop;
before(async () => { shop = await openShop({ cloud: {} }); });
after(() => shop.close());

/** A paid order whose droplet stands -> {order, machine} */
async function booted(fields) {
  const order = await shop.order(fields);
  await order.pay();
  return { order, machine: await order.machine() };
}
async function delivered(fields) {
  const order = await shop.order(fields);
  await order.getReady();
  return { order, machine: await order.machine() };
}
const addressOf = async (order) => pollUntil(async () => {
  const [row] = await (await shop.worker.storage('ORDER', order.id)).exec("SELECT json_extract(value, '$.resources.address') AS at FROM kept WHERE key = 'order'");
  return row.at;
}, 'the address');
const good = (answer) => {
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
};
const from = (address) => ({ 'cf-connecting-ip': address });

test('what a machine says of itself is shown, and nothing before it spoke', async () => {
  const { order, machine } = await delivered();
  assert.equal((await order.get()).machine, undefined);
  const spoke = shop.now();
  assert.deepEqual(good(await machine.heartbeat(NODE_STATUS)), { nextSeconds: 300 });
  const { machine: shown, revision } = await order.get();
  const { lastHeardAt, everySeconds, usable, validated, history, ...said } = shown;
  const { snapshot, bitcoin: { background, ...bitcoin }, ...status } = NODE_STATUS;
  assert.deepEqual(said, { ...status, bitcoin });
  assert.deepEqual([snapshot, background], [null, null]);
  assertBetween(spoke, lastHeardAt, shop.now());
  assert.deepEqual([everySeconds, usable, validated, history.map(([, ppm]) => ppm)], [300, false, false, [PROGRESS]]);

  const { lnd } = NODE_STATUS;
  good(await machine.heartbeat({ lnd: { ...lnd, state: 'SERVER_ACTIVE', syncedToChain: true, backend: 'neutrino' }, aNewerField: 1 }));
  const next = await order.get();
  assert.deepEqual([next.machine.usable, next.machine.validated, next.revision > revision], [true, false, true]);
  const whole = { ...NODE_STATUS.bitcoin, blocks: 925_000, progressPpm: 999_998, initialBlockDownload: false };
  good(await machine.heartbeat({ bitcoin: { ...whole, background: { blocks: 300_000, progressPpm: 90_000 } } }));
  assert.equal((await order.get()).machine.validated, false, 'a snapshot is not the whole chain');
  good(await machine.heartbeat({ bitcoin: whole, lnd: null }));
  assert.deepEqual(await order.get().then(({ machine: { validated: all, usable: pays, lnd: none } }) => [all, pays, none]), [true, false, null]);
});

test('whoever watches the page hears more often', async () => {
  const { order, machine } = await delivered();
  const live = await order.live();
  good(await machine.heartbeat());
  await live.until((view) => view.machine?.everySeconds === 30);
  assert.deepEqual(good(await machine.heartbeat({ lnbits: false })), { nextSeconds: 30 });
  await live.until((view) => view.machine?.lnbits === false);
  live.close();
  await pollUntil(async () => good(await machine.heartbeat()).nextSeconds === 300, 'the machine to be left in peace');
});

test('an estimate comes with the pace, and is a range', async () => {
  const { order, machine } = await delivered();
  const say = (progressPpm) => machine.heartbeat({ bitcoin: { ...NODE_STATUS.bitcoin, progressPpm } });
  good(await say(100_000));
  await shop.advance(10 * MINUTE, order);
  good(await say(101_000));
  assert.equal((await order.get()).machine.estimate, undefined);
  await shop.advance(50 * MINUTE, order);
  good(await say(136_000));
  const { machine: { estimate: { fromSeconds, toSeconds } } } = await order.get();
  // 36,000 millionths an hour: 864,000 of them take a day.
  assert.ok(fromSeconds >= 23 * HOUR && toSeconds <= 25 * HOUR && fromSeconds <= toSeconds, `${fromSeconds} ${toSeconds}`);
});

test('LND signs what its machine says, and another LND is noticed', async () => {
  const { order, machine } = await delivered();
  const lnd = machineKey();
  good(await machine.heartbeat(NODE_STATUS, lnd));
  const first = (await order.get()).machine;
  assert.equal(first.identityKey, lnd.publicKey);
  assert.equal(first.identityChangedAt, undefined);
  await shop.advance(5 * MINUTE, order);
  good(await machine.heartbeat());
  assert.equal((await order.get()).machine.identityVerifiedAt, first.identityVerifiedAt, 'the machine alone proves nothing of LND');

  const text = (key) => JSON.stringify({ nonce: machine.nonce + 1, ...NODE_STATUS, identityKey: key });
  const say = (body, identity) => machine.post('heartbeat', body, machine.key.sign(body), identity === undefined ? {} : { 'x-kindling-identity-signature': identity });
  const body = text(lnd.publicKey);
  for (const wrong of [machineKey().sign(body), lnd.sign(`${body} `), machine.key.sign(body), 'nonsense']) assertRefused(await say(body, wrong), 404, 'not_found');
  assertRefused(await say(body), 400, 'invalid_body');
  assertRefused(await say(text('02zz'), lnd.sign(text('02zz'))), 400, 'invalid_body');
  // LND's signature does not stand for the machine's.
  assertRefused(await machine.post('heartbeat', body, lnd.sign(body), { 'x-kindling-identity-signature': lnd.sign(body) }), 404, 'not_found');
  assert.equal((await order.get()).machine.identityVerifiedAt, first.identityVerifiedAt);

  const another = machineKey();
  good(await machine.heartbeat(NODE_STATUS, another));
  const other = (await order.get()).machine;
  assert.equal(other.identityKey, another.publicKey);
  assert.ok(Date.parse(other.identityChangedAt) > Date.parse(first.identityVerifiedAt));
});

test('what could break the customer\'s page is refused', async () => {
  const { order, machine } = await delivered();
  const { bitcoin, lnd } = NODE_STATUS;
  const rows = [
    { bitcoin: { ...bitcoin, bestBlockHash: 'no hash' } }, { bitcoin: { ...bitcoin, blocks: -1 } }, { bitcoin: { ...bitcoin, chain: '<script>alert(1) </script>' } },
    { bitcoin: { ...bitcoin, rules: Array(33).fill(bitcoin.rules[0]) } }, { lnd: { ...lnd, backend: 'btcd' } }, { lnd: { ...lnd, state: 'x'.repeat(300) } },
    { disk: null }, { snapshot: { stage: 'nonsense', percent: 1 } }, { bootedAt: 'now' },
  ];
  for (const fields of rows) assertRefused(await machine.heartbeat(fields), 400, 'invalid_body');
  assert.equal((await order.get()).machine, undefined);
  good(await machine.heartbeat({ message: `a\u0007b${'x'.repeat(300)}`, bitcoin: { ...bitcoin, progressPpm: 5_000_000 } }));
  const { message, bitcoin: { progressPpm } } = (await order.get()).machine;
  assert.deepEqual([message.length, message.slice(0, 2), progressPpm], [200, 'ab', 1_000_000]);
});

test('the token dies in the wrong hands, and the order with it', async () => {
  const { order, machine } = await booted();
  assertRefused(await machine.pair({ token: 'guess' }, from('192.0.2.66')), 404, 'not_found');
  const address = await addressOf(order);
  assertRefused(await machine.pair({ publicKey: machineKey().publicKey }, from('192.0.2.66')), 404, 'not_found');
  assertRefused(await machine.pair({}, from(address)), 404, 'not_found');
  const { errorCode, errorMessage, refund } = await order.until('failed');
  assert.deepEqual([errorCode, refund.owedSats], ['paired_elsewhere', 10_000]);
  assert.match(errorMessage, /one-time token/);
});

test('its own droplet pairs, and not before the cloud has told where that is', async () => {
  let release;
  const until = new Promise((resolve) => { release = resolve; });
  const order = await shop.order();
  const own = ({ path }) => shop.droplets(order).some(({ id }) => path === `/v2/droplets/${id}`);
  const held = shop.cloud.fault({ method: 'GET', where: own, kind: 'late', until });
  await order.pay();
  const machine = await order.machine();
  await pollUntil(() => held.left === 0, 'the question for the address');
  assertRefused(await machine.pair({}, from('192.0.2.66')), 503, 'too_early');
  release();
  const address = await addressOf(order);
  assert.equal(good(await machine.pair({}, from(address))).scope, 'bring_up');
  good(await machine.pair({}, from(address)));
});

test('the token dies at the end of its life', async () => {
  const { order, machine } = await booted();
  await addressOf(order);
  // The order itself gives a silent machine up after an hour; this one speaks under its key, and the token still ends.
  good(await machine.pair());
  for (let minutes = 0; minutes < 120; minutes += 40) {
    await shop.advance(40 * MINUTE, order);
    assertRefused(await machine.report('nonsense'), 400, 'invalid_body');
    if (minutes < 80) good(await machine.pair());
  }
  assertRefused(await machine.pair(), 404, 'not_found');
  good(await machine.report('packages'));
});

test('a pairing is revoked and issued anew from the order\'s page', async () => {
  const { order, machine } = await delivered();
  good(await machine.heartbeat());
  const { pairing } = await order.get();
  assert.deepEqual([pairing.paired, pairing.tokenExpiresAt], [true, undefined]);

  const oldKey = machine.key;
  const asked = shop.now();
  const issued = good(await order.post('pairing'));
  assert.deepEqual([Object.keys(issued).sort(), issued.scope], [['expiresAt', 'scope', 'token'], 'report']);
  assertBetween(asked, issued.expiresAt, shop.now(), HOUR);
  assert.equal((await order.get()).pairing.tokenExpiresAt, issued.expiresAt);
  good(await machine.heartbeat());
  assert.equal(good(await machine.pairAgain(issued.token)).scope, 'report');
  const oldNonce = 1000;
  const text = JSON.stringify({ nonce: oldNonce, ...NODE_STATUS });
  assertRefused(await machine.post('heartbeat', text, oldKey.sign(text)), 404, 'not_found');
  good(await machine.heartbeat());
  assertRefused(await machine.pairAgain(issued.token), 409, 'already_paired');

  const second = good(await order.post('pairing'));
  await shop.advance(HOUR, order);
  assertRefused(await machine.pairAgain(second.token), 404, 'not_found');
  const third = good(await order.post('pairing'));
  good(await machine.pairAgain(third.token));
  const before = (await order.get()).pairing.since;
  const { pairing: gone } = good(await order.post('pairing/revoke'));
  assert.equal(gone.paired, false);
  assert.ok(Date.parse(gone.since) >= Date.parse(before));
  assertRefused(await machine.heartbeat(), 404, 'not_found');
  assertRefused(await machine.pairAgain(third.token), 404, 'not_found');
  const fourth = good(await order.post('pairing'));
  assertRefused(await machine.pair({ token: fourth.token }, from('192.0.2.66')), 404, 'not_found');
  assertRefused(await machine.pairAgain(fourth.token), 404, 'not_found');
  assert.equal((await order.get()).state, 'ready', 'a delivered machine is not given up for it');
});

test('only the customer of a running machine gets a pairing', async () => {
  const { order } = await booted();
  for (const what of ['pairing', 'pairing/revoke']) {
    await order.refused(what, {}, 409, 'not_pairable');
    await order.refused(what, { extra: 1 }, 400, 'unknown_field');
    assertRefused(await call(shop.worker, 'POST', `/api/bootstrap/${order.id}/${what}`, { token: 'guess', body: {} }), 404, 'not_found');
  }
});

test('a channel backup is kept under the order link, until it is erased', async () => {
  const { order, machine } = await delivered();
  const kept = () => call(shop.worker, 'GET', `/api/bootstrap/${order.id}/backup`, { token: order.token });
  assertRefused(await kept(), 404, 'not_found');
  const seal = (text) => sealBundle(JSON.stringify({ text }), machine.recipients);
  for (const wrong of ['', 'not base64!', Buffer.from('plain channel backup').toString('base64')]) assertRefused(await machine.say('backup', { sealed: wrong }), 400, 'invalid_body');
  const huge = Buffer.concat([Buffer.from('age-encryption.org/v1\n'), Buffer.alloc(64 * 1024)]).toString('base64');
  assertRefused(await machine.say('backup', { sealed: huge }), 400, 'invalid_body');
  good(await machine.say('backup', { sealed: await seal('first') }));
  const sealed = await seal('second');
  good(await machine.say('backup', { sealed }));
  const answer = good(await kept());
  assert.equal(answer.sealed, sealed);
  assert.equal((await openBundle(answer.sealed, order.key.identity)).text, 'second');
  assert.equal((await order.get()).backupAt, answer.at);
  assertRefused(await call(shop.worker, 'GET', `/api/bootstrap/${order.id}/backup`, { token: 'guess' }), 404, 'not_found');

  // It outlives its machine: that is what it is for.
  await order.destroy();
  await shop.advanceUntil(async () => (await order.get()).state === 'ended', 30, 'the end', order);
  assert.equal(good(await kept()).sealed, sealed);
  assertRefused(await machine.backup(null), 404, 'not_found');
  assert.ok((await order.get()).backupAt);

  const { order: other, machine: another } = await delivered();
  good(await another.say('backup', { sealed }));
  good(await another.backup(null));
  assertRefused(await call(shop.worker, 'GET', `/api/bootstrap/${other.id}/backup`, { token: other.token }), 404, 'not_found');
  assert.equal((await other.get()).backupAt, undefined);
});

test('a node\'s options reach its machine, and what does not go together is refused', async () => {
  const product = { kind: 'full_node', bitcoin: 'core', network: 'signet' };
  const { machine } = await booted({ product });
  assert.deepEqual([machine.config.BITCOIN, machine.config.NETWORK, machine.config.ASSUMEUTXO_URL, machine.config.NEUTRINO], ['core', 'signet', '', 'no']);
  const { machine: light } = await booted({ product: { kind: 'full_node', neutrino: true } });
  assert.deepEqual([light.config.NETWORK, light.config.NEUTRINO], ['mainnet', 'yes']);
  const refused = async (options, code = 'unavailable_option') => {
    const body = { product: { kind: 'full_node', ...options }, sshPublicKey: (await shop.order()).body.sshPublicKey };
    assertRefused(await call(shop.worker, 'POST', '/api/bootstrap', { body }), 400, code);
  };
  await refused({ network: 'signet', neutrino: true });
  await refused({ network: 'regtest', assumeutxo: true });
  await refused({ assumeutxo: true });
  await refused({ network: 'testnet3' }, 'invalid_body');
  const { body: { products: [{ networks, assumeutxo }] } } = await call(shop.worker, 'GET', '/api/catalogue');
  assert.deepEqual([networks, assumeutxo], [['mainnet', 'signet', 'testnet4', 'regtest'], false]);
});

test('the releases of this deployment can be read by its machines', async () => {
  const response = await fetch(`${shop.worker.url}/api/releases`);
  assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
  const text = await response.text();
  assert.match(text, /^LND_IMAGE=\S+@sha256:[0-9a-f]{64}$/m);
  assert.ok(text.split('\n').every((line) => /^(#.*|[A-Z_]+=\S+|)$/.test(line)), 'each line is a comment or an assignment');
});
