// The app on a device: installing, pages without a network, new versions, orders that are kept, notifications.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { createPush, vapidKeys } from '../fakes/push.mjs';
import { pollUntil } from '../support/order.mjs';
import { startWorker } from '../support/worker.mjs';
import { front } from './front.mjs';
import { device } from './pages/device.mjs';
import { landing } from './pages/landing.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';
import { makeLink, stage } from './staged.mjs';

const MOST_BYTES = 1_000_000;
const packed = (text) => zlib.brotliCompressSync(Buffer.from(text, 'latin1'), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 9 } }).length;

/** A profile whose first page is here, with all that is kept of it. */
async function installedApp(t, options = {}) {
  const door = await front(worker);
  const visit = await browser.open({ baseURL: door.url, ...options });
  t.after(async () => {
    await visit.close();
    await door.close();
  });
  const app = device(visit.page);
  await landing(visit.page).open();
  await app.installed();
  return { door, visit, page: visit.page, app };
}

describe('the app on a device', { skip }, () => {
  test('can be installed, by the judgement of Chromium itself', async (t) => {
    const { visit, page } = await installedApp(t);
    const cdp = await visit.context.newCDPSession(page);
    const { errors, data, url } = await cdp.send('Page.getAppManifest');
    assert.deepEqual(errors, []);
    assert.match(url, /\/manifest\.webmanifest$/);
    const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
    // A profile of a test is a private window.
    assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'), []);
    const manifest = JSON.parse(data);
    const { headers } = await worker.fetch('/manifest.webmanifest');
    assert.equal(headers.get('content-type').split(';')[0], 'application/manifest+json');
    for (const { src, sizes, type } of [...manifest.icons, ...manifest.screenshots]) {
      const answer = await worker.fetch(src);
      assert.equal(answer.headers.get('content-type'), type, src);
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (type !== 'image/png') continue;
      assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes, src);
      assert.ok(bytes.length <= 60_000, `${src} has ${bytes.length} bytes`);
    }
    assert.deepEqual(new Set(manifest.screenshots.map(({ form_factor: form }) => form)), new Set(['narrow', 'wide']));
    for (const { url: address } of manifest.shortcuts) assert.equal((await worker.fetch(address)).status, 200);
  });

  test('has a button to install it while the browser offers that', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const app = device(page);
    await landing(page).open();
    assert.equal(await app.install.count(), 0);
    await page.evaluate(() => {
      const offer = new Event('beforeinstallprompt', { cancelable: true });
      offer.prompt = () => { window.asked = true; };
      window.held = !window.dispatchEvent(offer);
    });
    await app.install.click();
    assert.deepEqual(await page.evaluate(() => [window.held, window.asked]), [true, true]);
    await app.install.waitFor({ state: 'detached' });
    await visit.close();
  });

  test('tells the way to the home screen where nothing is offered', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    await visit.context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'standalone', { value: false, configurable: true }));
    await landing(visit.page).open();
    await visit.page.locator('summary', { hasText: 'Put Kindling on your home screen' }).click();
    await visit.page.getByText('Choose “Add to Home Screen”, then “Add”.').waitFor();
    await visit.screenshot('install-ios', { fullPage: true });
    await visit.close();
  });

  test('keeps the shell and no answer about any order, and is small', async (t) => {
    const { page, app } = await installedApp(t);
    const bought = await orderNode(page);
    const { id, fragment } = bought.link();
    await bought.savedForm.click();
    await bought.payStub.click();
    await bought.ready.waitFor();
    await page.goto('/orders');
    await page.reload();
    const kept = await app.cached();
    const paths = kept.map(({ path }) => path);
    const expected = /^\/$|^\/language$|^\/icon\.svg$|^\/icon-192\.png$|^\/manifest\.webmanifest$|^\/[a-z_-]+-[0-9a-f]{16}\.(js|wasm|txt|css)$/;
    assert.deepEqual(paths.filter((path) => !expected.test(path)), []);
    for (const program of ['shop', 'order', 'vault']) assert.ok(paths.some((path) => path.startsWith(`/${program}_bg-`)), `${program} is kept`);
    const everything = kept.map(({ text }) => text).join('\n');
    for (const secret of [id, fragment.split('.')[1]]) assert.ok(!everything.includes(secret));
    const total = kept.reduce((sum, { text }) => sum + packed(text), 0);
    t.diagnostic(`kept: ${kept.length} files, ${total} bytes as brotli, ${everything.length} unpacked`);
    assert.ok(total <= MOST_BYTES, `${total} bytes are kept`);
  });

  test('shows the first page and the form for orders without a network, and when the network is too slow', async (t) => {
    const { door, page } = await installedApp(t);
    door.isDown = true;
    await page.reload();
    await page.getByText('The server cannot be reached.').first().waitFor();
    await page.goto('/orders');
    await page.getByRole('heading', { level: 1, name: 'Open your order' }).waitFor();
    door.isDown = false;
    door.isSlow = true;
    await landing(page).open();
  });

  test('offers a new version, forces none, and takes it where it is wanted', async (t) => {
    const { door, visit, page, app } = await installedApp(t);
    const other = await visit.context.newPage();
    await landing(other).open();
    door.build = 'f'.repeat(16);
    await app.newVersion();
    await app.offer.waitFor();
    await device(other).offer.waitFor();
    await visit.screenshot('offer', { fullPage: false });
    const marked = (tab) => tab.evaluate(() => window.mark === 1);
    for (const tab of [page, other]) await tab.evaluate(() => { window.mark = 1; });
    const builds = () => page.evaluate(async () => (await caches.keys()).filter((name) => /^kindling-[0-9a-f]{16}$/.test(name)).length);
    assert.equal(await builds(), 2);
    const waits = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).waiting !== null);
    assert.ok(await waits());

    await Promise.all([page.waitForEvent('load'), app.takeOffer.click()]);
    await landing(page).continue.waitFor();
    assert.equal(await marked(page), false, 'the tab that wanted it has loaded anew');
    assert.equal(await waits(), false);
    await device(other).offer.waitFor({ state: 'detached' });
    assert.equal(await marked(other), true, 'the other one goes on as it was');

    // The files of the old version are gone from the server, and the other tab still has them.
    door.hasForgotten = true;
    assert.equal(await builds(), 2);
    const known = await other.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name).find((name) => name.includes('/shop_bg-')));
    assert.equal(await other.evaluate(async (name) => (await fetch(name)).headers.get('content-type'), known), 'application/wasm');
    const unknown = await other.evaluate(async () => (await fetch('/vault-0000000000000000.js')).status);
    assert.equal(unknown, 404, 'a page is no script');
    door.hasForgotten = false;

    await other.close();
    await page.reload();
    await landing(page).continue.waitFor();
    await pollUntil(async () => await builds() === 1, 'the old version is removed');
  });

  test('offers no new version while an invoice is open', async (t) => {
    const { door, page, app } = await installedApp(t);
    const bought = await orderNode(page);
    await bought.untilPaying();
    door.build = 'e'.repeat(16);
    await app.newVersion();
    await bought.qr.waitFor();
    assert.equal(await app.offer.count(), 0);
    await bought.payStub.click();
    await bought.ready.waitFor();
    await app.offer.waitFor();
  });

  test('keeps an order when asked, shows it without a network, and forgets it without a trace', async (t) => {
    const { door, visit, page, app } = await installedApp(t);
    const bought = await orderNode(page);
    const { id, fragment } = bought.link();
    await bought.saving.waitFor();
    assert.equal(await app.keep.count(), 0, 'first the link is saved elsewhere');
    await bought.untilPaying();
    assert.deepEqual(await app.rows(), [], 'nothing is kept unasked');
    await app.keep.click();
    await app.isKept.waitFor();
    await visit.screenshot('kept-paying', { fullPage: true });
    const last = async () => JSON.parse((await app.rows())[0]).last;
    assert.equal((await last()).state, 'awaiting_payment');
    await bought.payStub.click();
    await bought.ready.waitFor();
    await pollUntil(async () => (await last()).state === 'ready', 'the state is written');
    const [row] = await app.rows();
    assert.equal(JSON.parse(row).fragment, fragment);
    assert.deepEqual(Object.keys(JSON.parse(row).last).sort(), ['amount', 'at', 'product', 'state']);
    assert.ok(!(await app.stored()).includes(fragment.split('.')[1]));

    door.isDown = true;
    await page.reload();
    await page.getByText(/^This is how it was at /).waitFor();
    await page.getByText('Ready', { exact: true }).waitFor();
    await visit.screenshot('kept-offline', { fullPage: true });
    await page.goto('/orders');
    await app.orders.waitFor();
    await visit.screenshot('my-orders', { fullPage: true });
    await page.getByRole('link', { name: `Open: Full node, order ${id.slice(0, 8)}` }).click();
    await page.getByText(/^This is how it was at /).waitFor();
    // The page tries again by itself, too, and the button goes with the first answer.
    const { promise, resolve } = Promise.withResolvers();
    door.opens = promise;
    door.isDown = false;
    await bought.button('Try now').click();
    resolve();
    await bought.ready.waitFor();

    await app.removeHere.click();
    await page.getByText('The order itself stays').waitFor();
    await app.surely.click();
    await app.keep.waitFor();
    assert.deepEqual(await app.rows(), []);
    await page.goto('/orders');
    await page.getByRole('heading', { level: 1, name: 'Open your order' }).waitFor();
    assert.equal(await app.orders.count(), 0);
    assert.ok(!(await app.stored()).includes(fragment.split('.')[1]));
  });

  test('forgets one kept order or all of them from the list', async (t) => {
    const { page, app } = await installedApp(t);
    for (let at = 0; at < 3; at += 1) {
      const bought = await orderNode(page);
      await bought.untilPaying();
      await app.keep.click();
      await app.isKept.waitFor();
    }
    await page.goto('/orders?open=1');
    await page.getByRole('heading', { level: 1, name: 'Open your order' }).waitFor();
    await page.goto('/orders');
    await app.orders.waitFor();
    assert.equal(await app.order.count(), 3);
    await app.remove.first().click();
    await app.surely.click();
    await page.waitForFunction(() => document.querySelectorAll('.kept-order').length === 2);
    assert.equal((await app.rows()).length, 2);
    await app.removeAll.click();
    await app.surely.click();
    await app.orders.waitFor({ state: 'detached' });
    assert.deepEqual(await app.rows(), []);
  });

  test('shows no headline of the first page on the pages of orders', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    await visit.page.route(/\.wasm$/, () => {});
    await visit.page.goto('/orders');
    await visit.page.waitForFunction(() => document.documentElement.dataset.program === 'order');
    assert.equal(await visit.page.getByRole('heading', { name: 'Your own Bitcoin node.' }).isVisible(), false);
    await visit.close();
  });
});

