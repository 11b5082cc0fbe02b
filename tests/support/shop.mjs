// A whole shop for tests: the Worker between scripted upstreams, on one clock that the test moves.
// Invariant: the Worker and every fake have the same time, and only `advance` moves it.

import assert from 'node:assert/strict';
import { createDigitalOcean } from '../fakes/digitalocean.mjs';
import { createLnbits } from '../fakes/lnbits.mjs';
import { createLnurl } from '../fakes/lnurl.mjs';
import { createTailscale } from '../fakes/tailscale.mjs';
import { makeInvoice } from './bolt11.mjs';
import { withContract } from './contract.mjs';
import { assertRefused, call, placeOrder, pollUntil, sshKey } from './order.mjs';
import { scriptedMachine } from './scripted_machine.mjs';
import { startWorker, workerProcess } from './worker.mjs';

export const PRICE = 10_000;
export const HOUR = 3600;
export const OPERATOR = 'operator-token-of-a-test';

/**
 * cloud: options of the fake DigitalOcean (with a volume and Tailscale), or null for the Worker's stub; contract: both behind their official
 * contracts; lnbits: options of the fake, which takes the admin key, too; survives: a Worker that can be killed (shop.restart); ownKeys: each
 * customer has an SSH key of their own; root: where another build of the Worker is.
 * -> {worker, lnbits, cloud, tailscale, lnurl, now, advance, order, …, close()}
 */
