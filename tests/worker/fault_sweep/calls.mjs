// Whose call is it, and what kind? Every request of the fakes is read here, once, as a call of one order.
// Invariant: nothing is guessed by time. An order is known by its id in a name, tag or body, by its key, or by an id that the upstream
// gave to something of the order's.

const NAME = /kindling[ -]([0-9a-f]{32})/;

/** [upstream, method, path, kind, who: the text that tells the order]; `known` is what an upstream gave an id to. */
const KINDS = [
  ['lnbits', 'POST', /^\/api\/v1\/payments$/, ({ body }) => (body.out ? 'pay' : 'invoice'), ({ body }) => body.external_id ?? body.extra?.kindling_order],
  ['lnbits', 'GET', /^\/api\/v1\/payments\/(\w+)$/, (_, known) => known?.lookUp, (_, known) => known?.order],
  ['lnurl', 'GET', /^\/\.well-known\/lnurlp\/(\w+)$/, () => 'lnurl', ({ path }) => path.split('/').at(-1)],
  ['lnurl', 'GET', /^\/callback\/(\w+)$/, () => 'lnurl_callback', ({ path }) => path.split('/').at(-1)],
  ['cloud', 'GET', /^\/v2\/account\/keys\/([0-9a-f:]{47})$/, () => 'find_key'],
  ['cloud', 'GET', /^\/v2\/account\/keys\/(\d+)$/, () => 'sweep'],
  ['cloud', 'POST', /^\/v2\/account\/keys$/, () => 'create_key', ({ body }) => body.name],
  ['cloud', 'DELETE', /^\/v2\/account\/keys\/(\d+)$/, () => 'delete_key'],
  ['cloud', 'GET', /^\/v2\/volumes$/, ({ query }) => (query.name ? 'find_volume' : 'sweep'), ({ query }) => query.name],
  ['cloud', 'GET', /^\/v2\/volumes\/([\w-]+)$/, () => 'sweep'],
  ['cloud', 'POST', /^\/v2\/volumes$/, () => 'create_volume', ({ body }) => body.name],
  ['cloud', 'DELETE', /^\/v2\/volumes\/([\w-]+)$/, () => 'delete_volume'],
  // The sweep looks for the deployment's tag, which names no order.
  ['cloud', 'GET', /^\/v2\/droplets$/, ({ query }) => (query.per_page ? 'sweep' : 'find_droplet'), ({ query }) => query.tag_name],
  ['cloud', 'POST', /^\/v2\/droplets$/, () => 'create_droplet', ({ body }) => body.name],
  ['cloud', 'GET', /^\/v2\/droplets\/(\d+)$/, () => 'get_droplet'],
  ['cloud', 'DELETE', /^\/v2\/droplets\/(\d+)$/, () => 'delete_droplet'],
  ['cloud', 'POST', /^\/v2\/droplets\/(\d+)\/actions$/, () => 'rename'],
  ['cloud', 'GET', /^\/v2\/account\/keys$/, () => 'sweep'],
  ['tailscale', 'POST', /^\/api\/v2\/tailnet\/-\/keys$/, () => 'create_auth_key', ({ body }) => body.description],
  ['tailscale', 'GET', /^\/api\/v2\/tailnet\/-\/devices$/, () => 'sweep'],
  ['tailscale', 'DELETE', /^\/api\/v2\/device\/(\w+)$/, () => 'delete_device'],
];

/** upstreams: {name: fake}; cases: those of cases.mjs; now(): {real, clock, atLeast: what the Worker's clock shows at least}, in ms. */
export function createLedger({ upstreams, cases, now }) {
  const byId = new Map(cases.map((one) => [one.id, one]));
  const things = new Map(cases.map((one) => [one.fingerprint, { order: one.id }])); // what has an id of its upstream's -> {order, lookUp?}
  const read = new WeakMap(); // record -> call
  /** strangers: calls that are nobody's; sweeping: whether the sweep of the cloud, not an order, makes calls from now on. */
  const ledger = { strangers: [], lastActivity: performance.now(), sweeping: false };

  function callOf(upstream, record) {
    if (read.has(record)) return read.get(record);
    const row = KINDS.find(([of, method, path]) => of === upstream && method === record.method && path.test(record.path));
    if (!row) throw new Error(`a call that no order makes: ${record.method} ${record.path}`);
    const [, , path, kind, who] = row;
    const thing = path.exec(record.path)[1];
    const known = things.get(thing);
    const text = who ? who(record, known) : known?.order;
    const id = NAME.exec(text ?? '')?.[1] ?? /^[0-9a-f]{32}/.exec(text ?? '')?.[0];
    const call = { upstream, kind: kind(record, known), order: byId.get(id) ?? null, record, thing, arrived: now(), applied: null };
    read.set(record, call);
    return call;
  }

  /** What an upstream made has an id from now on. */
  function learn({ kind, order, record }, { status, body }) {
    if (status >= 300) return;
    if (kind === 'invoice') things.set(body.payment_hash, { order: order.id, lookUp: 'look_up' });
    if (kind === 'lnurl_callback') {
      const issued = upstreams.lnurl.issued.find(({ bolt11 }) => bolt11 === body.pr);
      things.set(issued.paymentHash, { order: order.id, lookUp: 'look_up_payout' });
    }
    if (kind === 'create_key') things.set(String(body.ssh_key.id), { order: order.id });
    if (kind === 'create_volume') things.set(body.volume.id, { order: order.id });
    if (kind === 'create_droplet') things.set(String(body.droplet.id), { order: order.id });
    if (kind === 'get_droplet' && !record.fault && body.droplet.status === 'active') order.active.resolve();
  }

  for (const [upstream, fake] of Object.entries(upstreams)) {
    let seen = 0;
    let open = [];
    fake.onProgress(() => {
      ledger.lastActivity = performance.now();
      for (; seen < fake.requests.length; seen += 1) {
        const call = callOf(upstream, fake.requests[seen]);
        open.push(call);
        const { order } = call;
        if (!order) {
          if (call.kind !== 'sweep') ledger.strangers.push(call);
          continue;
        }
        const before = order.calls.findLast((one) => one.upstream === upstream);
        order.calls.push(call);
        call.swept = ledger.sweeping;
        const { fault } = call.record;
        if (fault && call.kind === order.effect.setUp?.call) call.setUp = true;
        else if (fault) order.struck = call;
        // The order has gone on without the answer that is held back. It comes as soon as this call is answered.
        if (before && before === order.struck && !order.column.kill) call.releases = true;
      }
      open = open.filter((call) => {
        const outcome = fake.outcomeOf(call.record);
        if (!outcome) return true;
        call.outcome = outcome;
        call.applied = now();
        if (call.order) learn(call, outcome);
        if (call.releases) setImmediate(() => call.order.release.resolve());
        return false;
      });
    });
  }

  return Object.assign(ledger, {
    /** A matcher for a fault: the calls of this kind that are this order's. */
    where: (upstream, order, kind) => (record) => {
      const call = callOf(upstream, record);
      return call.order === order && call.kind === kind;
    },
    /** A device has joined the tailnet. */
    joined: (order, node) => { things.set(node, { order: order.id }); },
  });
}

const ELSEWHERE = {
  invoice: 'lnbits', look_up: 'lnbits', pay: 'lnbits', look_up_payout: 'lnbits', lnurl: 'lnurl', lnurl_callback: 'lnurl', create_auth_key: 'tailscale',
  delete_device: 'tailscale',
};

/** Which upstream is asked by this kind of call. */
export const upstreamOf = (kind) => ELSEWHERE[kind] ?? 'cloud';
