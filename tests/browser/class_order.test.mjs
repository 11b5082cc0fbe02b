// Ordering a class: what it costs as it is chosen, what is sent, what bad input gets, and the way with a keyboard only.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SIZES } from '../support/browser.mjs';
import { landing } from './pages/landing.mjs';
import { order } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';

const CHEAPEST = { A: 1600, B: 3520, C: 7680, D: 16_640 };
const text = (number) => number.toLocaleString('en-US');
const sent = (visit) => visit.requests.filter(({ method, url }) => method === 'POST' && url.endsWith('/api/bootstrap')).map(({ body }) => JSON.parse(body));
const focused = (locator) => locator.evaluate((element) => element === document.activeElement);

/** Opens the form of a class in a fresh profile and runs `use` on it; no error may stand in the console but Chromium's notes on refusals. */
async function on(options, use) {
  const visit = await browser.open({ baseURL: worker.url, ...options });
  const form = await landing(visit.page).open(options.path);
  if (!options.path) await form.product('Classroom').check();
  await use(form, visit);
  assert.deepEqual(visit.errors.filter((error) => !error.includes('the server responded with a status of')), []);
  await visit.close();
}

/** What stands beside a field that is refused, as those hear it who do not see it. */
async function complaint(field, page) {
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  const ids = (await field.getAttribute('aria-describedby')).split(' ');
  for (const id of ids) {
    const alert = page.locator(`#${id}[role=alert]`);
    if (await alert.count()) return alert.innerText();
  }
  return undefined;
}

