// The fault sweep: every effect of a full node's order, of its teardown and of its refund, times everything that can go wrong with a call.
// Each case is an order of its own; they share two Workers, each with upstreams and a clock of its own, which the test moves. Prints its table.
// UPDATE_FAULT_SWEEP=1 writes the golden file anew; FAULT_SWEEP=regexp sweeps only the cases whose name fits.
//
// The clouds stand here without their contracts: provisioning.test.mjs has the same calls judged, and this one makes thousands.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../support/order.mjs';
import { EFFECTS, FAULTS, makeCases } from './fault_sweep/cases.mjs';
import { emptied, emptyings, spread, table } from './fault_sweep/report.mjs';
import { RULES, complaints } from './fault_sweep/rules.mjs';
import { PRICE, openStage } from './fault_sweep/stage.mjs';
import { USUAL, section } from './fault_sweep/transcript.mjs';

const GOLDEN = path.join(import.meta.dirname, 'data/fault_sweep.txt');
const ONLY = process.env.FAULT_SWEEP;
const UPDATE = process.env.UPDATE_FAULT_SWEEP === '1';

/** How long a Worker stays dead, in seconds: longer than the lease of an alarm that was cut. */
const DEAD_SECONDS = 70;
/**
 * How long the Worker waits for an upstream, in ms: where that has to come to an end, though not for a call that the machine is too busy to
 * answer sooner; and where only the test ends it.
 */
const IMPATIENT = 15_000;
const PATIENT = 3_600_000;

const cases = makeCases().filter(({ name }) => !ONLY || new RegExp(ONLY).test(name));
const wrong = new Set(); // cases

/** Nothing is wrong: each complaint is a case and a sentence. */
function assertNone(found) {
  for (const [order] of found) wrong.add(order);
  assert.deepEqual(found.map(([{ name }, what]) => `${name}: ${what}`), []);
}

/** The cases whose call is answered at once, and those whose call is held: two shops that know nothing of each other. */
const answered = cases.filter(({ column }) => !column.held);
const held = cases.filter(({ column }) => column.held);

