// A search for secrets wherever a browser may have left them: in every form that they could be written in, in every place that outlives the
// moment or leaves the page.

const LONG_ENOUGH = 8;

/** The forms of some bytes: as text where they are text, in base64 at any place of something longer, hex, percent, and as a list of numbers. */
function forms(bytes, isText) {
  const hex = bytes.toString('hex');
  const whole = bytes.toString('base64').replace(/=+$/, '');
  // Two bytes in front move base64 by every step there is; what stands beside the secret spoils the letters at its ends.
  const inside = [0, 1, 2].map((lead) => Buffer.concat([Buffer.alloc(lead), bytes]).toString('base64').replace(/=+$/, '').slice(lead === 0 ? 0 : lead + 1, -2));
  const packed = [whole, ...inside].flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_'), encodeURIComponent(text)]);
  const plain = isText ? [bytes.toString(), encodeURIComponent(bytes.toString()), JSON.stringify(bytes.toString()).slice(1, -1)] : [];
  return [...new Set([...plain, ...packed])].map((text) => ({ text, exact: true }))
    .concat([hex, hex.replace(/../g, '%$&'), hex.replace(/../g, '\\x$&')].map((text) => ({ text, exact: false })))
    .concat({ text: [...bytes].join(','), exact: true });
}

const canary = (name, bytes, isText) => {
  if (bytes.length < LONG_ENOUGH) throw new Error(`${name} is too short to be searched for`);
  return { name, forms: forms(bytes, isText) };
};
/** A secret that is written as it is */
export const ofText = (name, text) => canary(name, Buffer.from(text), true);
/** A secret of bytes, known in base64 of any alphabet */
export const ofBytes = (name, base64) => canary(name, Buffer.from(base64, 'base64'), false);

/** The secret of an order link, and all of the part behind # */
export const ofLink = (fragment) => [ofBytes("the link's secret", fragment.split('.')[1]), ofText("the link's fragment", fragment)];

/** What is private in an OpenSSH key's file: its last half, by lines and by bytes. What is public stands in the first. */
export function ofKey(file) {
  const lines = file.trim().split('\n').slice(1, -1);
  const half = lines.slice(Math.ceil(lines.length / 2), -1);
  const bytes = Buffer.from(lines.join(''), 'base64');
  const middle = bytes.subarray(Math.floor(bytes.length * 0.6), Math.floor(bytes.length * 0.6) + 24);
  return [...half.map((line) => ofText('a line of the private key', line)), ofBytes('bytes of the private key', middle.toString('base64'))];
}

/** records: [{place, text}] -> [what is where], each once */
export function leaks(canaries, records) {
  const found = new Set();
  for (const { place, text } of records) {
    const lower = text.toLowerCase();
    for (const { name, forms: all } of canaries) {
      if (all.some((form) => (form.exact ? text : lower).includes(form.text))) found.add(`${name} in ${place}`);
    }
  }
  return [...found];
}

/** The two places where the access token belongs. */
const TOKENS = /^(authorization|sec-websocket-protocol)\n.*$/gim;
const withoutTokens = ({ authorization, 'sec-websocket-protocol': protocol, ...headers }) => headers;
const withoutFragment = (url) => url.replace(/#.*$/, '');

/** Everything that a visit through `door` has left anywhere; the page is one of the shop's. -> [{place, text}] */
export async function records(visit, door) {
  const { page, context } = visit;
  await visit.said();
  const kept = await page.evaluate(everythingKept, [...new Set(door.answers.map(({ path }) => path))]);
  const asked = visit.requests.map(({ method, url, headers, body }) => JSON.stringify([method, withoutFragment(url), withoutTokens(headers), body]));
  return [
    ...door.lines.map((line) => ({ place: 'a request on the wire', text: line.replace(TOKENS, '$1') })),
    ...door.answers.map(({ headers, body }) => ({ place: 'an answer', text: `${JSON.stringify(headers)}\n${body}` })),
    ...asked.map((text) => ({ place: 'a request of the browser', text })),
    ...visit.console.map(({ text }) => ({ place: 'the console', text })),
    ...visit.errors.map((text) => ({ place: 'an error', text })),
    { place: 'the cookies', text: JSON.stringify(await context.cookies()) },
    ...Object.entries(kept).map(([place, text]) => ({ place, text })),
  ];
}

/** In the page: each store of this origin, whole, as text. */
async function everythingKept(paths) {
  const plain = (key, value) => (ArrayBuffer.isView(value) || value instanceof ArrayBuffer
    ? [...new Uint8Array(value.buffer ?? value)].map((byte) => byte.toString(16).padStart(2, '0')).join('') : value);
  const asPromised = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const databases = await Promise.all((await indexedDB.databases()).map(async ({ name }) => {
    const database = await asPromised(indexedDB.open(name));
    const stores = await Promise.all([...database.objectStoreNames].map(async (store) => {
      const content = database.transaction(store).objectStore(store);
      return [store, await asPromised(content.getAllKeys()), await asPromised(content.getAll())];
    }));
    database.close();
    return [name, stores];
  }));
  const kept = await Promise.all((await caches.keys()).map(async (name) => {
    const cache = await caches.open(name);
    return Promise.all((await cache.keys()).map(async (request) => `${request.url}\n${await (await cache.match(request)).text()}`));
  }));
  // The one way to ask the HTTP cache alone.
  const http = await Promise.all(paths.map(async (path) => {
    try {
      const hit = await fetch(path, { cache: 'only-if-cached', mode: 'same-origin' });
      return hit.ok ? `${path}\n${await hit.text()}` : '';
    } catch {
      return '';
    }
  }));
  return {
    localStorage: JSON.stringify({ ...localStorage }),
    sessionStorage: JSON.stringify({ ...sessionStorage }),
    'the Cache Storage': kept.flat().join('\n'),
    'the HTTP cache': http.join('\n'),
    IndexedDB: JSON.stringify(databases, plain),
    "the page's title, name and history": JSON.stringify([document.title, window.name, history.state, document.cookie]),
  };
}
