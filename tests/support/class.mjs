// A class, for tests: an order link made apart from the page, an order of a class by the API, and bundles as a class's machine seals
// them, with runes that are long and each of their own, so that a test can tell them apart and search for them.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { ageIdentity } from './age_identity.mjs';
import { customer, placeOrder, scratchFolder, sealBundle, sha256 } from './order.mjs';

const derive = (secret, purpose, bytes) => Buffer.from(crypto.hkdfSync('sha256', secret, Buffer.alloc(0), `kindling/v1/${purpose}`, bytes));

/** -> {id, fragment, token, recipient}: a new order link, and what the server may know of it */
export function classLink() {
  const secret = crypto.randomBytes(32);
  const fragment = `1.${secret.toString('base64url')}.ed25519`;
  const file = path.join(scratchFolder(), 'identity');
  fs.writeFileSync(file, `${ageIdentity(fragment)}\n`, { mode: 0o600 });
  const recipient = execFileSync('age-keygen', ['-y', file], { encoding: 'utf8' }).trim();
  return { id: derive(secret, 'id', 16).toString('hex'), fragment, token: derive(secret, 'access', 32).toString('base64url'), recipient };
}

/** Orders a class in stub mode and waits until it is ready -> the customer's hand on it, with the link's fragment */
export async function readyClass(worker, product = {}) {
  const link = classLink();
  const own = await placeOrder(worker, {
    orderId: link.id, accessHash: sha256(link.token), sealTo: [link.recipient], product: { kind: 'classroom', plan: 'A', hours: 48, ...product },
  });
  const bought = { ...customer(worker, { ...own, token: link.token }), fragment: link.fragment };
  await bought.payStub();
  await bought.poll('ready');
  return bought;
}

const NAMES = ['Otter', 'Badger', 'Heron', 'Lynx', 'Marten', 'Falcon', 'Beaver', 'Hedgehog'];
/** The participant's restrictions, as they stand in a rune behind its 32 bytes. */
const METHODS = 'method^list|method=getinfo|method=pay|method=xpay|method=invoice|method=decode|method=keysend|method=newaddr|method=connect|'
  + 'method=fundchannel|method=close|method^bkpr-list|method^wait&method/listdatastore&rate=600&time<1793000000';
const rune = (restrictions) => Buffer.concat([crypto.randomBytes(32), Buffer.from(restrictions)]).toString('base64url');

/** What a class's machine seals. kind: of the certificate. -> the bundle */
export function classBundle({ id, nodes = 8, kind = 'public', host = '203-0-113-10.sslip.io' }) {
  const node = (index) => {
    const name = NAMES[index] ?? `${NAMES[index % 8]}${String.fromCharCode(97 + Math.floor(index / 8))}`;
    const publicKey = `02${crypto.randomBytes(32).toString('hex')}`;
    const port = 6001 + index;
    const own = rune(METHODS);
    const admin = rune('time<1793000000');
    const address = `${publicKey}@${host}:${port}`;
    const connect = (it) => `https://app.clams.tech/connect?address=${address}&type=direct&value=wss:&rune=${it}`;
    const configuration = JSON.stringify({ address, token: own, connection: { type: 'direct', value: 'wss:' } });
    return {
      name, publicKey, port, wealthSats: 100_000_000, rune: own, adminRune: admin, connect: connect(own), adminConnect: connect(admin),
      wallet: `https://remote.clams.tech/wallets/add?label=${name}&larp=true&type=coreln&configuration=${encodeURIComponent(configuration)}`,
    };
  };
  return {
    version: 1, orderId: id, product: 'classroom', fake: false, nodeIp: '203.0.113.10', tailscaleHostname: null,
    ssh: { user: 'root', port: 22, hostKeys: [] },
    bitcoin: { implementation: 'core', version: '31.0', network: 'regtest', rpcUser: 'kindling', rpcPassword: crypto.randomBytes(16).toString('hex') },
    classroom: {
      plan: { 8: 'A', 16: 'B', 32: 'C', 64: 'D' }[nodes], hours: 48, graph: 'sparse', distribution: 'egalitarian', seed: 123, satsPerNode: 100_000_000,
      host, certificate: { kind, sha256: crypto.randomBytes(32).toString('hex') }, runesUntil: 1_793_000_000,
      nodes: Array.from({ length: nodes }, (_, index) => node(index)),
    },
    components: [{ name: 'Core Lightning', version: '26.06.6', digest: `sha256:${'ab12'.repeat(16)}` }],
    credentialsFile: '/root/node-credentials.txt',
  };
}

/** -> {bundle, sealed: base64}, sealed with the real age */
export async function sealedClass(link, options) {
  const bundle = classBundle({ id: link.id, ...options });
  return { bundle, sealed: await sealBundle(JSON.stringify(bundle), [link.recipient]) };
}
