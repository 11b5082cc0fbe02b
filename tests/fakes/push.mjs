// A push service (RFC 8030) that knows its senders by VAPID (RFC 8292), as those of the browsers do: whoever did not make a subscription's key,
// or says wrongly to whom, until when and for whom it speaks, is refused.
// Invariant: a message counts as received only if everything about it was right; what was wrong with the others is in `problems`.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { Refusal, startFake } from './http.mjs';

const DAY = 24 * 3600;
const HEADER = /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=([\w-]+)$/;

/** subject: what the token's `sub` must be. now: the clock, in ms. Other answers than 201 are faults: see http.mjs. */
export async function createPush({ subject, now = Date.now }) {
  const subscriptions = new Map(); // last part of the endpoint -> {key, messages}
  const problems = [];

  function receive({ params, body, headers }) {
    const subscription = subscriptions.get(params.id);
    if (!subscription) throw new Refusal(410, 'push subscription has unsubscribed or expired');
    try {
      assert.equal(body, null, 'a message without a payload has none');
      assert.equal(headers['content-encoding'], undefined);
      assert.equal(headers.topic, undefined);
      assert.deepEqual([headers.ttl, headers.urgency], ['86400', 'high']);
      judge(headers.authorization ?? '', subscription.key);
    } catch (problem) {
      problems.push(problem.message);
      throw new Refusal(403, 'invalid VAPID');
    }
    subscription.messages.push(now());
    return { status: 201, headers: { location: `${fake.url}/message/${crypto.randomUUID()}` } };
  }

  function judge(authorization, expectedKey) {
    const found = HEADER.exec(authorization);
    assert.ok(found, `Authorization: ${authorization.slice(0, 20)}`);
    const [, head, claims, signature, key] = found;
    assert.equal(key, expectedKey, 'the key is not the one that was subscribed with');
    assert.deepEqual(parse(head), { typ: 'JWT', alg: 'ES256' });
    const { aud, exp, sub, ...rest } = parse(claims);
    assert.deepEqual(rest, {});
    assert.equal(aud, fake.url);
    assert.equal(sub, subject);
    const seconds = exp - now() / 1000;
    assert.ok(Number.isInteger(exp) && seconds > 0 && seconds <= DAY, `exp is ${seconds} s away`);
    const good = crypto.verify('sha256', Buffer.from(`${head}.${claims}`), { key: publicKey(key), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
    assert.ok(good, 'the signature does not fit');
  }

  const fake = await startFake({
    error: (status, message) => ({ code: status, errno: 100, error: message }),
    routes: [['POST', '/push/:id', receive]],
  });
  return Object.assign(fake, {
    problems,
    /** A browser subscribes with this key -> its endpoint */
    subscribe(key) {
      const id = crypto.randomBytes(24).toString('base64url');
      subscriptions.set(id, { key, messages: [] });
      return `${fake.url}/push/${id}`;
    },
    /** How many messages a subscription has received. */
    received: (endpoint) => subscriptions.get(idOf(endpoint)).messages.length,
    /** How often it was called, whatever was answered. */
    calls: (endpoint) => fake.requests.filter(({ path }) => path === `/push/${idOf(endpoint)}`).length,
    /** A fault of http.mjs's for this subscription. */
    failing: (endpoint, fields) => fake.fault({ method: 'POST', pathPattern: `/push/${idOf(endpoint)}`, ...fields }),
  });
}

/** A key pair as the Worker is set with it -> {privateKey, publicKey}, in base64url */
export function vapidKeys() {
  const pair = crypto.createECDH('prime256v1');
  const publicKey = pair.generateKeys('base64url');
  // Leading zeros are part of a key, and ECDH leaves them out.
  const scalar = pair.getPrivateKey('hex').padStart(64, '0');
  return { privateKey: Buffer.from(scalar, 'hex').toString('base64url'), publicKey };
}

const idOf = (endpoint) => new URL(endpoint).pathname.split('/').at(-1);
const parse = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());

function publicKey(text) {
  const point = Buffer.from(text, 'base64url');
  assert.deepEqual([point.length, point[0]], [65, 4], 'no uncompressed point');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  return crypto.createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
}
