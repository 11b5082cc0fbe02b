// The ends of an order and what lies before them: another invoice, a refund's address, more time, an early end, a sold-out region. The
// server of each order is scripted by its test; that the real one speaks the same is the Worker's tests' business.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { SIZES } from '../support/browser.mjs';
import { landing } from './pages/landing.mjs';
import { order } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';
import { fromNow, invoiceOf, makeLink, stage } from './staged.mjs';

const HOUR = 3600;
const NO_ROOM = 'There is no room for another machine in this region right now; nothing was ordered, try another region.';
const BAD_ADDRESS = 'That is neither a Lightning Address nor an LNURL nor an invoice.';
const refused = (status, code, message) => ({ status, error: { code, message } });
const owed = (more) => ({ refund: { state: 'owed', owedSats: 10_000, paidSats: 0, ...more } });
const extension = (more) => ({ amountSats: 10_000, perHours: 168, maxHours: 720, ...more });
const running = (hours, more) => ({ endsAt: fromNow(hours * HOUR), extension: extension(more) });

let link;
const focused = (page) => page.evaluate(() => document.activeElement.textContent);

/** Opens the order's page in a fresh profile and runs `use` on it. No error may stand in the console but Chromium's own notes on refusals. */
async function on(options, state, fields, answers, use) {
  const visit = await browser.open({ baseURL: worker.url, locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options });
  const staged = await stage(visit, link, state, fields, answers);
  await use(staged.page, staged, visit.page);
  assert.deepEqual(visit.errors.filter((text) => !text.includes('the server responded with a status of')), []);
  await visit.close();
}

