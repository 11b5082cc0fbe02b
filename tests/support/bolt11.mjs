// BOLT11 invoices for tests, written and read apart from the project's own code: bech32, tagged fields, recoverable ECDSA.
// Slow and not constant in time; its keys are throw-away.

import crypto from 'node:crypto';

const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const NETWORKS = { bitcoin: 'bc', testnet: 'tb', signet: 'tbs', regtest: 'bcrt' };
/** Pico-bitcoin per unit of each multiplier; a millisatoshi is 10 of them. */
const MULTIPLIERS = { m: 10n ** 9n, u: 10n ** 6n, n: 10n ** 3n, p: 1n };

/** -> {bolt11, paymentHash}; amountMsat is optional, timestamp and expiry in seconds */
export function makeInvoice({
  network = 'bitcoin', amountMsat, paymentHash = crypto.randomBytes(32).toString('hex'), timestamp = Math.floor(Date.now() / 1000), expiry = 3600,
  description = 'test', key = crypto.randomBytes(32),
} = {}) {
  const amount = amountMsat === undefined ? '' : shortest(BigInt(amountMsat) * 10n);
  const human = `ln${NETWORKS[network]}${amount}`;
  const tag = (letter, words) => [CHARSET.indexOf(letter), words.length >> 5, words.length & 31, ...words];
  const data = [
    ...number(timestamp, 7),
    ...tag('p', toWords(Buffer.from(paymentHash, 'hex'))),
    ...tag('s', toWords(crypto.randomBytes(32))),
    ...tag('d', toWords(Buffer.from(description))),
    ...tag('x', number(expiry)),
    ...tag('9', [16, 8, 0]), // var_onion_optin and payment_secret, both required
  ];
  const signature = signRecoverable(digest(human, data), key);
  const words = [...data, ...toWords(signature)];
  return { bolt11: `${human}1${[...words, ...checksum(human, words)].map((word) => CHARSET[word]).join('')}`, paymentHash };
}

/** Reads and checks an invoice -> {network, amountMsat, paymentHash, timestamp, expiry, description, payee}; throws where a sum is wrong */
export function readInvoice(text) {
  const lower = text.toLowerCase();
  if (lower !== text && text.toUpperCase() !== text) throw new Error('mixed case');
  const split = lower.lastIndexOf('1');
  const human = lower.slice(0, split);
  const words = [...lower.slice(split + 1)].map((letter) => CHARSET.indexOf(letter));
  if (words.includes(-1) || polymod([...expand(human), ...words]) !== 1) throw new Error('the checksum is wrong');
  const [, prefix, digits, multiplier] = /^ln(bcrt|bc|tbs|tb)(?:(\d+)([munp]?))?$/.exec(human);
  const data = words.slice(0, -6 - 104);
  const tags = {};
  for (let at = 7; at < data.length;) {
    const length = data[at + 1] * 32 + data[at + 2];
    tags[CHARSET[data[at]]] ??= data.slice(at + 3, at + 3 + length);
    at += 3 + length;
  }
  const bytes = (letter) => toBytes(tags[letter] ?? []);
  const pico = digits && BigInt(digits) * (multiplier ? MULTIPLIERS[multiplier] : 10n ** 12n);
  return {
    network: Object.keys(NETWORKS).find((name) => NETWORKS[name] === prefix),
    amountMsat: digits ? Number(pico / 10n) : undefined,
    paymentHash: bytes('p').subarray(0, 32).toString('hex'),
    timestamp: data.slice(0, 7).reduce((sum, word) => sum * 32 + word, 0),
    expiry: (tags.x ?? number(3600)).reduce((sum, word) => sum * 32 + word, 0),
    description: bytes('d').toString(),
    payee: recover(digest(human, data), toBytes(words.slice(-6 - 104, -6))),
  };
}

function shortest(pico) {
  for (const [letter, unit] of Object.entries(MULTIPLIERS)) if (pico % unit === 0n) return `${pico / unit}${letter}`;
  throw new Error('no amount');
}

