// BOLT11 invoices for tests, written and read apart from the project's own code.

import crypto from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1';
import { bech32 } from '@scure/base';

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
    ...tag('p', bech32.toWords(Buffer.from(paymentHash, 'hex'))),
    ...tag('s', bech32.toWords(crypto.randomBytes(32))),
    ...tag('d', bech32.toWords(Buffer.from(description))),
    ...tag('x', number(expiry)),
    ...tag('9', [16, 8, 0]), // var_onion_optin and payment_secret, both required
  ];
  const signature = bech32.toWords(sign(digest(human, data), key));
  return { bolt11: bech32.encode(human, [...data, ...signature], false), paymentHash };
}

/** Reads and checks an invoice -> {network, amountMsat, paymentHash, timestamp, expiry, description, payee}; throws where a sum is wrong */
export function readInvoice(text) {
  const { prefix: human, words } = bech32.decode(text, false);
  const [, prefix, digits, multiplier] = /^ln(bcrt|bc|tbs|tb)(?:(\d+)([munp]?))?$/.exec(human);
  const data = words.slice(0, -104);
  const tags = {};
  for (let at = 7; at < data.length;) {
    const length = data[at + 1] * 32 + data[at + 2];
    tags[CHARSET[data[at]]] ??= data.slice(at + 3, at + 3 + length);
    at += 3 + length;
  }
  // Fields end in up to four padding bits, which fromWords insists are zero.
  const bytes = (letter) => Buffer.from(bech32.fromWords(tags[letter] ?? []));
  const pico = digits && BigInt(digits) * (multiplier ? MULTIPLIERS[multiplier] : 10n ** 12n);
  return {
    network: Object.keys(NETWORKS).find((name) => NETWORKS[name] === prefix),
    amountMsat: digits ? Number(pico / 10n) : undefined,
    paymentHash: bytes('p').subarray(0, 32).toString('hex'),
    timestamp: data.slice(0, 7).reduce((sum, word) => sum * 32 + word, 0),
    expiry: (tags.x ?? number(3600)).reduce((sum, word) => sum * 32 + word, 0),
    description: bytes('d').toString(),
    payee: recover(digest(human, data), Buffer.from(bech32.fromWords(words.slice(-104)))),
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

/** The signed hash: human part as text, data padded with zero bits to whole bytes. */
const digest = (human, data) => {
  const bits = data.map((word) => word.toString(2).padStart(5, '0')).join('');
  const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g).map((byte) => parseInt(byte, 2));
  return crypto.createHash('sha256').update(human).update(Buffer.from(bytes)).digest();
};

function sign(hash, key) {
  const signature = secp256k1.sign(hash, key);
  return Buffer.concat([signature.toCompactRawBytes(), Buffer.from([signature.recovery])]);
}

/** The key that signed, 33 bytes in hex. */
const recover = (hash, bytes) =>
  secp256k1.Signature.fromCompact(bytes.subarray(0, 64)).addRecoveryBit(bytes[64]).recoverPublicKey(hash).toHex(true);
