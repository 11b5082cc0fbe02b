// A stateful stand-in for DigitalOcean's API v2, as far as Kindling uses it. Its answers satisfy the official contract
// (fakes.test.mjs checks them), its limits are the documented ones, and it counts how many droplets ever stood at once.

import { createHash } from 'node:crypto';
import { Refusal, bearer, startFake, timestamp } from './http.mjs';
import { IMAGES, REGIONS, SIZES, imageView, regionView, sizeView } from './digitalocean_catalogue.mjs';

const USER_DATA_LIMIT = 64 * 1024;
/** The paths of lists that are not called by their key. */
const PATHS = { ssh_keys: 'account/keys' };

const ERROR_IDS = {
  400: 'bad_request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'not_found', 409: 'conflict', 412: 'precondition_failed',
  422: 'unprocessable_entity', 429: 'too_many_requests', 500: 'server_error', 503: 'service_unavailable',
};

/**
 * hiddenReads: so many reads do not show a fresh droplet (lists lack it, GET says 404); activeAfterMs, goneAfterMs, actionAfterMs: how
 * long a start, a delete, a detach and a rename take; newReads: so many reads of a droplet find it still starting, whatever the time. now: the
 * clock, in ms, which a test may move. onBoot(droplet), onDestroy(droplet): a machine's beginning and end; what they throw or reject with is kept
 * in bootErrors.
 */
