// Runes as Core Lightning makes and checks them: SHA-256 over the secret and each restriction, every part but the last padded as SHA-256
// pads a whole message; then base64url, padding kept. Only what the machine's runes use of conditions.
import crypto from "node:crypto";

const pad = (length) => {
  const tail = Buffer.alloc((((64 - ((length + 9) % 64)) % 64) + 9));
  tail[0] = 0x80;
  tail.writeBigUInt64BE(BigInt(length * 8), tail.length - 8);
  return tail;
};
const CONDITIONS = "=/^$~<>{}#!";

function authcode(secret, restrictions) {
  let stream = secret;
  for (const restriction of restrictions) stream = Buffer.concat([stream, pad(stream.length), Buffer.from(restriction)]);
  return crypto.createHash("sha256").update(stream).digest();
}

/** restrictions: lists of alternatives, such as [["method=pay", "method^list"], ["rate=60"]]. */
export function make(secret, id, restrictions) {
  const parts = [`=${id}`, ...restrictions.map((alternatives) => alternatives.map(encode).join("|"))];
  return base64url(Buffer.concat([authcode(secret, parts), Buffer.from(parts.join("&"))]));
}

export function parse(alternative) {
  const at = [...alternative].findIndex((letter) => CONDITIONS.includes(letter));
  if (at < 1 || !/^[\w]+$/.test(alternative.slice(0, at))) throw new Error(`not a restriction: ${alternative}`);
  return { fieldname: alternative.slice(0, at), condition: alternative[at], value: alternative.slice(at + 1) };
}

/** Null, or why the rune does not allow this. */
export function refusal(secret, rune, { method, now, sinceLast }) {
  const bytes = Buffer.from(rune, "base64url");
  const parts = bytes.subarray(32).toString().split("&");
  if (!authcode(secret, parts).equals(bytes.subarray(0, 32))) return [1501, "Not authorized: Not derived from master"];
  for (const part of parts.slice(1)) {
    const reasons = part.split("|").map((text) => {
      const { fieldname, condition, value } = parse(text);
      if (fieldname === "rate") return sinceLast < 60 / Number(value) ? "too soon" : null; // as lightningd/runes.c: the time since the last use
      const actual = { method, time: now }[fieldname];
      if (condition === "=") return actual === value ? null : `${fieldname} is not equal to ${value}`;
      if (condition === "/") return actual !== value ? null : `${fieldname} is equal to ${value}`;
      if (condition === "^") return actual.startsWith(value) ? null : `${fieldname} does not start with ${value}`;
      if (condition === "<") return actual < Number(value) ? null : `${fieldname} is greater or equal to ${value}`;
      return `the stand-in does not know the condition ${condition}`;
    });
    if (!reasons.includes(null)) return [1502, `Not permitted: ${reasons.join(" AND ")}`];
  }
  return null;
}

export const idOf = (rune) => /^=(\d+)/.exec(Buffer.from(rune, "base64url").subarray(32).toString())?.[1];

function encode(alternative) {
  const { fieldname, condition, value } = parse(alternative);
  return fieldname + condition + value.replace(/[\\|&]/g, "\\$&");
}

function base64url(bytes) {
  return bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}
