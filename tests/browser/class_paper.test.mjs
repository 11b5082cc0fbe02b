// The cards of a class on paper: as the browser prints them and as the PDF that is made in it, with the teacher's branding.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { drawPdf, pdfInside, pdfLines, readCodes } from '../support/codes.mjs';
import { ROOT } from '../support/paths.mjs';
import { SHARP, assertNoTeacher, keepPage, openClass } from './class.mjs';
import { browser, skip, worker } from './shop.mjs';

const POINTS_PER_MM = 72 / 25.4;
const PAPERS = { A4: [210, 297], Letter: [215.9, 279.4] };
const TITLE = 'مقدمة إلى شبكة البرق · ライトニング入門';
const png = fs.readFileSync(path.join(ROOT, 'static/icon-192.png'));
const svg = fs.readFileSync(path.join(ROOT, 'static/icon.svg'));
const file = (name, mimeType, buffer) => ({ name, mimeType, buffer });

/** The share of pixels in a part of a drawn page, in millimetres from its upper left corner, that are darker than half. */
function darkness({ picture: { data, width }, scale }, x, y, wide, high) {
  const pixel = (mm) => Math.round(mm * POINTS_PER_MM * scale);
  let dark = 0;
  let all = 0;
  for (let row = pixel(y); row < pixel(y + high); row += 1) {
    for (let column = pixel(x); column < pixel(x + wide); column += 1) {
      all += 1;
      if (data[(row * width + column) * 4 + 1] < 128) dark += 1;
    }
  }
  return dark / all;
}

/** One page of eight cards: each code in its own eighth, in order, large enough, and what stands on top of it. */
async function assertPage(what, page, paper, bundle, { branded }) {
  const [wide, high] = PAPERS[paper];
  assert.ok(Math.abs(page.width / POINTS_PER_MM - wide) < 0.6 && Math.abs(page.height / POINTS_PER_MM - high) < 0.6, `${what}: ${page.width} × ${page.height} pt`);
  const mm = (pixels) => pixels / page.scale / POINTS_PER_MM;
  const codes = await readCodes(page.picture);
  assert.equal(codes.length, 8, what);
  const cell = [wide / 2, paper === 'A4' && what.includes('print') ? 69.8 : high / 4];
  for (const code of codes) {
    const [width, height] = [mm(code.width), mm(code.height)];
    assert.ok(Math.min(width, height) >= 42 && Math.abs(width - height) < 1, `${what}: ${width.toFixed(1)} × ${height.toFixed(1)} mm`);
    const [column, row] = [Math.floor(mm(code.x) / cell[0]), Math.floor(mm(code.y) / cell[1])];
    assert.equal(code.text, bundle.classroom.nodes[row * 2 + column]?.connect, `${what}: row ${row}, column ${column}`);
    assert.ok(mm(code.x) - column * cell[0] >= 5 && mm(code.y + code.height) <= (row + 1) * cell[1] - 5, `${what}: too near to the edge`);
    const above = mm(code.y) - row * cell[1];
    const below = (row + 1) * cell[1] - mm(code.y + code.height);
    if (branded) assert.ok(darkness(page, column * cell[0] + 7, row * cell[1] + 6.2, 91, 9.5) > 0.01, `${what}: there is no branding`);
    else assert.ok(Math.abs(above - below) < 1, `${what}: the code is not in the middle: ${above.toFixed(1)} and ${below.toFixed(1)} mm`);
  }
  assert.ok(darkness(page, 0, 0, wide, 5) < 0.01, `${what}: something is at the upper edge`);
}

/** The words of the page's program with some of its texts in another language, as a translation has them. */
const speak = (page, texts) => page.route(/\/words-order-/, async (route) => {
  const response = await route.fetch();
  const changed = Object.entries(texts).reduce((words, [english, other]) => {
    assert.ok(words.includes(`${english}\n`), english);
    return words.replace(`${english}\n`, `${other}\n`);
  }, await response.text());
  await route.fulfill({ response, body: changed });
});

