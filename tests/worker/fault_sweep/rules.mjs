// What no conversation of an order may contain, whatever went wrong in it.
// A call is {kind, record, outcome, arrived, thing?}, as calls.mjs has it.

import { RETRY_AFTER } from './cases.mjs';

const CREATES = { create_key: 'find_key', create_volume: 'find_volume', create_droplet: 'find_droplet' };
const MONEY = ['pay', 'look_up_payout', 'lnurl', 'lnurl_callback'];
const DELETES = ['delete_droplet', 'delete_volume', 'delete_key', 'delete_device'];

/** What its caller was told: 'answered', 'refused' (4xx: surely not applied), or 'lost', after which nothing is known. */
export function heard({ record: { fault, status } }) {
  if (fault === undefined) return 'answered';
  return fault === 'status' && status < 500 ? 'refused' : 'lost';
}

/** What an answer says, in a word. */
export function said(call) {
  if (heard(call) !== 'answered' || !call.outcome) return '';
  const { status, body } = call.outcome;
  switch (call.kind) {
    case 'find_key': return status === 404 ? 'none' : 'one';
    case 'find_volume': return body.volumes.length ? 'one' : 'none';
    case 'find_droplet': return body.droplets.length ? 'one' : 'none';
    case 'get_droplet': return status === 404 ? 'gone' : body.droplet.status;
    case 'look_up': return body.paid ? 'paid' : 'unpaid';
    case 'look_up_payout': return status === 404 ? 'missing' : body.details.status;
    case 'pay': return /retrying is not possible/.test(body.detail) ? 'dead' : body.status;
    default: return '';
  }
}

const isApplied = ({ outcome }) => outcome !== undefined && outcome.status < 300;
/** Of a call about a refund's BOLT11: which one. */
export const bolt11 = (call, hashes) => (call.kind === 'pay' ? call.record.body.bolt11 : hashes.get(call.thing));

/** Each takes {calls, delivered, hashes: payment hash -> BOLT11} and says what is wrong. */
export const RULES = {
  'a create of unknown outcome is looked for before it is made again': ({ calls }) => Object.entries(CREATES).flatMap(([create, find]) => {
    const both = calls.filter(({ kind }) => kind === create || kind === find);
    return both.filter((call, i) => call.kind === create && i > 0 && both[i - 1].kind === create && both[i - 1].record.status !== 429)
      .map(() => `${create} twice without ${find}`);
  }),
  'one droplet at most is ordered; again only after a refusal': ({ calls }) => {
    const creates = calls.filter(({ kind }) => kind === 'create_droplet');
    const unsure = creates.filter((call) => heard(call) !== 'refused');
    return unsure.length > 1 || creates.filter(isApplied).length > 1 ? [`ordered ${creates.length} times`] : [];
  },
  'a payment is looked up before anything else is done with money, unless its answer is final': ({ calls, hashes }) => {
    const money = calls.filter(({ kind }) => MONEY.includes(kind));
    return money.slice(1).flatMap((call, i) => {
      const before = money[i];
      if (before.kind !== 'pay' || ['success', 'dead'].includes(said(before))) return [];
      return call.kind === 'look_up_payout' && bolt11(call, hashes) === bolt11(before, hashes) ? [] : [`${call.kind} right after a payment`];
    });
  },
  'a BOLT11 is paid only if LNbits, asked right before, does not know it or has it as failed': ({ calls, hashes }) => {
    const money = calls.filter(({ kind }) => MONEY.includes(kind));
    return money.flatMap((call, i) => {
      if (call.kind !== 'pay') return [];
      const before = money[i - 1];
      const sure = before?.kind === 'look_up_payout' && bolt11(before, hashes) === bolt11(call, hashes) && ['missing', 'failed'].includes(said(before));
      return sure ? [] : ['paid blindly'];
    });
  },
  'another BOLT11 is asked for only if the one before it can never be paid': ({ calls }) => {
    const money = calls.filter(({ kind }) => MONEY.includes(kind));
    return money.flatMap((call, i) => {
      const paid = money.slice(0, i).findLast(({ kind }) => kind === 'pay');
      return ['lnurl', 'lnurl_callback'].includes(call.kind) && paid && said(paid) !== 'dead' ? ['another one while the first is open'] : [];
    });
  },
  'nothing is given back for what was delivered, and nothing of it removed': ({ calls, delivered }) =>
    calls.filter(({ kind }) => delivered && [...MONEY, ...DELETES].includes(kind)).map(({ kind }) => kind),
  'an upstream that asks for time gets it': ({ calls }) => calls.flatMap((call, i) => {
    const next = calls.slice(i + 1).find(({ kind }) => kind === call.kind || DELETES.includes(kind));
    // An invoice is asked for again by the customer; an order that gave up has other things to do.
    if (call.record.status !== 429 || call.kind === 'invoice' || next?.kind !== call.kind) return [];
    const waited = next.arrived.clock - call.arrived.atLeast;
    return waited >= RETRY_AFTER * 1000 ? [] : [`${call.kind} again after ${waited} ms`];
  }),
  'no order talks without end': ({ calls }) => (calls.length > 40 ? [`${calls.length} calls`] : []),
};

/** Everything that is wrong with a conversation. */
export const complaints = (conversation) => Object.entries(RULES).flatMap(([rule, judge]) => judge(conversation).map((what) => `${rule}: ${what}`));
