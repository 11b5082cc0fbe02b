// An order whose server is the test: what the page asks about it is answered with scripted views, and what it calls is written down.

import fs from 'node:fs';
import path from 'node:path';
import { makeInvoice } from '../support/bolt11.mjs';
import { ROOT } from '../support/paths.mjs';
import { nodeStatus } from '../support/scripted_machine.mjs';
import { order, orderNode } from './pages/order.mjs';

const PATH = /\/api\/bootstrap\/[0-9a-f]{32}(?:\/(extend|refund|destroy|renew|backup|claim|ack|pairing|pairing\/revoke))?$/;
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqBRJzbRNJ8EnwPxwFnTWhRhjNsGDUcsHqV1lEKNr/H';

/** The names of a class's nodes, in their order */
export const CLASS_NAMES = [...fs.readFileSync(path.join(ROOT, 'domain/src/classroom/names.rs'), 'utf8').matchAll(/"([A-Za-z]+)"/g)].map(([, name]) => name);

/** RFC 3339, whole seconds, `seconds` from now */
export const fromNow = (seconds) => new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

/** An invoice as a view shows it, on the network of the shop in stub mode */
export const invoiceOf = (amountSats) => ({
  paymentRequest: makeInvoice({ network: 'regtest', amountMsat: amountSats * 1000 }).bolt11, amountSats, expiresAt: fromNow(3600),
});

/** What a view shows of a machine; status: parts of nodeStatus() */
export function machineView({ lastHeardAt = fromNow(-20), everySeconds = 30, usable = false, validated = false, estimate, history = [], ...more } = {}, status) {
  return { lastHeardAt, everySeconds, usable, validated, ...nodeStatus(status), ...(estimate && { estimate }), history, ...more };
}

/** Samples of a sync, `every` seconds apart, the last one now */
export function course(shares, every = 3600) {
  const now = Math.floor(Date.now() / 1000);
  return shares.map((share, at) => [now - (shares.length - 1 - at) * every, Math.round(share * 10_000)]);
}

const mixed = (number) => Math.imul(number + 1, 0x9e3779b1) >>> 0;
const CLASS_SIZES = { A: 8, B: 16, C: 32, D: 64 };

/** What a view shows of a class's order: the product with its seed, and its hours. */
export const classOrder = ({ plan = 'A', hours = 48, seed = 7, ...more } = {}) => ({
  product: { kind: 'classroom', plan, hours, seed, ...more }, pairing: { paired: true }, endsAt: fromNow(hours * 3600),
});

/**
 * What a view shows of a running class: `connected` and `down` are places of nodes, `off` those of channels that cannot pay, `shares` what
 * of a channel belongs to who opened it, by its place; a ring of channels and `more` across it unless channels are given.
 */
export function classView({
  plan = 'A', connected = [], down = [], shares = {}, off = [], more = CLASS_SIZES[plan], channels,
  lastHeardAt = fromNow(-5), everySeconds = 30, blocks = 321, ...rest
} = {}) {
  const count = CLASS_SIZES[plan];
  // A ring, and as many pairs across it as are wanted, in an order that looks like chance and is none.
  const pairs = new Map([...Array(count).keys()].map((at) => [`${at}-${(at + 1) % count}`, [at, (at + 1) % count]]));
  const places = [...Array(count).keys()].sort((a, b) => mixed(a) - mixed(b));
  for (let step = 1; pairs.size < count + more && step < count; step += 1) {
    for (let at = 0; pairs.size < count + more && at < count; at += 1) {
      const [from, to] = [places[at], places[(at + step * 3) % count]];
      if (from !== to && !pairs.has(`${from}-${to}`) && !pairs.has(`${to}-${from}`)) pairs.set(`${from}-${to}`, [from, to]);
    }
  }
  const ends = [...pairs.values()];
  const now = Math.floor(Date.now() / 1000);
  return {
    lastHeardAt, everySeconds, bootedAt: now - 3600,
    class: {
      blocks, bestBlockTime: now - 5,
      nodes: [...Array(count).keys()].map((at) => (down.includes(at) ? { name: CLASS_NAMES[at], up: false } : {
        name: CLASS_NAMES[at], up: true, blocks, wallets: connected.includes(at) ? 1 : 0, onchainSats: 20_000_000 + (at * 37 % 11) * 9_000_000,
      })),
      channels: channels ?? ends.map(([from, to], at) => {
        const sats = 10_000_000 + (at * 29 % 13) * 3_000_000;
        return { from, to, sats, fromSats: Math.round(sats * (shares[at] ?? (at * 17 % 10) / 10 + 0.05)), active: !off.includes(at) };
      }),
    },
    disk: { totalBytes: 160e9, freeBytes: 120e9 },
    ...rest,
  };
}

