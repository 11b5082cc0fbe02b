// The cards of a class, from the sealed bundle to what is handed out: on the screen, on paper and in files. Whatever a card shows is
// read back by a decoder that knows nothing of this project, and the teacher's secrets are searched for in everything that leaves.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readyClass } from '../support/class.mjs';
import { drawPdf, pdfInside, pdfLines, readCodes } from '../support/codes.mjs';
import { watchMainThread } from '../support/main_thread.mjs';
import { SHARP, assertCodes, assertNoTeacher, focusComesTo, keepPage, openClass } from './class.mjs';
import { order } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';

describe('the cards of a class', { skip }, () => {
  test('are claimed once, opened here, kept sealed on this device, and forgotten when asked', async () => {
    const bought = await readyClass(worker);
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    const { page } = visit;
    const own = order(page);
    await page.goto(`/orders/${bought.id}#${bought.fragment}`);
    await own.classReady.waitFor();
    await own.getCards.click();
    await own.codesDrawn();
    await own.cards.getByText('these cards are fake').waitFor();
    await focusComesTo(page, 'cards-title');
    assert.equal(await own.slips.count(), 8);

    const everything = await own.download('Download everything (JSON)');
    assert.equal(everything.name, `kindling-${bought.id.slice(0, 8)}-class.json`);
    const bundle = JSON.parse(everything.text);
    const { nodes } = bundle.classroom;
    assert.ok(nodes.every(({ adminRune, adminConnect }) => adminConnect.endsWith(adminRune)), 'the file has all');
    assertCodes(bundle, await readCodes(await own.cards.screenshot()));
    for (const [at, { name, connect }] of nodes.entries()) {
      await own.slip(name).scrollIntoViewIfNeeded();
      await own.button(`Enlarge the QR code of ${name}`).click();
      const dialog = page.getByRole('dialog', { name: 'QR code, enlarged' });
      assert.equal((await readCodes(await dialog.screenshot()))[0]?.text, connect);
      const { width } = await dialog.locator('svg').boundingBox();
      assert.ok(width > 500, `only ${width} px on the wall`);
      if (at % 2) await page.keyboard.press('Escape');
      else await dialog.getByRole('button', { name: 'Close' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await focusComesTo(page, `card-code-${at}`);
    }

    await own.button('I have saved it').click();
    await own.button('Yes, erase it').click();
    await page.getByText('The sealed copy was erased').waitFor();
    await focusComesTo(page, 'cards-title');
    const claims = () => visit.requests.filter(({ url }) => url.endsWith('/claim')).length;
    assert.equal(claims(), 1);
    await page.reload();
    await own.codesDrawn();
    assertCodes(bundle, await readCodes(await own.cards.screenshot()));
    assert.equal(claims(), 1, 'no second claim');

    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, document.title]));
    const sent = await visit.said();
    assert.ok(kept.includes(bought.id) && sent.includes(bought.id), 'the records are not empty');
    for (const { rune, adminRune } of nodes) {
      for (const text of [kept, sent]) assert.ok(!text.includes(rune) && !text.includes(adminRune), 'a rune is stored or sent');
    }

    await own.forget.click();
    await focusComesTo(page, 'cards-forget-question');
    await own.button('Keep them').click();
    await focusComesTo(page, 'cards-forget');
    await page.keyboard.press('Enter');
    await own.forgetSurely.click();
    await page.getByText('the sealed copy was erased. They are still on the machine').waitFor();
    await focusComesTo(page, 'cards-title');
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes('.class.'))), []);
    await page.reload();
    await page.getByText('the sealed copy was erased. They are still on the machine').waitFor();
    assert.equal(await own.slips.count(), 0);
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  test('say in which browser they are, if not in this one, and come back after the end of the class', async () => {
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    const { bundle, own, staged, product, credentials } = await openClass(visit, { kind: 'pinned', host: '203.0.113.10' });
    await own.cards.getByText('Participants accept a certificate first').waitFor();
    staged.show('ended', { product, errorCode: 'hours_over', errorMessage: 'The hours are over.' });
    await own.classEnded.waitFor();
    await own.codesDrawn();
    assertCodes(bundle, await readCodes(await own.cards.screenshot()));
    for (const gone of ['Participants accept a certificate first', 'First open and accept']) assert.equal(await own.cards.getByText(gone).count(), 0);
    await own.forget.click();
    await own.forgetSurely.click();
    await own.cards.getByText('This device keeps no cards of this class any more.').waitFor();
    assert.equal(await own.getCards.count(), 0);
    assert.deepEqual(visit.errors, []);
    await visit.close();

    const other = await browser.open({ baseURL: worker.url });
    const late = await openClass(other, { claim: false, delivery: 'claimed' });
    await late.own.cards.getByText('These cards were claimed in another browser').waitFor();
    late.staged.show('ended', { product, ...credentials('claimed') });
    await late.own.classEnded.waitFor();
    assert.equal(await late.own.cards.count(), 0, 'there is nothing to show');
    await other.close();
  });

  test('say so where this browser has no room to keep them', async () => {
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    await visit.page.addInitScript(() => {
      const { setItem } = Storage.prototype;
      Storage.prototype.setItem = function set(key, value) {
        if (value.length > 1000) throw new DOMException('full', 'QuotaExceededError');
        setItem.call(this, key, value);
      };
    });
    const { bundle, own, staged, product, credentials } = await openClass(visit);
    staged.show('ready', { product, ...credentials('erased') });
    await own.cards.getByText('This browser has no room to keep the cards').waitFor();
    assert.deepEqual(JSON.parse((await own.download('Download everything (JSON)')).text), bundle);
    await visit.page.reload();
    await own.cards.getByText('They were handed over, and the sealed copy was erased.').waitFor();
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  test('that cannot be read can be tried again, saved as they are, and forgotten', async () => {
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    const { bundle, own } = await openClass(visit, { claim: false, kind: 'of another time' });
    const assertWaysOut = async () => {
      await own.cards.getByText('That did not work').waitFor();
      assert.deepEqual(JSON.parse((await own.download('Download everything (JSON)')).text), bundle);
    };
    await own.getCards.click();
    await assertWaysOut();
    await own.tryAgain.click();
    await focusComesTo(visit.page, 'cards-title');
    await assertWaysOut();
    await visit.page.reload();
    await assertWaysOut();
    await own.forget.click();
    await own.forgetSurely.click();
    await own.getCards.waitFor();
    assert.equal(await own.cards.getByText('That did not work').count(), 0);
    assert.deepEqual(visit.errors, []);
    await visit.close();

    const other = await browser.open({ baseURL: worker.url, ...SHARP });
    const damaged = await openClass(other);
    await other.page.evaluate(() => {
      const key = Object.keys(localStorage).find((name) => name.endsWith('.sealed'));
      localStorage.setItem(key, localStorage.getItem(key).slice(0, 500));
    });
    await other.page.reload();
    await damaged.own.tryAgain.waitFor();
    await damaged.own.forget.click();
    await damaged.own.forgetSurely.click();
    await damaged.own.getCards.click();
    await damaged.own.codesDrawn();
    assert.deepEqual(other.errors, []);
    await other.close();
  });

  test('say what this browser does not do, instead of doing half of it', async () => {
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    const { page } = visit;
    await page.addInitScript(() => {
      const { postMessage } = Worker.prototype;
      Worker.prototype.postMessage = function post(...message) {
        if (window.isRefused) throw new Error('refused');
        postMessage.apply(this, message);
      };
    });
    const { own } = await openClass(visit);
    const trouble = own.cards.getByRole('alert');
    await page.evaluate(() => { window.isRefused = true; });
    await own.codesHold('Wallet link').check();
    await trouble.getByText('did not start').waitFor();
    await page.evaluate(() => { window.isRefused = false; });
    await own.tryAgain.click();
    await focusComesTo(page, 'cards-list');
    await own.codesDrawn();
    assert.deepEqual([await trouble.count(), await own.tryAgain.count()], [0, 0]);

    await own.fold('Title, date and logo').click();
    await own.brandTitle.fill('Lightning for everyone');
    await page.evaluate(() => {
      CanvasRenderingContext2D.prototype.getImageData = () => { throw new DOMException('not here', 'SecurityError'); };
    });
    await own.pdf.click();
    await trouble.getByText('so the PDF would lack title and logo. Print instead.').waitFor();
    await own.brandTitle.fill('');
    await own.download(own.pdf);
    assert.equal(await trouble.count(), 0);

    await page.evaluate(() => { URL.createObjectURL = () => { throw new TypeError('not here'); }; });
    await own.button('Table (CSV)').click();
    await trouble.getByText('This browser does not save files.').waitFor();
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  test('are found by name, number and note, marked as taken, and stay so', async () => {
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    const { page } = visit;
    const { bundle, own } = await openClass(visit);
    const shown = async () => (await own.slips.filter({ visible: true }).locator('.slip-name').allInnerTexts());
    await own.cards.getByText('0 of 8 taken').waitFor();
    await own.taken('Heron').check();
    await own.taken('Lynx').check();
    await page.getByLabel('Who has Heron').fill('=1+1, "Ann"');
    await page.getByLabel('Who has Lynx').fill('Grüße, Ümit');
    await own.cards.getByText('2 of 8 taken').waitFor();
    await own.said(/2 of 8 taken/);

    for (const [wanted, found] of [['otter', ['Otter']], ['3', ['Heron']], ['ümit', ['Lynx']], ['nobody', []], ['', bundle.classroom.nodes.map(({ name }) => name)]]) {
      await own.search.fill(wanted);
      assert.deepEqual(await shown(), found, wanted);
      assert.equal(await own.cards.getByText('No card is like that.').count(), found.length ? 0 : 1);
      if (!found.length) await own.said(/No card is like that\./);
    }
    await own.freeOnly.check();
    assert.equal((await shown()).length, 6);
    await own.button('Print 6 cards').waitFor();
    const six = await own.download('PDF of 6 cards');
    const [sheet] = await drawPdf(six.bytes);
    assert.equal((await readCodes(sheet.picture)).length, 6);

    await page.reload();
    await own.codesDrawn();
    await own.cards.getByText('2 of 8 taken').waitFor();
    assert.ok(await own.taken('Heron').isChecked());
    assert.equal(await page.getByLabel('Who has Lynx').inputValue(), 'Grüße, Ümit');

    const table = await own.download('Table (CSV)');
    assertNoTeacher(bundle, 'the table', table.text);
    const rows = readCsv(table.text);
    assert.deepEqual(rows[0], ['number', 'name', 'public_key', 'address', 'connect', 'wallet', 'taken', 'note']);
    const { host } = bundle.classroom;
    assert.deepEqual(rows.slice(1), bundle.classroom.nodes.map(({ name, publicKey, port, connect, wallet }, at) => [
      String(at + 1), name, publicKey, `${publicKey}@${host}:${port}`, connect, wallet,
      ['Heron', 'Lynx'].includes(name) ? 'yes' : 'no', { Heron: '\'=1+1, "Ann"', Lynx: 'Grüße, Ümit' }[name] ?? '',
    ]));
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  test('hold the link of either wallet, or address and rune, and say which certificate is to be accepted', async () => {
    const visit = await browser.open({ baseURL: worker.url, permissions: ['clipboard-read', 'clipboard-write'], ...SHARP });
    const { page } = visit;
    const { bundle, own } = await openClass(visit, { kind: 'pinned', host: '203.0.113.10' });
    const { nodes, certificate } = bundle.classroom;
    const fingerprint = certificate.sha256.toUpperCase().match(/../g).join(':');
    await own.cards.getByRole('note').getByText(fingerprint).waitFor();
    assert.equal(await own.slip('Heron').getByRole('link').getAttribute('href'), 'https://203.0.113.10:6003');
    const copied = (text) => page.waitForFunction(async (wanted) => await navigator.clipboard.readText() === wanted, text);
    await own.button('Copy the link of Heron').click();
    await copied(nodes[2].connect);

    await own.codesHold('Wallet link').check();
    await own.codesDrawn();
    assertCodes(bundle, await readCodes(await own.cards.screenshot()), ({ wallet }) => wallet);
    const file = await own.download(own.pdf);
    const [sheet] = await drawPdf(file.bytes, { scale: 4 });
    assertCodes(bundle, await readCodes(sheet.picture), ({ wallet }) => wallet);
    const written = pdfLines(file.bytes);
    assert.ok(written.includes('https://203.0.113.10:6003') && written.join('').includes(fingerprint), written.join('\n'));
    keepPage('class-pdf-pinned', sheet);

    await own.codesHold('Address and rune').check();
    await own.codesDrawn();
    assertCodes(bundle, await readCodes(await own.cards.screenshot()), ({ publicKey, port, rune }) => `${publicKey}@203.0.113.10:${port}\n${rune}`);

    assert.equal(await page.getByText(nodes[0].publicKey).count(), 0, "the teacher's access is folded away");
    await own.fold("Teacher's access").click();
    await own.button("Copy the teacher's link of Heron").click();
    await copied(nodes[2].adminConnect);
    assertNoTeacher(bundle, 'the document', await page.content());
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  test('64 of them are drawn, printed and made into a PDF without the page standing still, and each code is its own node’s', async (t) => {
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    const { page } = visit;
    const { bundle, own } = await openClass(visit, { nodes: 64, claim: false });
    const moving = async (what, use) => {
      const { result, tasks } = await watchMainThread(page, use);
      const [{ worked, lasted }] = tasks;
      t.diagnostic(`${what}: the longest task worked ${worked.toFixed(0)} ms (${lasted.toFixed(0)} ms by the clock)`);
      assert.ok(worked < 200, `${what}: a task of ${worked.toFixed(0)} ms`);
      return result;
    };
    await moving('from the claim to 64 codes', async () => {
      const began = Date.now();
      await own.getCards.click();
      await own.codesDrawn();
      t.diagnostic(`64 codes drawn ${Date.now() - began} ms after the click`);
    });
    assert.equal(await own.slips.filter({ visible: true }).count(), 12, 'the first dozen at first');
    await moving('all of them shown', async () => {
      await own.button('Show all 64 cards').click();
      await focusComesTo(page, 'card-code-12');
    });
    const seen = [];
    for (const { name } of bundle.classroom.nodes) seen.push(...await readCodes(await own.slip(name).screenshot()));
    assertCodes(bundle, seen);

    await moving('the branding', async () => {
      await own.fold('Title, date and logo').click();
      await own.brandTitle.fill('ライトニング入門 مقدمة إلى البرق');
      await own.brandPreview.waitFor();
    });
    const file = await moving('the PDF', async () => {
      const began = Date.now();
      const made = await own.download(own.pdf);
      t.diagnostic(`the PDF of ${made.bytes.length} bytes came ${Date.now() - began} ms after the click`);
      return made;
    });
    await moving('the layout for paper', async () => {
      await page.emulateMedia({ media: 'print' });
      await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
    });
    const printed = await moving('printing', () => page.pdf({ preferCSSPageSize: true, format: 'A4' }));

    for (const [what, bytes] of [['the PDF', file.bytes], ['the print', printed]]) {
      assertNoTeacher(bundle, what, pdfInside(bytes));
      const pages = await drawPdf(bytes);
      assert.equal(pages.length, 8, what);
      const found = [];
      for (const { picture } of pages) found.push(...await readCodes(picture));
      assertCodes(bundle, found);
    }
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });
});

/** RFC 4180 -> rows of fields */
function readCsv(text) {
  const rows = [];
  let row = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}
