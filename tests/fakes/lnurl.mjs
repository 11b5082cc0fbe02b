// A service that is paid to by LNURL (LUD-06, LUD-16, LUD-01, LUD-17): what stands behind a customer's Lightning Address.
// Invariant: each invoice it ever gave is in `issued`, with the name and the amount that were asked for.

import { bech32 } from '@scure/base';
import { makeInvoice } from '../support/bolt11.mjs';
import { Refusal, startFake } from './http.mjs';

/**
 * names: who can be paid; absent: anybody. minSats, maxSats: what is taken at once. invoice({amountMsat, ...}) -> {bolt11, paymentHash}, by
 * default makeInvoice's with these `network` and `expiry`. now: the clock, in ms.
 */
export async function createLnurl({ names, minSats = 1, maxSats = 1_000_000, network = 'bitcoin', expiry = 3600, invoice = makeInvoice, now = Date.now } = {}) {
  const issued = [];
  let tamper = (answer) => answer;

  const known = (name) => {
    if (names && !names.includes(name)) throw new Refusal(404, 'There is nobody of this name.');
    return name;
  };
  function first({ params }) {
    const name = known(params.name);
    const metadata = JSON.stringify([['text/plain', `Payment to ${name}`], ['text/identifier', `${name}@${new URL(fake.url).host}`]]);
    const body = {
      tag: 'payRequest', callback: `${fake.url}/callback/${name}`, minSendable: minSats * 1000, maxSendable: maxSats * 1000, metadata, commentAllowed: 140,
    };
    return { status: 200, body: tamper(body, 'first') };
  }
  function second({ params, query }) {
    const name = known(params.name);
    const amountMsat = Number(query.amount);
    const fits = Number.isInteger(amountMsat) && amountMsat >= minSats * 1000 && amountMsat <= maxSats * 1000;
    // Most services say this with the status of success, as LUD-06 has it.
    if (!fits) return { status: 200, body: { status: 'ERROR', reason: `Amount must be between ${minSats} and ${maxSats} sats.` } };
    const made = invoice({ network, amountMsat, expiry, timestamp: Math.floor(now() / 1000), description: `Payment to ${name}` });
    issued.push({ name, amountMsat, ...made });
    return { status: 200, body: tamper({ pr: made.bolt11, routes: [] }, 'second') };
  }

  const fake = await startFake({
    error: (_status, reason) => ({ status: 'ERROR', reason }),
    routes: [
      ['GET', '/.well-known/lnurlp/:name', first],
      ['GET', '/callback/:name', second],
    ],
  });

  return Object.assign(fake, {
    issued,
    /** The address as LUD-01 writes it: the only spelling that reaches http on the loopback. */
    lnurl: (name) => encodeLnurl(`${fake.url}/.well-known/lnurlp/${name}`),
    /** change(answer, call) -> answer; call: 'first' | 'second'. */
    tamper: (changeAnswer) => { tamper = changeAnswer ?? ((answer) => answer); },
  });
}

/** Any URL as LUD-01 writes it. */
export const encodeLnurl = (url) => bech32.encode('lnurl', bech32.toWords(Buffer.from(url)), false).toUpperCase();
