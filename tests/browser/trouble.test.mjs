// What the page does when something fails: nothing typed is lost, nothing is ordered twice, and it finds its way back by itself.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomWord } from '../support/order.mjs';
import { focusComesTo } from './class.mjs';
import { comesWithin, stopClock, withOwnClock } from './own_clock.mjs';
import { landing } from './pages/landing.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, payBehind, skip, worker } from './shop.mjs';

const bodies = (visit) => visit.requests.filter(({ method, url }) => method === 'POST' && url.endsWith('/api/bootstrap')).map(({ body }) => body);
const refused = (status, code, message) => (route) => route.fulfill({ status, json: { error: { code, message } } });
const BOOTSTRAP = '**/api/bootstrap';

describe('the order form', { skip }, () => {
  test('keeps everything when the order fails, and the retry is the same request', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const form = await landing(page).open();
    await form.region.selectOption('lon1');
    await form.choose('Bitcoin Core');
    await form.choose('Ed25519');
    await form.giveRefundAddress('me@wallet.example');
    const failures = [
      [refused(503, 'lightning_unavailable', 'The Lightning service does not answer.'), 'The Lightning service does not answer.'],
      [(route) => route.abort(), 'The server cannot be reached.'],
      [(route) => route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }), 'The server gave an answer that makes no sense.'],
    ];
    for (const [failure, sentence] of failures) {
      await page.route(BOOTSTRAP, failure, { times: 1 });
      await form.continue.click();
      await form.trouble.filter({ hasText: sentence }).waitFor();
      assert.deepEqual([await form.region.inputValue(), await form.refundAddress.inputValue()], ['lon1', 'me@wallet.example']);
      assert.ok(await form.chosen('Bitcoin Core') && await form.chosen('Ed25519'));
    }
    await form.continue.click();
    await order(page).saving.waitFor();
    assert.equal(bodies(visit).length, 4);
    assert.equal(new Set(bodies(visit)).size, 1, 'each attempt is the same request');
    await visit.close();
  });

  test('after a lost answer and changed choices, the person decides between the two orders', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const form = await landing(page).open();
    await form.choose('Ed25519');
    const lose = async (route) => {
      await route.fetch();
      await route.abort();
    };
    await page.route(BOOTSTRAP, lose, { times: 1 });
    await form.continue.click();
    await form.trouble.waitFor();
    await form.region.selectOption('sgp1');
    await form.continue.click();
    const choice = page.getByRole('note').getByText('Your first attempt had arrived after all');
    await choice.waitFor();
    const [first] = bodies(visit).map((body) => JSON.parse(body));
    await page.getByRole('button', { name: 'Order with the new choices' }).click();
    const bought = order(page);
    await bought.saving.waitFor();
    const last = JSON.parse(bodies(visit).at(-1));
    assert.equal(last.region, 'sgp1');
    for (const field of ['orderId', 'sshPublicKey', 'sealTo', 'accessHash']) assert.notEqual(last[field], first[field], field);

    const again = await landing(page).open();
    await again.choose('Ed25519');
    await page.route(BOOTSTRAP, lose, { times: 1 });
    await again.continue.click();
    await again.trouble.waitFor();
    const { orderId } = JSON.parse(bodies(visit).at(-1));
    await again.region.selectOption('tor1');
    await again.continue.click();
    await choice.waitFor();
    await page.getByRole('button', { name: 'Open that order' }).click();
    await bought.saving.waitFor();
    assert.equal(bought.link().id, orderId);
    await visit.close();
  });

  test('is sent once, however often its button is pressed while the page of the order is on its way', async () => {
    const visit = await browser.open({ baseURL: worker.url, serviceWorkers: 'block' });
    const { page } = visit;
    const form = await landing(page).open();
    await form.choose('Ed25519');
    const { promise: isPressed, resolve } = Promise.withResolvers();
    await page.exposeBinding('pressedAgain', (_, state) => resolve(state));
    await page.evaluate(() => {
      const button = document.querySelector('.order-form button[type=submit]');
      const press = () => {
        window.pressedAgain(button.getAttribute('aria-disabled'));
        button.click();
      };
      window.navigation.addEventListener('navigate', () => setTimeout(press), { once: true });
    });
    await page.route(/\/orders\//, async (route) => {
      await isPressed;
      await route.continue();
    });
    await form.continue.click();
    assert.equal(await isPressed, 'true');
    await order(page).saving.waitFor();
    assert.equal(bodies(visit).length, 1);
    await visit.close();
  });

  test('says why there are no prices, and asks again', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    await page.route('**/api/catalogue', (route) => route.abort(), { times: 1 });
    await page.goto('/');
    await page.getByText('Prices could not be loaded').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Continue · 10,000 sats' }).waitFor();
    await focusComesTo(page, 'order-title');
    await visit.close();
  });

  test('says so when the vault does not start', async () => {
    const visit = await browser.open({ baseURL: worker.url, serviceWorkers: 'block' });
    await visit.context.route(/vault_bg-[0-9a-f]+\.wasm$/, (route) => route.abort());
    await visit.page.goto('/');
    await visit.page.getByText('Your key could not be made').waitFor();
    await visit.context.unroute(/vault_bg-[0-9a-f]+\.wasm$/);
    await visit.page.getByRole('button', { name: 'Try again' }).click();
    await landing(visit.page).keyReady.waitFor();
    await focusComesTo(visit.page, 'key-status');
    await visit.close();
  });
});

