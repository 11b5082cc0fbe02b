// A whole purchase in stub mode, in Chromium: from the first page to the erased bundle, on a phone and a desktop, in both colour
// schemes, with a screenshot of each step.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { landing } from './pages/landing.mjs';
import { order, orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';

const publicPart = (line) => line.trim().split(' ').slice(0, 2).join(' ');
const sentKey = (visit) => JSON.parse(visit.requests.find(({ url }) => url.endsWith('/api/bootstrap')).body).sshPublicKey;

describe('a purchase', { skip }, () => {
  for (const [size, scheme] of [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light'], ['desktop', 'dark']]) {
    test(`on a ${size}, ${scheme}: RSA key, saved link, paid invoice, opened bundle, erased`, async () => {
      const visit = await browser.open({ size, scheme, baseURL: worker.url, acceptDownloads: true });
      const { page } = visit;
      const form = await landing(page).open();
      await form.keyReady.waitFor();
      await visit.screenshot('1-landing', { fullPage: true });
      assert.ok(await form.chosen('RSA-4096'), 'RSA-4096 is the default');
      await form.choose('Bitcoin Core');
      await form.region.selectOption('fra1');
      await form.continue.click();

      const bought = order(page);
      await bought.saving.waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Save your order link', 'the new heading has the focus');
      await visit.screenshot('2-save', { fullPage: true });
      await bought.savedForm.click();
      await bought.qr.waitFor();
      await page.getByText('10,000 sats').waitFor();
      await visit.screenshot('3-invoice', { fullPage: true });

      await bought.payStub.click();
      await bought.ready.waitFor();
      await visit.screenshot('4-ready', { fullPage: true });
      const request = JSON.parse(visit.requests.find(({ url }) => url.endsWith('/api/bootstrap')).body);
      assert.deepEqual([request.product, request.region], [{ kind: 'full_node', bitcoin: 'core' }, 'fra1']);
      const { id } = bought.link();
      assert.equal(request.orderId, id);

      const key = await bought.download('Download the SSH private key');
      assert.equal(key.name, `kindling-${id.slice(0, 8)}`);
      assert.equal(publicPart(execFileSync('ssh-keygen', ['-y', '-f', key.file], { encoding: 'utf8' })), publicPart(sentKey(visit)));
      assert.match(execFileSync('ssh-keygen', ['-l', '-f', key.file], { encoding: 'utf8' }), /^4096 SHA256:\S+ .*\(RSA\)/);

      await bought.openBundle();
      await page.getByText('these credentials are fake').waitFor();
      assert.equal((await bought.words()).length, 24);
      await visit.screenshot('5-credentials', { fullPage: true });
      await bought.button('I have saved it').click();
      await bought.button('Not yet').click();
      await bought.button('I have saved it').click();
      await bought.button('Yes, erase it').click();
      await page.getByText('The sealed copy was erased').waitFor();
      await visit.screenshot('6-erased', { fullPage: true });
      await page.reload();
      await page.getByText('They were handed over, and the sealed copy was erased').waitFor();
      assert.deepEqual(visit.errors, []);
      await visit.close();
    });
  }

  test('Ed25519 is there at once, and going back to RSA keeps the key that was being made', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const form = await landing(visit.page).open();
    await form.keyReady.waitFor();
    const fingerprint = () => visit.page.locator('.key-ready code').innerText();
    const rsa = await fingerprint();
    await form.choose('Ed25519');
    const ed25519 = await fingerprint();
    assert.notEqual(ed25519, rsa);
    await form.choose('RSA-4096');
    assert.equal(await fingerprint(), rsa, 'no second search');
    await form.choose('Ed25519');
    await form.continue.click();
    await order(visit.page).saving.waitFor();
    assert.match(sentKey(visit), /^ssh-ed25519 /);
    await visit.close();
  });

  test('the button may be pressed before the key is there, and the search of a key that nobody wants stops', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const form = await landing(visit.page).open();
    await form.continue.click();
    await order(visit.page).saving.waitFor();
    assert.match(sentKey(visit), /^ssh-rsa /);
    await (await orderNode(visit.page)).untilReady();
    assert.deepEqual(visit.errors, []);
    await visit.close();
  });
});
