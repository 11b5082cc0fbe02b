// The whole story, told once, with nothing pretended on the way: Chromium buys a full node, a customer's wallet at a real LNbits pays
// the real invoice, the Worker in workerd orders a machine from DigitalOcean (a stateful fake behind the official contract), that
// machine runs the real scripts from its real user-data, and the browser opens what the machine sealed. Then tools that know nothing
// of this project say whether it is true: ssh-keygen, age, and a second browser that has only the link.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createDigitalOcean } from './fakes/digitalocean.mjs';
import { createTailscale } from './fakes/tailscale.mjs';
import { UNTIL_READY, bootMachine, whyNot } from './machine/boot.mjs';
import { ageIdentity } from './support/age_identity.mjs';
import { browserMissing, launchBrowser } from './support/browser.mjs';
import { withContract } from './support/contract.mjs';
import { lnbitsMissing, startLnbits } from './support/lnbits.mjs';
import { startWorker } from './support/worker.mjs';

const DO_TOKEN = 'dop_v1_story';
const TAILSCALE_KEY = 'tskey-api-story';
const PRICE = 10_000;

const world = {};
const toClose = [];
/** Closed last to first, whatever happened. */
const later = (close) => toClose.unshift(close);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kindling-story-'));
const skip = browserMissing ?? lnbitsMissing ?? whyNot() ?? false;

before(async () => {
  if (skip) return;
  later(() => fs.rmSync(folder, { recursive: true, force: true }));
  world.machines = [];
  world.lnbits = await startLnbits({ customerSats: 100_000 });
  later(() => world.lnbits.close());
  world.cloud = await createDigitalOcean({ token: DO_TOKEN, onBoot: boot });
  later(() => world.cloud.close());
  world.tailnet = await createTailscale({ apiKey: TAILSCALE_KEY });
  later(() => world.tailnet.close());
  world.cloudDoor = await withContract(world.cloud);
  later(() => world.cloudDoor.close());
  world.tailnetDoor = await withContract(world.tailnet);
  later(() => world.tailnetDoor.close());
  world.worker = await startWorker({
    vars: {
      BOOTSTRAP_FEE_SATS: String(PRICE),
      LNBITS_URL: world.lnbits.url,
      LNBITS_API_KEY: world.lnbits.merchant.inkey,
      DO_API_TOKEN: DO_TOKEN,
      DO_API_URL: world.cloudDoor.url,
      DO_VOLUME_SIZE_GB: '100',
      TAILSCALE_API_KEY: TAILSCALE_KEY,
      TAILSCALE_API_URL: world.tailnetDoor.url,
    },
  });
  later(() => world.worker.stop());
  world.browser = await launchBrowser();
  later(() => world.browser.close());
});

after(async () => {
  for (const close of toClose) await close();
});

/** What the cloud does when a droplet is created: it starts a machine with this user-data and these keys. */
async function boot(droplet) {
  const machine = await bootMachine({
    userData: droplet.user_data,
    authorizedKeys: droplet.ssh_keys,
    workerUrl: world.worker.url,
    publicIp: droplet.address,
    volume: droplet.name,
    logDir: path.join(folder, `machine-${droplet.id}`),
  });
  later(() => machine.stop());
  world.machines.push(machine);
}

test('a customer pays one invoice and holds the keys of a Bitcoin machine', { skip }, async () => {
  try {
    await theStory();
  } catch (problem) {
    problem.message += `\n${whatHappened()}`;
    throw problem;
  }
});

