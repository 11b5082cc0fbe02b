// The invoice's screen beyond paying: what it costs in other money, the last minutes, help for who has paid and sees nothing, a payment that
// shows at once, and a focus that is never lost.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { answered, comesWithin, stopClock, withOwnClock } from './own_clock.mjs';
import { orderNode } from './pages/order.mjs';
import { browser, payBehind, skip, viewBehind, worker } from './shop.mjs';
import { makeLink, stage } from './staged.mjs';

const ORDER = /\/api\/bootstrap\/[0-9a-f]{32}$/;
/** The focus comes to what has this text. */
const focusIs = (page, text) => page.waitForFunction((wanted) => document.activeElement.textContent === wanted, text);

/** Everything the live region says from now on -> (count) => the first so many texts */
async function listen(page) {
  await page.evaluate(() => { window.spoken = []; });
  return async (count) => {
    await page.waitForFunction((wanted) => window.spoken.length >= wanted, count);
    return page.evaluate(() => window.spoken);
  };
}

/** Opens a fresh order up to its invoice and runs `use` on it. */
async function paying(options, prepare, use) {
  const visit = await browser.open({ baseURL: worker.url, locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options });
  await prepare(visit.page);
  const bought = await orderNode(visit.page);
  await bought.untilPaying();
  await use(bought, visit.page, visit);
  await visit.close();
}
const nothing = async () => {};

describe('the invoice', { skip }, () => {
  test('is in satoshis, and about so much in other money where a price is known', async () => {
    const at = Date.now();
    const priced = (page) => page.route('**/api/catalogue', async (route) => {
      const response = await route.fetch();
      const fiat = { currency: 'EUR', hundredthsPerBitcoin: 6_400_000, at };
      await route.fulfill({ response, json: { ...await response.json(), fiat } });
    });
    await paying({}, priced, async (bought, page) => {
      await bought.qr.waitFor();
      assert.equal(await page.locator('.amount').innerText(), '10,000 sats');
      const time = await page.evaluate((moment) => new Date(moment).toLocaleTimeString(navigator.language, { hour: '2-digit', minute: '2-digit' }), at);
      assert.equal(await page.locator('.about-money').innerText(), `≈ €6.40, as of ${time}`);
    });
    await paying({}, nothing, async (bought, page) => {
      await bought.qr.waitFor();
      assert.equal(await page.locator('.about-money').count(), 0);
    });
  });

  test('has a QR code with four modules of light around it, on white', async () => {
    await paying({ scheme: 'dark' }, nothing, async (bought) => {
      const { size, path, ground } = await bought.qr.evaluate((svg) => ({
        size: svg.viewBox.baseVal.width, path: svg.querySelector('path').getAttribute('d'), ground: svg.querySelector('rect').getAttribute('fill'),
      }));
      const runs = [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].map(([, x, y, run]) => ({ x: Number(x), y: Number(y), end: Number(x) + Number(run) }));
      assert.equal(Math.min(...runs.flatMap(({ x, y }) => [x, y])), 4);
      assert.equal(Math.max(...runs.flatMap(({ end, y }) => [end, y + 1])), size - 4);
      assert.equal(ground, '#fff');
    });
  });

  test('tells once each that five minutes and one minute are left', async () => {
    await paying({}, (page) => page.clock.install(), async (bought, page, visit) => {
      await bought.qr.waitFor();
      const { invoice } = await viewBehind(visit, bought.link().id);
      const untilLeft = (seconds) => page.clock.pauseAt(Date.parse(invoice.expiresAt) - seconds * 1000);
      await listen(page);
      const bar = page.locator('.last-minutes');
      assert.equal(await bar.isVisible(), false);
      await untilLeft(299);
      await page.locator('.countdown.short').waitFor();
      assert.ok(await bar.isVisible());
      await page.clock.runFor(15_000);
      await untilLeft(45);
      await bought.said(/^One minute is left/);
      await page.clock.runFor(15_000);
      // The leaps cut calls to the server, which is said, too.
      const said = await page.evaluate(() => window.spoken);
      assert.deepEqual(said.filter((text) => text.includes(' left to pay ')), ['Five minutes are left to pay the invoice.', 'One minute is left to pay the invoice.']);
    });
  });

  test('says again what is done again', async () => {
    await paying({ permissions: ['clipboard-read', 'clipboard-write'] }, nothing, async (bought, page) => {
      await bought.qr.waitFor();
      const said = await listen(page);
      const copy = page.locator('.invoice .row button').first();
      for (const times of [1, 2]) {
        await copy.click();
        assert.deepEqual(await said(times), Array(times).fill('Copied the invoice'));
      }
    });
  });
});