describe('ordering a class', { skip }, () => {
  test('shows what every size costs for the hours as they are chosen', async () => {
    await on({}, async (form, { page }) => {
      await page.getByRole('heading', { name: 'Order a classroom' }).waitFor();
      for (const [plan, hourly] of Object.entries(CHEAPEST)) {
        await form.plan(plan).check();
        await page.getByText(`${text(hourly)} sats/h`).waitFor();
        for (const hours of [1, 3, 48, 504]) {
          await form.hours.fill(String(hours));
          await form.quote.getByText(`${text(hourly * hours)} sats`, { exact: true }).waitFor();
          assert.equal(await form.continue.innerText(), `Continue · ${text(hourly * hours)} sats`);
        }
      }
      await form.quickHours('7 days').click();
      assert.equal(await form.hours.inputValue(), '168');
      assert.equal(await form.quickHours('7 days').getAttribute('aria-pressed'), 'true');
      await form.quote.getByText('2,795,520 sats', { exact: true }).waitFor();
      await form.hours.fill('soon');
      await form.quote.getByText('…').waitFor();
      assert.equal(await form.continue.innerText(), 'Continue');
    });
  });

  test('rounds up to a whole satoshi, and offers neither plans nor classes that are not sold', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    let change = ({ plans }) => { plans.splice(1); plans[0].msatPerNodeHour = 200_001; };
    await visit.page.route('**/api/catalogue', async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      const left = json.products.filter((product) => product.kind !== 'classroom' || change(product) !== false);
      await route.fulfill({ response, json: { ...json, products: left } });
    });
    const form = await landing(visit.page).open('/#classroom');
    await form.hours.fill('1');
    await form.quote.getByText('1,601 sats').waitFor();
    assert.equal(await form.plan('B').count(), 0);
    change = () => false;
    await visit.page.reload();
    await visit.page.getByRole('heading', { name: 'Order a full node' }).waitFor();
    await form.product('Classroom').waitFor({ state: 'detached' });
    await visit.close();
  });

  test('is sold out without the full node being so', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    await visit.page.route('**/api/catalogue', async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      json.products.find(({ kind }) => kind === 'classroom').available = false;
      await route.fulfill({ response, json });
    });
    const form = await landing(visit.page).open();
    await visit.page.getByRole('button', { name: 'Continue · 10,000 sats', disabled: false }).waitFor();
    await form.product('Classroom').check();
    await visit.page.getByText('No machine can be ordered at the moment.').waitFor();
    assert.ok(await form.continue.isDisabled());
    await visit.close();
  });

  test('of 8 nodes for 48 hours asks for 76,800 sats, and orders what was chosen', async () => {
    await on({ size: 'desktop' }, async (form, visit) => {
      await form.plan('A').check();
      await form.quickHours('2 days').click();
      await form.quote.getByText('76,800 sats').waitFor();
      await form.region.selectOption('fra1');
      await form.choose('Ed25519');
      await form.moreChoices.click();
      await form.graph('Full').check();
      await form.distribution('Political').check();
      await form.seed.fill('21');
      await form.satsPerNode.fill('50000000');
      await form.giveRefundAddress('me@wallet.example');
      await form.continue.click();
      const bought = order(visit.page);
      await bought.untilPaying();
      await visit.page.getByText('76,800 sats').waitFor();
      await bought.qr.waitFor();
      const [request] = sent(visit);
      const product = { kind: 'classroom', plan: 'A', hours: 48, graph: 'full', distribution: 'political', seed: 21, satsPerNode: 50_000_000 };
      assert.deepEqual([request.product, request.region, request.refundTo], [product, 'fra1', 'me@wallet.example']);
      const authorization = visit.requests.map(({ headers }) => headers.authorization).find(Boolean);
      const view = await (await worker.fetch(`/api/bootstrap/${bought.link().id}`, { headers: { authorization } })).json();
      assert.deepEqual([view.amountSats, view.invoice.amountSats, view.product], [76_800, 76_800, product]);
    });
  });

  test('takes the defaults where nothing else is said, and becomes a class', async () => {
    await on({}, async (form, visit) => {
      await form.choose('Ed25519');
      await form.continue.click();
      const bought = order(visit.page);
      await bought.untilPaying();
      await bought.payStub.click();
      await bought.classReady.waitFor();
      await bought.live.getByText('This class is make-believe').waitFor();
      assert.deepEqual(sent(visit)[0].product, { kind: 'classroom', plan: 'A', hours: 8 });
    });
  });

  test('tells what cannot be at its field, keeps all that was typed, and sends nothing', async () => {
    await on({}, async (form, visit) => {
      const { page } = visit;
      await form.choose('Ed25519');
      await form.plan('B').check();
      await form.moreChoices.click();
      await form.graph('Full').check();
      await form.seed.fill('12');
      await form.giveRefundAddress('me@wallet.example');
      for (const bad of ['', '0', '505', '1.5', '-3', 'three', '99999999999999999999']) {
        await form.hours.fill(bad);
        await form.continue.click();
        await page.getByRole('alert').waitFor();
        assert.equal(await complaint(form.hours, page), 'Enter a whole number of hours from 1 to 504.', bad);
        assert.ok(await focused(form.hours));
        assert.equal(await form.hours.inputValue(), bad);
      }
      await form.hours.fill('24');
      assert.equal(await page.getByRole('alert').count(), 0, 'typing ends the complaint');
      for (const [field, bad, sentence] of [
        [form.seed, '4294967296', 'Enter a whole number from 0 to 4,294,967,295, or leave it empty.'],
        [form.seed, '-1', 'Enter a whole number from 0 to 4,294,967,295, or leave it empty.'],
        [form.satsPerNode, '9999999', 'Enter a whole number from 10,000,000 to 1,000,000,000, without separators.'],
        [form.satsPerNode, '', 'Enter a whole number from 10,000,000 to 1,000,000,000, without separators.'],
        [form.satsPerNode, '1000000001', 'Enter a whole number from 10,000,000 to 1,000,000,000, without separators.'],
      ]) {
        const good = await field.inputValue();
        await field.fill(bad);
        // Folded away again, as somebody may who thinks all is done.
        await form.moreChoices.click();
        await form.continue.click();
        await page.getByRole('alert').waitFor();
        assert.equal(await complaint(field, page), sentence);
        assert.ok(await focused(field));
        await field.fill(good);
      }
      assert.deepEqual(sent(visit), []);
      assert.deepEqual(
        [await form.hours.inputValue(), await form.seed.inputValue(), await form.satsPerNode.inputValue(), await form.refundAddress.inputValue()],
        ['24', '12', '100000000', 'me@wallet.example'],
      );
      assert.ok(await form.plan('B').isChecked() && await form.graph('Full').isChecked());
      await form.continue.click();
      await order(page).saving.waitFor();
      assert.deepEqual(sent(visit)[0].product, { kind: 'classroom', plan: 'B', hours: 24, graph: 'full', seed: 12 });
    });
  });

  test('shows what the server refuses where it was chosen', async () => {
    await on({}, async (form, visit) => {
      const { page } = visit;
      await form.choose('Ed25519');
      const refuse = (code, status = 400) => page.route('**/api/bootstrap', (route) => route.fulfill({ status, json: { error: { code, message: `Refused: ${code}.` } } }), { times: 1 });
      for (const [code, sentence, place] of [
        ['invalid_hours', 'So many hours are not sold right now; choose another number.', form.hours],
        ['unknown_plan', 'This size is not sold right now; choose another one.', page.getByRole('group', { name: 'Size' })],
        ['unavailable_option', 'This graph is not sold with this size right now; choose another one.', page.getByRole('group', { name: 'Channels' })],
        ['invalid_amount', 'Enter a whole number from 10,000,000 to 1,000,000,000, without separators.', form.satsPerNode],
      ]) {
        await refuse(code);
        await form.continue.click();
        await form.trouble.filter({ hasText: sentence }).waitFor();
        assert.ok(await focused(place), code);
        const described = (await place.getAttribute('aria-describedby')).split(' ');
        assert.ok(described.includes(await form.trouble.getAttribute('id')), code);
      }
      await refuse('no_capacity', 503);
      await form.continue.click();
      await form.trouble.filter({ hasText: 'There is no room for another machine in this region right now' }).waitFor();
      await form.continue.click();
      await order(page).saving.waitFor();
    });
  });

  test('is checked against the price that was shown', async () => {
    await on({}, async (form, visit) => {
      await form.choose('Ed25519');
      await visit.page.route('**/api/bootstrap', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...(await response.json()), amountSats: 99_999 } });
      }, { times: 1 });
      await form.continue.click();
      await visit.page.getByText('It was 12,800 sats when this page loaded and is 99,999 sats now.').waitFor();
    });
  });

  test('keeps a full graph for the sizes that have it', async () => {
    await on({}, async (form, visit) => {
      await form.moreChoices.click();
      await form.graph('Full').check();
      for (const plan of ['C', 'D']) {
        await form.plan(plan).check();
        assert.ok(await form.graph('Full').isDisabled());
        assert.ok(await form.graph('Sparse').isChecked());
        await visit.page.getByText('only with 8 or 16 nodes').waitFor();
      }
      await form.plan('A').check();
      assert.ok(await form.graph('Full').isChecked(), 'the choice is still there');
      // And a look at the other product loses nothing.
      await form.hours.fill('5');
      await form.product('Full node').check();
      await form.choose('Bitcoin Core');
      await form.product('Classroom').check();
      assert.equal(await form.hours.inputValue(), '5');
      await form.product('Full node').check();
      assert.ok(await form.chosen('Bitcoin Core'));
    });
  });

  test('is chosen by a link, also one that is followed on the page', async () => {
    await on({ path: '/#classroom?plan=C&hours=72&distribution=poisson&seed=5&satsPerNode=20000000' }, async (form, { page }) => {
      assert.ok(await form.product('Classroom').isChecked());
      assert.ok(await form.plan('C').isChecked());
      assert.ok(await form.distribution('Poisson').isChecked());
      assert.deepEqual([await form.hours.inputValue(), await form.seed.inputValue(), await form.satsPerNode.inputValue()], ['72', '5', '20000000']);
      await form.product('Full node').check();
      await page.getByRole('link', { name: 'Choose a class' }).click();
      await form.hours.waitFor();
      assert.equal(await form.hours.inputValue(), '72');
      await form.product('Full node').check();
      await page.getByRole('link', { name: 'Choose a class' }).click();
      await form.hours.waitFor();
    });
    for (const path of ['/#classroom?plan=Z&hours=many&graph=&seed=-1&x', '/#classroom', '/#classroom?&&=&plan']) {
      await on({ path }, async (form) => {
        assert.ok(await form.plan('A').isChecked());
        assert.equal(await form.hours.inputValue(), '8');
      });
    }
  });

  test('works by keyboard only', async () => {
    const visit = await browser.open({ size: 'desktop', baseURL: worker.url });
    const { page } = visit;
    const form = await landing(page).open();
    const until = async (locator) => {
      for (let tabs = 0; tabs < 60; tabs += 1) {
        if (await locator.count() && await focused(locator)) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`not reached: ${locator}`);
    };
    await until(form.product('Full node'));
    await page.keyboard.press('ArrowDown');
    await until(form.plan('A'));
    await page.keyboard.press('ArrowDown');
    assert.ok(await form.plan('B').isChecked());
    await until(form.hours);
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('600');
    await until(page.getByRole('radio', { name: 'RSA-4096', exact: true }));
    await page.keyboard.press('ArrowRight');
    await until(form.moreChoices);
    await page.keyboard.press('Enter');
    await until(form.distribution('Egalitarian'));
    await page.keyboard.press('ArrowDown');
    await until(form.continue);
    await page.keyboard.press('Enter');
    await form.trouble.waitFor();
    assert.ok(await focused(form.hours));
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('2');
    await page.keyboard.press('Enter');
    await order(page).saving.waitFor();
    assert.deepEqual(sent(visit)[0].product, { kind: 'classroom', plan: 'B', hours: 2, distribution: 'political' });
    await visit.close();
  });

  for (const [size, scheme] of [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light'], ['desktop', 'dark']]) {
    test(`fits a ${size}, ${scheme}, and a very small phone`, async () => {
      await on({ size, scheme }, async (form, visit) => {
        const { page } = visit;
        const fits = async (name) => {
          const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
          assert.ok(wide <= screen, `${name} is wider than the screen`);
        };
        await form.keyReady.waitFor();
        await visit.screenshot('class-form', { fullPage: true });
        await form.hours.fill('600');
        await form.moreChoices.click();
        await form.plan('D').check();
        await form.continue.click();
        await form.trouble.waitFor();
        await visit.screenshot('class-form-choices', { fullPage: true });
        await fits('the form');
        await page.setViewportSize({ width: 320, height: 640 });
        await fits('the form at 320');
        await page.setViewportSize(SIZES[size]);
      });
    });
  }
});