describe('the end of an order', { skip }, () => {
  before(async () => { link = await makeLink(browser, worker.url); });

  describe('an expired order', () => {
    test('gets a new invoice, and a refusal stands where it was asked', async () => {
      let full = true;
      const renew = () => (full ? refused(503, 'no_capacity', NO_ROOM) : { state: 'awaiting_payment' });
      await on({}, 'expired', {}, { renew }, async (own, staged, page) => {
        await own.expired.waitFor();
        await own.renew.click();
        await page.getByRole('alert').filter({ hasText: NO_ROOM }).waitFor();
        await own.expired.waitFor();
        full = false;
        await own.renew.click();
        await own.untilPaying();
        await own.qr.waitFor();
        assert.deepEqual(staged.calls, [{ what: 'renew', body: {} }, { what: 'renew', body: {} }]);
        assert.equal(await own.renew.count(), 0);
      });
    });

    test('is asked for one invoice only, however often the button is pressed', async () => {
      const { promise, resolve } = Promise.withResolvers();
      await on({}, 'expired', {}, { renew: () => promise }, async (own, staged) => {
        await own.renew.click();
        const busy = own.button('Making the invoice…');
        await busy.waitFor();
        assert.equal(await busy.getAttribute('aria-disabled'), 'true');
        await busy.dispatchEvent('click');
        resolve({ state: 'awaiting_payment' });
        await own.saving.waitFor();
        assert.equal(staged.calls.length, 1);
      });
    });

    test('that is paid or renewed elsewhere moves on by itself, and a late older view changes nothing', async () => {
      await on({}, 'expired', {}, {}, async (own, staged, page) => {
        await own.expired.waitFor();
        // Whatever was on the screen, if only for a moment.
        await page.evaluate(() => {
          window.seen = [document.querySelector('h1').textContent];
          new MutationObserver(() => {
            for (const text of [document.querySelector('h1')?.textContent, document.querySelector('.progress .muted')?.textContent]) {
              if (text && !window.seen.includes(text)) window.seen.push(text);
              else if (text && window.seen.at(-1) !== text && text !== document.querySelector('h1').textContent) window.seen.push(`${text} again`);
            }
          }).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true });
        });
        const older = staged.view();
        staged.show('awaiting_payment');
        await own.untilPaying();
        for (const late of [older, { ...older, state: 'ended', revision: 0 }, { ...staged.view(), state: 'ended' }]) staged.send(late);
        staged.show('provisioning', { phase: 'bitcoin', percent: 55 });
        await own.building.waitFor();
        const building = staged.view();
        staged.show('provisioning', { phase: 'lnd', percent: 70 });
        await page.getByText('70 %').waitFor();
        for (const late of [building, { ...staged.view(), percent: 71 }, older]) staged.send(late);
        staged.show('ready');
        await own.ready.waitFor();
        assert.deepEqual(await page.evaluate(() => window.seen), [
          'The invoice has expired', 'Save your order link', 'Pay the invoice', 'Your machine is being built', '55 %', '70 %', 'Your machine is ready',
        ]);
      });
    });
  });

  describe('a refund', () => {
    test('asks for an address, keeps what was typed when it is refused, and goes its way', async () => {
      const refund = ({ refundTo }) => (refundTo.includes('@wallet') ? owed({ to: refundTo }) : refused(400, 'invalid_refund_address', BAD_ADDRESS));
      await on({}, 'failed', owed(), { refund }, async (own, staged, page) => {
        await own.failed.waitFor();
        await own.refund.getByText('10,000 sats are owed to you').waitFor();

        await own.sendRefund.click();
        await own.refund.getByRole('alert').waitFor();
        assert.deepEqual(staged.calls, [], 'nothing is sent for nothing');

        await own.refundTo.fill('me@nowhere');
        assert.equal(await own.refund.getByRole('alert').count(), 0, 'typing ends the complaint');
        await page.keyboard.press('Enter');
        await own.refund.getByRole('alert').filter({ hasText: BAD_ADDRESS }).waitFor();
        assert.equal(await own.refundTo.inputValue(), 'me@nowhere');
        assert.equal(await own.refundTo.getAttribute('aria-invalid'), 'true');
        const describedBy = (await own.refundTo.getAttribute('aria-describedby')).split(' ');
        assert.ok(describedBy.includes(await own.refund.getByRole('alert').getAttribute('id')));
        assert.ok(await own.refundTo.evaluate((element) => element === document.activeElement), 'the field has the focus');

        await own.refundTo.fill(' me@wallet.example ');
        await own.sendRefund.click();
        await own.refund.getByText('me@wallet.example', { exact: true }).waitFor();
        assert.deepEqual(staged.calls.at(-1), { what: 'refund', body: { refundTo: 'me@wallet.example' } });
        assert.equal(await focused(page), 'Your refund');

        await own.refund.getByText('Send it somewhere else').click();
        await own.refundTo.fill('you@wallet.example');
        await own.sendRefund.click();
        await own.refund.getByText('you@wallet.example', { exact: true }).waitFor();

        staged.show('failed', owed({ to: 'you@wallet.example', state: 'paying' }));
        await own.refund.getByText('10,000 sats are on their way to you').waitFor();
        assert.equal(await own.refundTo.count(), 0, 'too late to change it');
        await own.said(/10,000 sats are on their way to you\./);
        staged.show('refunded', { refund: { state: 'paid', owedSats: 0, paidSats: 10_000, to: 'you@wallet.example' } });
        await own.heading('Your payment was returned').waitFor();
        await own.refund.getByText('10,000 sats were sent back').waitFor();
      });
    });

    test('that could not be sent says why, and offers the address for correction', async () => {
      const problem = 'The wallet at walet.example does not answer.';
      await on({}, 'failed', owed({ to: 'me@walet.example' }), {}, async (own, staged) => {
        await own.refund.getByText('me@walet.example').waitFor();
        staged.show('failed', owed({ to: 'me@walet.example', problem }));
        await own.refund.getByText(problem).waitFor();
        await own.said(/The wallet at walet\.example does not answer\./);
        assert.equal(await own.refundTo.inputValue(), 'me@walet.example');
      });
    });

    test('does not lose what is being typed when news arrive', async () => {
      await on({}, 'failed', owed(), {}, async (own, staged) => {
        await own.refundTo.fill('half@an.addr');
        staged.show('failed', owed({ owedSats: 20_000 }));
        await own.refund.getByText('20,000 sats are owed to you').waitFor();
        assert.equal(await own.refundTo.inputValue(), 'half@an.addr');
        assert.ok(await own.refundTo.evaluate((element) => element === document.activeElement), 'the field keeps the focus');
      });
    });

    test('is followed on an ended order until it is paid, and stands beside a running machine too', async () => {
      await on({}, 'ready', owed(), {}, async (own, staged) => {
        await own.ready.waitFor();
        await own.refundTo.waitFor();
        staged.show('ended', { ...owed(), errorCode: 'machine_lost', errorMessage: 'The cloud no longer knows your machine.' });
        await own.heading('This order has ended').waitFor();
        await own.refundTo.waitFor();
        staged.show('ended', { refund: { state: 'paid', owedSats: 0, paidSats: 10_000 } });
        await own.refund.getByText('10,000 sats were sent back').waitFor();
      });
    });
  });

  describe('a machine with an end', () => {
    test('tells when it ends, and warns on its last day', async () => {
      await on({}, 'ready', running(100), {}, async (own, staged, page) => {
        await page.getByText('4 days 3 h').or(page.getByText('4 days 4 h')).waitFor();
        const until = await page.locator('time').innerText();
        assert.match(until, /^\w{3},? \d{1,2} \w+ \d{4},? (at )?\d\d:\d\d (CET|CEST|GMT\+[12])$/);
        assert.equal(await page.locator('time').getAttribute('datetime'), staged.view().endsAt);
        assert.equal(await page.getByText('Your machine ends soon').count(), 0);
        staged.show('ready', running(23));
        const warning = page.getByRole('note').filter({ hasText: 'Your machine ends soon' });
        await warning.waitFor();
        assert.match(await warning.innerText(), /This machine and everything on it is removed at .+\. Extend it or take what you need off it\./);
        await warning.getByRole('button', { name: 'Extend it' }).click();
        assert.ok(await own.hours.evaluate((element) => element === document.activeElement));
        // A quarter of four hours is one hour: no warning two hours before.
        staged.show('ready', running(2, { perHours: 4 }));
        await warning.waitFor({ state: 'detached' });
        staged.show('ready', running(0.9, { perHours: 4 }));
        await warning.waitFor();
      });
    });

    test('gets more time: the price follows the hours, and the invoice is checked against it', async () => {
      const price = (hours) => Math.ceil(10_000 * hours / 168);
      const before = running(100);
      const extend = ({ hours }) => ({ ...before, extension: extension({ invoice: invoiceOf(price(hours)), invoiceHours: hours }) });
      await on({ permissions: ['clipboard-read', 'clipboard-write'] }, 'ready', before, { extend }, async (own, staged, page) => {
        await own.moreTime.waitFor();
        assert.equal(await own.hours.inputValue(), '168');
        await own.moreTime.getByText('10,000 sats').waitFor();
        for (const bad of ['0', '721', '', '1.5', '-3']) {
          await own.hours.fill(bad);
          await own.getInvoice.click();
          await own.moreTime.getByRole('alert').filter({ hasText: 'Enter a whole number from 1 to 720.' }).waitFor();
        }
        assert.deepEqual(staged.calls, []);
        await own.hours.fill('24');
        await own.moreTime.getByText('1,429 sats').waitFor();
        await own.getInvoice.click();
        await own.qr.waitFor();
        assert.deepEqual(staged.calls, [{ what: 'extend', body: { hours: 24 } }]);
        await page.waitForFunction(() => document.activeElement.textContent === 'Pay for 24 hours more');
        const { paymentRequest } = staged.view().extension.invoice;
        assert.equal(await own.wallet.getAttribute('href'), `lightning:${paymentRequest}`);
        await own.button('Copy the invoice').click();
        await own.said(/^Copied the invoice$/);
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), paymentRequest);

        staged.show('ready', running(124));
        await page.getByText('Paid: your machine has more time', { exact: true }).waitFor();
        await own.qr.waitFor({ state: 'detached' });
        await page.waitForFunction(() => document.activeElement.textContent === 'More time');
      });
    });

    test('shows no invoice for another price than the one that was shown, whatever the server says it costs', async () => {
      const before = running(100);
      const extend = ({ hours }) => ({ ...before, extension: extension({ amountSats: 20_000, invoice: invoiceOf(20_000 * hours / 168), invoiceHours: hours }) });
      await on({}, 'ready', before, { extend }, async (own) => {
        await own.getInvoice.click();
        await own.refusal.waitFor();
        assert.match(await own.refusal.innerText(), /price/);
        for (const way of [own.qr, own.wallet, own.button('Copy the invoice')]) assert.equal(await way.count(), 0);
        // Now the new price is on the screen; asking again agrees to it.
        await own.getInvoice.click();
        await own.qr.waitFor();
      });
    });

    test('keeps the hours that were typed when the server refuses them', async () => {
      const extend = () => refused(503, 'lightning_unavailable', 'The Lightning service does not answer.');
      await on({}, 'ready', running(100), { extend }, async (own, staged) => {
        await own.hours.fill('48');
        await own.getInvoice.click();
        await own.moreTime.getByRole('alert').filter({ hasText: 'The Lightning service does not answer.' }).waitFor();
        staged.show('ready', running(99));
        assert.equal(await own.hours.inputValue(), '48');
      });
    });

    test('ends early after a tick and not before, and then shows no credentials', async () => {
      const destroy = () => ({ ending: true, credentials: undefined, errorCode: 'destroyed', errorMessage: 'You ended this machine.' });
      await on({}, 'ready', running(100), { destroy }, async (own, staged, page) => {
        await own.endNow.waitFor();
        assert.equal(await own.remove.isVisible(), false, 'folded away');
        await own.endNow.click();
        assert.ok(await own.remove.isDisabled());
        await own.sure.check();
        await own.sure.uncheck();
        assert.ok(await own.remove.isDisabled());
        await own.sure.check();
        assert.deepEqual(staged.calls, []);
        await own.remove.click();
        await own.removing.waitFor();
        assert.deepEqual(staged.calls, [{ what: 'destroy', body: {} }]);
        assert.equal(await focused(page), 'Your machine is being removed');
        for (const gone of [own.claim, own.button('Download the SSH private key'), own.moreTime, own.endNow]) assert.equal(await gone.count(), 0);
      });
    });

    test('that is being removed shows nothing of it, even where the server still tells it, and then why it ended', async () => {
      const ready = { credentials: { nodeIp: '203.0.113.7', tailscaleHostname: null, lnbitsUrl: 'http://127.0.0.1:5000', hostKeys: [], delivery: 'erased' } };
      await on({}, 'ready', { ...ready, ...running(0), ending: true }, {}, async (own, staged, page) => {
        await own.removing.waitFor();
        assert.ok(!(await page.content()).includes('203.0.113.7'));
        assert.equal(await own.claim.count(), 0);
        for (const [errorCode, errorMessage, text] of [
          ['hours_over', 'The hours you paid for are over.', 'were removed'],
          ['destroyed', 'You ended this machine.', 'As you asked'],
          ['machine_lost', 'The cloud no longer knows your machine.', 'restored from the seed words'],
        ]) {
          staged.show('ready', { ending: true });
          await own.removing.waitFor();
          staged.show('ended', { errorCode, errorMessage });
          await page.getByText(errorMessage).waitFor();
          assert.ok((await page.locator('main').innerText()).includes(text), errorCode);
        }
      });
    });
  });

  describe('the order form', () => {
    const catalogue = (page, change) => page.route('**/api/catalogue', async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      change(body);
      await route.fulfill({ response, json: body });
    });
    const sellOut = (...slugs) => (body) => {
      for (const region of body.regions) region.available = !slugs.includes(region.slug);
    };
    const taken = (visit) => visit.requests.filter(({ method, url }) => method === 'POST' && url.endsWith('/api/bootstrap')).map(({ body }) => JSON.parse(body));

    test('offers no region that is sold out, and starts with one that is not', async () => {
      const visit = await browser.open({ baseURL: worker.url });
      await catalogue(visit.page, sellOut('nyc3', 'fra1'));
      const form = await landing(visit.page).open();
      await form.region.locator('option[value=nyc3]').waitFor({ state: 'attached' });
      const options = await form.region.locator('option').evaluateAll((all) => all.map(({ value, disabled, text }) => [value, disabled, text]));
      for (const [slug, disabled, text] of options) {
        assert.equal(disabled, ['nyc3', 'fra1'].includes(slug), slug);
        assert.equal(/sold out/.test(text), disabled, text);
      }
      assert.notEqual(await form.region.inputValue(), 'nyc3');
      await form.choose('Ed25519');
      await form.continue.click();
      await order(visit.page).saving.waitFor();
      assert.equal(taken(visit)[0].region, options.find(([, disabled]) => !disabled)[0]);
      await visit.close();
    });

    test('says so when the last place goes meanwhile, and loses nothing', async () => {
      const visit = await browser.open({ baseURL: worker.url });
      const { page } = visit;
      const form = await landing(page).open();
      await form.region.selectOption('lon1');
      await form.choose('Ed25519');
      await form.giveRefundAddress('me@wallet.example');
      await page.route('**/api/bootstrap', (route) => route.fulfill({ status: 503, json: { error: { code: 'no_capacity', message: NO_ROOM } } }), { times: 1 });
      await catalogue(page, sellOut('lon1'));
      await form.continue.click();
      await form.trouble.filter({ hasText: NO_ROOM }).waitFor();
      await page.getByText('London 1 is sold out right now; choose another region.').waitFor();
      assert.deepEqual([await form.region.inputValue(), await form.refundAddress.inputValue()], ['lon1', 'me@wallet.example']);
      await form.region.selectOption('ams3');
      await page.getByText('is sold out right now').waitFor({ state: 'detached' });
      const many = 'There are too many unpaid orders from your network right now; pay or wait for one to run out.';
      await page.route('**/api/bootstrap', (route) => route.fulfill({ status: 429, json: { error: { code: 'too_many_orders', message: many } } }), { times: 1 });
      await form.continue.click();
      await form.trouble.filter({ hasText: many }).waitFor();
      await form.continue.click();
      await order(page).saving.waitFor();
      const last = taken(visit).at(-1);
      assert.deepEqual([last.region, last.refundTo], ['ams3', 'me@wallet.example']);
      await visit.close();
    });

    test('puts a refused refund address where it was typed, also when that is folded away', async () => {
      const visit = await browser.open({ baseURL: worker.url });
      const { page } = visit;
      const form = await landing(page).open();
      await form.choose('Ed25519');
      await form.giveRefundAddress('nobody');
      await page.locator('summary', { hasText: 'If something goes wrong' }).click();
      assert.equal(await form.refundAddress.isVisible(), false);
      await page.route('**/api/bootstrap', (route) => route.fulfill({ status: 400, json: { error: { code: 'invalid_refund_address', message: BAD_ADDRESS } } }), { times: 1 });
      await form.continue.click();
      await form.trouble.filter({ hasText: BAD_ADDRESS }).waitFor();
      assert.equal(await form.refundAddress.inputValue(), 'nobody');
      assert.ok(await form.refundAddress.evaluate((element) => element === document.activeElement));
      await form.refundAddress.fill('');
      await form.continue.click();
      await order(page).saving.waitFor();
      assert.equal(taken(visit).at(-1).refundTo, undefined);
      await visit.close();
    });

    test('sells nothing where nothing is left', async () => {
      for (const change of [(body) => { body.products[0].available = false; }, (body) => { for (const region of body.regions) region.available = false; }]) {
        const visit = await browser.open({ baseURL: worker.url });
        await catalogue(visit.page, change);
        await visit.page.goto('/');
        await visit.page.getByText('No machine can be ordered at the moment.').waitFor();
        assert.ok(await landing(visit.page).continue.isDisabled());
        await visit.close();
      }
    });
  });

  describe('each of these pages', () => {
    const invoice = invoiceOf(1429);
    const scenes = [
      ['expired', 'expired', {}],
      ['owed', 'failed', owed()],
      ['problem', 'failed', owed({ to: 'me@walet.example', problem: 'The wallet at walet.example does not answer.' })],
      ['paying', 'failed', owed({ state: 'paying', to: invoice.paymentRequest })],
      ['refunded', 'refunded', { refund: { state: 'paid', owedSats: 0, paidSats: 10_000, to: 'me@wallet.example' } }],
      ['last-day', 'ready', running(5, { invoice, invoiceHours: 24 })],
      ['removing', 'ready', { ending: true }],
      ['ended', 'ended', { errorCode: 'hours_over', errorMessage: 'The hours you paid for are over.' }],
    ];
    for (const [size, scheme] of [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light'], ['desktop', 'dark']]) {
      test(`fits a ${size}, ${scheme}`, async () => {
        const visit = await browser.open({ size, scheme, baseURL: worker.url, locale: 'en-GB', timezoneId: 'Europe/Berlin' });
        for (const [name, state, fields] of scenes) {
          const staged = await stage(visit, link, state, fields);
          await visit.page.getByText('Order number').waitFor();
          if (fields.extension) await staged.page.qr.waitFor();
          await visit.screenshot(`ends-${name}`, { fullPage: true });
          assert.ok(await visit.page.evaluate(() => document.documentElement.scrollWidth) <= SIZES[size].width, `${name} is wider than the screen`);
          await visit.page.goto('about:blank');
          await visit.page.unrouteAll({ behavior: 'ignoreErrors' });
        }
        assert.deepEqual(visit.errors, []);
        await visit.close();
      });
    }
  });
});
