// The sealing identity of an order link, derived a second time and by other means than the app's: Node's HKDF and a bech32 writer
// of a few lines (BIP-173). What `age -d` opens with it was sealed to the link and to nothing else.

import { hkdfSync } from 'node:crypto';

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** `AGE-SECRET-KEY-1…` of the order link with this fragment (the part behind `#`). */
export function ageIdentity(fragment) {
  const secret = Buffer.from(fragment.split('.')[1], 'base64url');
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'kindling/v1/seal', 32));
  return bech32('age-secret-key-', key).toUpperCase();
}

function bech32(prefix, bytes) {
  const words = [];
  let bits = 0;
  let count = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    for (count += 8; count >= 5; count -= 5) words.push((bits >> (count - 5)) & 31);
    bits &= (1 << count) - 1;
  }
  if (count > 0) words.push((bits << (5 - count)) & 31);
  const letters = [...prefix].map((letter) => letter.charCodeAt(0));
  const expanded = [...letters.map((code) => code >> 5), 0, ...letters.map((code) => code & 31)];
  const sum = checksum([...expanded, ...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  const tail = [0, 1, 2, 3, 4, 5].map((i) => (sum >>> (5 * (5 - i))) & 31);
  return `${prefix}1${[...words, ...tail].map((word) => ALPHABET[word]).join('')}`;
}

function checksum(words) {
  let sum = 1;
  for (const word of words) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ word;
    GENERATOR.forEach((factor, i) => {
      if ((top >>> i) & 1) sum ^= factor;
    });
  }
  return sum;
}
