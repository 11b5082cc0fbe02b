// The RSA key of a secret, computed apart from the project's own code: HKDF, ChaCha20 and OpenSSL's numbers.

import crypto from 'node:crypto';

const EXPONENT = 65_537n;

/** Where the search for a prime (0 or 1) begins: 2048 bits of ChaCha20, the two highest and the lowest set. */
export function startOf(seed, prime) {
  // Block counter and stream number, of 64 bits each, the lowest byte first.
  const cipher = crypto.createCipheriv('chacha20', seed, Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, prime, 0, 0, 0, 0, 0, 0, 0]));
  const bytes = cipher.update(Buffer.alloc(256));
  return BigInt(`0x${bytes.toString('hex')}`) | 3n << 2046n | 1n;
}

/** The order of a secret whose primes stand at these counters -> {id, fragment, ed25519, at(counters) -> fragment, publicKey: its SSH key} */
export function goldenOrder(secret, counters) {
  const derive = (purpose, length) => Buffer.from(crypto.hkdfSync('sha256', secret, '', `kindling/v1/${purpose}`, length));
  const [p, q] = [0, 1].map((prime) => startOf(derive('ssh', 32), prime) + 2n * BigInt(counters[prime]));
  const text = `1.${secret.toString('base64url')}`;
  const at = (some) => `${text}.rsa4096.${some.join('.')}`;
  const blob = Buffer.concat(['ssh-rsa', EXPONENT, p * q].map(field));
  return { id: derive('id', 16).toString('hex'), fragment: at(counters), ed25519: `${text}.ed25519`, at, publicKey: `ssh-rsa ${blob.toString('base64')}` };
}

/** RFC 4251: a length, then text or a positive number. */
function field(value) {
  const hex = typeof value === 'bigint' ? value.toString(16) : '';
  const bytes = hex ? Buffer.from(hex.padStart(hex.length + hex.length % 2, '0'), 'hex') : Buffer.from(value);
  const whole = hex && bytes[0] >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(whole.length);
  return Buffer.concat([length, whole]);
}