describe('an order is followed', { skip }, () => {
  test('by asking, where WebSocket is blocked', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    let blocked = 0;
    await visit.page.routeWebSocket(/\/live$/, (socket) => {
      blocked += 1;
      socket.close();
    });
    const bought = await orderNode(visit.page);
    await bought.untilReady();
    assert.ok(blocked > 0, 'the page did not try');
    await visit.close();
  });

  test('by WebSocket, where asking fails, and a paid order shows within three seconds', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const bought = await orderNode(page);
    await bought.untilPaying();
    await withOwnClock(page);
    await bought.qr.waitFor();
    await page.route(/\/api\/bootstrap\/[0-9a-f]{32}$/, (route) => route.abort());
    await stopClock(page);
    // Only the WebSocket can tell it.
    await payBehind(visit, bought.link().id);
    await comesWithin(page, 3000, bought.building.or(bought.ready));
    await page.clock.resume();
    await bought.ready.waitFor();
    await visit.close();
  });

  test('again after the connection was lost, and the page says so meanwhile', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page, context } = visit;
    const bought = await orderNode(page);
    await bought.untilPaying();
    await context.setOffline(true);
    await page.getByRole('note').getByText('No news from the server').waitFor();
    await context.setOffline(false);
    await page.getByRole('note').getByText('No news from the server').waitFor({ state: 'detached' });
    await bought.payStub.click();
    await bought.ready.waitFor();
    await visit.close();
  });

  const ends = [
    ['expired', {}, 'The invoice has expired', /late payment still counts/],
    ['failed', { errorCode: 'no_capacity', errorMessage: 'There was no machine left in this region.' }, 'The machine could not be built', /10,000 sats; it is owed back to you/],
    ['refunded', {}, 'Your payment was returned', /10,000 sats were sent back/],
    ['ended', {}, 'This order has ended', /gone as planned/],
  ];
  for (const [state, more, title, text] of ends) {
    test(`to its end: ${state}`, async () => {
      const visit = await browser.open({ baseURL: worker.url });
      const { page } = visit;
      await page.routeWebSocket(/\/live$/, (socket) => socket.close());
      await page.route(/\/api\/bootstrap\/[0-9a-f]{32}$/, async (route) => {
        const response = await route.fetch();
        const { invoice, ...view } = await response.json();
        await route.fulfill({ response, json: { ...view, ...more, state } });
      });
      const form = await landing(page).open();
      await form.choose('Ed25519');
      await form.continue.click();
      await order(page).heading(title).waitFor();
      assert.match(await page.locator('main').innerText(), text);
      if (more.errorMessage) await page.getByText(more.errorMessage).waitFor();
      await visit.screenshot(`end-${state}`, { fullPage: true });
      await page.getByRole('link', { name: 'Order again' }).click();
      await form.continue.waitFor();
      await visit.close();
    });
  }
});

describe('the hand-over', { skip }, () => {
  const api = (visit, id, call, nonce) => worker.fetch(`/api/bootstrap/${id}/${call}`, {
    method: 'POST',
    headers: { authorization: visit.requests.map(({ headers }) => headers.authorization).find(Boolean) },
    body: JSON.stringify({ nonce }),
  });

  test('a lost answer loses nothing: the nonce was kept before, and the same one gets the bundle', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const bought = await orderNode(page);
    await bought.untilReady();
    await page.route(/\/claim$/, async (route) => {
      await route.fetch();
      await route.abort();
    }, { times: 1 });
    await bought.claim.click();
    await page.getByRole('alert').filter({ hasText: 'The server cannot be reached' }).waitFor();
    await page.reload();
    await bought.button('Show my credentials again').click();
    assert.equal((await bought.words()).length, 24);
    await visit.close();
  });

  test('somebody else was first: a clear warning, whether before the page looked or after', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const bought = await orderNode(page);
    await bought.untilReady();
    await page.routeWebSocket(/\/live$/, (socket) => socket.close());
    await page.reload();
    await bought.claim.waitFor();
    // The page does not hear of the other claim, so it still offers its own.
    const asks = /\/api\/bootstrap\/[0-9a-f]{32}$/;
    await page.route(asks, (route) => route.abort());
    await page.getByRole('note').getByText('No news from the server').waitFor();
    assert.equal((await api(visit, bought.link().id, 'claim', randomWord())).status, 200);
    await bought.claim.click();
    await page.getByRole('alert').filter({ hasText: 'treat this machine and its wallet as lost' }).first().waitFor();
    await page.unroute(asks);
    await page.reload();
    await page.getByText('These credentials were claimed in another browser').waitFor();
    await visit.screenshot('claimed-elsewhere', { fullPage: true });
    await visit.close();
  });

  test('a bundle that does not open says so and can be fetched again', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const bought = await orderNode(page);
    await bought.untilReady();
    const sealed = Buffer.from('age-encryption.org/v1\nnonsense').toString('base64');
    await page.route(/\/claim$/, (route) => route.fulfill({ json: { sealed } }), { times: 1 });
    await bought.claim.click();
    await page.getByText('The sealed credentials do not open with this order link.').waitFor();
    await bought.claim.click();
    assert.equal((await bought.words()).length, 24);
    await visit.close();
  });
});
