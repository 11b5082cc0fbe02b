// What the app does on a device: the offer of a new version, orders that are kept, notifications; and what lies in the browser.

import { pollUntil } from '../../support/order.mjs';

/** page: Playwright's */
export function device(page) {
  const button = (name) => page.getByRole('button', { name, exact: true });
  const own = {
    offer: page.getByRole('region', { name: 'A new version is ready' }),
    takeOffer: button('Load the new version'),
    install: button('Install Kindling as an app'),
    keep: button('Keep this order on this device'),
    isKept: page.getByText('This order stands under My orders.'),
    removeHere: button('Remove it from this device'),
    removeAll: button('Remove all from this device'),
    remove: page.getByRole('button', { name: /^Remove from this device: / }),
    surely: button('Yes, remove'),
    orders: page.getByRole('heading', { level: 2, name: 'My orders' }),
    order: page.locator('.kept-order'),
    tellMe: button('Turn on the notification'),
    tellMeNot: button('Turn it off again'),

    /** Waits until the service worker has all it wants and is in charge of the page. */
    async installed() {
      await page.evaluate(() => navigator.serviceWorker.ready);
      await pollUntil(() => page.evaluate(async () => {
        const names = (await caches.keys()).filter((name) => /^kindling-[0-9a-f]{16}$/.test(name));
        const paths = (await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))).flat();
        return navigator.serviceWorker.controller !== null && paths.includes('/') && paths.filter((path) => path.startsWith('/words-')).length === 2;
      }), 'the service worker keeps the shell');
    },
    /** Has the browser look for a new version, and waits until one waits. */
    async newVersion() {
      await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
      await pollUntil(() => page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).waiting !== null), 'a new version waits');
    },
    /** -> [{cache, path, type, text}] of everything in all caches */
    cached: () => page.evaluate(async () => {
      const all = [];
      for (const cache of await caches.keys()) {
        const open = await caches.open(cache);
        for (const request of await open.keys()) {
          const response = await open.match(request);
          const bytes = new Uint8Array(await response.arrayBuffer());
          const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
          all.push({ cache, path: new URL(request.url).pathname + new URL(request.url).search, type: response.headers.get('content-type'), text });
        }
      }
      return all;
    }),
    /** -> all rows of all stores of all databases */
    rows: () => page.evaluate(async () => {
      const answer = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const rows = [];
      for (const { name } of await indexedDB.databases()) {
        const database = await answer(indexedDB.open(name));
        for (const store of database.objectStoreNames) rows.push(...await answer(database.transaction(store).objectStore(store).getAll()));
        database.close();
      }
      return rows;
    }),
    stored: () => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])),
  };
  return own;
}
