// A class as it is built, lives and ends, on the order's page. What its machine says is scripted.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { SIZES } from '../support/browser.mjs';
import { watchMainThread } from '../support/main_thread.mjs';
import { landing } from './pages/landing.mjs';
import { browser, skip, worker } from './shop.mjs';
import { CLASS_NAMES, classOrder, classView, fromNow, invoiceOf, makeLink, stage, states } from './staged.mjs';

const LOCALE = { locale: 'en-GB', timezoneId: 'Europe/Berlin' };
const range = (count) => [...Array(count).keys()];

let link;

/** Opens the page of a class in a fresh profile and runs `use` on it. No error may stand in the console. */
async function on(state, fields, use, { clock, answers, ...options } = {}) {
  const visit = await browser.open({ baseURL: worker.url, ...LOCALE, ...options });
  if (clock) await visit.page.clock.install();
  const staged = await stage(visit, link, state, fields, answers);
  await use(staged.page, staged, visit.page, visit);
  assert.deepEqual(visit.errors, []);
  await visit.close();
}
const running = ({ plan, hours, ...view }, more) => ({ ...classOrder({ plan, hours }), class: classView({ plan, ...view }), ...more });

/** What the picture shows of a node: {standing, label, title, size}. */
const dot = (own, at) => own.picture.locator('.dot').nth(at).evaluate((element) => ({
  standing: element.getAttribute('class').replace('dot ', ''), label: element.querySelector('text').textContent,
  title: element.querySelector('title').textContent, width: element.querySelector('.body').getBBox().width,
}));
/** What the picture shows of a channel: how much of its line is the opener's, whether payments pass, how wide it is. */
const channel = (own, at) => own.picture.locator('.channel').nth(at).evaluate((element) => {
  const length = (part) => element.querySelector(part).getTotalLength();
  const [opener, other] = [length('.opener'), length('.other')];
  return {
    share: opener / (opener + other), off: element.classList.contains('off'), width: parseFloat(element.getAttribute('stroke-width')),
    dashed: getComputedStyle(element.querySelector('.opener')).strokeDasharray !== 'none', title: element.querySelector('title').textContent,
  };
});
const near = (a, b, off = 0.02) => assert.ok(Math.abs(a - b) < off, `${a} is not ${b}`);

