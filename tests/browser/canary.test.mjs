// What must stay in the browser is searched for in everything that a whole purchase leaves behind: in each request as it arrives, in each
// answer, in the console and in every store, in any encoding. And the search itself is tried on what is planted.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { leaks, ofBytes, ofKey, ofLink, ofText, records } from './canary.mjs';
import { landing } from './pages/landing.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';
import { wire } from './wire.mjs';

/** Each name and value that stands in the text of a node's credentials. */
const VALUE = /^(LND seed words|LND wallet password|LNbits super user|LNbits password|LNbits first-install token|Bitcoin RPC password): (.+)$/gm;

let elsewhere;
let door;
/** A page of another origin, and what is sent to it. */
async function otherOrigin() {
  const lines = [];
  const server = http.createServer((request, response) => {
    lines.push([`${request.method} ${request.url}`, ...request.rawHeaders].join('\n'));
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, lines, close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

/** Follows a link out of the shop -> what the page there can know, as one text */
async function leave(page) {
  await page.evaluate((url) => {
    const link = Object.assign(document.createElement('a'), { href: url, textContent: 'Out' });
    document.querySelector('main').prepend(link);
    link.click();
  }, elsewhere.url);
  await page.getByRole('heading', { name: 'Elsewhere' }).waitFor();
  return page.evaluate(() => JSON.stringify([document.referrer, window.name, history.state, { ...sessionStorage }, { ...localStorage }, window.opener, document.cookie]));
}

/** The way back by the two halves of the link, as a password manager fills them in. */
async function signIn(page, { id, fragment }) {
  await page.goto('/orders');
  await page.getByLabel('Order number').fill(id);
  await page.getByLabel('Order link, or its part behind #').fill(fragment);
  await order(page).button('Open the order').click();
}

/** Everything that a purchase has left is searched; then the page is left for another origin. */
async function assertKept(visit, secrets, { id }) {
  const { page } = visit;
  // Before the HTTP cache is asked for what it does not have, which Chromium notes.
  assert.deepEqual(visit.errors, []);
  const token = visit.requests.map(({ headers }) => headers.authorization).find(Boolean).replace('Bearer ', '');
  const canaries = [...secrets, ofText('the access token', token)];
  const all = await records(visit, door);
  for (const place of ['a request on the wire', 'a request of the browser', 'an answer']) {
    assert.ok(all.some((record) => record.place === place && record.text.includes(id)), `${place}: the record is empty`);
  }
  assert.notEqual(all.find(({ place }) => place === 'the HTTP cache').text, '', 'the HTTP cache was not asked');
  assert.ok(door.lines.some((line) => /^GET \/api\/bootstrap\/[0-9a-f]+\/live\n/.test(line) && line.includes(token)), 'the WebSocket is recorded');
  assert.deepEqual(leaks(canaries, all), []);
  const told = door.answers.filter(({ path }) => path.startsWith('/api/'));
  assert.deepEqual(told.filter(({ headers }) => headers['cache-control'] !== 'no-store').map(({ path }) => path), [], 'an answer that may be kept');

  assert.deepEqual(visit.requests.map(({ headers }) => headers.referer).filter(Boolean), [], 'no Referer, not even a harmless one');
  assert.ok(visit.requests.every(({ url }) => url.startsWith(door.url) || url.startsWith(door.url.replace('http', 'ws')) || /^(blob|data):/.test(url)), 'a request went elsewhere');
  const known = await leave(page);
  assert.deepEqual(leaks(canaries, [{ place: 'a page elsewhere', text: known }, { place: 'what was sent there', text: elsewhere.lines.join('\n') }]), []);
  assert.ok(elsewhere.lines.length > 0 && !elsewhere.lines.some((line) => line.includes(door.url)), 'the page elsewhere was told where the visitor came from');
}

describe('a purchase keeps its secrets to itself', { skip }, () => {
  before(async () => {
    elsewhere = await otherOrigin();
    door = await wire(worker);
  });
  after(() => Promise.all([elsewhere?.close(), door?.close()]));

  test('of a full node: link, SSH key, seed words, passwords', async () => {
    const visit = await browser.open({ baseURL: door.url, acceptDownloads: true });
    const { page } = visit;
    const bought = await orderNode(page, { key: 'RSA-4096' });
    const link = bought.link();
    await bought.savedForm.click();
    await bought.payStub.click();
    await bought.ready.waitFor();
    const key = await bought.download('Download the SSH private key');
    await bought.openBundle();
    const words = await bought.words();
    const { text } = await bought.download('Download all as a text file');
    const values = [...text.matchAll(VALUE)].map(([, name, value]) => ofText(name, value));
    assert.ok(values.length >= 4);
    await page.reload();
    await bought.ready.waitFor();
    await signIn(page, link);
    await bought.ready.waitFor();
    const phrases = [',', ' ', '","', '%20', '+'].map((between) => ofText('seed words', words.slice(3, 8).join(between)));
    await assertKept(visit, [...ofLink(link.fragment), ...ofKey(key.text), ...values, ...phrases], link);
    await visit.close();
  });

  test("of a class: link, SSH key, every node's runes, passwords", async () => {
    const visit = await browser.open({ baseURL: door.url, acceptDownloads: true });
    const { page } = visit;
    const form = await landing(page).open();
    await form.product('Classroom').check();
    await form.choose('Ed25519');
    await form.continue.click();
    const bought = order(page);
    await bought.untilPaying();
    const link = bought.link();
    await bought.payStub.click();
    await bought.classReady.waitFor();
    await bought.getCards.click();
    await bought.codesDrawn();
    const bundle = JSON.parse((await bought.download('Download everything (JSON)')).text);
    await bought.download('Table (CSV)');
    await bought.download(bought.pdf);
    await page.reload();
    await bought.codesDrawn();
    await signIn(page, link);
    await bought.codesDrawn();
    const key = await bought.download('Download the SSH private key');
    const runes = bundle.classroom.nodes.flatMap(({ name, rune, adminRune }) => [ofText(`the rune of ${name}`, rune), ofText(`the teacher's rune of ${name}`, adminRune)]);
    await assertKept(visit, [...ofLink(link.fragment), ...ofKey(key.text), ...runes, ofText('the RPC password', bundle.bitcoin.rpcPassword)], link);
    await visit.close();
  });

  test('or the search would find them, wherever they were and however they were written', async () => {
    const visit = await browser.open({ baseURL: door.url });
    const { page } = visit;
    await (await landing(page).open()).choose('Ed25519');
    const secret = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 83 + 41) % 256)).toString('base64url');
    const canaries = [ofBytes('planted', secret)];
    assert.deepEqual(leaks(canaries, await records(visit, door)), []);
    await page.evaluate(async ([planted, hex]) => {
      const packed = planted.replaceAll('-', '+').replaceAll('_', '/');
      const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
      await fetch(`/api/health?${hex.replace(/../g, '%$&')}`);
      localStorage.setItem('planted', planted);
      sessionStorage.setItem('planted', hex.toUpperCase());
      await (await caches.open('planted')).put('/planted', new Response(`before ${packed} behind`));
      document.cookie = `planted=${planted}`;
      document.title = btoa(`x${String.fromCharCode(...bytes)}yz`);
      console.log([...bytes].join(','));
      const database = await new Promise((resolve) => {
        const request = indexedDB.open('planted');
        request.onupgradeneeded = () => request.result.createObjectStore('planted').put({ deep: bytes }, 1);
        request.onsuccess = () => resolve(request.result);
      });
      database.close();
    }, [secret, Buffer.from(secret, 'base64url').toString('hex')]);
    assert.deepEqual(leaks(canaries, await records(visit, door)).sort(), [
      'IndexedDB', 'a request of the browser', 'a request on the wire', 'localStorage', 'sessionStorage', 'the Cache Storage', 'the console', 'the cookies',
      "the page's title, name and history",
    ].map((place) => `planted in ${place}`).sort());
    for (const text of [`{"password":"a\\"b secret word"}`, 'a%22b%20secret%20word', `Basic ${Buffer.from('name:a"b secret word').toString('base64')}`]) {
      assert.deepEqual(leaks([ofText('it', 'a"b secret word')], [{ place: text, text }]), [`it in ${text}`]);
    }
    await visit.close();
  });
});