export async function openShop({
  vars = {}, lnbits: lnbitsOptions, cloud: cloudOptions = null, contract = false, survives = false, ownKeys = cloudOptions !== null, root,
} = {}) {
  let ahead = 0;
  const now = () => Date.now() + ahead * 1000;
  const machines = new Map(); // order id -> scripted machine
  const invoice = ({ amountSats, expiry }) => makeInvoice({ amountMsat: amountSats * 1000, expiry, timestamp: Math.floor(now() / 1000) });
  const lnbits = await createLnbits({ invoice, now, ...lnbitsOptions });
  const lnurl = await createLnurl({ now });
  const settings = {
    DEV_CLOCK: '0', OPERATOR_TOKEN: OPERATOR, FLEETS: 'nyc3=100000', LNURL_ALLOW_PRIVATE: 'true', LNBITS_URL: lnbits.url,
    LNBITS_API_KEY: lnbits.invoiceKey, LNBITS_ADMIN_KEY: lnbits.adminKey,
  };
  let cloud = null;
  let tailscale = null;
  let fronts = [];
  if (cloudOptions) {
    const onBoot = (droplet) => { machines.set(/^kindling-([0-9a-f]{32})/.exec(droplet.name)[1], scriptedMachine(droplet)); };
    cloud = await createDigitalOcean({ onBoot, now, ...cloudOptions });
    tailscale = await createTailscale({ now });
    fronts = contract ? await Promise.all([withContract(cloud), withContract(tailscale)]) : [];
    const [cloudUrl, tailscaleUrl] = (contract ? fronts : [cloud, tailscale]).map(({ url }) => url);
    Object.assign(settings, {
      DO_API_TOKEN: 'dop_v1_test', DO_API_URL: cloudUrl, DO_VOLUME_SIZE_GB: '100', TAILSCALE_API_KEY: 'tskey-api-test', TAILSCALE_API_URL: tailscaleUrl,
    });
  }
  const worker = await (survives ? workerProcess : startWorker)({ vars: { ...settings, ...vars }, root });
  if (survives) await worker.start();

  const ids = (orders) => orders.map(({ id }) => id);
  const operator = (method, path) => call(worker, method, `/api/operator/${path}`, { token: OPERATOR });
  const shop = {
    worker, lnbits, lnurl, cloud, tailscale, machines, now, operator,

    /** Moves the time on for everybody, and has these orders look what is due. Alarms that were set before still come at their real time. */
    async advance(seconds, ...orders) {
      ahead += seconds;
      const answer = await call(worker, 'POST', '/api/dev/clock', { body: { advanceSeconds: seconds, orders: ids(orders) } });
      assert.equal(answer.status, 200, answer.text);
    },
    wake: (...orders) => shop.advance(0, ...orders),
    /** To this moment (RFC 3339), seconds more or less. */
    advanceTo: (time, seconds, ...orders) => shop.advance(Math.ceil((Date.parse(time) - now()) / 1000) + seconds, ...orders),
    /** Advances again and again until the answer is truthy: for what is tried anew after pauses of any length. */
    advanceUntil: (ask, seconds, what, ...orders) => pollUntil(async () => {
      const found = await ask();
      if (!found) await shop.advance(seconds, ...orders);
      return found;
    }, what),

    /** A new order, with what a test does with it. */
    order: async (fields) => shop.adopt(await placeOrder(worker, fields, ownKeys ? { key: await sshKey() } : {})),
    /** placed: a customer of an order that was made in another way, such as by the page. */
    adopt(placed) {
      const post = (what, body = {}) => call(worker, 'POST', `/api/bootstrap/${placed.id}/${what}`, { token: placed.token, body });
      const good = async (what, body) => {
        const answer = await post(what, body);
        assert.equal(answer.status, 200, `${what}: ${answer.text}`);
        return answer.body;
      };
      const order = {
        ...placed, post,
        extend: (hours) => good('extend', { hours }),
        refund: (refundTo) => good('refund', { refundTo }),
        destroy: () => good('destroy'),
        renew: () => good('renew'),
        refused: async (what, body, status, code) => assertRefused(await post(what, body), status, code),
        /** Waits, without hinting at anything, for a view -> the first that fits */
        async sees(condition, timeoutMs) {
          const live = await placed.live();
          try {
            return await live.until(condition, timeoutMs);
          } finally {
            live.close();
          }
        },
        /** What LNbits has of this invoice, the order's first by default. */
        bill: ({ paymentRequest } = placed.created.invoice) => lnbits.payments.find(({ bolt11 }) => bolt11 === paymentRequest),
        /** Pays it; LNbits says so to nobody. */
        payQuietly: (invoice) => lnbits.markPaid(order.bill(invoice).hash),
        /** The webhook comes. */
        async hook(invoice) {
          assert.equal((await lnbits.notify(order.bill(invoice).hash)).status, 200);
        },
        /** Pays it, and the webhook comes; a second later LNbits may be asked. */
        async pay(invoice) {
          order.payQuietly(invoice);
          await order.hook(invoice);
          await shop.advance(1, order);
        },
        /** How often LNbits was asked about this invoice. */
        looks: (invoice) => lnbits.requests.filter(({ path }) => path === `/api/v1/payments/${order.bill(invoice).hash}`).length,
        /** Has LNbits asked twice about this invoice: when the second look-up is made, the answer to the first was taken in. */
        async isLookedAt(invoice) {
          const enough = order.looks(invoice) + 2;
          await shop.advanceUntil(async () => {
            await placed.get(); // a hint
            return order.looks(invoice) >= enough;
          }, 2, 'two look-ups', order);
        },
        async story() {
          const { status, body, text } = await operator('GET', `orders/${placed.id}`);
          assert.equal(status, 200, text);
          return body;
        },
        /** Waits for a line of the journal -> it */
        journal: (event) => pollUntil(async () => (await order.story()).journal.find((line) => line.event === event), `${event} in the journal`),
        events: async () => (await order.story()).journal.map(({ event }) => event),
        /** Waits until the operator is shown this of the order; undefined: nothing. */
        isNoted: (wanted) => pollUntil(async () => (await shop.notes())[placed.id] === wanted, `the note "${wanted}"`),
        machine: () => pollUntil(() => machines.get(placed.id), 'the machine'),
        /** Waits for a machine of the stub cloud, whose phases take no time at all here -> the first view that is ready */
        becomesReady: () => shop.advanceUntil(async () => {
          const view = await placed.get();
          return view.state === 'ready' && view;
        }, 1, 'state ready', order),
        /** Pays, lets the machine do its work -> the view of the ready machine */
        async getReady(delivery) {
          await order.pay();
          // Delivered no sooner than a machine could: its order knows its droplet.
          await order.sees(({ phase }) => phase === 'booting');
          await (await order.machine()).run(delivery);
          return order.sees(({ state }) => state === 'ready');
        },
      };
      return order;
    },

    /** What the operator is shown: {order id: note} */
    async notes() {
      const { status, body, text } = await operator('GET', 'fleets');
      assert.equal(status, 200, text);
      return Object.fromEntries(body.fleets.flatMap(({ orders }) => orders.filter(({ note }) => note).map(({ id, note }) => [id, note])));
    },

    /** Every droplet that was ever made for an order. */
    droplets: ({ id }) => cloud.allDroplets.filter(({ tags }) => tags.includes(`kindling-${id}`)),
    /** What really left the wallet for an order, in satoshis. */
    paidOut: ({ id }) => lnbits.paidOut().filter((payment) => payment.order === id).map(({ amountSats }) => amountSats),

    /** Ends the process (kill or stop) and starts another on the same storage. */
    async restart(how, changed = {}) {
      await worker[how]();
      await worker.start({ DEV_CLOCK: String(ahead), ...changed });
    },

    async close() {
      await (survives ? worker.close() : worker.stop());
      await Promise.all([lnbits, lnurl, cloud, tailscale, ...fronts].filter(Boolean).map((server) => server.close()));
      assert.deepEqual(cloud?.bootErrors ?? [], []);
      for (const front of fronts) front.assertClean();
    },
  };
  return shop;
}

/** A BOLT11 of a wallet that is not ours. */
export const foreignInvoice = (shop, sats, fields) =>
  makeInvoice({ amountMsat: sats * 1000, timestamp: Math.floor(shop.now() / 1000), ...fields }).bolt11;

/** A fault of a fake that holds its call until release(), at the latest until the end of the test. -> release */
export function hold(t, server, fields) {
  let release;
  server.fault({ kind: 'late', ...fields, until: new Promise((resolve) => { release = resolve; }) });
  t.after(release);
  return release;
}
