// A purchase on a slow phone with a slow network: it takes its time, and never leaves the customer in front of nothing. And how soon a payment
// is seen.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { watchMainThread } from '../support/main_thread.mjs';
import { slowDown } from '../support/throttle.mjs';
import { comesWithin, stopClock, withOwnClock } from './own_clock.mjs';
import { landing } from './pages/landing.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, payBehind, skip, worker } from './shop.mjs';
import { wire } from './wire.mjs';

const LONG = 120_000;
/** How long an answer to a click, or a page, may show no sign of itself on such a phone, in ms. */
const PATIENCE = 3000;
/** Where a page looks at itself ten times a second, two looks further apart than this tell of a machine that stood still. */
const GAP = 1000;

/** Looks ten times a second whether the page says anything, over all navigations -> [{at, address, says, isAlive: there is something to press}] */
async function watch(page) {
  const seen = [];
  await page.exposeBinding('tellWatcher', (_, look) => { seen.push(look); });
  await page.addInitScript(() => {
    setInterval(() => {
      // Until there is a body the browser still shows the page before.
      if (!document.body) return;
      const says = document.querySelector('main')?.innerText.trim().split('\n')[0] ?? '';
      window.tellWatcher({ at: Date.now(), address: location.pathname, says, isAlive: document.querySelector('button[type=submit]') !== null });
    }, 100);
  });
  return seen;
}

/** The longest time in a row, in ms, in which the page said nothing. */
function longestSilence(seen) {
  let longest = { lasted: 0 };
  let lasted = 0;
  for (const [at, look] of seen.entries()) {
    const before = seen[at - 1];
    lasted = look.says || !before || before.says ? 0 : lasted + Math.min(look.at - before.at, GAP);
    if (lasted > longest.lasted) longest = { lasted, address: look.address };
  }
  return longest;
}

describe('on a slow phone with a slow network', { skip }, () => {
  test('a purchase goes through, and shows at each wait that it goes on', async (t) => {
    const door = await wire(worker, { compress: true });
    t.after(() => door.close());
    const visit = await browser.open({ baseURL: door.url });
    const { page } = visit;
    page.setDefaultTimeout(LONG);
    page.setDefaultNavigationTimeout(LONG);
    const seen = await watch(page);
    await slowDown(page);
    const started = Date.now();
    const steps = [];
    const reached = (name) => steps.push(`${name} ${((Date.now() - started) / 1000).toFixed(1)} s`);
    /** Clicks. A sign of work follows soon, and not with the server's answer to `call`: that is held back meanwhile. */
    const press = async (button, call) => {
      const { promise: isShown, resolve: show } = Promise.withResolvers();
      await page.route(call, async (route) => {
        await isShown;
        await route.continue();
      }, { times: 1 });
      const { tasks } = await watchMainThread(page, async () => {
        await button.click();
        await page.locator('button[aria-disabled=true]').waitFor();
      });
      show();
      const worked = tasks.reduce((sum, task) => sum + task.worked, 0);
      t.diagnostic(`the page worked ${Math.round(worked)} ms until it showed that it goes on`);
      assert.ok(worked < PATIENCE, `${worked} ms`);
    };

    const form = landing(page);
    await page.goto('/', { waitUntil: 'commit' });
    await page.getByRole('heading', { level: 1 }).waitFor();
    reached('headline');
    await form.continue.waitFor();
    reached('form');
    assert.equal(seen.find(({ says }) => says).isAlive, false, 'the headline stands before any code');
    // The key of RSA-4096 is being searched, as for most customers.
    const bought = order(page);
    await page.getByRole('button', { name: /^Continue · / }).waitFor();
    await press(form.continue, '**/api/bootstrap');
    await bought.saving.waitFor();
    reached('order');
    await bought.savedForm.click();
    await bought.qr.waitFor();
    reached('invoice');
    await page.getByRole('timer').waitFor();
    await bought.payStub.click();
    await bought.ready.waitFor();
    reached('ready');
    await press(bought.claim, /\/claim$/);
    await page.getByRole('heading', { name: 'Lightning wallet (LND)' }).waitFor();
    reached('credentials');
    t.diagnostic(steps.join(', '));
    assert.equal((await bought.words()).length, 24);
    const { lasted, address } = longestSilence(seen);
    t.diagnostic(`longest silence: ${lasted} ms of ${seen.length} looks`);
    assert.ok(lasted < PATIENCE, `${address} said nothing for ${lasted} ms`);
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  test('an order link opens in a browser that has never been here, and the page says so meanwhile', async (t) => {
    const door = await wire(worker, { compress: true });
    t.after(() => door.close());
    const first = await browser.open({ baseURL: worker.url });
    const { id, fragment } = (await orderNode(first.page)).link();
    await first.close();
    const visit = await browser.open({ baseURL: door.url });
    const { page } = visit;
    page.setDefaultTimeout(LONG);
    const seen = await watch(page);
    await slowDown(page);
    await page.goto(`/orders/${id}#${fragment}`, { waitUntil: 'commit' });
    await order(page).saving.waitFor();
    const { lasted } = longestSilence(seen);
    t.diagnostic(`longest silence: ${lasted} ms of ${seen.length} looks`);
    assert.ok(lasted < PATIENCE, `the page said nothing for ${lasted} ms`);
    assert.ok(!seen.some(({ says }) => says.startsWith('Your own Bitcoin node')), "the first page's text stands on an order's address");
    await visit.close();
  });
});

describe('a payment', { skip }, () => {
  const ways = {
    'by all ways': async () => {},
    'by WebSocket alone': (page) => page.route(/\/api\/bootstrap\/[0-9a-f]{32}$/, (route) => route.abort()),
    'by asking alone': (page) => page.routeWebSocket(/\/live$/, (socket) => socket.close()),
  };
  for (const [name, limit] of Object.entries(ways)) {
    test(`is seen within three seconds: ${name}`, async (t) => {
      const visit = await browser.open({ baseURL: worker.url });
      const { page } = visit;
      if (name === 'by asking alone') await limit(page);
      const bought = await orderNode(page);
      await bought.untilPaying();
      await withOwnClock(page);
      await bought.qr.waitFor();
      // Right after it has asked: the worst moment.
      if (name === 'by asking alone') await page.waitForResponse(/\/api\/bootstrap\/[0-9a-f]{32}$/);
      else await limit(page);
      await stopClock(page);
      const paid = Date.now();
      await payBehind(visit, bought.link().id);
      await comesWithin(page, 3000, bought.building.or(bought.ready));
      t.diagnostic(`seen after ${Date.now() - paid} ms, and 3 s of the page's own clock`);
      await visit.close();
    });
  }
});