describe('a payment', { skip }, () => {
  test('is looked up for who asks, and what was found is said with its time', async () => {
    await paying({}, nothing, async (bought, page) => {
      await bought.qr.waitFor();
      const look = bought.button('Look the payment up now');
      assert.equal(await look.isVisible(), false, 'folded away');
      await page.locator('summary', { hasText: 'Paid, but nothing happens?' }).click();
      await page.getByText('A payment that arrives within a day after the invoice has run out still counts').waitFor();
      const said = await listen(page);
      const [request] = await Promise.all([page.waitForRequest(ORDER), look.click()]);
      assert.equal(request.method(), 'GET');
      const found = page.locator('.help .found');
      await found.waitFor();
      const text = await found.innerText();
      assert.match(text, /^The server has not heard of a payment yet, at \d\d:\d\d:\d\d\.$/);
      assert.deepEqual(await said(1), [text]);
      assert.ok(await look.evaluate((button) => button === document.activeElement));

      await page.route(ORDER, (route) => route.abort());
      await look.click();
      await found.filter({ hasText: 'The payment could not be looked up. The server cannot be reached.' }).waitFor();
    });
  });

  test('shows within three seconds where the WebSocket never says anything', async () => {
    await paying({}, (page) => page.routeWebSocket(/\/live$/, () => {}), async (bought, page, visit) => {
      await withOwnClock(page);
      await bought.qr.waitFor();
      await stopClock(page);
      await payBehind(visit, bought.link().id);
      await comesWithin(page, 3000, bought.building.or(bought.ready));
    });
  });

  test('shows within three seconds where the WebSocket has fallen silent', async () => {
    const mute = (page) => page.routeWebSocket(/\/live$/, (socket) => { socket.send('pong'); });
    await paying({}, mute, async (bought, page, visit) => {
      await withOwnClock(page);
      await bought.qr.waitFor();
      await stopClock(page);
      // Until the silence is noticed it is asked every five seconds only.
      await page.clock.runFor(10_000);
      await answered(page);
      await payBehind(visit, bought.link().id);
      await comesWithin(page, 3000, bought.building.or(bought.ready));
    });
  });
});

describe('the focus', { skip }, () => {
  let link;
  before(async () => { link = await makeLink(browser, worker.url); });

  test('is on the heading again when the button that had it is gone', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    let works = false;
    await page.route('**/api/catalogue', (route) => (works ? route.continue() : route.abort()));
    const { page: bought } = await stage(visit, link, 'awaiting_payment');
    await bought.untilPaying();
    await page.getByText('The invoice could not be checked').waitFor();
    works = true;
    await bought.tryAgain.click();
    await bought.qr.waitFor();
    await focusIs(page, 'Pay the invoice');

    const lost = page.getByRole('note').getByText('No news from the server');
    await page.route(ORDER, (route) => route.abort());
    await lost.waitFor();
    await bought.button('Try now').focus();
    await page.unroute(ORDER);
    await lost.waitFor({ state: 'detached' });
    await focusIs(page, 'Pay the invoice');
    await visit.close();
  });

  test('stays where it is while the server goes on giving no answer, which is said once', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const { page: bought } = await stage(visit, link, 'awaiting_payment');
    await bought.untilPaying();
    await bought.qr.waitFor();
    await page.route(ORDER, (route) => route.abort());
    await bought.said(/^No news from the server/);
    const said = await listen(page);
    const tryNow = bought.button('Try now');
    await tryNow.focus();
    await tryNow.evaluate((button) => { window.kept = button; });
    for (let times = 0; times < 3; times += 1) {
      const failed = page.waitForEvent('requestfailed', (request) => ORDER.test(request.url()));
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await failed;
    }
    await page.getByRole('button', { name: 'Copy the link' }).click();
    assert.deepEqual(await said(1), ['Copied the order link']);
    assert.ok(await tryNow.evaluate((button) => button === window.kept), 'it is the same button');
    await visit.close();
  });

  test('goes to the new invoice, and that is said', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const { page: bought } = await stage(visit, link, 'expired', {}, { renew: () => ({ state: 'awaiting_payment' }) });
    await bought.expired.waitFor();
    const said = await listen(page);
    await bought.renew.click();
    await bought.saving.waitFor();
    await focusIs(page, 'Save your order link');
    assert.deepEqual(await said(1), ['Here is a new invoice for the same order.']);
    await visit.close();
  });
});