describe('a notification on a device', { skip }, () => {
  const KEYS = vapidKeys();
  const SUBJECT = 'mailto:operator@shop.example';
  let push;
  let shop;
  before(async () => {
    push = await createPush({ subject: SUBJECT });
    shop = await startWorker({ vars: { VAPID_PRIVATE_KEY: KEYS.privateKey, VAPID_SUBJECT: SUBJECT, PUSH_HOSTS: push.url } });
  });
  after(async () => {
    await shop?.stop();
    await push?.close();
  });

  /** The page of an order that is being built, in a browser whose push service is the fake one. */
  async function building(t, { endpoint, permissions }) {
    const link = await makeLink(browser, shop.url);
    const visit = await browser.open({ baseURL: shop.url, permissions });
    t.after(() => visit.close());
    await visit.context.addInitScript((address) => {
      PushManager.prototype.subscribe = async (options) => {
        window.subscribed = [options.userVisibleOnly, options.applicationServerKey];
        sessionStorage.subscription = address;
        return { endpoint: address };
      };
      PushManager.prototype.getSubscription = async () => {
        const endpoint = sessionStorage.subscription;
        return endpoint ? { endpoint, unsubscribe: async () => delete sessionStorage.subscription } : null;
      };
    }, endpoint);
    // The service worker first: what it loads is not to be mistaken for the page's own.
    await landing(visit.page).open();
    await device(visit.page).installed();
    const staged = await stage(visit, link, 'provisioning', { phase: 'bitcoin', percent: 20 });
    // To the real server, which knows the order; only its state is make-believe.
    await visit.page.route(/\/push$/, (route) => route.continue());
    return { link, visit, page: visit.page, app: device(visit.page), staged };
  }

  test('is asked for by a click, sent by the server, and says in general words that there is news', async (t) => {
    const endpoint = push.subscribe(KEYS.publicKey);
    const { link, visit, page, app } = await building(t, { endpoint, permissions: ['notifications'] });
    await app.tellMe.waitFor();
    assert.equal(await page.evaluate(() => window.subscribed), undefined, 'nothing before the click');
    const put = page.waitForResponse((response) => response.url().endsWith('/push') && response.request().method() === 'PUT');
    await app.tellMe.click();
    assert.equal((await put).status(), 204);
    await app.tellMeNot.waitFor();
    await visit.screenshot('tell-me', { fullPage: true });
    assert.deepEqual(await page.evaluate(() => window.subscribed), [true, KEYS.publicKey]);
    await page.reload();
    await app.tellMeNot.waitFor();

    const token = (await put).request().headers().authorization;
    const view = await (await shop.fetch(`/api/bootstrap/${link.id}`, { headers: { authorization: token } })).json();
    await shop.fetch(`/api/dev/stub/pay/${view.invoice.paymentHash}`, { method: 'POST' });
    await pollUntil(() => push.received(endpoint) === 1, 'the server has told the push service');
    assert.deepEqual(push.problems, []);

    const cdp = await visit.context.newCDPSession(page);
    const registrations = new Promise((resolve) => {
      cdp.on('ServiceWorker.workerRegistrationUpdated', (event) => event.registrations.length && resolve(event.registrations));
    });
    await cdp.send('ServiceWorker.enable');
    const [{ registrationId }] = await registrations;
    await cdp.send('ServiceWorker.deliverPushMessage', { origin: shop.url, registrationId, data: '' });
    const shown = () => page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      return (await registration.getNotifications()).map(({ title, body, lang }) => ({ title, body, lang }));
    });
    await pollUntil(async () => (await shown()).length === 1, 'the notification is shown');
    assert.deepEqual(await shown(), [{ title: 'News of your order', body: 'Your machine is ready, or needs you. Open Kindling to see.', lang: 'en' }]);
  });

  test('is offered anew where the browser has another address by now, or none', async (t) => {
    const endpoint = push.subscribe(KEYS.publicKey);
    const { page, app } = await building(t, { endpoint, permissions: ['notifications'] });
    await app.tellMe.click();
    await app.tellMeNot.waitFor();
    for (const now of ['https://push.example/another', '']) {
      await page.evaluate((address) => { sessionStorage.subscription = address; }, now);
      await page.reload();
      await app.tellMe.waitFor();
    }
    await app.tellMe.click();
    await app.tellMeNot.waitFor();
    assert.deepEqual(await app.rows(), [endpoint]);
  });

  test('can be turned off again, and leaves nothing behind', async (t) => {
    const endpoint = push.subscribe(KEYS.publicKey);
    const { page, app } = await building(t, { endpoint, permissions: ['notifications'] });
    await app.tellMe.click();
    await app.tellMeNot.waitFor();
    assert.deepEqual(await app.rows(), [endpoint]);
    const gone = page.waitForResponse((response) => response.url().endsWith('/push') && response.request().method() === 'DELETE');
    await app.tellMeNot.click();
    assert.equal((await gone).status(), 204);
    await app.tellMe.waitFor();
    assert.deepEqual(await app.rows(), []);
    assert.equal(await page.evaluate(() => sessionStorage.subscription), undefined, 'nor in the browser');
  });

  test('is not asked for again where it was refused, and not offered by a shop that sends none', async (t) => {
    const { page, app } = await building(t, { endpoint: 'https://push.example/1', permissions: [] });
    await page.getByText('Notifications of this site are blocked.').waitFor();
    assert.equal(await app.tellMe.count(), 0);

    const link = await makeLink(browser, worker.url);
    const visit = await browser.open({ baseURL: worker.url });
    t.after(() => visit.close());
    const { page: quiet } = await stage(visit, link, 'provisioning', { phase: 'bitcoin', percent: 20 });
    await quiet.building.waitFor();
    await visit.page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name, responseEnd }) => name.endsWith('/api/catalogue') && responseEnd));
    assert.equal(await visit.page.getByRole('heading', { name: 'Tell me when it is ready' }).count(), 0);
  });
});
