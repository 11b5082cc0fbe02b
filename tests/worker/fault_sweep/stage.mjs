// The stage of the sweep: a Worker that can be killed, four scripted upstreams, a scripted machine for each droplet, a customer for each
// order, and the one clock, which only this file moves.
// Invariant: an order is asked for nothing but what its customer would ask; all else is read from the upstreams' side.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { createDigitalOcean } from '../../fakes/digitalocean.mjs';
import { createLnbits } from '../../fakes/lnbits.mjs';
import { createLnurl } from '../../fakes/lnurl.mjs';
import { createTailscale } from '../../fakes/tailscale.mjs';
import { makeInvoice } from '../../support/bolt11.mjs';
import { call, pollUntil, sealBundle, sha256 } from '../../support/order.mjs';
import { scriptedMachine } from '../../support/scripted_machine.mjs';
import { workerProcess } from '../../support/worker.mjs';
import { createLedger, upstreamOf } from './calls.mjs';

export const PRICE = 10_000;
const OPERATOR = 'operator-token-of-the-sweep';
/** Nothing is under way if nothing was said for so long, in ms. If that is wrong, an order merely waits for the next turn of the clock. */
const QUIET_MS = 40;
/** A step of the clock, in seconds: shorter than any pause that a conversation depends on. */
const STEP = 5;
/** The same while a call is held until the Worker gives it up, which it does by the real clock: the other one must not run away. */
const HELD_STEP = 4;
const HELD_PAUSE_MS = 1000;
/** An order that is not over after so long by the clock is stuck, in seconds. */
const STUCK = 1500;

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const name = (order) => `kindling-${order.id}`;

