// A scripted machine: reads its user-data as cloud-init would, pairs, signs and delivers as machine/bootstrap.sh does, in a few
// milliseconds. What it says is up to the test. The whole-story test boots the real script instead.

import crypto from 'node:crypto';
import { sealBundle } from './order.mjs';

export const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1lAQ0eGJ7rvMPRJwAkcVvzLyPSLQhxjxwRrSq6LYDJ';
/** The machine's phases, first to last. */
export const PHASES = ['packages', 'system', 'firewall', 'docker', 'tailscale', 'volume', 'bitcoin', 'lnd', 'wallet', 'lnbits', 'sealed'];

/** user-data -> {config: the pairs of /etc/kindling/config, token, recipients, files: {path: {permissions, bytes}}, runcmd} */
export function readUserData(userData) {
  const [head, ...rest] = userData.split('\n');
  if (head !== '#cloud-config') throw new Error(`not a cloud-config: ${head}`);
  const { write_files: written, runcmd } = JSON.parse(rest.join('\n'));
  const files = Object.fromEntries(written.map(({ path, permissions, encoding, content }) =>
    [path, { permissions, bytes: Buffer.from(content, encoding === 'b64' ? 'base64' : 'utf8') }]));
  const text = (path) => files[path].bytes.toString();
  const config = Object.fromEntries([...text('/etc/kindling/config').matchAll(/^(\w+)='(.*)'$/gm)].map(([, key, value]) => [key, value]));
  const recipients = text('/etc/kindling/recipients').trim().split('\n');
  return { config, token: text('/etc/kindling/pair-token').trim(), recipients, files, runcmd };
}

/** A secp256k1 key as the machine makes one -> {publicKey: 33 bytes in hex, sign(text) -> base64 of DER} */
export function machineKey() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const odd = Buffer.from(y, 'base64url').at(-1) & 1;
  return {
    publicKey: Buffer.concat([Buffer.from([2 + odd]), Buffer.from(x, 'base64url')]).toString('hex'),
    sign: (text) => crypto.sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'der' }).toString('base64'),
  };
}

/** What a healthy node says of itself in the middle of its sync. */
export const NODE_STATUS = {
  bootedAt: 1763700000,
  bitcoin: {
    chain: 'main', blocks: 412_000, headers: 925_000, bestBlockHash: '0'.repeat(8) + 'ab'.repeat(28), bestBlockTime: 1463700000, progressPpm: 143_000,
    initialBlockDownload: true, pruned: true, sizeBytes: 26_000_000_000, peers: 10, version: '/Satoshi:29.3.0/Knots:20260507/',
    rules: [{ name: 'segwit', active: true }, { name: 'taproot', active: true }, { name: 'testdummy', active: false }], background: null,
  },
  lnd: { state: 'RPC_ACTIVE', backend: 'bitcoind', syncedToChain: false, blockHeight: 0, peers: 0, activeChannels: 0, version: '0.21.2-beta commit=v0.21.2-beta' },
  lnbits: true, fundingConnected: false, disk: { totalBytes: 84_000_000_000, freeBytes: 31_000_000_000 }, snapshot: null,
};

/** droplet: of the fake cloud. Each call answers {status, body}; nothing is retried. */
export function scriptedMachine(droplet, { key = machineKey() } = {}) {
  const { config, token, recipients } = readUserData(droplet.user_data);
  const base = `${config.KINDLING_URL}/api/machine/${config.ORDER_ID}`;
  const machine = {
    config, token, recipients, key,
    nonce: 0,
    lnd: machineKey(),
    async post(what, text, signature, more) {
      const headers = { 'content-type': 'application/json', ...(signature && { 'x-kindling-signature': signature }), ...more };
      const response = await fetch(`${base}/${what}`, { method: 'POST', headers, body: text });
      const answer = await response.text();
      return { status: response.status, body: JSON.parse(answer), text: answer };
    },
    pair: (fields, headers) => machine.post('pair', JSON.stringify({ token, publicKey: machine.key.publicKey, ...fields }), undefined, headers),
    /** What the owner's tool does with a token of the order's page: a new key, and nonces from the beginning. */
    pairAgain(newToken) {
      machine.key = machineKey();
      machine.nonce = 0;
      return machine.pair({ token: newToken });
    },
    /** Signed; fields may name a nonce of their own. */
    say(what, fields) {
      machine.nonce = fields?.nonce ?? machine.nonce + 1;
      const text = JSON.stringify({ nonce: machine.nonce, ...fields });
      return machine.post(what, text, machine.key.sign(text));
    },
    report: (phase, status = 'started', message) => machine.say('report', { phase, status, ...(message && { message }) }),
    /** fields: what differs from NODE_STATUS. signed: whether LND signs, too. */
    heartbeat(fields, { signed = false } = {}) {
      machine.nonce = fields?.nonce ?? machine.nonce + 1;
      const text = JSON.stringify({ nonce: machine.nonce, ...NODE_STATUS, ...fields, ...(signed && { identityKey: machine.lnd.publicKey }) });
      return machine.post('heartbeat', text, machine.key.sign(text), signed ? { 'x-kindling-identity-signature': machine.lnd.sign(text) } : {});
    },
    /** sealed: base64 of an age file, or null. */
    backup: (sealed) => machine.say('backup', { sealed }),
    seal: (extra) => sealBundle(JSON.stringify({ version: 1, orderId: config.ORDER_ID, product: 'full_node', fake: false, ...extra }), recipients),
    async deliver(fields) {
      return machine.say('deliver', {
        sealed: fields?.sealed ?? await machine.seal(), nodeIp: droplet.address, hostKeys: [HOST_KEY], tailscaleHostname: null, tailscaleNodeId: null,
        lnbitsUrl: 'http://127.0.0.1:5000', ...fields,
      });
    },
    /** The whole way, each answer being as it should. */
    async run(fields) {
      const good = (answer) => {
        if (answer.status !== 200) throw new Error(`the machine was answered ${answer.status} ${answer.text}`);
        return answer.body;
      };
      machine.paired = good(await machine.pair());
      for (const phase of PHASES) good(await machine.report(phase));
      good(await machine.deliver(fields));
    },
  };
  return machine;
}
