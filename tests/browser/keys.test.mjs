// The keys as the customer holds them: files that real programs read, the share sheet, and paper.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { scratchFolder } from '../support/order.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';

const run = (program, ...args) => execFileSync(program, args, { encoding: 'utf8' });
const publicPart = (line) => line.trim().split(' ').slice(0, 2).join(' ');
const LOCALE = { locale: 'en-GB', timezoneId: 'Europe/Berlin' };

/** A browser with a share sheet: what is given to it is written down, and answered as `window.closes` says. */
const withShareSheet = (context) => context.addInitScript(() => {
  window.shares = [];
  let clickedAt;
  addEventListener('click', () => { clickedAt = performance.now(); }, { capture: true });
  navigator.canShare = (data) => Boolean(data.files ?? data.text);
  navigator.share = async ({ files = [], text }) => {
    // The browser forgets a click after five seconds, in which a busy machine may not have come this far.
    const clicked = navigator.userActivation.isActive || performance.now() - clickedAt > 4500;
    const read = await Promise.all(files.map(async (file) => ({ name: file.name, type: file.type, text: await file.text() })));
    window.shares.push({ files: read, ...(text && { text }), clicked });
    await window.isOpen;
    if (window.closes) throw new DOMException('closed', window.closes);
  };
});

describe('the keys of a node', { skip }, () => {
  let visit;
  let bought;
  let page;
  let sent;
  before(async () => {
    visit = await browser.open({ baseURL: worker.url, acceptDownloads: true, ...LOCALE });
    ({ page } = visit);
    bought = await orderNode(page, { key: 'RSA-4096' });
    await bought.untilReady();
    sent = publicPart(JSON.parse(visit.requests.find(({ method, url }) => method === 'POST' && url.endsWith('/api/bootstrap')).body).sshPublicKey);
  });
  after(() => visit?.close());

  /** Another browser at the same order */
  async function elsewhere(options, prepare = async () => {}) {
    const other = await browser.open({ baseURL: worker.url, acceptDownloads: true, ...LOCALE, ...options });
    await prepare(other.context);
    const { id, fragment } = bought.link();
    await other.page.goto(`/orders/${id}#${fragment}`);
    const own = order(other.page);
    await own.ready.waitFor();
    return { other, own };
  }

  test('come as OpenSSH and as PEM files with one public key, by the judgement of ssh-keygen and openssl', async () => {
    const openSsh = await bought.download('Download the SSH private key');
    const pem = await bought.download('Download it as a PEM file');
    assert.equal(pem.name, `${openSsh.name}.pem`);
    assert.match(openSsh.text, /^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
    assert.match(pem.text, /^-----BEGIN RSA PRIVATE KEY-----\n/);
    assert.equal(publicPart(run('ssh-keygen', '-y', '-f', openSsh.file)), sent);
    assert.equal(publicPart(run('ssh-keygen', '-y', '-f', pem.file)), sent);
    assert.match(run('openssl', 'rsa', '-in', pem.file, '-check', '-noout'), /RSA key ok/);
    const byOpenssl = path.join(scratchFolder(), 'public.pem');
    run('openssl', 'pkey', '-in', pem.file, '-pubout', '-out', byOpenssl);
    assert.equal(publicPart(run('ssh-keygen', '-i', '-m', 'PKCS8', '-f', byOpenssl)), sent);
  });

  test('of the Ed25519 kind open as PEM, too', async () => {
    const other = await browser.open({ baseURL: worker.url, acceptDownloads: true });
    const own = await orderNode(other.page);
    await own.untilReady();
    const openSsh = await own.download('Download the SSH private key');
    const pem = await own.download('Download it as a PEM file');
    const raw = Buffer.from(run('ssh-keygen', '-y', '-f', openSsh.file).split(' ')[1], 'base64').subarray(-32);
    const der = execFileSync('openssl', ['pkey', '-in', pem.file, '-pubout', '-outform', 'DER']);
    assert.deepEqual(der.subarray(-32), raw);
    await other.close();
  });

  test('tell ssh whom it meets: the known_hosts file is what ssh-keygen finds the address in', async () => {
    await bought.fold('The lines for known_hosts alone').click();
    const file = await bought.download('Download the known_hosts lines');
    assert.equal(file.name, `kindling-${bought.link().id.slice(0, 8)}-known_hosts`);
    const shown = await page.getByRole('region', { name: 'the known_hosts lines' }).innerText();
    assert.equal(file.text, `${shown}\n`);
    const [address] = shown.split(' ');
    assert.match(run('ssh-keygen', '-F', address, '-f', file.file), /^# Host .+ found: line 1/);
    assert.throws(() => execFileSync('ssh-keygen', ['-F', '198.51.100.200', '-f', file.file], { stdio: 'pipe' }), 'another host is not in it');
  });

  test('have no share button where there is no share sheet', async () => {
    const { other, own } = await elsewhere({}, (context) => context.addInitScript(() => {
      delete Navigator.prototype.canShare;
      delete Navigator.prototype.share;
    }));
    await own.button('Download it as a PEM file').waitFor();
    assert.equal(await other.page.getByRole('button', { name: /^Share/ }).count(), 0);
    assert.deepEqual(other.errors, []);
    await other.close();
  });

  test('go to the share sheet after a click only; closing it is no trouble, and a refusal is', async () => {
    const { other, own } = await elsewhere({}, withShareSheet);
    const shares = () => other.page.evaluate(() => window.shares);
    const shared = async (count) => {
      await other.page.waitForFunction((wanted) => window.shares.length === wanted, count);
      return (await shares()).at(-1);
    };
    await own.button('Share the key file').waitFor();
    assert.deepEqual(await shares(), []);

    await other.page.evaluate(() => { window.isOpen = new Promise((resolve) => { window.closeSheet = resolve; }); });
    const share = own.button('Share the key file');
    await share.click();
    const first = await shared(1);
    await share.dispatchEvent('click');
    await other.page.evaluate(() => window.closeSheet());
    await other.page.locator('button[aria-disabled=true]').waitFor({ state: 'detached' });
    assert.equal((await shares()).length, 1, 'one sheet at a time');
    assert.ok(first.clicked);
    const [key] = first.files;
    assert.deepEqual([first.files.length, key.name, key.type], [1, `kindling-${bought.link().id.slice(0, 8)}.txt`, 'text/plain']);
    const file = path.join(scratchFolder(), 'shared');
    fs.writeFileSync(file, key.text, { mode: 0o600 });
    assert.equal(publicPart(run('ssh-keygen', '-y', '-f', file)), sent);

    await other.page.evaluate(() => { window.closes = 'AbortError'; });
    await own.fold('The lines for known_hosts alone').click();
    await own.button('Share the known_hosts lines').click();
    const { text } = await shared(2);
    assert.equal(text, await other.page.getByRole('region', { name: 'the known_hosts lines' }).innerText());
    await other.page.evaluate(() => { window.closes = 'NotAllowedError'; });
    assert.deepEqual(await other.page.locator('main section').getByRole('alert').allInnerTexts(), []);
    await own.button('Share the key file').focus();
    await other.page.keyboard.press('Enter');
    await shared(3);
    await other.page.getByRole('alert').filter({ hasText: 'Sharing did not work.' }).waitFor();
    assert.equal(await other.page.evaluate(() => document.activeElement.textContent), 'Share the key file', 'the focus stays');
    assert.deepEqual(other.errors, []);
    await other.close();
  });

  test('say so where the browser saves no files', async () => {
    const { other, own } = await elsewhere({}, (context) => context.addInitScript(() => {
      URL.createObjectURL = () => { throw new Error('no files here'); };
    }));
    await own.fold('The lines for known_hosts alone').click();
    for (const name of ['Download the known_hosts lines', 'Download the SSH private key']) {
      await own.button(name).click();
      await other.page.locator('.row').filter({ has: own.button(name) }).or(other.page.locator('section', { has: own.button(name) }))
        .getByRole('alert').filter({ hasText: 'This browser does not save files.' }).first().waitFor();
    }
    await other.close();
  });
});

describe('a node on paper', { skip }, () => {
  let visit;
  let bought;
  let words;
  let password;
  before(async () => {
    visit = await browser.open({ size: 'desktop', baseURL: worker.url, ...LOCALE });
    bought = await orderNode(visit.page);
    await bought.untilReady();
    await bought.openBundle();
    words = await bought.words();
    await bought.button('Show Wallet password').click();
    password = await visit.page.locator('.value').filter({ hasText: 'Wallet password' }).locator('.secret code').innerText();
  });
  after(() => visit?.close());

  /** What stands on the paper, as text */
  const printed = async () => {
    await visit.page.emulateMedia({ media: 'print' });
    const text = await visit.page.evaluate(() => document.body.innerText);
    await visit.page.emulateMedia({ media: null });
    return text.split(/\s+/).join(' ');
  };
  // One seed word alone may stand anywhere.
  const secrets = (text) => [text.includes(words.slice(0, 3).join(' ')), text.includes(words.join(' ')), text.includes(password)];

  test('shows no secret, even where the screen does', async () => {
    const text = await printed();
    assert.ok(text.includes('Seed words') && text.includes('not printed'));
    assert.deepEqual(secrets(text), [false, false, false]);
    assert.ok(!text.includes(bought.link().fragment));
    await visit.page.emulateMedia({ media: 'print' });
    await visit.screenshot('7-paper', { fullPage: true });
    await visit.page.emulateMedia({ media: null });
  });

  test('shows them after the tick, whether or not the screen does, and no more without it', async () => {
    const { page } = visit;
    await bought.button('Hide the seed words').click();
    assert.equal(await page.locator('ol.words li').count(), 0, 'hidden words are not in the document');
    const tick = page.getByRole('checkbox', { name: 'Print with secrets: the seed words and passwords' });
    await tick.focus();
    await page.keyboard.press('Space');
    assert.equal(await page.locator('ol.words').isVisible(), false, 'the screen shows what it showed');
    assert.deepEqual(secrets(await printed()), [true, true, true]);
    await tick.uncheck();
    await page.locator('ol.words').waitFor({ state: 'detached' });
    assert.deepEqual(secrets(await printed()), [false, false, false]);
  });

  test('is printed by the button', async () => {
    await visit.page.evaluate(() => { window.prints = 0; window.print = () => { window.prints += 1; }; });
    await bought.button('Print this page').click();
    assert.equal(await visit.page.evaluate(() => window.prints), 1);
    assert.deepEqual(visit.errors, []);
  });
});