export async function openStage(cases) {
  // told: how far the Worker's clock is ahead for sure. Until it has heard of a move it may be behind the upstreams'.
  const clock = { ahead: 0, told: 0, moves: [] };
  const at = () => Date.now() + clock.ahead * 1000;
  const cloud = await createDigitalOcean({ now: at, dropletLimit: 10_000, onBoot: (droplet) => boot(droplet) });
  const tailscale = await createTailscale({ now: at });
  const lnurl = await createLnurl({ now: at });
  const lnbits = await createLnbits({
    now: at,
    invoice: ({ amountSats, expiry }) => makeInvoice({ amountMsat: amountSats * 1000, expiry, timestamp: Math.floor(at() / 1000) }),
    onPay: (payment) => payOut(payment),
  });
  const upstreams = { cloud, tailscale, lnbits, lnurl };
  const ledger = createLedger({ upstreams, cases, now: () => ({ real: Date.now(), clock: at(), atLeast: Date.now() + clock.told * 1000 }) });
  const byName = new Map(cases.map((order) => [name(order), order]));
  const sealed = await sealBundle('{}', [cases[0].key]);
  const worker = await workerProcess({
    scratch: inMemory(),
    vars: {
      DO_API_TOKEN: 'dop_v1_test', DO_API_URL: cloud.url, DO_VOLUME_SIZE_GB: '100', TAILSCALE_API_KEY: 'tskey-api-test', TAILSCALE_API_URL: tailscale.url,
      LNBITS_URL: lnbits.url, LNBITS_API_KEY: lnbits.invoiceKey, LNBITS_ADMIN_KEY: lnbits.adminKey, LNURL_ALLOW_PRIVATE: 'true',
      BOOTSTRAP_FEE_SATS: String(PRICE), FULL_NODE_HOURS: '720', OPERATOR_TOKEN: OPERATOR, DEV_CLOCK: '0',
    },
  });
  let up = Promise.withResolvers();
  let busy = 0; // calls of machines and customers that are under way

  async function during(work) {
    busy += 1;
    try {
      return await work();
    } finally {
      busy -= 1;
      ledger.lastActivity = performance.now();
    }
  }

  // -- the machines ------------------------------------------------------------------------------------------------------------------

  const good = (answer) => {
    if (answer.status !== 200) throw new Error(`a machine was answered ${answer.status} ${answer.text}`);
    return answer.body;
  };

  async function boot(droplet) {
    const order = byName.get(droplet.tags.find((tag) => byName.has(tag)));
    const how = order.effect.machine;
    // A machine is minutes behind the cloud's answer; only one that fails at once is not.
    if (how !== 'failing at once') await order.active.promise;
    if (how === 'silent') return;
    const machine = scriptedMachine(droplet);
    await during(async () => {
      const { tailscaleAuthKey } = good(await machine.pair());
      const { nodeId } = tailscale.join(tailscaleAuthKey, name(order));
      ledger.joined(order, nodeId);
      good(await machine.say('report', { phase: 'packages', status: 'started', tailscaleNodeId: nodeId }));
      if (how === 'good') {
        good(await machine.deliver({ sealed, tailscaleNodeId: nodeId }));
        order.delivered = { real: Date.now(), clock: at() };
      } else {
        good(await machine.report('bitcoin', 'failed', 'The release does not match its checksum'));
      }
      order.spoken.resolve();
    });
  }

  /** What LNbits says of a refund at first. One that is pending has left as soon as anybody asks; of one that failed, the next leaves. */
  function payOut({ extra }) {
    const order = cases.find(({ id }) => id === extra.kindling_order);
    const { payout = 'success' } = order.effect;
    order.payments = (order.payments ?? 0) + 1;
    if (payout === 'failed' && order.payments === 1) return 'failed';
    order.paidBack = true;
    if (payout !== 'pending') return 'success';
    setImmediate(() => lnbits.settle(lnbits.payments.findLast((payment) => payment.extra.kindling_order === order.id).hash, 'success'));
    return 'pending';
  }

  // -- the customers -----------------------------------------------------------------------------------------------------------------

  const ask = (order, method, what = '', body) => call(worker, method, `/api/bootstrap/${order.id}${what}`, { token: order.token, body });

  /** Orders, again if there was no invoice or no answer, and pays what is shown. */
  async function buy(order) {
    const body = {
      orderId: order.id, product: { kind: 'full_node', bitcoin: 'knots' }, sshPublicKey: order.key, accessHash: sha256(order.token),
      refundTo: lnurl.lnurl(order.id),
    };
    const shown = await pollUntil(async () => {
      await up.promise;
      const answer = await call(worker, 'POST', '/api/bootstrap', { body }).catch(() => null);
      if (answer && answer.status !== 201) assert.deepEqual([answer.status, answer.body.error.code], [503, 'lightning_unavailable'], order.name);
      return answer?.status === 201 && answer.body.invoice.paymentRequest;
    }, `an invoice of ${order.name}`, Infinity);
    const { hash } = lnbits.payments.find(({ bolt11 }) => bolt11 === shown);
    lnbits.markPaid(hash);
    await during(() => lnbits.notify(hash).catch(() => {})); // LNbits does not repeat a webhook either
  }

  /** Looks whether it is over, where the upstreams' side says that it may be; gives another refund address where this one is refused. */
  async function look(order) {
    const { kind, record } = order.calls.at(-1) ?? {};
    if (order.delivered) {
      // The last thing that a delivered order does is to write its end into the droplet's name, unless the cloud refuses that.
      const named = record.status === 201 && !record.fault;
      if (kind !== 'rename' || !(named || [401, 404, 409, 422].includes(record.status))) return;
    } else if (!order.paidBack && !(kind?.startsWith('lnurl') && order.struck?.kind === kind)) {
      return;
    }
    const { status, body: view } = await ask(order, 'GET');
    assert.equal(status, 200, order.name);
    if (view.refund?.problem && !order.secondAddress) {
      order.secondAddress = true;
      const given = await ask(order, 'POST', '/refund', { refundTo: lnurl.lnurl(`${order.id}x`) });
      assert.equal(given.status, 200, given.text);
    }
    if (view.state === 'ready') order.end = view;
    if (view.state === 'refunded' && /was removed/.test(view.message)) order.end = view;
  }

  // -- the clock ---------------------------------------------------------------------------------------------------------------------

  /** Moves every clock and has the orders look at theirs. An order whose call is held is left alone: its alarm stands where it stands. */
  async function advance(seconds, orders) {
    clock.ahead += seconds;
    clock.moves.push({ real: Date.now(), ahead: clock.ahead });
    const ids = orders.filter((order) => !isHeld(order)).map(({ id }) => id);
    const wake = async (some, advanceSeconds) => {
      const answer = await call(worker, 'POST', '/api/dev/clock', { body: { advanceSeconds, orders: some } });
      assert.equal(answer.status, 200, answer.text);
    };
    await wake([], seconds);
    clock.told = clock.ahead;
    await Promise.all(Array.from({ length: Math.ceil(ids.length / 50) }, (_, i) => wake(ids.slice(i * 50, i * 50 + 50), 0)));
  }

  const isHeld = ({ struck, calls, column }) => column.held === true && struck !== null && struck === calls.at(-1) && !struck.record.abandoned;

  async function quiet() {
    do await pause(10); while (busy > 0 || performance.now() - ledger.lastActivity < QUIET_MS);
  }

  /** Turns the clock, step by step, until `done` is true of every order. */
  async function conduct(orders, done) {
    const from = clock.ahead;
    for (;;) {
      await quiet();
      const are = await Promise.all(orders.map((order) => done(order)));
      const left = orders.filter((_, i) => !are[i]);
      if (left.length === 0) return;
      if (clock.ahead - from > STUCK) {
        const stories = left.map((order) => `${order.name} (${order.calls.map(({ kind }) => kind).join(' ')})`);
        throw new Error(`not over after ${STUCK} s: ${stories.join('; ')}`);
      }
      const held = left.some((order) => isHeld(order) && !order.column.kill);
      if (held) await pause(HELD_PAUSE_MS);
      await advance(held ? HELD_STEP : STEP, left);
    }
  }

  // -- the sweep ---------------------------------------------------------------------------------------------------------------------

  function arm(order) {
    const { effect, column } = order;
    const never = new Promise(() => {});
    const put = (kind, fault) => upstreams[upstreamOf(kind)].fault({ where: ledger.where(upstreamOf(kind), order, kind), ...fault });
    put(effect.call, { ...column.fault, skip: effect.skip, until: column.kill ? never : order.release.promise });
    if (effect.setUp) put(effect.setUp.call, { ...effect.setUp, until: order.spoken.promise });
  }

  /** Begins to place these orders and to have them paid; machines that stay silent have done so for an hour by then. -> {placed} */
  async function place(orders) {
    orders.forEach(arm);
    const silent = orders.filter(({ effect }) => effect.machine === 'silent');
    await Promise.all(silent.map(buy));
    await conduct(silent, ({ calls }) => calls.some(({ kind, applied }) => kind === 'get_droplet' && applied));
    await advance(3601, silent);
    const rest = orders.filter((order) => !silent.includes(order));
    const queue = rest.values();
    return { placed: Promise.all(Array.from({ length: 25 }, async () => { for (const order of queue) await buy(order); })) };
  }

  return {
    ...upstreams, worker, ledger, place, conduct, look, isHeld, ask,
    /** patience: how long the Worker waits for an upstream, in ms. */
    async start(patience) {
      clock.told = clock.ahead;
      await worker.start({ UPSTREAM_TIMEOUT_MS: String(patience), DEV_CLOCK: String(clock.ahead) });
      up.resolve();
    },
    /** SIGKILL; so many seconds pass while the Worker is dead, for its clock and for the alarms in its storage. */
    async kill(seconds) {
      up = Promise.withResolvers();
      await worker.kill();
      clock.ahead += seconds;
      clock.moves.push({ real: Date.now(), ahead: clock.ahead });
      await turnAlarms(worker.persist, seconds);
    },
    operator: (what) => call(worker, 'GET', `/api/operator/${what}`, { token: OPERATOR }),
    /** When it was by the wall when the moved clock showed this. */
    real(time) {
      let ahead = 0;
      for (const move of clock.moves) {
        if (time < move.real + ahead * 1000) break;
        if (time < move.real + move.ahead * 1000) return move.real;
        ahead = move.ahead;
      }
      return time - ahead * 1000;
    },
    async close() {
      await worker.close();
      await Promise.all(Object.values(upstreams).map((fake) => fake.close()));
    },
  };
}