const base = (id, state) => ({
  bootstrapJobId: id, state, amountSats: 10_000, createdAt: fromNow(-600), expiresAt: fromNow(3000), product: { kind: 'full_node', bitcoin: 'knots' },
  region: 'nyc3', stubMode: false, message: 'A test.',
});

/** What a view of each state has beside what all have. */
export const states = {
  awaiting_payment: () => ({ invoice: invoiceOf(10_000) }),
  expired: () => ({ errorCode: 'invoice_expired', errorMessage: 'The invoice ran out before it was paid.' }),
  ready: () => ({
    credentials: {
      nodeIp: '203.0.113.7', tailscaleHostname: null, lnbitsUrl: 'http://127.0.0.1:5000', hostKeys: [HOST_KEY], delivery: 'sealed',
    },
  }),
  failed: () => ({ errorCode: 'cloud_full', errorMessage: 'The cloud has no room for another machine right now.' }),
  refunded: () => ({ errorCode: 'cloud_full', errorMessage: 'The cloud has no room for another machine right now.' }),
  ended: () => ({}),
};

/** An order link that opens, made once. */
export async function makeLink(browser, baseURL) {
  const visit = await browser.open({ baseURL });
  const bought = await orderNode(visit.page);
  const link = bought.link();
  await visit.close();
  return link;
}

/**
 * Opens the order's page on a server that says `state` with `fields`. on: {what is called: (body, stage) -> fields of a view, or
 * {answer: whatever else is answered}, or {status, error: {code, message}}}.
 * -> {page: the order's, calls: [{what, body}], show(state, fields) a newer view by WebSocket, send(view) whatever it is, view()}
 */
export async function stage(visit, link, state, fields = {}, on = {}) {
  const { page } = visit;
  const sockets = new Set();
  const calls = [];
  let revision = 10;
  let view;
  const become = (next, more) => {
    revision += 1;
    view = { ...base(link.id, next), ...states[next]?.(), revision, ...more };
    return view;
  };
  become(state, fields);
  const own = {
    page: order(page),
    calls,
    view: () => view,
    send: (text) => { for (const socket of sockets) socket.send(JSON.stringify(text)); },
    show: (next, more) => own.send(become(next, more)),
  };
  await page.routeWebSocket(/\/live$/, (socket) => {
    sockets.add(socket);
    socket.onMessage(() => socket.send('pong'));
    socket.onClose(() => sockets.delete(socket));
    socket.send(JSON.stringify(view));
  });
  await page.route(PATH, async (route) => {
    const [, what] = PATH.exec(new URL(route.request().url()).pathname);
    if (!what) return route.fulfill({ json: view });
    const body = route.request().postDataJSON();
    calls.push({ what, body });
    const answer = await on[what](body, own);
    if (answer.error) return route.fulfill({ status: answer.status, json: { error: answer.error } });
    if (answer.answer) return route.fulfill({ json: answer.answer });
    const { state: next = view.state, ...more } = answer;
    return route.fulfill({ json: become(next, more) });
  });
  await page.goto(`/orders/${link.id}#${link.fragment}`);
  return own;
}
