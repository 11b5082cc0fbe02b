// A scripted machine: reads its user-data as cloud-init would, pairs, signs and delivers as machine/bootstrap.sh does, in a few
// milliseconds. What it says is up to the test. The whole-story test boots the real script instead.

import crypto from 'node:crypto';
import { sealBundle } from './order.mjs';

export const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1lAQ0eGJ7rvMPRJwAkcVvzLyPSLQhxjxwRrSq6LYDJ';
/** The machine's phases, first to last. */
export const PHASES = ['packages', 'system', 'firewall', 'docker', 'tailscale', 'volume', 'bitcoin', 'lnd', 'wallet', 'lnbits', 'sealed'];
export const CLASS_PHASES = ['packages', 'system', 'firewall', 'docker', 'tailscale', 'bitcoin', 'nodes', 'certificate', 'channels', 'sealed'];

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

const GB = 1e9;
/** What a machine says of itself in the middle of its sync; parts are merged into it, null ones replace. */
export function nodeStatus({ bitcoin, lnd, ...rest } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const part = (usual, changed) => (changed === null ? null : { ...usual, ...changed });
  return {
    bootedAt: now - 88_000,
    bitcoin: part({
      chain: 'main', blocks: 823_120, headers: 925_003, bestBlockHash: `${'0'.repeat(20)}${'a7'.repeat(22)}`, bestBlockTime: now - 630,
      progressPpm: 475_200, initialBlockDownload: true, pruned: false, sizeBytes: 612 * GB, peers: 10,
      version: '/Satoshi:29.3.0/Knots:20260507/', rules: [{ name: 'csv', active: true }, { name: 'taproot', active: true }, { name: 'testdummy', active: false }],
      background: null,
    }, bitcoin),
    lnd: part({
      state: 'RPC_ACTIVE', backend: 'bitcoind', syncedToChain: false, blockHeight: 0, peers: 0, activeChannels: 0, version: '0.20.1-beta',
    }, lnd),
    lnbits: true,
    fundingConnected: false,
    disk: { totalBytes: 1000 * GB, freeBytes: 388 * GB },
    snapshot: null,
    ...rest,
  };
}

/**
 * What the machine of a class says of it; network: its class.json, or {nodes, channels} of it; connected: numbers of the nodes that have a wallet;
 * down: of those that do not answer.
 */
export function classStatus({ nodes, channels }, { connected = [], down = [], ...rest } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const spent = (number) => channels.filter(({ from }) => from === number).reduce((sum, { sats }) => sum + sats, 0);
  return {
    bootedAt: now - 3000,
    class: {
      blocks: 640, bestBlockTime: now - 3,
      nodes: nodes.map(({ name, fundSats }, number) => (down.includes(number) ? { name, up: false } : {
        name, up: true, blocks: 640, wallets: connected.includes(number) ? 1 : 0, onchainSats: fundSats - spent(number),
      })),
      channels: channels.map(({ from, to, sats, pushSats }) => ({ from, to, sats, fromSats: sats - pushSats, active: !down.includes(from) && !down.includes(to) })),
    },
    disk: { totalBytes: 80 * GB, freeBytes: 60 * GB },
    ...rest,
  };
}

/** droplet: of the fake cloud. Each call answers {status, body}; nothing is retried. */
export function scriptedMachine(droplet, { key = machineKey() } = {}) {
  const { config, token, recipients, files } = readUserData(droplet.user_data);
  const network = config.PRODUCT === 'classroom' ? JSON.parse(files['/etc/kindling/class.json'].bytes) : null;
  const base = `${config.KINDLING_URL}/api/machine/${config.ORDER_ID}`;
  const machine = {
    config, token, recipients, key, network,
    nonce: 0,
    async post(what, text, signature, more) {
      const headers = { 'content-type': 'application/json', ...(signature && { 'x-kindling-signature': signature }), ...more };
      const response = await fetch(`${base}/${what}`, { method: 'POST', headers, body: text });
      const answer = await response.text();
      return { status: response.status, body: JSON.parse(answer), text: answer };
    },
    pair: (fields, headers) => machine.post('pair', JSON.stringify({ token, publicKey: machine.key.publicKey, ...fields }), undefined, headers),
    /** Signed, by LND's identity key too where one is given; fields may name a nonce of their own. */
    say(what, fields, identity) {
      machine.nonce = fields?.nonce ?? machine.nonce + 1;
      const text = JSON.stringify({ nonce: machine.nonce, ...fields });
      return machine.post(what, text, machine.key.sign(text), identity && { 'x-kindling-identity-signature': identity.sign(text) });
    },
    report: (phase, status = 'started', message) => machine.say('report', { phase, status, ...(message && { message }) }),
    /** status: parts of nodeStatus(); identity: LND's key, where LND signs */
    heartbeat: (status, identity) =>
      machine.say('heartbeat', { ...nodeStatus(status), ...(identity && { identityKey: identity.publicKey }) }, identity),
    /** options: of classStatus() */
    classHeartbeat: (options) => machine.say('heartbeat', classStatus(network, options)),
    /** content: of channel.backup, or null to have the kept one erased */
    backup: async (content, to = recipients) => machine.say('backup', { sealed: content && await sealBundle(content, to) }),
    /** With a token that the customer carried here, and a new key. */
    async pairAgain(carried) {
      const fresh = machineKey();
      const answer = await machine.pair({ token: carried, publicKey: fresh.publicKey });
      if (answer.status === 200) Object.assign(machine, { key: fresh, nonce: 0 });
      return answer;
    },
    seal: (extra) => sealBundle(JSON.stringify({ version: 1, orderId: config.ORDER_ID, product: config.PRODUCT, fake: false, ...extra }), recipients),
    async deliver(fields) {
      return machine.say('deliver', {
        sealed: fields?.sealed ?? await machine.seal(), nodeIp: droplet.address, hostKeys: [HOST_KEY], tailscaleHostname: null, tailscaleNodeId: null,
        ...(!network && { lnbitsUrl: 'http://127.0.0.1:5000' }), ...fields,
      });
    },
    /** The whole way, each answer being as it should. */
    async run(fields) {
      const good = (answer) => {
        if (answer.status !== 200) throw new Error(`the machine was answered ${answer.status} ${answer.text}`);
        return answer.body;
      };
      machine.paired = good(await machine.pair());
      for (const phase of network ? CLASS_PHASES : PHASES) good(await machine.report(phase));
      good(await machine.deliver(fields));
    },
  };
  return machine;
}