export async function createDigitalOcean({
  token = 'dop_v1_test', onBoot, onDestroy, dropletLimit = 25, activeAfterMs = 0, goneAfterMs = 0, actionAfterMs = 0, hiddenReads = 0,
  newReads = 0, regions = Object.keys(REGIONS), now = Date.now,
} = {}) {
  const keys = [];
  const volumes = [];
  const droplets = [];
  const actions = [];
  const bootErrors = [];
  const counters = { key: 512_000_000, droplet: 300_000_000, action: 700_000_000, volume: 0, address: 9 };
  let peak = 0;

  const live = () => droplets.filter((droplet) => !droplet.gone);
  const next = (kind) => (counters[kind] += 1);
  const region = (slug) => {
    if (!regions.includes(slug)) throw new Refusal(422, 'You specified an invalid region for Droplet creation.');
    return slug;
  };

  function run(hook, droplet) {
    if (hook) Promise.resolve().then(() => hook(droplet)).catch((problem) => bootErrors.push(problem));
  }

  /** Time passes only here: before each call, what is due takes effect. */
  function settle() {
    const at = now();
    for (const droplet of live()) {
      if (droplet.deletedAt !== null && at >= droplet.deletedAt + goneAfterMs) {
        droplet.gone = true;
        run(onDestroy, droplet);
      } else if (droplet.status === 'new' && droplet.newReads === 0 && at >= droplet.createdAt + activeAfterMs) {
        droplet.status = 'active';
      }
    }
    for (const action of actions.filter((entry) => entry.status === 'in-progress' && at >= entry.startedAt + actionAfterMs)) {
      action.status = 'completed';
      action.completedAt = at;
      action.effect();
    }
  }

  const volumeHolders = (volume) => live().filter((droplet) => droplet.volume_ids.includes(volume.id)).map((droplet) => droplet.id);
  const volumeView = (volume) => ({
    id: volume.id, name: volume.name, description: volume.description, size_gigabytes: volume.size_gigabytes,
    created_at: timestamp(volume.createdAt), droplet_ids: volumeHolders(volume), tags: volume.tags, region: regionView(volume.region),
    filesystem_type: volume.filesystem_type, filesystem_label: volume.filesystem_label,
  });
  const dropletView = (droplet) => {
    const size = SIZES[droplet.size];
    return {
      id: droplet.id, name: droplet.name, memory: size.memory, vcpus: size.vcpus, disk: size.disk, disk_info: [],
      locked: droplet.status === 'new' || droplet.deletedAt !== null, status: droplet.status, kernel: null,
      created_at: timestamp(droplet.createdAt), features: ['droplet_agent', 'private_networking'], backup_ids: [], next_backup_window: null,
      snapshot_ids: [], image: imageView(droplet.image), volume_ids: droplet.volume_ids, size: sizeView(droplet.size), size_slug: droplet.size,
      networks: droplet.status === 'new' ? { v4: [], v6: [] } : {
        v4: [
          { ip_address: `10.10.0.${droplet.host}`, netmask: '255.255.0.0', gateway: '10.10.0.1', type: 'private' },
          { ip_address: droplet.address, netmask: '255.255.255.0', gateway: '203.0.113.1', type: 'public' },
        ],
        v6: [],
      },
      region: regionView(droplet.region), tags: droplet.tags, vpc_uuid: '760e09ef-dc84-11e8-981e-3cfdfeaae000',
    };
  };
  const actionView = (action) => ({
    id: action.id, status: action.status, type: action.type, started_at: timestamp(action.startedAt),
    completed_at: action.completedAt ? timestamp(action.completedAt) : null, resource_id: action.droplet ?? null,
    resource_type: action.droplet ? 'droplet' : 'backend',
    region: regionView(action.region), region_slug: action.region,
  });
  const keyView = ({ id, fingerprint, public_key, name }) => ({ id, fingerprint, public_key, name });

  const findKey = (id) => keys.find((key) => String(key.id) === String(id) || key.fingerprint === id);
  const need = (found) => {
    if (!found) throw new Refusal(404, 'The resource you requested could not be found.');
    return found;
  };
  const visible = (droplet) => !(droplet.hiddenReads > 0 && droplet.hiddenReads--);

  function createKey({ body }) {
    const fingerprint = sshFingerprint(body.public_key);
    if (!fingerprint) throw new Refusal(422, 'Key invalid, key should be of the format `ssh-rsa` or `ssh-ed25519` followed by base64');
    if (findKey(fingerprint)) throw new Refusal(422, 'SSH Key is already in use on your account');
    return { status: 201, body: { ssh_key: keyView(addKey({ fingerprint, public_key: body.public_key, name: body.name })) } };
  }

  function addKey(key) {
    const added = { id: next('key'), ...key };
    keys.push(added);
    return added;
  }

  function createVolume({ body }) {
    region(body.region);
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(body.name)) throw new Refusal(400, 'invalid volume name');
    if (!(body.size_gigabytes >= 1 && body.size_gigabytes <= 16_384)) throw new Refusal(400, 'invalid volume size');
    if (volumes.some((volume) => volume.name === body.name && volume.region === body.region)) {
      throw new Refusal(409, 'A volume with this name already exists in the region.');
    }
    return { status: 201, body: { volume: volumeView(addVolume(body)) } };
  }

  function addVolume({ name, region: slug, size_gigabytes, description = '', tags = [], filesystem_type = '', filesystem_label = '' }) {
    const volume = {
      id: `506f78a4-e098-41e5-ad9f-${next('volume').toString(16).padStart(12, '0')}`,
      name, region: slug, size_gigabytes, description, tags, filesystem_type, filesystem_label, createdAt: now(),
    };
    volumes.push(volume);
    return volume;
  }

  function deleteVolume({ params }) {
    const volume = need(volumes.find((entry) => entry.id === params.id));
    if (volumeHolders(volume).length > 0) throw new Refusal(409, 'The volume is attached to a Droplet; detach it first.');
    volumes.splice(volumes.indexOf(volume), 1);
    return { status: 204 };
  }

  function actOnVolume({ params, body }) {
    const volume = need(volumes.find((entry) => entry.id === params.id));
    if (body.type !== 'detach') throw new Refusal(422, 'Only detach is known here.');
    const droplet = live().find((entry) => entry.id === body.droplet_id && entry.volume_ids.includes(volume.id));
    if (!droplet) throw new Refusal(422, 'The volume is not attached to this Droplet.');
    const action = {
      id: next('action'), volume: volume.id, type: 'detach_volume', status: 'in-progress', startedAt: now(), completedAt: null,
      region: volume.region, effect: () => { droplet.volume_ids = droplet.volume_ids.filter((id) => id !== volume.id); },
    };
    actions.push(action);
    return { status: 202, body: { action: actionView(action) } };
  }

  function createDroplet({ body }) {
    if (!SIZES[body.size]) throw new Refusal(422, 'You specified an invalid size for Droplet creation.');
    if (!IMAGES[body.image]) throw new Refusal(422, 'You specified an invalid image for Droplet creation.');
    region(body.region);
    if (Buffer.byteLength(body.user_data ?? '') > USER_DATA_LIMIT) throw new Refusal(422, 'User data is too long (maximum is 64 KiB)');
    if ((body.tags ?? []).some((tag) => !/^[a-zA-Z0-9_:-]{1,255}$/.test(tag))) throw new Refusal(422, 'A tag has invalid characters.');
    const chosenKeys = (body.ssh_keys ?? []).map((id) => {
      const key = findKey(id);
      if (!key) throw new Refusal(422, `${id} are invalid key identifiers for Droplet creation.`);
      return key;
    });
    const chosenVolumes = (body.volumes ?? []).map((id) => {
      const volume = volumes.find((entry) => entry.id === id && entry.region === body.region);
      if (!volume) throw new Refusal(422, 'A volume was not found in this region.');
      if (volumeHolders(volume).length > 0) throw new Refusal(422, 'A volume is attached to another Droplet.');
      return volume;
    });
    if (live().length >= dropletLimit) throw new Refusal(422, 'creating this/these droplet(s) will exceed your droplet limit');

    const droplet = addDroplet({ ...body, volumes: chosenVolumes, ssh_keys: chosenKeys.map((key) => key.public_key), status: 'new', hiddenReads });
    const created = dropletView(droplet);
    run(onBoot, droplet);
    const action = next('action');
    return {
      status: 202,
      body: { droplet: created, links: { actions: [{ id: action, rel: 'create', href: `https://api.digitalocean.com/v2/actions/${action}` }] } },
    };
  }

  function addDroplet({ name, size, image, region: slug, tags = [], volumes: attached, ssh_keys, user_data = '', status, hiddenReads: hidden }) {
    const host = 10 + (next('address') % 240);
    const droplet = {
      id: next('droplet'), name, size, image, region: slug, tags, volume_ids: attached.map((volume) => volume.id), volumes: attached, ssh_keys, user_data,
      status, createdAt: now(), deletedAt: null, gone: false, hiddenReads: hidden, newReads, host, address: `203.0.113.${host}`,
    };
    droplets.push(droplet);
    peak = Math.max(peak, live().length);
    return droplet;
  }

  function actOnDroplet({ params, body }) {
    const droplet = need(live().find((entry) => String(entry.id) === params.id));
    if (body.type !== 'rename') throw new Refusal(422, 'Only rename is known here.');
    if (!/^[a-zA-Z0-9.-]{1,255}$/.test(body.name ?? '')) {
      throw new Refusal(422, 'Name Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)');
    }
    if (droplet.status === 'new' || droplet.deletedAt !== null) throw new Refusal(422, 'Droplet already has a pending event.');
    const action = {
      id: next('action'), droplet: droplet.id, type: 'rename', status: 'in-progress', startedAt: now(), completedAt: null, region: droplet.region,
      effect: () => { droplet.name = body.name; },
    };
    actions.push(action);
    return { status: 201, body: { action: actionView(action) } };
  }

  function deleteDroplet({ params }) {
    const droplet = need(live().find((entry) => String(entry.id) === params.id));
    droplet.deletedAt ??= now();
    settle();
    return { status: 204 };
  }

  const listed = (items, query, key, view) => {
    const size = Number(query.per_page ?? 20);
    const page = Number(query.page ?? 1);
    const last = Math.max(1, Math.ceil(items.length / size));
    const { page: _page, per_page: _size, ...filters } = query;
    const at = (n) => `https://api.digitalocean.com/v2/${PATHS[key] ?? key}?${new URLSearchParams({ ...filters, page: n, per_page: size })}`;
    const pages = { ...(page > 1 && { first: at(1), prev: at(page - 1) }), ...(page < last && { next: at(page + 1), last: at(last) }) };
    const shown = items.slice((page - 1) * size, page * size).map(view);
    return { status: 200, body: { [key]: shown, links: Object.keys(pages).length ? { pages } : {}, meta: { total: items.length } } };
  };
  const same = (wanted, value) => wanted === undefined || wanted === value;

  const fake = await startFake({
    error: (status, message) => ({ id: ERROR_IDS[status] ?? 'error', message }),
    headers: () => ({ 'ratelimit-limit': '5000', 'ratelimit-remaining': '4900', 'ratelimit-reset': String(Math.floor(now() / 1000) + 3600) }),
    authorize: ({ headers }) => {
      if (bearer(headers) !== token) throw new Refusal(401, 'Unable to authenticate you');
      settle();
    },
    routes: [
      ['GET', '/v2/account', () => ({
        status: 200,
        body: { account: {
          droplet_limit: dropletLimit, floating_ip_limit: 3, email: 'operator@example.com', name: 'Operator', email_verified: true,
          uuid: 'b6fr89dbf6d9156cace5f3c78dc9851d957381ef', status: 'active', status_message: '',
        } },
      })],
      ['GET', '/v2/regions', ({ query }) => listed(
        Object.keys(REGIONS), query, 'regions', (slug) => ({ ...regionView(slug), available: regions.includes(slug) }))],
      ['GET', '/v2/sizes', ({ query }) => listed(Object.keys(SIZES), query, 'sizes', sizeView)],
      ['GET', '/v2/account/keys', ({ query }) => listed(keys, query, 'ssh_keys', keyView)],
      ['POST', '/v2/account/keys', createKey],
      ['GET', '/v2/account/keys/:id', ({ params }) => ({ status: 200, body: { ssh_key: keyView(need(findKey(params.id))) } })],
      ['DELETE', '/v2/account/keys/:id', ({ params }) => {
        keys.splice(keys.indexOf(need(findKey(params.id))), 1);
        return { status: 204 };
      }],
      ['GET', '/v2/volumes', ({ query }) => listed(
        volumes.filter((volume) => same(query.name, volume.name) && same(query.region, volume.region)), query, 'volumes', volumeView)],
      ['POST', '/v2/volumes', createVolume],
      ['GET', '/v2/volumes/:id', ({ params }) => ({
        status: 200,
        body: { volume: volumeView(need(volumes.find((entry) => entry.id === params.id))) },
      })],
      ['DELETE', '/v2/volumes/:id', deleteVolume],
      ['POST', '/v2/volumes/:id/actions', actOnVolume],
      ['GET', '/v2/volumes/:id/actions/:action', ({ params }) => ({
        status: 200,
        body: { action: actionView(need(actions.find((action) => String(action.id) === params.action && action.volume === params.id))) },
      })],
      ['GET', '/v2/droplets', ({ query }) => {
        if (query.tag_name !== undefined && query.name !== undefined) throw new Refusal(400, 'tag_name cannot be combined with name.');
        const wanted = (droplet) => same(query.name, droplet.name) && (query.tag_name === undefined || droplet.tags.includes(query.tag_name));
        return listed(live().filter(visible).filter(wanted), query, 'droplets', dropletView);
      }],
      ['POST', '/v2/droplets', createDroplet],
      ['GET', '/v2/droplets/:id', ({ params }) => {
        const droplet = need(live().filter((entry) => String(entry.id) === params.id).find(visible));
        if (droplet.newReads > 0) droplet.newReads -= 1;
        return { status: 200, body: { droplet: dropletView(droplet) } };
      }],
      ['DELETE', '/v2/droplets/:id', deleteDroplet],
      ['POST', '/v2/droplets/:id/actions', actOnDroplet],
      ['GET', '/v2/droplets/:id/actions/:action', ({ params }) => ({
        status: 200,
        body: { action: actionView(need(actions.find((action) => String(action.id) === params.action && String(action.droplet) === params.id))) },
      })],
    ],
  });

  return Object.defineProperties(fake, Object.getOwnPropertyDescriptors({
    contract: 'digitalocean.yaml',
    basePath: '',
    keys,
    volumes,
    bootErrors,
    get droplets() { return live(); },
    /** Every droplet there ever was, the gone ones too. */
    allDroplets: droplets,
    /** The most droplets that stood at once. */
    get maxDroplets() { return peak; },
    /**
     * What nobody asked for through the API: machines, volumes and keys that an order forgot, or that belong to somebody else. They
     * start no onBoot; volumes: ids of volumes to attach.
     */
    plantDroplet: ({ volumes: ids = [], ...rest } = {}) => addDroplet({
      name: 'orphan', size: 's-1vcpu-1gb', image: 'debian-12-x64', region: 'nyc3', ssh_keys: [], status: 'active', hiddenReads: 0, ...rest,
      volumes: volumes.filter(({ id }) => ids.includes(id)),
    }),
    plantVolume: (volume) => addVolume({ name: 'orphan', region: 'nyc3', size_gigabytes: 1, ...volume }),
    plantKey: (key) => addKey({ name: 'orphan', public_key: 'ssh-ed25519 planted', fingerprint: fingerprintOf(`${counters.key}`), ...key }),
  }));
}

/** MD5 fingerprint of an OpenSSH public key, or null where the line is none. */
export function sshFingerprint(line) {
  const [type, blob] = String(line).trim().split(/\s+/);
  const raw = Buffer.from(blob ?? '', 'base64');
  const known = ['ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256'].includes(type);
  if (!known || raw.length < 4 || raw.subarray(4, 4 + raw.readUInt32BE(0)).toString() !== type) return null;
  return fingerprintOf(raw);
}

const fingerprintOf = (bytes) => createHash('md5').update(bytes).digest('hex').match(/../g).join(':');