describe('the fault sweep', { timeout: 1_800_000 }, () => {
  const stages = new Map(); // case -> stage
  const shops = () => [...new Set(stages.values())];
  before(async () => {
    await Promise.all([answered, held].filter(({ length }) => length > 0).map(async (orders) => {
      const stage = await openStage(orders);
      for (const order of orders) stages.set(order, stage);
      await stage.start(PATIENT);
    }));
  });
  after(() => Promise.all(shops().map((stage) => stage.close())));

  async function isOver(order) {
    if (!order.end) await stages.get(order).look(order);
    return order.end !== null;
  }
  async function sweep(orders) {
    if (orders.length === 0) return;
    const stage = stages.get(orders[0]);
    const { placed } = await stage.place(orders);
    await Promise.all([placed, stage.conduct(orders, isOver)]);
  }
  const conversation = (order) => ({
    ...order, hashes: new Map(stages.get(order).lnurl.issued.map(({ paymentHash, bolt11 }) => [paymentHash, bolt11])),
  });

  describe('every call fails once', { concurrency: true }, () => {
    test('or is answered what is no answer', () => sweep(answered));

    test('or the Worker is killed, before it is applied and after it; or it is answered, or applied, when the Worker has given it up', async () => {
      const orders = held.filter(({ column }) => column.kill);
      if (orders.length > 0) await killAndGoOn(orders);
      await sweep(held.filter(({ column }) => !column.kill));
    });
  });

  /** Brings each order to its call, kills the Worker in the middle of all of them, and starts it again. */
  async function killAndGoOn(orders) {
    const stage = stages.get(orders[0]);
    const { placed } = await stage.place(orders);
    await stage.conduct(orders, (order) => stage.isHeld(order));
    await stage.kill(DEAD_SECONDS);
    const said = new Map(orders.map((order) => [order, order.calls.length]));
    await stage.start(IMPATIENT);
    // Half of the customers look at their order, which hastens it; for the others nobody does, and its alarm alone has to come.
    const asked = orders.filter(({ effect, column }) => (EFFECTS.findIndex(({ name }) => name === effect.name) + FAULTS.indexOf(column)) % 2);
    await Promise.all([placed, ...asked.filter(({ effect }) => effect.call !== 'invoice').map((order) => stage.ask(order, 'GET'))]);
    for (const order of orders) await pollUntil(() => order.calls.length > said.get(order), `a sign of life of ${order.name}`);
    await stage.conduct(orders, isOver);
  }

  test('every case met its fault, and its order is delivered or refunded', () => {
    assertNone(cases.filter(({ struck }) => !struck).map((order) => [order, 'the call was never made']));
    for (const { cloud, tailscale, lnbits, lnurl, ledger } of shops()) {
      assert.deepEqual([cloud, tailscale, lnbits, lnurl].map(({ unusedFaults }) => unusedFaults), [0, 0, 0, 0]);
      assert.deepEqual([cloud.bootErrors, ledger.strangers], [[], []]);
    }
    assertNone(cases.flatMap((order) => {
      const { state, refund } = order.end ?? {};
      const is = [state, refund?.state, refund?.paidSats, refund?.owedSats].join();
      return is === (order.delivered ? 'ready,,,' : `refunded,paid,${PRICE},0`) ? [] : [[order, is]];
    }));
  });

  test('no satoshi is lost or paid twice', () => {
    const paid = shops().flatMap(({ lnbits }) => lnbits.paidOut());
    assertNone(cases.flatMap((order) => {
      const own = paid.filter((payment) => payment.order === order.id);
      const amounts = own.map(({ amountSats }) => amountSats).join();
      const { issued } = stages.get(order).lnurl;
      const theirs = own.every(({ bolt11 }) => issued.find((one) => one.bolt11 === bolt11).name.startsWith(order.id));
      return amounts === (order.delivered ? '' : String(PRICE)) && theirs ? [] : [[order, `paid back: ${amounts}`]];
    }));
    assert.equal(paid.length, cases.filter(({ delivered }) => !delivered).length);
  });

  test('one machine at most ever stood for an order, and the cloud holds what was delivered and nothing else', async () => {
    const isOf = ({ id }) => ({ name = '', hostname = '', tags = [] }) => [name, hostname, ...tags].includes(`kindling-${id}`);
    const count = (order) => {
      const { cloud: { droplets, volumes, keys }, tailscale: { devices } } = stages.get(order);
      return Object.entries({ droplets, volumes, keys, devices }).map(([what, list]) => [what, list.filter(isOf(order)).length]);
    };
    const astray = (order) => count(order).filter(([, number]) => number !== (order.delivered ? 1 : 0)).map(([what, number]) => `${number} ${what}`);
    assertNone(cases.flatMap((order) => {
      const ever = stages.get(order).cloud.allDroplets.filter(isOf(order)).length;
      return ever > 1 ? [[order, `${ever} machines`]] : [];
    }));
    // Where the cloud says 404 of something that is there, the order believes it. That is left to the sweep, which comes every five minutes.
    for (const order of cases) order.left = astray(order);
    assertNone(cases.filter(({ left, column }) => left.length > 0 && column.name !== '404').map((order) => [order, `left: ${order.left}`]));
    for (const stage of shops()) {
      stage.ledger.sweeping = true;
      await stage.worker.scheduled();
    }
    await pollUntil(() => cases.every((order) => astray(order).length === 0), 'an empty cloud').catch(() => {});
    assertNone(cases.flatMap((order) => astray(order).map((what) => [order, `left by the sweep: ${what}`])));

    const delivered = cases.filter((order) => order.delivered).map(({ id }) => id).sort().join();
    await pollUntil(async () => {
      const fleets = (await Promise.all(shops().map((stage) => stage.operator('fleets')))).flatMap(({ body }) => body.fleets);
      return fleets.flatMap(({ orders }) => orders).filter(({ place }) => place?.name === 'paid').map(({ id }) => id).sort().join() === delivered;
    }, 'the places of delivered orders, and no others');
  });

  test('every conversation keeps the rules', () => {
    assertNone(cases.flatMap((order) => complaints(conversation(order)).map((complaint) => [order, complaint])));
  });

  test('a conversation that breaks a rule is found', { skip: ONLY && 'only some were swept' }, () => {
    const of = (name) => conversation(cases.find((order) => order.name === name));
    const without = (name, which) => {
      const whole = of(name);
      return { ...whole, calls: whole.calls.filter((call, i) => !which(call, i - whole.calls.indexOf(whole.struck))) };
    };
    const twice = of('create droplet, dropped after');
    const hasty = of('find volume, 429');
    const next = hasty.calls.findIndex(({ kind }, i) => kind === 'find_volume' && i > hasty.calls.indexOf(hasty.struck));
    const broken = [
      without('create volume, dropped before', ({ kind }, after) => kind === 'find_volume' && after > 0),
      { ...twice, calls: [...twice.calls, twice.struck] },
      without('refund: pay, dropped after', ({ kind }, after) => kind === 'look_up_payout' && after > 0),
      without('refund: pay, dropped before', ({ kind }, after) => kind === 'look_up_payout' && after < 0),
      without('refund: look-up, failed, dropped before', (call) => call.kind === 'pay' && /retrying/.test(call.outcome.body.detail)),
      { ...of('refund: pay, dropped before'), delivered: true },
      { ...hasty, calls: hasty.calls.with(next, { ...hasty.calls[next], arrived: hasty.struck.arrived }) },
      { ...hasty, calls: Array(41).fill(hasty.calls[0]) },
    ];
    broken[2].calls.push(broken[2].calls.find(({ kind }) => kind === 'lnurl'));
    for (const [i, [rule, judge]] of Object.entries(RULES).entries()) assert.notDeepEqual(judge(broken[i]), [], rule);
    assert.equal(broken.length, Object.keys(RULES).length);
  });

  test('every conversation is the one that was reviewed', { skip: ONLY && 'only some were swept' }, () => {
    const usual = Object.entries(USUAL).map(([what, lines]) => `Usual ${what}: ${lines.join(', ')}\n`).join('');
    const texts = EFFECTS.map(({ name }) => section(name, cases.filter(({ effect }) => effect.name === name)
      .map((order) => [order.column.name, order.delivered ? 'delivered' : 'refunded', conversation(order)])));
    const sections = [usual, ...texts];
    if (UPDATE) fs.writeFileSync(GOLDEN, sections.join('\n'));
    const golden = fs.readFileSync(GOLDEN, 'utf8').split(/(?<=\n)\n/);
    for (const [i, text] of sections.entries()) assert.equal(text, golden[i]);
    assert.equal(golden.length, sections.length);
  });

  test('the table', async () => {
    const refunded = cases.filter(({ delivered }) => !delivered).length;
    console.log(`${table(cases)}
D: delivered, R: refunded, with the seconds from the fault on; *: the sweep removed what the cloud had denied.
${cases.length} cases swept, ${cases.length - wrong.size} passed; ${cases.length - refunded} delivered, ${refunded} refunded.`);
    const journals = await Promise.all(emptied(cases).map(async (order) => [order, (await stages.get(order).operator(`orders/${order.id}`)).body.journal]));
    const { moved, real } = emptyings(journals, (order, time) => stages.get(order).real(time));
    if (moved.length > 0) {
      console.log(`From the last failed step to an empty cloud (${moved.length} orders): ${spread(moved)} on the moved clock; ${spread(real)} in real time.`);
    }
    assert.deepEqual([...wrong].map(({ name }) => name), []);
  });
});
