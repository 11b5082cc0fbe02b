// Conversations as text, for the golden file: every call that an order made, in order, with ids replaced.
// Invariant: nothing is left out. What is written shorter can be written out again.

import { bolt11, said } from './rules.mjs';

/** How it goes when nothing goes wrong. Three calls or more that follow each other here are written "first … last". */
export const USUAL = {
  provisioning: [
    'GET account/keys/FINGERPRINT 404 none', 'POST account/keys 201', 'GET volumes?name&region 200 none', 'POST volumes 201', 'POST tailnet/-/keys 200',
    'GET droplets?tag_name 200 none', 'POST droplets 202', 'GET droplets/ID 200 active', 'POST droplets/ID/actions 201',
  ],
  teardown: ['DELETE droplets/ID 204', 'GET droplets/ID 404 gone', 'DELETE volumes/ID 204', 'DELETE account/keys/ID 204', 'DELETE device/ID 200'],
  refund: ['GET lnurlp/NAME 200', 'GET callback/NAME 200', 'GET payments/A 404 missing', 'POST payments, pay A 201 success'],
};

const isMoney = ({ upstream }) => upstream === 'lnbits' || upstream === 'lnurl';

/**
 * One call. Of the one that is struck (!) the fault says how it was answered. Those that were to go wrong on the way stand in round
 * brackets, those of the sweep that came by at the end in square ones.
 */
function line(call, { struck, hashes, letters }) {
  const { record: { method, path, query, status }, kind, thing } = call;
  const letter = () => {
    const which = bolt11(call, hashes);
    if (!letters.has(which)) letters.set(which, 'ABCDEF'[letters.size]);
    return letters.get(which);
  };
  // The second address of a customer whose first one was refused.
  const payee = `NAME${path.endsWith('x') ? '2' : ''}`;
  const places = {
    invoice: () => 'payments, invoice', look_up: () => 'payments/HASH', pay: () => `payments, pay ${letter()}`, look_up_payout: () => `payments/${letter()}`,
    lnurl: () => `lnurlp/${payee}`, lnurl_callback: () => `callback/${payee}`, find_key: () => 'account/keys/FINGERPRINT',
  };
  const asked = !kind.startsWith('lnurl') && Object.keys(query).length ? `?${Object.keys(query).join('&')}` : '';
  const place = (places[kind]?.() ?? path.replace(/^\/(api\/)?v2\//, '').replace(thing, 'ID')) + asked;
  if (call === struck) return `! ${method} ${place}`;
  const text = `${method} ${place} ${status ?? '-'}${said(call) && ` ${said(call)}`}`;
  if (call.swept) return `[${text}]`;
  return call.setUp ? `(${text})` : text;
}

/** Writes stretches of the usual shorter, and polls that are many of a kind, whose number is a matter of time. */
function shorten(lines) {
  const runFrom = (at) => {
    const lengths = Object.values(USUAL).map((usual) => {
      const from = usual.indexOf(lines[at]);
      let length = 0;
      while (from >= 0 && from + length < usual.length && usual[from + length] === lines[at + length]) length += 1;
      return length;
    });
    return Math.max(...lengths);
  };
  const parts = [];
  for (let at = 0; at < lines.length;) {
    const run = runFrom(at);
    let same = 1;
    while (lines[at + same] === lines[at]) same += 1;
    if (run > 2) parts.push(`${lines[at]} … ${lines[at + run - 1]}`);
    else if (same > 2) parts.push(`${lines[at]}, again and again`);
    else parts.push(...lines.slice(at, at + 1));
    at += run > 2 ? run : same > 2 ? same : 1;
  }
  return parts.join(', ');
}

/** What an order said with the cloud and the tailnet, and about money: the two go on side by side once it has failed. */
export function transcript({ calls, ...rest }) {
  const letters = new Map();
  const part = (which) => shorten(calls.filter(which).map((call) => line(call, { ...rest, letters })));
  return `    cloud: ${part((call) => !isMoney(call))}\n    money: ${part(isMoney)}\n`;
}

/** The golden text of one effect. conversations: [[fault's name, 'delivered' | 'refunded', conversation]]; faults that end alike stand together. */
export function section(effect, conversations) {
  const groups = new Map();
  for (const [fault, end, conversation] of conversations) {
    const text = `${end}\n${transcript(conversation)}`;
    groups.set(text, [...(groups.get(text) ?? []), fault]);
  }
  return `${effect}\n${[...groups].map(([text, faults]) => `  ${faults.join(' | ')} → ${text}`).join('')}`;
}