/** What whoever looks into a failure wants to see first. */
function whatHappened() {
  const consoles = world.machines.map((_, i) => path.join(folder, `machine-${world.cloud.allDroplets[i].id}`, 'console.log'));
  const machines = consoles.map((file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8').slice(-3000) : 'no console'));
  return [
    'cloud:', ...world.cloud.transcript(), ...world.cloud.bootErrors.map(String), 'tailnet:', ...world.tailnet.transcript(),
    'Worker:', world.worker.logs(), 'machine:', ...machines,
  ].join('\n');
}

async function theStory() {
  const visit = await world.browser.open({ size: 'phone', baseURL: world.worker.url, acceptDownloads: true });
  later(() => visit.close());
  const { page } = visit;
  const button = (name) => page.getByRole('button', { name, exact: true });
  const heading = (name) => page.getByRole('heading', { name });
  const save = async (download) => {
    const file = path.join(folder, download.suggestedFilename());
    await download.saveAs(file);
    fs.chmodSync(file, 0o600);
    return file;
  };

  // Look, and choose. The key is made meanwhile.
  await page.goto('/');
  await page.getByText('Your key is ready').waitFor();
  await visit.screenshot('story-1-landing', { fullPage: true });
  await page.getByLabel('Bitcoin Core').check();
  await page.getByRole('button', { name: /^Continue/ }).click();

  // The link comes before the invoice, and nothing secret in it ever leaves the browser.
  await heading('Save your order link').waitFor();
  const [, id, fragment] = /\/orders\/([0-9a-f]{32})#(1\..+)$/.exec(page.url());
  await visit.screenshot('story-2-save-the-link');
  await button('Save in my password manager').click();
  await page.waitForURL(/saved=1#1\./);

  // A wallet that is nobody's but the customer's pays the invoice.
  await heading('Pay the invoice').waitFor();
  const uri = await page.getByRole('link', { name: 'Open in a wallet' }).getAttribute('href');
  await visit.screenshot('story-3-invoice');
  const bolt11 = uri.replace(/^lightning:/, '').toLowerCase();
  const before = await world.lnbits.balance(world.lnbits.customer);
  await world.lnbits.pay(bolt11);
  assert.equal(before - (await world.lnbits.balance(world.lnbits.customer)), PRICE * 1000);

  // The machine comes up, and says so.
  await heading('Your machine is being built').waitFor();
  await visit.screenshot('story-4-provisioning');
  await heading('Your machine is ready').waitFor({ timeout: UNTIL_READY });
  await visit.screenshot('story-5-ready', { fullPage: true });

  // The key, as the customer downloads it, is the one that the cloud was given and the machine lets in.
  const [keyDownload] = await Promise.all([page.waitForEvent('download'), button('Download the SSH private key').click()]);
  const keyFile = await save(keyDownload);
  const publicKey = execFileSync('ssh-keygen', ['-y', '-f', keyFile], { encoding: 'utf8' }).trim().split(' ').slice(0, 2).join(' ');
  assert.equal(world.cloud.allDroplets.length, 1);
  const [droplet] = world.cloud.allDroplets;
  assert.deepEqual(droplet.ssh_keys.map((line) => line.split(' ').slice(0, 2).join(' ')), [publicKey]);
  const [machine] = world.machines;
  const { exitCode, log } = await machine.done;
  assert.equal(exitCode, 0, log);
  const authorized = await machine.run(['cat', '/root/.ssh/authorized_keys']);
  assert.ok(authorized.stdout.includes(publicKey));

  // The bundle: claimed by a click, opened in the browser, and by age with an identity derived here a second time.
  await button('Get my credentials').click();
  await heading('Lightning wallet (LND)').waitFor();
  await visit.screenshot('story-6-credentials', { fullPage: true });
  const [textDownload] = await Promise.all([
    page.waitForEvent('download'),
    button('Download all as a text file').click(),
  ]);
  const shown = fs.readFileSync(await save(textDownload), 'utf8');
  const nonce = await page.evaluate((order) => localStorage.getItem(`kindling.claim.${order}`), id);
  const token = visit.requests.map(({ headers }) => headers.authorization).find(Boolean);
  const ask = (call, body) => world.worker.fetch(`/api/bootstrap/${id}${call}`, {
    method: body ? 'POST' : 'GET', headers: { authorization: token }, body: body && JSON.stringify(body),
  });
  const { sealed } = await (await ask('/claim', { nonce })).json();
  const identity = path.join(folder, 'identity.txt');
  fs.writeFileSync(identity, `${ageIdentity(fragment)}\n`, { mode: 0o600 });
  const opened = execFileSync('age', ['-d', '-i', identity], { input: Buffer.from(sealed, 'base64'), encoding: 'utf8' });
  const bundle = JSON.parse(opened);
  assert.equal(bundle.orderId, id);
  assert.equal(bundle.fake, false);
  assert.equal(bundle.bitcoin.implementation, 'core');
  assert.equal(bundle.lnd.seedWords.length, 24);
  for (const value of [droplet.address, bundle.lnd.seedWords.join(' '), bundle.lnd.walletPassword, bundle.bitcoin.rpcPassword]) {
    assert.ok(shown.includes(value), 'the page and age do not agree');
  }
  const onMachine = await machine.run(['cat', bundle.credentialsFile]);
  assert.ok(onMachine.stdout.includes(bundle.lnd.seedWords[0]) && onMachine.stdout.includes(bundle.lnd.walletPassword));

  // The machine speaks for itself from here on, and its LND signs what it says.
  await heading('Your node').waitFor();
  await page.getByText(/signed by your LND/).waitFor();
  await visit.screenshot('story-7-the-node-speaks', { fullPage: true });
  const { machine: { identityKey, usable, validated, bitcoin } } = await (await ask('')).json();
  assert.equal(identityKey, bundle.lnd.identityKey);
  assert.deepEqual([usable, validated, bitcoin.chain, bitcoin.initialBlockDownload], [false, false, 'main', true]);

  // The link alone, in a browser that has never been here, gives the same key; and it cannot take the bundle a second time.
  const second = await world.browser.open({ size: 'desktop', scheme: 'dark', baseURL: world.worker.url, acceptDownloads: true });
  later(() => second.close());
  await second.page.goto(`/orders/${id}#${fragment}`);
  const [again] = await Promise.all([
    second.page.waitForEvent('download'),
    second.page.getByRole('button', { name: 'Download the SSH private key', exact: true }).click(),
  ]);
  const againFile = path.join(folder, 'again');
  await again.saveAs(againFile);
  assert.equal(fs.readFileSync(againFile, 'utf8'), fs.readFileSync(keyFile, 'utf8'));
  await second.page.getByText('claimed in another browser').waitFor();
  await second.screenshot('story-8-second-browser', { fullPage: true });

  // Acknowledged is erased.
  await button('I have saved it').click();
  await button('Yes, erase it').click();
  await page.getByText('The sealed copy was erased').waitFor();
  await visit.screenshot('story-9-erased', { fullPage: true });
  assert.equal((await ask('/claim', { nonce })).status, 410);
  assert.equal((await (await ask('')).json()).credentials.delivery, 'erased');

  // One machine, ordered as the contract says, and nothing secret said by anyone on the way.
  assert.equal(world.cloud.maxDroplets, 1);
  world.cloudDoor.assertClean();
  world.tailnetDoor.assertClean();
  assert.deepEqual([visit.errors, second.errors], [[], []]);
  const secret = fragment.split('.')[1];
  const places = {
    browser: await visit.said(),
    'second browser': await second.said(),
    worker: world.worker.logs(),
    cloud: JSON.stringify(world.cloud.requests),
    LNbits: world.lnbits.logs(),
    machine: log,
  };
  const privateLine = fs.readFileSync(keyFile, 'utf8').split('\n')[3];
  for (const [place, said] of Object.entries(places)) {
    for (const word of [secret, ageIdentity(fragment), privateLine, bundle.lnd.seedWords.join(' '), bundle.lnd.walletPassword]) {
      assert.ok(!said.includes(word), `a secret was said by the ${place}`);
    }
  }
}