/** What is on the cards in languages of three scripts, and whether a PDF's own fonts have their letters. */
const LANGUAGES = [
  ['ar', true, false, 'عقدة {number}', 'امسحه بكاميرا هاتفك: سيفتح Clams متصلاً بعقدتك.', 'افتح هذا العنوان أولاً واقبل الشهادة'],
  ['ja', false, false, 'ノード {number}', 'スマートフォンのカメラで読み取ってください。Clams が開き、あなたのノードに接続されます。', '最初に開いて許可してください'],
  ['fr', false, true, 'Nœud {number}', 'Scannez-le avec l’appareil photo de votre téléphone\u202f: il ouvre Clams, connecté à votre nœud.', 'D’abord, ouvrez et acceptez'],
];

describe('cards on paper', { skip }, () => {
  for (const [paper, scheme, branded] of [['A4', 'dark', true], ['Letter', 'light', false]]) {
    test(`${paper}, from a ${scheme} page ${branded ? 'with' : 'without'} branding: eight to a page, codes over 40 mm, and nothing else`, async () => {
      const visit = await browser.open({ baseURL: worker.url, ...SHARP, scheme, locale: paper === 'A4' ? 'en-GB' : 'en-US' });
      const { page } = visit;
      const { bundle, own } = await openClass(visit);
      if (branded) {
        await own.fold('Title, date and logo').click();
        await own.brandTitle.fill(TITLE);
        await own.brandDate.fill('21 November 2026');
        await own.brandLogo.setInputFiles(file('logo.svg', 'image/svg+xml', svg));
        await own.button('Remove the logo').waitFor();
        await own.brandPreview.waitFor();
        await page.waitForFunction(() => document.querySelector('.slip-strip')?.complete);
      }
      assert.ok(await page.getByRole('radio', { name: paper, exact: true }).isChecked(), 'the paper of the country');
      const made = await own.download(own.pdf);
      assert.match(made.name, /^kindling-[0-9a-f]{8}-cards\.pdf$/);
      assert.ok(made.bytes.length < 200_000, `${made.bytes.length} bytes`);
      assertNoTeacher(bundle, 'the PDF', pdfInside(made.bytes));
      const [sheet, ...more] = await drawPdf(made.bytes, { scale: 4 });
      assert.equal(more.length, 0);
      keepPage(`class-pdf-${paper}`, sheet);
      await assertPage('the PDF', sheet, paper, bundle, { branded });
      const written = pdfLines(made.bytes);
      for (const [at, { name }] of bundle.classroom.nodes.entries()) assert.ok(written.join('\n').includes(`Node ${at + 1}\n${name}\n`), written);

      const seen = await page.evaluate(() => {
        window.printed = [];
        window.addEventListener('beforeprint', () => window.printed.push(location.hash));
        return location.hash;
      });
      const printed = await page.pdf({ format: paper, preferCSSPageSize: true, printBackground: true });
      assert.deepEqual(await page.evaluate(() => [...window.printed, location.hash]), ['', seen], 'the link is not printed, and comes back');
      assertNoTeacher(bundle, 'the print', pdfInside(printed));
      const [print, ...rest] = await drawPdf(printed, { scale: 4 });
      keepPage(`class-print-${paper}`, print);
      assert.equal(rest.length, 0, 'one page');
      await assertPage('the print', print, paper, bundle, { branded });
      await page.emulateMedia({ media: 'print' });
      const words = (await page.evaluate(() => document.body.innerText)).split(/\s*\n\s*/).filter(Boolean);
      const hint = "Scan it with your phone's camera: it opens Clams, connected to your node.";
      assert.deepEqual(words, bundle.classroom.nodes.flatMap(({ name }, at) => [`Node ${at + 1}`, name, hint]));
      assert.deepEqual(visit.errors, []);
      await visit.close();
    });
  }

  for (const [lang, fromRight, isWritten, number, hint, accept] of LANGUAGES) {
    test(`in ${lang}: what stands beside the code comes out in its own letters, on the side where it is read`, async () => {
      const visit = await browser.open({ baseURL: worker.url, ...SHARP });
      const { page } = visit;
      await speak(page, {
        'Node {number}': number, 'First open and accept': accept,
        "Scan it with your phone's camera: it opens Clams, connected to your node.": hint,
      });
      const { bundle, own } = await openClass(visit, { kind: 'pinned', host: '203.0.113.10' });
      await page.evaluate(([language, dir]) => Object.assign(document.documentElement, { lang: language, dir }), [lang, fromRight ? 'rtl' : 'ltr']);
      const { bytes } = await own.download(own.pdf);
      assert.ok(bytes.length < 300_000, `${bytes.length} bytes`);
      const [sheet] = await drawPdf(bytes, { scale: 4 });
      keepPage(`class-pdf-${lang}`, sheet);
      const printed = await page.pdf({ format: 'A4', preferCSSPageSize: true, printBackground: true });
      const [print, ...rest] = await drawPdf(printed, { scale: 4 });
      keepPage(`class-print-${lang}`, print);
      assert.equal(rest.length, 0);

      for (const [what, drawn, high] of [['the PDF', sheet, 297 / 4], ['the print', print, 69.8]]) {
        const mm = (pixels) => pixels / drawn.scale / POINTS_PER_MM;
        const codes = await readCodes(drawn.picture);
        assert.equal(codes.length, 8, what);
        for (const code of codes) {
          const [column, row] = [Math.floor(mm(code.x) / 105), Math.floor(mm(code.y) / high)];
          const at = row * 2 + (fromRight ? 1 - column : column);
          assert.equal(code.text, bundle.classroom.nodes[at]?.connect, `${what}: row ${row}, column ${column}`);
          const inCell = mm(code.x) - column * 105;
          assert.equal(inCell > 40, fromRight, `${what}: the code is ${inCell} mm from the left`);
          const beside = column * 105 + (fromRight ? 7.5 : 55.5);
          assert.ok(darkness(drawn, beside, mm(code.y), 42, 30) > 0.02, `${what}: nothing stands beside the code`);
        }
      }

      const inside = pdfInside(bytes);
      const pictures = inside.match(/\/Letters\d+ Do/g) ?? [];
      const written = [...inside.matchAll(/<([0-9a-f]+)> Tj/gi)].map(([, hex]) => new TextDecoder('windows-1252').decode(Buffer.from(hex, 'hex')));
      assert.equal(pictures.length, isWritten ? 0 : 8 * 3, 'of number, hint and the small print on each card');
      assert.ok(pdfLines(bytes).every((line) => !line.includes('?')), 'a letter is missing');
      if (isWritten) assert.ok(written.includes('Nœud 1') && written.join(' ').includes('téléphone'), written.join('\n'));
      for (const { name } of bundle.classroom.nodes) assert.ok(pdfLines(bytes).includes(name), name);
      assert.deepEqual(visit.errors, []);
      await visit.close();
    });
  }

  test('a title, date or logo that cannot be is said at its field, and nothing that was typed is lost', async () => {
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    const { page } = visit;
    const { own } = await openClass(visit);
    await own.fold('Title, date and logo').click();
    const long = 'Lightning for everyone, '.repeat(4);
    await own.brandTitle.fill(long);
    await page.getByText('A title has at most 80 characters; this one has 96.').waitFor();
    assert.equal(await own.brandTitle.getAttribute('aria-invalid'), 'true');
    await own.fold('Title, date and logo').click();
    await own.pdf.click();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'class-title', 'the field is shown instead of a PDF');
    assert.equal(await own.brandTitle.inputValue(), long);
    await own.brandTitle.fill(long.slice(0, 80));
    await page.getByText('A title has at most').waitFor({ state: 'detached' });
    await own.brandDate.fill('x'.repeat(41));
    await page.getByText('A date has at most 40 characters; this one has 41.').waitFor();
    await own.brandDate.fill('Wednesday');

    const noImage = 'This file is not a PNG, JPEG, SVG or WebP image.';
    for (const [name, content, sentence] of [
      ['logo.png', Buffer.from('hello'), noImage],
      ['logo.png', Buffer.concat([png.subarray(0, 8), Buffer.alloc(600, 7)]), noImage],
      ['logo.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><path'), noImage],
      ['logo.gif', Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'), noImage],
      ['logo.png', Buffer.concat([png, Buffer.alloc(512 * 1024)]), 'This image is over 512 KiB; choose a smaller one.'],
    ]) {
      await own.brandLogo.setInputFiles(file(name, 'image/png', content));
      await page.locator('#class-logo-error').getByText(sentence).waitFor();
      assert.equal(await own.button('Remove the logo').count(), 0);
      assert.deepEqual([await own.brandTitle.inputValue(), await own.brandDate.inputValue()], [long.slice(0, 80), 'Wednesday']);
    }
    const drawn = await page.evaluate(async () => {
      const canvas = document.createElement('canvas');
      canvas.getContext('2d').fillRect(0, 0, 40, 40);
      return ['image/jpeg', 'image/webp'].map((type) => canvas.toDataURL(type));
    });
    const good = drawn.map((address) => Buffer.from(address.split(',')[1], 'base64'));
    for (const content of [...good, svg, png]) {
      await own.brandLogo.setInputFiles(file('logo', 'application/octet-stream', content));
      await own.button('Remove the logo').waitFor();
      assert.equal(await page.locator('#class-logo-error').count(), 0);
      await own.button('Remove the logo').click();
    }

    await own.brandLogo.setInputFiles(file('logo.png', 'image/png', png));
    // Then it is kept.
    await own.button('Remove the logo').waitFor();
    await page.reload();
    await own.codesDrawn();
    await own.fold('Title, date and logo').click();
    await own.button('Remove the logo').waitFor();
    assert.deepEqual([await own.brandTitle.inputValue(), await own.brandDate.inputValue()], [long.slice(0, 80), 'Wednesday']);
    await own.brandPreview.waitFor();
    const { requests } = visit;
    assert.ok(requests.every(({ body, url }) => !`${body}${url}`.includes('Wednesday')), 'the branding stays here');
    // A picture that does not decode is noted by the browser itself.
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  test('the picture of the last words stays, also where that of the words before is ready later', async () => {
    const visit = await browser.open({ baseURL: worker.url, ...SHARP });
    const { page } = visit;
    const { own } = await openClass(visit);
    await page.evaluate(() => {
      const { toBlob } = HTMLCanvasElement.prototype;
      window.held = [];
      HTMLCanvasElement.prototype.toBlob = function hold(tell, ...rest) {
        toBlob.call(this, (blob) => window.held.push(() => tell(blob)), ...rest);
      };
    });
    const release = (at) => page.evaluate((place) => window.held[place](), at);
    await own.fold('Title, date and logo').click();
    for (const [at, title] of ['Lightning', 'Lightning for everyone'].entries()) {
      await own.brandTitle.fill(title);
      await page.waitForFunction((count) => window.held.length === count, at + 1);
    }
    await release(1);
    await own.brandPreview.waitFor();
    const last = await own.brandPreview.getAttribute('src');
    await release(0);
    assert.equal(await own.brandPreview.getAttribute('src'), last);
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });

  for (const [size, scheme] of [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light'], ['desktop', 'dark']]) {
    test(`and on a ${size}, ${scheme}`, async () => {
      const visit = await browser.open({ baseURL: worker.url, size, scheme });
      const { page } = visit;
      const { own } = await openClass(visit, { claim: false, kind: 'pinned', host: '203.0.113.10' });
      await visit.screenshot('class-1-claim', { fullPage: true });
      await own.getCards.click();
      await own.codesDrawn();
      await own.taken('Otter').check();
      await page.getByLabel('Who has Otter').fill('Table 1');
      await visit.screenshot('class-2-cards', { fullPage: true });
      await own.fold('Title, date and logo').click();
      await own.brandTitle.fill(TITLE);
      await own.brandDate.fill('21 November 2026');
      await own.brandLogo.setInputFiles(file('logo.png', 'image/png', png));
      await own.brandPreview.waitFor();
      await own.fold("Teacher's access").click();
      await own.forget.click();
      await visit.screenshot('class-3-open', { fullPage: true });
      for (const width of size === 'phone' ? [320, 390] : [768, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${over} px too wide at ${width}`);
      }
      const small = await page.locator('.cards-panel button, .slips input, .slips a').evaluateAll((all) => all
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < (element.type === 'checkbox' ? 18 : 36))
        .map((element) => element.outerHTML));
      assert.deepEqual(small, []);
      await own.button('Enlarge the QR code of Heron').click();
      await visit.screenshot('class-4-beamer');
      assert.deepEqual(visit.errors, []);
      await visit.close();
    });
  }
});