/** A folder in memory, if there is one with room: hundreds of databases are written, and a disk makes each write wait. */
function inMemory() {
  const folder = '/dev/shm';
  if (!fs.existsSync(folder)) return undefined;
  const { bavail, bsize } = fs.statfsSync(folder);
  return bavail * bsize > 2 ** 30 ? folder : undefined;
}

/** The alarms that workerd keeps on disk stand at real times. For a Worker that is not running, time is passed by moving them. */
async function turnAlarms(persist, seconds) {
  const { DatabaseSync } = await import('node:sqlite');
  const by = BigInt(seconds) * 1_000_000_000n;
  const folder = path.join(persist, 'v3/do');
  for (const file of fs.readdirSync(folder, { recursive: true }).filter((one) => one.endsWith('.sqlite'))) {
    const database = new DatabaseSync(path.join(folder, file));
    const tables = database.prepare('SELECT name FROM sqlite_master').all().map((row) => row.name);
    if (tables.includes('_cf_ALARM')) database.prepare('UPDATE _cf_ALARM SET scheduled_time = scheduled_time - ?').run(by);
    if (tables.includes('_cf_METADATA')) database.prepare("UPDATE _cf_METADATA SET value = value - ? WHERE key = 1 AND typeof(value) = 'integer'").run(by);
    database.close();
  }
}
