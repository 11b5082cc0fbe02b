// What the sweep is made of: every effect of an order as a row, everything that can go wrong with a call as a column, a case for each
// pair. Invariant: a case's order has an id and a key of its own, so that each call of every upstream tells whose it is.

import crypto from 'node:crypto';
import { sshFingerprint } from '../../fakes/digitalocean.mjs';
import { randomWord } from '../../support/order.mjs';

/** What the upstream asks for where it says 429, in seconds. */
export const RETRY_AFTER = 20;

/** A cloud that refuses to make what it has made all the same: the order then has to look for it before it can remove it. */
const refusedYetMade = { kind: 'status', status: 422, applied: true };

/**
 * call: the kind of call (calls.mjs) that fails, the `skip`th of its kind. machine: what becomes of it, as machine.mjs has it; 'none'
 * where the order fails before it has one. setUp: what else goes wrong on the way to that call. payout: what LNbits makes of the refund.
 */
export const EFFECTS = [
  { name: 'invoice', call: 'invoice' },
  { name: 'look-up of the payment', call: 'look_up' },
  { name: 'find SSH key', call: 'find_key' },
  { name: 'create SSH key', call: 'create_key' },
  { name: 'find volume', call: 'find_volume' },
  { name: 'create volume', call: 'create_volume' },
  { name: 'create tailnet key', call: 'create_auth_key' },
  { name: 'find droplet', call: 'find_droplet' },
  { name: 'create droplet', call: 'create_droplet' },
  { name: 'await active', call: 'get_droplet' },
  { name: 'rename droplet', call: 'rename' },
  { name: 'machine silent', call: 'get_droplet', skip: 1, machine: 'silent' },
  { name: 'teardown: find droplet', call: 'find_droplet', skip: 1, machine: 'failing at once', setUp: { call: 'create_droplet', kind: 'late' } },
  { name: 'teardown: delete droplet', call: 'delete_droplet', machine: 'failing' },
  { name: 'teardown: await gone', call: 'get_droplet', skip: 1, machine: 'failing' },
  { name: 'teardown: find volume', call: 'find_volume', skip: 1, machine: 'none', setUp: { call: 'create_volume', ...refusedYetMade } },
  { name: 'teardown: delete volume', call: 'delete_volume', machine: 'failing' },
  { name: 'teardown: find SSH key', call: 'find_key', skip: 1, machine: 'none', setUp: { call: 'create_key', ...refusedYetMade } },
  { name: 'teardown: delete SSH key', call: 'delete_key', machine: 'failing' },
  { name: 'teardown: delete device', call: 'delete_device', machine: 'failing' },
  ...[
    { name: 'refund: LNURL', call: 'lnurl' },
    { name: 'refund: LNURL callback', call: 'lnurl_callback' },
    { name: 'refund: first look-up', call: 'look_up_payout' },
    { name: 'refund: pay', call: 'pay' },
    { name: 'refund: look-up', call: 'look_up_payout', skip: 1, payout: 'pending' },
    { name: 'refund: look-up, failed', call: 'look_up_payout', skip: 1, payout: 'failed' },
    { name: 'refund: pay again, failed', call: 'pay', skip: 1, payout: 'failed' },
  ].map((effect) => ({ ...effect, machine: 'none', setUp: { call: 'find_key', kind: 'status', status: 401 } })),
];

/**
 * short: the head of its column. fault: as tests/fakes/http.mjs has it. held: the call is held at the upstream, until the order has
 * gone on without its answer, or, with `kill`, until the Worker is dead.
 */
export const FAULTS = [
  { name: 'dropped before', short: 'before', fault: { kind: 'before' } },
  { name: 'dropped after', short: 'after', fault: { kind: 'after' } },
  { name: 'answered late', short: 'late', fault: { kind: 'late' }, held: true },
  { name: 'applied late', short: 'stalled', fault: { kind: 'stalled' }, held: true },
  { name: 'garbage', fault: { kind: 'garbage', applied: false } },
  { name: 'garbage, applied', short: 'garbage+', fault: { kind: 'garbage' } },
  ...[401, 404, 409, 422].map((status) => ({ name: String(status), fault: { kind: 'status', status } })),
  { name: '429', fault: { kind: 'status', status: 429, headers: { 'retry-after': String(RETRY_AFTER) } } },
  { name: '500', fault: { kind: 'status', status: 500 } },
  { name: '500, applied', short: '500+', fault: { kind: 'status', status: 500, applied: true } },
  { name: 'killed before', short: 'kill', fault: { kind: 'stalled' }, held: true, kill: true },
  { name: 'killed after', short: 'kill+', fault: { kind: 'late' }, held: true, kill: true },
];

/** A fresh Ed25519 key -> its OpenSSH line. Hundreds are needed, which ssh-keygen would take seconds for. */
function publicKey() {
  const { x } = crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const field = (bytes) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.from(x, 'base64url'))]).toString('base64')}`;
}

/** Every pair. Its id is its place in the table: the pauses of an order, which are spread by its id, are the same each time. */
export function makeCases() {
  return EFFECTS.flatMap((effect, row) => FAULTS.map((column, at) => {
    const key = publicKey();
    return {
      name: `${effect.name}, ${column.name}`,
      effect: { skip: 0, machine: 'good', ...effect },
      column,
      id: `${'0'.repeat(26)}${(row + 1).toString(16).padStart(3, '0')}${(at + 1).toString(16).padStart(3, '0')}`,
      token: randomWord(),
      key,
      fingerprint: sshFingerprint(key),
      /** Every call of every upstream, in order. */
      calls: [],
      /** Settled as things happen: the droplet was seen active; the machine has said its last word; the held call may go on. */
      active: Promise.withResolvers(),
      spoken: Promise.withResolvers(),
      release: Promise.withResolvers(),
      /** The one that is swept, once it has met its fault. */
      struck: null,
      delivered: null,
      end: null,
    };
  }));
}
