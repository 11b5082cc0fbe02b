// A stateful stand-in for Tailscale's API v2, as far as Kindling uses it: auth keys, OAuth tokens, devices.
// Invariant: a key's text is shown once, at its creation, and a one-use key lets one device in.

import { Refusal, bearer, startFake, timestamp } from './http.mjs';

const PREFIX = '/api/v2';
const NINETY_DAYS = 90 * 24 * 3600;
const TOKEN_SECONDS = 3600;

/** oauth: {clientId, clientSecret, tags}. With an OAuth token, a key must carry tags that the client owns. now: the clock, in ms, which a test may move. */
export async function createTailscale({ apiKey = 'tskey-api-test', oauth, tailnet = 'example.com', domain = 'tail1234.ts.net', now = Date.now } = {}) {
  const keys = [];
  const devices = [];
  const accessTokens = new Map(); // token text -> expiry in ms
  let serial = 0;

  const next = (letter) => `${letter}${String((serial += 1)).padStart(4, '0')}CNTRL`;
  const need = (found) => {
    if (!found) throw new Refusal(404, 'not found');
    return found;
  };
  const inTailnet = ({ params }) => need(params.tailnet === '-' || params.tailnet === tailnet);
  const keyView = ({ id, description, createdAt, expiresAt, expirySeconds, capabilities, tags, revoked }) => ({
    id, keyType: 'auth', description, created: timestamp(createdAt), expires: timestamp(expiresAt), expirySeconds, capabilities, tags,
    ...(revoked && { revoked: timestamp(revoked), invalid: true }),
  });
  const deviceView = ({ addresses, id, nodeId, hostname, tags, ephemeral, createdAt }) => ({
    addresses, id, nodeId, user: 'operator@example.com', name: `${hostname}.${domain}`, hostname, clientVersion: '1.102.3', updateAvailable: false,
    os: 'linux', created: timestamp(createdAt), connectedToControl: true, lastSeen: timestamp(now()), keyExpiryDisabled: tags.length > 0,
    expires: timestamp(createdAt + NINETY_DAYS * 1000), authorized: true, isExternal: false, machineKey: 'mkey:test', nodeKey: 'nodekey:test',
    blocksIncomingConnections: false, tags, isEphemeral: ephemeral,
  });

  function createKey(request) {
    inTailnet(request);
    const { body, headers } = request;
    const create = body?.capabilities?.devices?.create;
    if (!create) throw new Refusal(400, 'capabilities.devices.create is required');
    if (!/^[A-Za-z0-9 -]{0,50}$/.test(body.description ?? '')) throw new Refusal(400, 'invalid description');
    const tags = create.tags ?? [];
    if (accessTokens.has(bearer(headers))) {
      if (tags.length === 0 || tags.some((tag) => !oauth.tags.includes(tag))) throw new Refusal(400, 'requested tags are invalid or not permitted');
    }
    const id = next('k');
    const expirySeconds = body.expirySeconds ?? NINETY_DAYS;
    const key = {
      id, secret: `tskey-auth-${id}-${'s'.repeat(24)}`, description: body.description ?? '', capabilities: body.capabilities, tags, expirySeconds,
      createdAt: now(), expiresAt: now() + expirySeconds * 1000, revoked: null, uses: 0,
    };
    keys.push(key);
    return { status: 200, body: { ...keyView(key), key: key.secret } };
  }

  function grantToken({ body }) {
    if (!oauth || body?.client_id !== oauth.clientId || body?.client_secret !== oauth.clientSecret) throw new Refusal(401, 'API token invalid');
    const token = `tskey-access-${next('a')}`;
    accessTokens.set(token, now() + TOKEN_SECONDS * 1000);
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: TOKEN_SECONDS, scope: 'auth_keys devices:core' } };
  }

  function addDevice({ hostname, tags, ephemeral }) {
    const number = (serial += 1);
    const device = {
      id: String(8_000_000 + number), nodeId: `n${String(number).padStart(4, '0')}CNTRL`, hostname, tags, ephemeral, createdAt: now(),
      addresses: [`100.64.${number >> 8}.${number & 255}`],
    };
    devices.push(device);
    return { ...device, name: `${hostname}.${domain}` };
  }

  const findDevice = ({ params }) => need(devices.find((device) => device.nodeId === params.id || device.id === params.id));
  const findKey = (request) => need(inTailnet(request) && keys.find((key) => key.id === request.params.id));

  const fake = await startFake({
    error: (_status, message) => ({ message }),
    authorize: ({ path, headers }) => {
      if (path === `${PREFIX}/oauth/token`) return;
      const token = bearer(headers);
      if (token !== apiKey && !(accessTokens.get(token) > now())) throw new Refusal(401, 'API token invalid');
    },
    routes: [
      ['POST', `${PREFIX}/oauth/token`, grantToken],
      ['POST', `${PREFIX}/tailnet/:tailnet/keys`, createKey],
      ['GET', `${PREFIX}/tailnet/:tailnet/keys`, (request) => ({
        status: 200,
        body: { keys: inTailnet(request) && keys.filter((key) => !key.revoked).map(keyView) },
      })],
      ['GET', `${PREFIX}/tailnet/:tailnet/keys/:id`, (request) => ({ status: 200, body: keyView(findKey(request)) })],
      ['DELETE', `${PREFIX}/tailnet/:tailnet/keys/:id`, (request) => {
        findKey(request).revoked ??= now();
        return { status: 200 };
      }],
      ['GET', `${PREFIX}/tailnet/:tailnet/devices`, (request) => ({ status: 200, body: { devices: inTailnet(request) && devices.map(deviceView) } })],
      ['GET', `${PREFIX}/device/:id`, (request) => ({ status: 200, body: deviceView(findDevice(request)) })],
      ['DELETE', `${PREFIX}/device/:id`, (request) => {
        devices.splice(devices.indexOf(findDevice(request)), 1);
        return { status: 200 };
      }],
    ],
  });

  return Object.assign(fake, {
    contract: 'tailscale.yaml',
    basePath: PREFIX,
    keys,
    devices,
    /** What `tailscale up --auth-key` does: the device that joined, or an error where the key is no good. */
    join(secret, hostname) {
      const key = keys.find((entry) => entry.secret === secret);
      const { reusable = false, ephemeral = false } = key?.capabilities.devices.create ?? {};
      if (!key || key.revoked || key.expiresAt <= now() || (key.uses > 0 && !reusable)) throw new Error('invalid key: unable to validate API key');
      key.uses += 1;
      return addDevice({ hostname, tags: key.tags, ephemeral });
    },
    /** A device that an order forgot, or that belongs to somebody else. */
    plantDevice: (device) => addDevice({ hostname: 'orphan', tags: [], ephemeral: false, ...device }),
  });
}
