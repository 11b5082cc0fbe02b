// The skeleton of every scripted upstream: a loopback HTTP server that routes, records each exchange and injects
// faults on demand. Invariant: what a caller was answered and what was applied are both known to the test.

import http from 'node:http';
import { EventEmitter } from 'node:events';
import { PATIENCE } from '../support/process.mjs';

/** Set by tests/support/contract.mjs, so that an answer can be found again behind the validator. */
export const EXCHANGE_HEADER = 'x-kindling-exchange';

const GARBAGE = '<html><body><h1>502 Bad Gateway</h1></body></html>';

/** What a handler throws to answer an error in the upstream's own words. */
export class Refusal extends Error {
  constructor(status, message, headers = {}) {
    super(message);
    Object.assign(this, { status, headers });
  }
}

/**
 * routes: [[method, '/path/:param', handler]]; a handler takes {params, query, body, headers}, answers {status, body?} or throws a Refusal.
 * error(status, message) -> the upstream's error body; authorize(request) throws a Refusal; headers() are sent with each answer.
 */
export async function startFake({ routes, error, authorize = () => {}, headers = () => ({}) }) {
  const requests = [];
  const faults = [];
  const exchanges = new Map();
  const outcomes = new WeakMap(); // record -> what came of it: {status, body}
  const events = new EventEmitter().setMaxListeners(0);
  const table = routes.map(([method, pattern, handler]) => ({ method, pattern, handler, match: matcher(pattern) }));

  const server = http.createServer((req, res) => {
    res.shouldKeepAlive = false; // a reused connection would let a client repeat a dropped request by itself
    exchange(req, res).catch((mistake) => {
      res.destroy();
      throw mistake; // a fault of the fake itself ends the test run
    });
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));

  async function exchange(req, res) {
    const url = new URL(req.url, 'http://fake');
    const raw = await readAll(req).catch(() => null);
    if (raw === null) return; // its caller died before the call was whole
    const route = table.find((entry) => entry.method === req.method && entry.match(url.pathname));
    const record = {
      method: req.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: parseBody(req.headers['content-type'], raw),
      status: null,
    };
    const fault = takeFault(record, route);
    if (fault) record.fault = fault.kind;
    requests.push(record);
    events.emit('progress');
    if (fault?.kind === 'late' || fault?.kind === 'stalled') {
      res.once('close', () => {
        if (res.writableEnded) return;
        record.abandoned = true; // its caller has given up or died while it was held
        events.emit('progress');
      });
    }

    const apply = () => {
      const answer = answerOf(route, record, req.headers);
      record.status = answer.status;
      outcomes.set(record, answer);
      events.emit('progress');
      return answer;
    };
    const drop = () => {
      finish(req, record, { dropped: true, injected: true });
      res.destroy();
    };
    const send = (answer) => {
      const body = answer.body === undefined ? '' : typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
      const type = body === '' ? {} : { 'content-type': answer.type ?? 'application/json' };
      const sent = { status: answer.status, headers: { ...type, ...headers(), ...answer.headers }, body };
      record.status = sent.status;
      finish(req, record, { ...sent, injected: fault?.replaces ?? false });
      res.writeHead(sent.status, sent.headers).end(body);
    };

    switch (fault?.kind) {
      case undefined:
        return send(apply());
      case 'before':
        return drop();
      case 'after':
        apply();
        return drop();
      case 'late': {
        const answer = apply();
        await fault.hold();
        return send(answer);
      }
      case 'stalled':
        await fault.hold();
        return send(apply());
      case 'garbage':
        if (fault.applied) apply();
        return send({ status: 200, type: 'text/html', body: fault.body ?? GARBAGE });
      case 'status':
        if (fault.applied) apply();
        return send({ status: fault.status, headers: fault.headers, body: fault.body ?? error(fault.status, 'injected by the test') });
    }
  }

  function answerOf(route, record, requestHeaders) {
    try {
      authorize({ ...record, headers: requestHeaders });
      if (!route) throw new Refusal(404, 'The resource you were accessing could not be found.');
      if (record.body === UNREADABLE) throw new Refusal(400, 'The request body is not readable.');
      return route.handler({ params: route.match(record.path), query: record.query, body: record.body, headers: requestHeaders });
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      return { status: refusal.status, headers: refusal.headers, body: error(refusal.status, refusal.message) };
    }
  }

  function finish(req, record, answer) {
    const id = req.headers[EXCHANGE_HEADER];
    if (id) exchanges.set(id, { record, ...answer });
    events.emit('progress');
  }

  function takeFault(record, route) {
    const fault = faults.find((entry) => entry.left > 0 && entry.matches(record, route) && entry.skip-- <= 0);
    if (fault) fault.left -= 1;
    return fault;
  }

  const fake = {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,

    /**
     * kind: 'before' (connection dropped, nothing applied) | 'after' (applied, connection dropped) | 'late' (applied, answered after
     * ms or until) | 'stalled' (applied and answered only after ms or until, even if the caller has gone) | 'garbage' (200 and HTML;
     * applied unless applied: false) | 'status' (an error answer; not applied unless applied: true).
     * pathPattern: RegExp on the path, or the exact path, or a route's own pattern; absent: every call. where(record) narrows it further.
     * skip lets that many calls pass.
     */
    fault({
      method, pathPattern, where = () => true, kind, times = 1, skip = 0, ms = 0, until, status = 503, body, headers: extra, applied = kind === 'garbage',
    }) {
      if (!['before', 'after', 'late', 'stalled', 'garbage', 'status'].includes(kind)) throw new Error(`no such fault: ${kind}`);
      const entry = {
        kind, skip, status, body, headers: extra, applied, left: times,
        replaces: kind === 'garbage' || kind === 'status',
        hold: () => until ?? new Promise((resolve) => setTimeout(resolve, ms).unref()),
        matches: (record, route) => (!method || method === record.method) && pathMatches(pathPattern, record.path, route) && where(record),
      };
      faults.push(entry);
      return { get left() { return entry.left; }, clear: () => { entry.left = 0; } };
    },
    clearFaults: () => { faults.length = 0; },
    /** Faults that no call has met: a test of failures asserts that this is 0. */
    get unusedFaults() { return faults.reduce((sum, entry) => sum + (Number.isFinite(entry.left) ? entry.left : 0), 0); },

    /** Resolves with the matching records as soon as there are `times` of them; `where` is by default: applied, or dropped. */
    seen(method, pathPattern, { times = 1, timeoutMs = PATIENCE, where = (record) => record.status !== null || record.fault === 'before' } = {}) {
      const route = (record) => table.find((entry) => entry.method === record.method && entry.match(record.path));
      const matching = () => requests.filter((record) =>
        record.method === method && pathMatches(pathPattern, record.path, route(record)) && where(record));
      return new Promise((resolve, reject) => {
        const look = () => {
          if (matching().length < times) return;
          clearTimeout(timer);
          events.off('progress', look);
          resolve(matching());
        };
        const timer = setTimeout(() => {
          events.off('progress', look);
          reject(new Error(`${method} ${pathPattern} seen ${matching().length} of ${times} times in ${timeoutMs} ms`));
        }, timeoutMs);
        events.on('progress', look);
        look();
      });
    },

    /** Calls `look` at each call that comes in, and again when it is applied and when it is answered. */
    onProgress: (look) => { events.on('progress', look); },
    /** What came of a call, {status, body}, whatever its caller was answered; undefined where it was not applied. */
    outcomeOf: (record) => outcomes.get(record),

    /** The conversation, one line a call, for comparison as a whole; a dropped call that was not applied shows "-". */
    transcript: () => requests.map(({ method, path, query, status, fault }) =>
      `${method} ${path}${Object.keys(query).length ? `?${new URLSearchParams(query)}` : ''} ${status ?? '-'}${fault ? ` (${fault})` : ''}`),

    takeExchange(id) {
      const found = exchanges.get(id);
      exchanges.delete(id);
      return found;
    },

    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
  return fake;
}

/** Bearer token of a request, or null. */
export const bearer = (headers) => /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? null;

/** Whole seconds in UTC, as the upstreams write times. */
export const timestamp = (ms = Date.now()) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

const UNREADABLE = Symbol('unreadable body');

function parseBody(type = '', raw) {
  if (raw === '') return null;
  if (type.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(raw));
  try {
    return JSON.parse(raw);
  } catch {
    return UNREADABLE;
  }
}

function matcher(pattern) {
  const names = [];
  const source = pattern.replace(/:(\w+)/g, (_, name) => (names.push(name), '([^/]+)'));
  const expression = new RegExp(`^${source}$`);
  return (path) => {
    const found = expression.exec(path);
    return found && Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1])]));
  };
}

function pathMatches(pattern, path, route) {
  if (pattern === undefined) return true;
  return pattern instanceof RegExp ? pattern.test(path) : pattern === path || pattern === route?.pattern;
}

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