function number(value, length) {
  const words = [];
  for (let rest = value; rest > 0 || words.length === 0; rest = Math.floor(rest / 32)) words.unshift(rest % 32);
  while (words.length < (length ?? 0)) words.unshift(0);
  return words;
}

const toWords = (bytes) => regroup(bytes, 8, 5, true);
const toBytes = (words) => Buffer.from(regroup(words, 5, 8, false));

function regroup(values, from, to, pad) {
  const out = [];
  let held = 0;
  let bits = 0;
  for (const value of values) {
    held = (held << from) | value;
    for (bits += from; bits >= to; ) {
      bits -= to;
      out.push((held >> bits) & ((1 << to) - 1));
    }
    held &= (1 << bits) - 1;
  }
  if (pad && bits > 0) out.push((held << (to - bits)) & ((1 << to) - 1));
  return out;
}

const expand = (human) => [...[...human].map((letter) => letter.charCodeAt(0) >> 5), 0, ...[...human].map((letter) => letter.charCodeAt(0) & 31)];

function polymod(values) {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].forEach((generator, i) => { if ((top >> i) & 1) sum ^= generator; });
  }
  return sum >>> 0;
}

function checksum(human, words) {
  const sum = polymod([...expand(human), ...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  return [25, 20, 15, 10, 5, 0].map((shift) => (sum >>> shift) & 31);
}

/** The signed hash: human part as text, data padded with zero bits to whole bytes. */
const digest = (human, data) => {
  const bytes = Buffer.from(regroup(data, 5, 8, true));
  return crypto.createHash('sha256').update(human).update(bytes).digest();
};

// secp256k1 (SEC 2), affine
const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G = [0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n, 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n];

const mod = (value, by) => ((value % by) + by) % by;
const power = (base, exponent, by) => {
  let out = 1n;
  for (let square = mod(base, by), rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % by) if (rest & 1n) out = (out * square) % by;
  return out;
};
const inverse = (value, by) => power(value, by - 2n, by);
const toNumber = (bytes) => BigInt(`0x${bytes.toString('hex')}`);
const to32 = (value) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

function add(a, b) {
  if (!a || !b) return a ?? b;
  if (a[0] === b[0] && a[1] !== b[1]) return null;
  const slope = a[0] === b[0] ? 3n * a[0] * a[0] * inverse(2n * a[1], P) : (b[1] - a[1]) * inverse(mod(b[0] - a[0], P), P);
  const x = mod(slope * slope - a[0] - b[0], P);
  return [x, mod(slope * (a[0] - x) - a[1], P)];
}

function multiply(point, by) {
  let out = null;
  for (let doubled = point, rest = by; rest > 0n; rest >>= 1n, doubled = add(doubled, doubled)) if (rest & 1n) out = add(out, doubled);
  return out;
}

function signRecoverable(hash, key) {
  const nonce = mod(toNumber(crypto.randomBytes(32)), N);
  const point = multiply(G, nonce);
  const r = mod(point[0], N);
  const s = mod(inverse(nonce, N) * (toNumber(hash) + r * toNumber(key)), N);
  const high = s > N / 2n;
  return Buffer.concat([to32(r), to32(high ? N - s : s), Buffer.from([Number(point[1] & 1n) ^ Number(high)])]);
}

/** The key that signed, 33 bytes in hex. */
function recover(hash, signature) {
  const [r, s, id] = [toNumber(signature.subarray(0, 32)), toNumber(signature.subarray(32, 64)), signature[64]];
  const y = power(power(r, 3n, P) + 7n, (P + 1n) / 4n, P);
  const point = [r, (y & 1n) === BigInt(id & 1) ? y : P - y];
  const back = inverse(r, N);
  const key = add(multiply(point, mod(s * back, N)), multiply(G, mod(-toNumber(hash) * back, N)));
  return Buffer.concat([Buffer.from([2 + Number(key[1] & 1n)]), to32(key[0])]).toString('hex');
}
