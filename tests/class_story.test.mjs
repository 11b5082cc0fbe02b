// The story of a class, told once: Chromium buys plan A for 48 hours, the Worker in workerd orders a machine from DigitalOcean (a
// stateful fake behind the official contract), that machine runs the real scripts from its real user-data on stand-ins for Core
// Lightning, the browser opens what the machine sealed and makes a PDF of eight cards of it, the machine tells of the class as it
// lives, and when the hours are over everything is gone but what the teacher has.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { landing } from './browser/pages/landing.mjs';
import { order } from './browser/pages/order.mjs';
import { createDigitalOcean } from './fakes/digitalocean.mjs';
import { UNTIL_READY, bootMachine, whyNot } from './machine/boot.mjs';
import { ageIdentity } from './support/age_identity.mjs';
import { browserMissing, launchBrowser } from './support/browser.mjs';
import { drawPdf, readCodes } from './support/codes.mjs';
import { withContract } from './support/contract.mjs';
import { call, pollUntil } from './support/order.mjs';
import { startWorker } from './support/worker.mjs';

const TOKEN = 'dop_v1_class_story';
const HOURS = 48;
const PRICE = 76_800;

const world = { machines: [] };
const toClose = [];
/** Closed last to first, whatever happened. */
const later = (close) => toClose.unshift(close);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kindling-class-story-'));
const skip = browserMissing ?? whyNot() ?? false;

before(async () => {
  if (skip) return;
  later(() => fs.rmSync(folder, { recursive: true, force: true }));
  world.cloud = await createDigitalOcean({ token: TOKEN, onBoot: boot });
  later(() => world.cloud.close());
  world.door = await withContract(world.cloud);
  later(() => world.door.close());
  world.worker = await startWorker({ vars: { DEV_CLOCK: '0', DO_API_TOKEN: TOKEN, DO_API_URL: world.door.url } });
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
    userData: droplet.user_data, authorizedKeys: droplet.ssh_keys, workerUrl: world.worker.url, publicIp: droplet.address,
    logDir: path.join(folder, `machine-${droplet.id}`),
  });
  later(() => machine.stop());
  world.machines.push(machine);
}

test('a teacher pays one invoice and hands out eight cards; two days later the class is gone', { skip }, async () => {
  try {
    await theStory();
  } catch (problem) {
    const console = path.join(folder, `machine-${world.cloud.allDroplets[0]?.id}`, 'console.log');
    const machine = fs.existsSync(console) ? fs.readFileSync(console, 'utf8').slice(-5000) : 'no console';
    problem.message += `\n${['cloud:', ...world.cloud.transcript(), 'Worker:', world.worker.logs(), 'machine:', machine].join('\n')}`;
    throw problem;
  }
});

async function theStory() {
  const visit = await world.browser.open({ size: 'phone', baseURL: world.worker.url, acceptDownloads: true });
  later(() => visit.close());
  const { page } = visit;
  const own = order(page);

  // Choose: the price is there before anything is asked for.
  const form = await landing(page).open();
  await form.product('Classroom').check();
  await form.plan('A').check();
  await form.hours.fill(String(HOURS));
  await form.quote.getByText('76,800 sats', { exact: true }).waitFor();
  await form.moreChoices.click();
  await form.distribution('Political').check();
  await form.seed.fill('2026');
  await form.choose('Ed25519');
  await visit.screenshot('class-story-1-choosing', { fullPage: true });
  await form.continue.click();

  // Pay, in test mode: money is make-believe here, and the machine is not.
  await own.untilPaying();
  const { id, fragment } = own.link();
  await visit.screenshot('class-story-2-invoice');
  await own.payStub.click();
  await own.heading('Your class is being built').waitFor();
  await visit.screenshot('class-story-3-building');
  await own.classReady.waitFor({ timeout: UNTIL_READY });
  const [machine] = world.machines;
  const { exitCode, log } = await machine.done;
  assert.equal(exitCode, 0, log);

  // What was sealed is opened here, and by age with an identity derived a second time.
  await own.getCards.click();
  await own.codesDrawn();
  await visit.screenshot('class-story-4-cards', { fullPage: true });
  const token = visit.requests.map(({ headers }) => headers.authorization).find(Boolean).replace('Bearer ', '');
  const nonce = await page.evaluate((of) => localStorage.getItem(`kindling.claim.${of}`), id);
  const { body: claimed } = await call(world.worker, 'POST', `/api/bootstrap/${id}/claim`, { token, body: { nonce } });
  const identity = path.join(folder, 'identity.txt');
  fs.writeFileSync(identity, `${ageIdentity(fragment)}\n`, { mode: 0o600 });
  const opened = execFileSync('age', ['-d', '-i', identity], { input: Buffer.from(claimed.sealed, 'base64'), encoding: 'utf8' });
  const { classroom, fake, orderId } = JSON.parse(opened);
  assert.deepEqual([orderId, fake, classroom.nodes.length, classroom.seed, classroom.distribution], [id, false, 8, 2026, 'political']);

  // The PDF: a page of eight cards, each of which a scanner reads as the connection of its own node.
  const pdf = await own.download(own.pdf);
  const sheets = await drawPdf(pdf.bytes);
  assert.equal(sheets.length, 1);
  const codes = (await readCodes(sheets[0].picture)).map(({ text }) => text).sort();
  assert.deepEqual(codes, classroom.nodes.map(({ connect }) => connect).sort());
  assert.ok(classroom.nodes.every(({ adminRune }) => !codes.some((code) => code.includes(adminRune))));

  // The class as it lives, in the machine's own words.
  await page.getByText('0 of 8 connected').waitFor();
  await visit.screenshot('class-story-5-live', { fullPage: true });
  const view = async () => (await call(world.worker, 'GET', `/api/bootstrap/${id}`, { token })).body;
  const { class: lives, endsAt, amountSats, product } = await view();
  assert.deepEqual([amountSats, product.seed], [PRICE, 2026]);
  assert.deepEqual(lives.class.nodes.map(({ name, up }) => [name, up]), classroom.nodes.map(({ name }) => [name, true]));
  assert.ok(lives.class.channels.length >= 8 && lives.class.channels.every(({ active }) => active), JSON.stringify(lives.class.channels));
  const kept = await machine.run(['cat', '/var/lib/kindling/ends-at']);
  assert.equal(Number(kept.stdout), Date.parse(endsAt) / 1000, 'the machine knows when its class ends');

  // Two days later.
  await call(world.worker, 'POST', '/api/dev/clock', { body: { advanceSeconds: HOURS * 3600, orders: [id] } });
  await own.heading('This class has ended').waitFor();
  assert.deepEqual(world.cloud.droplets, []);
  await own.codesDrawn();
  await visit.screenshot('class-story-6-ended', { fullPage: true });
  await pollUntil(async () => (await view()).state === 'ended', 'the order has ended');

  // One machine, ordered as the contract says, and nothing secret said by anyone on the way.
  assert.equal(world.cloud.maxDroplets, 1);
  world.door.assertClean();
  assert.deepEqual(visit.errors, []);
  const places = { browser: await visit.said(), worker: world.worker.logs(), cloud: JSON.stringify(world.cloud.requests), machine: log };
  const secrets = [fragment.split('.')[1], ageIdentity(fragment), ...classroom.nodes.flatMap(({ rune, adminRune }) => [rune, adminRune])];
  for (const [place, said] of Object.entries(places)) {
    for (const secret of secrets) assert.ok(!said.includes(secret), `a secret was said by the ${place}`);
  }
}