describe("a class's page", { skip }, () => {
  before(async () => { link = await makeLink(browser, worker.url); });

  test('tells the steps of a class while it is built', async () => {
    await on('provisioning', { ...classOrder(), phase: 'nodes', percent: 62 }, async (own, staged, page) => {
      await own.classBuilding.waitFor();
      const step = () => page.locator('.phases .current').innerText();
      assert.match(await step(), /Lightning nodes/);
      assert.equal(await page.getByText('LNbits').count(), 0);
      for (const [phase, name] of [['certificate', 'Certificate'], ['channels', 'Channels'], ['sealed', 'Sealed cards'], ['tailscale', 'Docker'], ['bitcoin', 'Bitcoin']]) {
        staged.show('provisioning', { ...classOrder(), phase, percent: 70 });
        await page.locator('.phases .current').getByText(name).waitFor();
      }
      staged.show('ready', running({}));
      await own.classReady.waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Your class is ready');
    });
  });

  test('draws who is connected, who does not answer, who owns how much, and how each channel is divided', async () => {
    const channels = [
      { from: 0, to: 1, sats: 40_000_000, fromSats: 30_000_000, active: true },
      { from: 1, to: 2, sats: 10_000_000, fromSats: 0, active: false },
      { from: 0, to: 1, sats: 10_000_000, fromSats: 5_000_000, active: true },
      { from: 0, to: 99, sats: 1, fromSats: 1, active: true },
    ];
    await on('ready', running({ connected: [0, 3], down: [7], channels }), async (own, staged, page) => {
      await own.picture.waitFor();
      assert.equal(await own.picture.locator('.dot').count(), 8);
      assert.equal(await own.picture.locator('.channel').count(), 3, 'a channel of a node that is not there is not drawn');
      const dots = await Promise.all(range(8).map((at) => dot(own, at)));
      assert.deepEqual(dots.map(({ standing }) => standing), ['connected', 'waiting', 'waiting', 'connected', 'waiting', 'waiting', 'waiting', 'down']);
      assert.deepEqual(dots.map(({ label }) => label), CLASS_NAMES.slice(0, 8));
      assert.equal(dots[0].title, '1. Otter: connected; 20,000,000 on chain, 35,000,000 sats in 2 channels');
      assert.ok(dots[1].width > dots[6].width, 'who owns more is larger');
      for (const element of await own.picture.locator('title').all()) {
        assert.equal(await element.evaluate(({ namespaceURI }) => namespaceURI), 'http://www.w3.org/2000/svg');
      }
      const [first, second] = [await channel(own, 0), await channel(own, 1)];
      near(first.share, 0.75);
      near(second.share, 0);
      assert.deepEqual([first.off, first.dashed, second.off, second.dashed], [false, false, true, true]);
      assert.ok(first.width > second.width * 1.3);
      assert.equal(first.title, 'Otter has 30,000,000, Heron has 10,000,000 sats');
      for (const text of ['2 of 8 connected', '1 node does not answer', '2 open', '1 cannot pay now', '321']) {
        await own.live.getByText(text, { exact: true }).waitFor();
      }
      await own.live.getByText(/^47 h 5\d min$/).waitFor();
      await own.live.getByText(/^Last heard \d+ (s|min) ago$/).waitFor();

      await own.nodeTable.click();
      const rows = await own.live.locator('tbody tr').allInnerTexts();
      assert.equal(rows.length, 8);
      assert.equal(rows[0], '1\tOtter\tconnected\t2\t20,000,000\t35,000,000');
      assert.equal(rows[7], '8\tIbex\tdoes not answer\t0\tunknown\t0');

      // The next report, in the same elements.
      await page.evaluate(() => {
        window.kept = [...document.querySelectorAll('.live svg.net')].concat([...document.querySelectorAll('.live .dot, .live .channel, .live summary')]);
      });
      const moved = channels.map((one, at) => (at === 0 ? { ...one, fromSats: 10_000_000 } : { ...one, active: true }));
      staged.show('ready', running({ connected: [0, 1, 3], down: [], channels: moved, blocks: 322 }));
      await own.live.getByText('3 of 8 connected').waitFor();
      near((await channel(own, 0)).share, 0.25);
      assert.equal((await channel(own, 1)).off, false);
      assert.deepEqual([(await dot(own, 1)).standing, (await dot(own, 7)).standing], ['connected', 'waiting']);
      assert.ok(await page.evaluate(() => window.kept.every((element) => element.isConnected)), 'drawn anew in place');
      assert.ok(await own.live.locator('table').isVisible(), 'the table stays unfolded');
    });
  });

  test('shows the channels of one node alone, by a touch or by the list, also when the next report comes', async () => {
    await on('ready', running({}), async (own, staged) => {
      const aside = own.picture.locator('.channel.aside');
      const list = own.live.getByRole('combobox', { name: 'Channels of' });
      await own.picture.locator('.dot').nth(2).locator('.body').click();
      assert.equal(await list.inputValue(), '2');
      const others = staged.view().class.class.channels.filter(({ from, to }) => from !== 2 && to !== 2).length;
      assert.equal(await aside.count(), others);
      staged.show('ready', running({ blocks: 555 }));
      await own.live.getByText('555', { exact: true }).waitFor();
      assert.equal(await aside.count(), others);
      await list.selectOption('5. Falcon');
      assert.match(await own.picture.locator('.dot.chosen title').textContent(), /^5\. Falcon/);
      const told = await own.live.locator('.chosen-channels li').allInnerTexts();
      assert.equal(told.length, staged.view().class.class.channels.filter(({ from, to }) => from === 4 || to === 4).length);
      for (const text of told) assert.match(text, /Falcon has [\d,]+/);
      await list.selectOption('all nodes');
      assert.equal(await aside.count(), 0);
    });
  });

  test('says once who has connected and who has gone, and nothing of blocks', async () => {
    await on('ready', running({ connected: [0] }), async (own, staged, page) => {
      await own.live.getByText('1 of 8 connected').waitFor();
      await page.evaluate(() => { window.spoken = []; });
      const show = async (view, text) => {
        staged.show('ready', running(view));
        await own.live.locator('.facts').getByText(text, { exact: true }).waitFor();
      };
      await show({ connected: [0], blocks: 400 }, '400');
      await show({ connected: [0, 2, 3] }, '3 of 8 connected');
      await show({ connected: [0, 2, 3], down: [5], blocks: 401 }, '401');
      await show({ connected: range(8), blocks: 402 }, '8 of 8 connected');
      await show({ connected: range(7), blocks: 403 }, '403');
      assert.deepEqual(await page.evaluate(() => window.spoken), ['Badger, Lynx connected, 3 of 8.', 'Marten does not answer.', 'All 8 are connected.']);
    });
  });

  test('says first that it has heard nothing for long, what the machine says, and when nothing answers', async () => {
    await on('ready', running({ lastHeardAt: fromNow(-5) }), async (own, staged, page) => {
      await own.live.getByText(/^Last heard/).waitFor();
      await page.clock.fastForward(120_000);
      await own.live.getByText(/^Not heard since /).waitFor();
      await own.live.getByText('As last reported:').waitFor();
      await own.said(/^Your machine was not heard since /);
      staged.show('ready', running({ lastHeardAt: fromNow(-5) }, { pairing: { paired: false } }));
      await own.live.getByText('Its pairing was revoked.').waitFor();
      staged.show('ready', running({ lastHeardAt: fromNow(118), message: 'A node was started again.', disk: { totalBytes: 160e9, freeBytes: 4e9 } }));
      await own.live.getByText('A node was started again.').waitFor();
      await own.live.getByText('Only 4 GB of 160 GB are free on its disk.').waitFor();
      assert.equal(await own.live.getByText(/^Not heard since /).count(), 0);
      staged.show('ready', { ...classOrder(), class: { ...classView({ lastHeardAt: fromNow(118) }), class: null } });
      await own.live.getByText('Its nodes do not answer at the moment.').waitFor();
      staged.show('ready', classOrder());
      await own.live.getByText('The class has not reported yet.').waitFor();
      staged.show('ready', { ...classOrder(), pairing: undefined });
      await own.live.getByText('This class is make-believe').waitFor();
    }, { clock: true });
  });

  test('of 64 nodes and 256 channels is drawn, and drawn again, without holding up the page', async (t) => {
    const view = (blocks, shift) => running({ plan: 'D', more: 192, blocks, connected: range(40), shares: Object.fromEntries(range(256).map((at) => [at, ((at + shift) % 10) / 10])) });
    await on('ready', running({ plan: 'A' }), async (own, staged, page) => {
      await own.picture.waitFor();
      const { tasks } = await watchMainThread(page, async () => {
        for (const blocks of [1001, 1002, 1003]) {
          staged.show('ready', view(blocks, blocks));
          await own.live.getByText(`1,00${blocks % 10}`, { exact: true }).waitFor();
          assert.equal(await own.picture.locator('.dot').count(), 64);
          assert.ok(await own.picture.locator('.channel').count() >= 250);
        }
      });
      const worked = tasks.slice(0, 3).map((task) => task.worked.toFixed(0));
      t.diagnostic(`the longest tasks worked ${worked.join(', ')} ms`);
      assert.ok(tasks[0].worked < 200, `a task of ${worked[0]} ms`);
    });
  });

  test('shows nothing of a node name but its letters', async () => {
    const view = running({});
    view.class.class.nodes[0].name = '<img src=x onerror=alert(1)>';
    await on('ready', view, async (own) => {
      await own.picture.waitFor();
      assert.equal((await dot(own, 0)).label, '<img src=x onerror=alert(1)>');
      assert.equal(await own.live.locator('img').count(), 0);
    });
  });

  test('gets more hours, three unless others are asked for, up to three weeks', async () => {
    const extension = (more) => ({ extension: { amountSats: 76_800, perHours: 48, maxHours: 504, ...more } });
    const extend = ({ hours }) => ({ ...running({}), ...extension({ invoice: invoiceOf(1600 * hours), invoiceHours: hours }) });
    await on('ready', running({}, extension()), async (own, staged, page) => {
      await own.moreTime.waitFor();
      assert.equal(await own.hours.inputValue(), '3');
      await own.moreTime.getByText('4,800 sats').waitFor();
      await own.moreTime.getByText(/^Your class then ends /).waitFor();
      await own.hours.fill('504');
      await own.moreTime.getByText('806,400 sats').waitFor();
      await own.hours.fill('3');
      await own.getInvoice.click();
      await own.qr.waitFor();
      staged.show('ready', running({ hours: 51 }, extension()));
      await page.getByText('Paid: your class has more time', { exact: true }).waitFor();
      await own.live.getByText('2 days 2 h').waitFor();
    }, { answers: { extend } });
  });

  test('ends early in its own words, and after its end leads to the same class again', async () => {
    const destroy = () => ({ ...classOrder(), ending: true, errorCode: 'destroyed', errorMessage: 'You ended this class.' });
    const options = { plan: 'B', hours: 30, seed: 1234, graph: 'full', distribution: 'proof_of_work', satsPerNode: 25_000_000 };
    await on('ready', { ...running({ plan: 'B' }), ...classOrder(options) }, async (own, staged, page) => {
      const network = ['16 nodes (plan B)', 'Full: everybody with everybody', 'Proof of work: who works more finds more blocks', '25,000,000', '1234'];
      for (const text of network) await page.locator('dl').getByText(text, { exact: true }).waitFor();
      await own.endNow.click();
      await page.getByText('All nodes of the class and the machine they run on are removed').waitFor();
      await own.sure.check();
      await own.button('Remove my class').click();
      await own.heading('Your class is being removed').waitFor();
      staged.show('ended', { ...classOrder(options), endsAt: undefined, pairing: undefined, errorCode: 'hours_over', errorMessage: 'The hours you paid for are over.' });
      await own.classEnded.waitFor();
      await page.getByText('What you saved stays yours.').waitFor();
      for (const text of network) await page.locator('dl').getByText(text, { exact: true }).waitFor();
      assert.ok(!(await own.orderSameAgain.getAttribute('href')).includes(link.fragment));
      await own.orderSameAgain.click();
      const form = landing(page);
      await form.continue.waitFor();
      assert.ok(await form.product('Classroom').isChecked());
      for (const choice of [form.plan('B'), form.graph('Full'), form.distribution('Proof of work')]) assert.ok(await choice.isChecked());
      assert.deepEqual([await form.hours.inputValue(), await form.seed.inputValue(), await form.satsPerNode.inputValue()], ['30', '1234', '25000000']);
      assert.ok(await form.seed.isVisible());
    }, { answers: { destroy } });
  });

  describe('each of these pages', () => {
    const scenes = [
      ['building', 'provisioning', () => ({ ...classOrder(), phase: 'channels', percent: 68 })],
      ['live-8', 'ready', () => running({ connected: [0, 1, 3, 4, 6], down: [5], off: [2] })],
      ['live-16', 'ready', () => running({ plan: 'B', connected: range(11), down: [13], off: [4, 9] })],
      ['live-16-full', 'ready', () => running({ plan: 'B', more: 104, connected: range(16) })],
      ['live-32', 'ready', () => running({ plan: 'C', connected: range(20), down: [30] })],
      ['live-64', 'ready', () => running({ plan: 'D', connected: range(45), down: [50, 61], off: [7] })],
      ['quiet', 'ready', () => running({ connected: [0, 1], lastHeardAt: fromNow(-900) })],
      ['ended', 'ended', () => ({ ...classOrder({ plan: 'B', distribution: 'political' }), errorCode: 'hours_over', errorMessage: 'The hours you paid for are over.' })],
    ];
    for (const [size, scheme] of [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light'], ['desktop', 'dark']]) {
      test(`fits a ${size}, ${scheme}, and a very small phone`, async () => {
        const visit = await browser.open({ size, scheme, baseURL: worker.url, ...LOCALE });
        const { page } = visit;
        const fits = async (name) => {
          const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
          assert.ok(wide <= screen, `${name} is wider than the screen`);
        };
        for (const [name, state, fields] of scenes) {
          const { page: own } = await stage(visit, link, state, { ...fields(), ...(state === 'ready' && { credentials: { ...states.ready().credentials, delivery: 'erased' } }) });
          if (state === 'ready') {
            await own.picture.waitFor();
            if (name === 'live-8') await own.nodeTable.click();
            const reach = await own.picture.locator('.reach').evaluateAll((all) => all.map((element) => element.getBoundingClientRect().width));
            assert.ok(reach.length && Math.min(...reach) >= 24, `${name}: a node is ${Math.min(...reach)} px wide`);
          } else await (state === 'ended' ? own.classEnded : own.classBuilding).waitFor();
          await visit.screenshot(`class-${name}`, { fullPage: true });
          await fits(name);
          await page.setViewportSize({ width: 320, height: 640 });
          await fits(`${name} at 320`);
          await page.setViewportSize(SIZES[size]);
          await page.goto('about:blank');
          await page.unrouteAll({ behavior: 'ignoreErrors' });
        }
        assert.deepEqual(visit.errors, []);
        await visit.close();
      });
    }
  });
});
