// A running node as its customer's page shows it. First with a scripted machine that really signs, seals and pairs, on the Worker with
// the fake cloud; then what the page makes of every kind of report, with the server scripted by the test.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { SIZES } from '../support/browser.mjs';
import { assertRefused, customer } from '../support/order.mjs';
import { machineKey } from '../support/scripted_machine.mjs';
import { openShop } from '../support/shop.mjs';
import { focusComesTo } from './class.mjs';
import { giveClock, stopClock } from './own_clock.mjs';
import { landing } from './pages/landing.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';
import { course, fromNow, machineView, makeLink, stage, states } from './staged.mjs';

const LOCALE = { locale: 'en-GB', timezoneId: 'Europe/Berlin' };
const DAY = 86_400;
const SERVES = { state: 'SERVER_ACTIVE', syncedToChain: true, blockHeight: 823_120, peers: 2, activeChannels: 1 };
const good = (answer) => assert.equal(answer.status, 200, answer.text);
const notRefusals = (errors) => errors.filter((text) => !text.includes('the server responded with a status of'));

describe('a machine that reports', { skip }, () => {
  const DIGEST = `sha256:${'ab12'.repeat(16)}`;
  let shop;
  before(async () => { shop = await openShop({ cloud: {}, vars: { ASSUMEUTXO_URL: 'https://snapshots.example/utxo-910000.dat' } }); });
  after(() => shop?.close());

  /** What the machine seals, so that the page can read it. */
  const bundle = (identityKey) => ({
    nodeIp: '203.0.113.7', tailscaleHostname: null, ssh: { user: 'root', port: 22, hostKeys: [] },
    bitcoin: { implementation: 'knots', version: '29.3', network: 'mainnet', rpcUser: 'kindling', rpcPassword: 'x' },
    lnd: { version: '0.20.1-beta', seedWords: Array(24).fill('word'), walletPassword: 'x', identityKey },
    lnbits: { url: 'http://127.0.0.1:5000', version: '1.4' },
    components: [{ name: 'Bitcoin Knots', version: '29.3', digest: DIGEST }, { name: 'age', version: '1.2.1' }],
    credentialsFile: '/root/node-credentials.txt',
  });

  /** Buys a node by the page and has its machine brought up -> {bought: the page, own: the order, machine, identity: LND's key} */
  async function running(visit, choose = async () => {}) {
    const bought = await orderNode(visit.page, { choose });
    await bought.untilPaying();
    const { id } = bought.link();
    const token = visit.requests.map(({ headers }) => headers.authorization).find(Boolean).replace('Bearer ', '');
    const { invoice } = await customer(shop.worker, { id, token }).get();
    const own = shop.adopt(customer(shop.worker, { id, token, created: { invoice } }));
    const identity = machineKey();
    await own.pay();
    await own.sees(({ phase }) => phase === 'booting');
    const machine = await own.machine();
    await machine.run({ sealed: await machine.seal(bundle(identity.publicKey)) });
    await bought.ready.waitFor();
    return { bought, own, machine, identity };
  }

  test('is shown as it is: the choices it was ordered with, its truth, who signed it, its course', async () => {
    const visit = await browser.open({ baseURL: shop.worker.url, ...LOCALE });
    const { page } = visit;
    const { bought, own, machine, identity } = await running(visit, async (form) => {
      await form.moreChoices.click();
      await form.snapshot.check();
      await form.neutrino.check();
    });
    const sent = JSON.parse(visit.requests.find(({ method, url }) => method === 'POST' && url.endsWith('/api/bootstrap')).body);
    assert.deepEqual(sent.product, { kind: 'full_node', bitcoin: 'knots', assumeutxo: true, neutrino: true });
    assert.deepEqual([machine.config.NEUTRINO, machine.config.ASSUMEUTXO_URL], ['yes', 'https://snapshots.example/utxo-910000.dat']);
    await bought.node.getByText('The machine has not reported yet.').waitFor();

    good(await machine.heartbeat({ snapshot: { stage: 'validating', percent: 12 }, bitcoin: { background: { blocks: 410_000, progressPpm: 123_499 } } }));
    await bought.answer('Usable now').getByText('Not yet').waitFor();
    await bought.answer('Fully validated').getByText('12.34 %').waitFor();
    await bought.node.getByText('LND does not sign at the moment; the machine itself does.').waitFor();
    assert.equal(await bought.plot.count(), 0, 'one sample is no course');

    // Real time goes on as well, and makes it another minute later on.
    await shop.advance(1862, own);
    good(await machine.heartbeat({
      lnd: { ...SERVES, backend: 'neutrino' }, fundingConnected: true, bitcoin: { background: { blocks: 500_000, progressPpm: 200_000 } },
    }, identity));
    await bought.said(/^Your node is usable now\.$/);
    await bought.answer('Usable now').getByText('Yes').waitFor();
    await bought.answer('Usable now').getByText('it switches to your own node by itself').waitFor();
    await bought.answer('Fully validated').getByText('20.00 %').waitFor();
    await bought.answer('Fully validated').getByText('To go: between 5 and 6 hours, at the pace seen so far.').waitFor();
    await bought.fold(`These figures were signed by your LND (${identity.publicKey.slice(0, 8)}…)`).click();
    await bought.node.getByText(identity.publicKey, { exact: true }).waitFor();
    await bought.plot.getByText('From 12.34 % to 20.00 % in 31 min.').waitFor();

    const other = machineKey();
    good(await machine.heartbeat({ lnd: SERVES }, other));
    await bought.node.getByText('Another LND signs now').waitFor();

    good(await machine.heartbeat({ lnd: SERVES, bitcoin: { blocks: 925_003, progressPpm: 999_999, initialBlockDownload: false } }, other));
    await bought.said(/Your node has checked the whole chain\./);
    await bought.answer('Fully validated').getByText('Yes').waitFor();
    assert.equal(await bought.plot.isVisible(), false, 'the course is folded away');
    await bought.fold('How the sync went').click();
    await bought.plot.waitFor();

    await bought.openBundle();
    await page.getByText(identity.publicKey, { exact: true }).first().waitFor();
    await bought.fold('What runs on it: 2 components').click();
    assert.equal(await page.locator('code.digest').getAttribute('title'), DIGEST);
    await bought.button('Copy the digest of Bitcoin Knots').waitFor();

    await bought.words();
    await bought.button('I have saved it').click();
    await focusComesTo(page, 'erase-question');
    good(await machine.heartbeat({ lnd: SERVES, bitcoin: { peers: 55 } }, other));
    await bought.figure('Bitcoin peers').getByText('55', { exact: true }).waitFor();
    assert.equal(await page.locator('ol.words li').count(), 24, 'what was uncovered stays so');
    assert.ok(await bought.button('Yes, erase it').isVisible(), 'what was asked is still asked');
    await focusComesTo(page, 'erase-question');
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  test('is paired again with a token from the page, and not heard any more once that is revoked', async () => {
    const visit = await browser.open({ baseURL: shop.worker.url, ...LOCALE });
    const { bought, machine } = await running(visit);
    good(await machine.heartbeat());
    await bought.voice.locator('summary').first().click();
    await bought.voice.getByText(/^Paired since /).waitFor();
    await bought.pairAgain.click();
    await bought.voice.getByText(/^ssh -i .+ -t root@.+ \/opt\/kindling\/ops\.sh pair$/).waitFor();
    assert.match(await bought.voice.getByRole('timer').innerText(), /^(\d\d:\d\d|1 h \d\d min)$/);
    const token = await bought.voice.getByRole('region', { name: 'the token' }).innerText();
    good(await machine.heartbeat());
    assert.equal(await bought.voice.getByRole('timer').count(), 1, 'the bound key stays until the token is used');

    const before = machine.key;
    const paired = await machine.pairAgain(token);
    good(paired);
    assert.equal(paired.body.scope, 'report');
    await bought.voice.getByRole('timer').waitFor({ state: 'detached' });
    await bought.pairAgain.waitFor();
    await focusComesTo(visit.page, 'pair-standing');
    good(await machine.heartbeat({ bitcoin: { peers: 77 } }));
    await bought.figure('Bitcoin peers').getByText('77').waitFor();
    const forged = JSON.stringify({ nonce: 99 });
    assertRefused(await machine.post('heartbeat', forged, before.sign(forged)), 404, 'not_found');
    assertRefused(await machine.pairAgain(token), 409, 'already_paired');

    await bought.fold('Revoke the pairing').click();
    assert.ok(await bought.button('Revoke').isDisabled());
    await visit.page.getByRole('checkbox', { name: 'This page is to hear nothing more from the machine' }).check();
    await bought.button('Revoke').click();
    await bought.voice.getByText(/^Revoked on .+: whatever the machine says is refused\.$/).waitFor();
    assert.equal(await bought.fold('Revoke the pairing').count(), 0);
    assertRefused(await machine.heartbeat(), 404, 'not_found');
    assert.deepEqual(visit.errors, []);
    assert.ok(!(await visit.said()).includes(token), 'the token leaves the page');
    await visit.close();
  });

  test('has its channel backup kept here, which opens in the browser byte for byte', async () => {
    const visit = await browser.open({ baseURL: shop.worker.url, acceptDownloads: true, ...LOCALE });
    const { bought, machine } = await running(visit);
    good(await machine.heartbeat());
    await bought.fold('None is kept here. How to switch it on').click();
    await bought.backup.getByText(/^ssh .+ \/opt\/kindling\/ops\.sh backup --keep on$/).waitFor();
    // Every byte there is, so that none is taken for text.
    const content = Buffer.concat([Buffer.from([...Array(256).keys()]), crypto.randomBytes(700)]);
    good(await machine.backup(content));
    await bought.backup.getByText(/^Kept here, from \d+ (s|min) ago\.$/).waitFor();
    const file = await bought.download('Download the channel backup');
    assert.equal(file.name, 'channel.backup');
    assert.deepEqual(file.bytes, content);
    good(await machine.backup(null));
    await bought.fold('None is kept here. How to switch it on').waitFor();
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });
});

describe("a node's page", { skip }, () => {
  const since = fromNow(-DAY);
  const pairing = (more) => ({ pairing: { paired: true, since, ...more } });
  const node = (view, status, more) => ({ machine: machineView(view, status), ...pairing(), ...more });
  let link;
  before(async () => { link = await makeLink(browser, worker.url); });

  async function on(fields, use, { clock, answers, ...options } = {}) {
    const visit = await browser.open({ baseURL: worker.url, ...LOCALE, ...options });
    if (clock) await giveClock(visit.page);
    const staged = await stage(visit, link, 'ready', fields, answers);
    await use(staged.page, staged, visit.page);
    assert.deepEqual(notRefusals(visit.errors), []);
    await visit.close();
  }

  test('says how long it takes as a range, and when nothing can be said', async () => {
    await on(node(), async (own, staged) => {
      const shows = async (fields, text) => {
        staged.show('ready', node(fields));
        await own.answer('Fully validated').getByText(text, { exact: true }).waitFor();
      };
      const long = course(Array(8).fill(47.52));
      for (const [from, to, text] of [
        [4 * DAY + 5, 5.5 * DAY, 'between 4 and 6 days'], [3 * DAY, 3 * DAY, 'about 3 days'], [1000, 3 * DAY, 'at most 3 days'],
        [5 * 3600, 8 * 3600, 'between 5 and 8 hours'], [1200, 1800, 'between 20 and 30 minutes'], [5, 50, 'less than a minute'],
        [400 * DAY, 900 * DAY, 'more than a year'],
      ]) await shows({ estimate: { fromSeconds: from, toSeconds: to }, history: long }, `To go: ${text}, at the pace seen so far.`);
      await shows({ history: course([47.5, 47.52], 300) }, 'Too early to say how long it takes.');
      await shows({ history: long }, 'It stands still: nothing was added in the last hours.');
      await own.answer('Fully validated').getByText('47.52 %').waitFor();
    });
  });

  test('says in plain words why it cannot be used yet', async () => {
    await on(node(), async (own, staged) => {
      for (const [lnd, text] of [
        [null, 'LND does not answer at the moment.'], [{ state: 'LOCKED' }, "LND's wallet is locked."],
        [{ state: 'SERVER_ACTIVE' }, 'LND runs and catches up with the chain.'], [{ state: 'RPC_ACTIVE' }, 'LND waits until Bitcoin has caught up.'],
        [{ state: 'RPC_ACTIVE', backend: 'neutrino' }, 'LND is starting as a light client.'],
      ]) {
        staged.show('ready', node({}, { lnd }));
        await own.answer('Usable now').getByText(text).waitFor();
        assert.ok((await own.answer('Usable now').innerText()).includes('Not yet'));
      }
      staged.show('ready', node({}, { bitcoin: null, lnd: null, lnbits: false }));
      await own.answer('Fully validated').getByText('Bitcoin does not answer at the moment.').waitFor();
      await own.figure('LNbits').getByText('does not answer').waitFor();
    });
  });

  test('names every figure, the rules of the chain, a scarce disk, the snapshot and what the machine says', async () => {
    const status = {
      disk: { totalBytes: 1e12, freeBytes: 41e9 }, snapshot: { stage: 'loading', percent: 40 }, fundingConnected: true,
      message: 'The disk is nearly full.', lnd: SERVES,
    };
    await on(node({ usable: true }, status), async (own) => {
      for (const [name, text] of [
        ['Chain', 'Mainnet'], ['Best block', /823,120 of 925,003\s*1\d min old/], ['Bitcoin peers', '10'],
        ['Software', /Satoshi:29\.3\.0 Knots:20260507\s*blocks take 612 GB/], ['Snapshot', 'the node reads and checks it, 40 %'],
        ['LND', /serves, caught up\s*block 823,120; 2 peers, 1 open channel; on your own node, version 0\.20\.1-beta/],
        ['LNbits', 'runs, connected to LND'], ['Disk', 'Only 41 GB free of 1.0 TB'], ['Machine', 'up for 24 h'],
      ]) await own.figure(name).filter({ hasText: text }).waitFor();
      assert.equal(await own.node.getByText('The disk is nearly full.').getAttribute('lang'), 'en');
      await own.fold('Chain rules: 2 of 3 enforced').click();
      await own.node.getByText('testdummy: not enforced now').waitFor();
    });
  });

  test('draws the course with a summary, and draws nothing of a single sample', async () => {
    await on(node({ history: course([5]) }), async (own, staged) => {
      await own.node.getByText('Best block').waitFor();
      assert.equal(await own.plot.count(), 0);
      staged.show('ready', node({ history: course([5, 6, 12.5], 2 * DAY) }));
      await own.plot.waitFor();
      const picture = own.plot.getByRole('img', { name: 'How much of the chain your node has checked, over time' });
      assert.equal(await picture.locator('path.line').getAttribute('d'), 'M0 950L500 940L1000 875');
      await own.plot.getByText('From 5.00 % to 12.50 % in 4 days.').waitFor();
      assert.match(await picture.locator('desc').textContent(), /^From 5\.00 % on .+ to 12\.50 % on .+\.$/);
    });
  });

  test('tells how long ago it heard, and when it hears nothing any more that its figures are old and what to do', async () => {
    await on(node({ usable: true }, { lnd: SERVES }), async (own, staged, page) => {
      await own.node.getByText(/^Last heard /).waitFor();
      await stopClock(page);
      const heard = (ago) => page.evaluate((seconds) => new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z'), ago);
      staged.show('ready', node({ lastHeardAt: await heard(20), usable: true }, { lnd: SERVES }));
      await own.node.getByText(/^Last heard (19|20) s ago$/).waitFor();
      await page.clock.fastForward(60_000);
      await own.node.getByText('Last heard 1 min ago').waitFor();
      assert.equal(await own.node.getByText(/^Not heard since /).count(), 0);
      await page.clock.resume();
      await page.clock.fastForward(60_000);
      await own.node.getByText(/^Not heard since /).waitFor();
      await own.node.getByText('Old figures, as last reported:').waitFor();
      await own.answer('Usable then').getByText('Yes').waitFor();
      await own.node.getByText(/^ssh .+ \/opt\/kindling\/ops\.sh status$/).waitFor();
      await own.said(/^Your machine was not heard since /);
      staged.show('ready', node({ lastHeardAt: await heard(140) }, {}, pairing({ paired: false })));
      await own.node.getByText('Its pairing was revoked.').waitFor();
      staged.show('ready', node({ lastHeardAt: await heard(0) }));
      await own.node.getByText(/^Not heard since /).waitFor({ state: 'detached' });
      assert.equal(await own.node.getByText('Old figures, as last reported:').count(), 0);
    }, { clock: true });
  });

  test('keeps a disclosure open and the focus where it is when the machine reports', async () => {
    await on(node({ usable: true }, { lnd: SERVES }), async (own, staged, page) => {
      await own.fold('Chain rules').click();
      staged.show('ready', node({}, { bitcoin: { peers: 3, rules: [{ name: 'taproot', active: true }] } }));
      await own.figure('Bitcoin peers').getByText('3', { exact: true }).waitFor();
      assert.ok(await own.node.getByText('taproot: enforced').isVisible());
      assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SUMMARY');
      await own.said(/Your node is not usable at the moment\./);
    });
  });

  test('hands over a backup that this link does not open as it is, with the command that opens it', async () => {
    const sealed = Buffer.from('age-encryption.org/v1\nsealed to somebody else');
    const answers = { backup: () => ({ answer: { sealed: sealed.toString('base64'), at: fromNow(-60) } }) };
    await on({ backupAt: fromNow(-60), ...pairing() }, async (own) => {
      await own.button('Download the channel backup').click();
      const name = `kindling-${link.id.slice(0, 8)}-channel.backup.age`;
      await own.backup.getByText(`age -d -i ~/.ssh/id_ed25519 ${name} > channel.backup`).waitFor();
      const file = await own.download('Download the sealed file');
      assert.equal(file.name, name);
      assert.deepEqual(file.bytes, sealed);
    }, { answers, acceptDownloads: true });
  });

  test('hands over the backup that was asked for, also where a newer one is kept by then', async () => {
    const { promise, resolve } = Promise.withResolvers();
    const sealed = Buffer.from('age-encryption.org/v1\nsealed to somebody else').toString('base64');
    await on({ backupAt: fromNow(-600), ...pairing() }, async (own, staged) => {
      await own.button('Download the channel backup').click();
      staged.show('ready', { backupAt: fromNow(-60), ...pairing() });
      await own.backup.getByText(/^Kept here, from [1-9] min ago\.$/).waitFor();
      resolve({ answer: { sealed, at: fromNow(-600) } });
      await own.button('Download the sealed file').waitFor();
    }, { answers: { backup: () => promise } });
  });

  test('says why a pairing token was not made, and what became of one that died', async () => {
    let refuse = true;
    const expiresAt = fromNow(3600);
    const answers = {
      pairing: (body, staged) => {
        if (refuse) return { status: 409, error: { code: 'not_pairable', message: 'Only a machine that runs can be paired again.' } };
        staged.show('ready', pairing({ tokenExpiresAt: expiresAt }));
        return { answer: { token: 'one-shot-token', scope: 'report', expiresAt } };
      },
    };
    await on(pairing(), async (own, staged, page) => {
      await own.node.getByText('The machine has not reported yet.').waitFor();
      await own.voice.locator('summary').first().click();
      await own.pairAgain.click();
      await own.voice.getByRole('alert').getByText('Only a machine that runs').waitFor();
      refuse = false;
      await own.pairAgain.click();
      await own.voice.getByText('one-shot-token').waitFor();
      staged.show('ready', pairing());
      await own.pairAgain.waitFor();
      assert.equal(await own.voice.getByText('one-shot-token').count(), 0);
      staged.show('ready', pairing({ tokenExpiresAt: expiresAt }));
      await own.voice.getByText(/ A token that was made earlier is good until /).waitFor();
      await own.pairAgain.click();
      await own.voice.getByText('one-shot-token').waitFor();
      await page.clock.fastForward(3_601_000);
      await own.voice.getByText('It has run out.').waitFor();
      await own.button('Make another one').click();
      await own.pairAgain.waitFor();
      assert.equal(await own.voice.getByText(/ A token that was made earlier/).count(), 0);
    }, { answers, clock: true });
  });

  describe('the order form', () => {
    const sent = (visit) => visit.requests.filter(({ method, url }) => method === 'POST' && url.endsWith('/api/bootstrap')).map(({ body }) => JSON.parse(body).product);

    test('has more choices, which go with the real chain only; a change of mind loses nothing', async () => {
      const visit = await browser.open({ baseURL: worker.url });
      const form = await landing(visit.page).open();
      assert.equal(await form.snapshot.isVisible(), false, 'folded away');
      await form.moreChoices.click();
      assert.ok(await form.network('Mainnet').isChecked());
      await form.snapshot.check();
      await form.network('Signet').check();
      for (const shortcut of [form.snapshot, form.neutrino]) {
        assert.ok(await shortcut.isDisabled());
        assert.equal(await shortcut.isChecked(), false);
        const reason = await visit.page.locator(`#${await shortcut.getAttribute('aria-describedby')}`).innerText();
        assert.match(reason, /^Only with Mainnet/);
      }
      await form.network('Mainnet').check();
      assert.ok(await form.snapshot.isChecked(), 'the tick is still there');
      await form.network('Testnet4').check();
      await form.choose('Ed25519');
      await form.continue.click();
      await order(visit.page).saving.waitFor();
      assert.deepEqual(sent(visit), [{ kind: 'full_node', bitcoin: 'knots', network: 'testnet4' }]);
      assert.deepEqual(visit.errors, []);
      await visit.close();
    });

    test('shows a refused choice where it was made, and offers no snapshot where none is sold', async () => {
      const visit = await browser.open({ baseURL: worker.url });
      const { page } = visit;
      const form = await landing(page).open();
      await form.choose('Ed25519');
      await form.moreChoices.click();
      await form.snapshot.check();
      await form.moreChoices.click();
      const message = 'assumeutxo and neutrino go with mainnet only.';
      await page.route('**/api/bootstrap', (route) => route.fulfill({ status: 400, json: { error: { code: 'unavailable_option', message } } }), { times: 1 });
      await page.route('**/api/catalogue', async (route) => {
        const response = await route.fetch();
        const json = await response.json();
        json.products[0].assumeutxo = false;
        await route.fulfill({ response, json });
      });
      await form.continue.click();
      await form.trouble.filter({ hasText: 'One of these choices is not sold here right now.' }).waitFor();
      assert.ok(await form.moreChoices.evaluate((element) => element === document.activeElement));
      await form.snapshot.waitFor({ state: 'detached' });
      assert.ok(await form.neutrino.isVisible(), 'unfolded');
      await form.continue.click();
      await order(page).saving.waitFor();
      assert.deepEqual(sent(visit).at(-1), { kind: 'full_node', bitcoin: 'knots' });
      await visit.close();
    });
  });

  describe('each of these pages', () => {
    const key = `02ab${'c3'.repeat(31)}`;
    const shares = [...Array(60).keys()].map((at) => 47.52 * (1 - (1 - at / 59) ** 1.6));
    const signed = (view) => ({ identityKey: key, identityVerifiedAt: view.lastHeardAt, ...view });
    const scenes = [
      ['syncing', () => node(signed({
        lastHeardAt: fromNow(-20), estimate: { fromSeconds: 100 * 3600, toSeconds: 134 * 3600 }, history: course(shares, 3 * 3600),
      }), { bitcoin: { bestBlockTime: 1_703_000_000 } }, { backupAt: fromNow(-7200) })],
      ['validated', () => node(signed({ lastHeardAt: fromNow(-20), usable: true, validated: true, history: course(shares, 3 * 3600) }), {
        lnd: { ...SERVES, blockHeight: 925_003 }, fundingConnected: true, disk: { totalBytes: 1e12, freeBytes: 77e9 },
        bitcoin: { blocks: 925_003, progressPpm: 999_999, initialBlockDownload: false },
      })],
      ['quiet', () => node({ lastHeardAt: fromNow(-7 * 3600), usable: true, history: course(shares, 3 * 3600) }, {
        lnd: { ...SERVES, backend: 'neutrino' }, snapshot: { stage: 'validating', percent: 40 }, bitcoin: { bestBlockTime: 1_703_000_000 },
      })],
    ];
    const fits = async (page, name) => {
      const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(wide <= screen, `${name} is wider than the screen`);
    };
    for (const [size, scheme] of [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light'], ['desktop', 'dark']]) {
      test(`fits a ${size}, ${scheme}, and a very small phone`, async () => {
        const expiresAt = fromNow(3600);
        const answers = {
          pairing: (body, staged) => {
            staged.show('ready', { ...scenes[0][1](), ...pairing({ tokenExpiresAt: expiresAt }) });
            return { answer: { token: 'W0yDqF5x2m7h8n1kQz3uJb6tRcVaEsLgPiYwXo9TfNU', scope: 'report', expiresAt } };
          },
        };
        const visit = await browser.open({ size, scheme, baseURL: worker.url, ...LOCALE });
        const { page } = visit;
        const small = async (name) => {
          await page.setViewportSize({ width: 320, height: 640 });
          await fits(page, `${name} at 320`);
          await page.setViewportSize(SIZES[size]);
        };
        for (const [name, fields] of scenes) {
          const { page: own } = await stage(visit, link, 'ready', { ...fields(), credentials: { ...states.ready().credentials, delivery: 'erased' } }, answers);
          await own.node.getByText('Best block').waitFor();
          await visit.screenshot(`node-${name}`, { fullPage: true });
          await fits(page, name);
          if (name === 'syncing') {
            await own.voice.locator('summary').first().click();
            await own.pairAgain.click();
            await own.voice.getByRole('timer').waitFor();
            await own.voice.scrollIntoViewIfNeeded();
            await visit.screenshot('node-pairing', { fullPage: true });
            await fits(page, 'pairing');
          }
          await small(name);
          await page.goto('about:blank');
          await page.unrouteAll({ behavior: 'ignoreErrors' });
        }
        const form = await landing(page).open();
        await form.keyReady.waitFor();
        await form.moreChoices.click();
        await form.snapshot.check();
        await visit.screenshot('form-choices', { fullPage: true });
        await fits(page, 'the order form');
        await small('the order form');
        assert.deepEqual(visit.errors, []);
        await visit.close();
      });
    }
  });
});
