// The order link: saved in a way that password managers see and servers do not, and enough to open everything anywhere.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { order, orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';
import { wire } from './wire.mjs';

describe('saving the link', { skip }, () => {
  test('the form is what password managers look for, is submitted by a navigation, and sends nothing secret', async (t) => {
    const door = await wire(worker);
    t.after(() => door.close());
    const visit = await browser.open({ baseURL: door.url });
    const { page } = visit;
    const bought = await orderNode(page);
    const { id, fragment } = bought.link();
    const fields = await page.locator('form input').evaluateAll((inputs) => inputs.map(({ type, autocomplete, name, value, readOnly }) => ({ type, autocomplete, name, value, readOnly })));
    assert.deepEqual(fields, [
      { type: 'text', autocomplete: 'username', name: '', value: id, readOnly: true },
      { type: 'password', autocomplete: 'new-password', name: '', value: fragment, readOnly: false },
      { type: 'hidden', autocomplete: '', name: 'saved', value: '1', readOnly: false },
    ]);
    const [navigation] = await Promise.all([page.waitForRequest((request) => request.isNavigationRequest()), bought.savedForm.click()]);
    await bought.paying.waitFor();
    assert.equal(navigation.method(), 'GET');
    assert.equal(navigation.postData(), null);
    // The browser itself asks again where a connection breaks.
    const arrived = door.lines.filter((line) => line.startsWith('GET /orders/')).map((line) => line.split('\n')[0]);
    assert.deepEqual([...new Set(arrived)], [`GET /orders/${id}`, `GET /orders/${id}?saved=1`]);
    const [, secret] = fragment.split('.');
    // Whenever Chromium looks for a new service worker by itself, it names the old one as where it comes from.
    const isTold = (line) => /\nreferer\n/i.test(line) && !/\nreferer\nhttp:\/\/[^/]+\/sw\.js\n/i.test(line);
    assert.deepEqual(door.lines.filter((line) => line.includes(secret) || isTold(line)), [], 'the secret or a Referer was sent');
    assert.deepEqual(bought.link(), { id, fragment }, 'the fragment survives');
    await page.reload();
    await bought.paying.waitFor();
    await visit.close();
  });

  test('the invoice comes after a copy, a download, or a promise, and not before', async () => {
    const visit = await browser.open({ baseURL: worker.url, permissions: ['clipboard-read', 'clipboard-write'], acceptDownloads: true });
    const { page } = visit;
    const bought = await orderNode(page);
    const { id, fragment } = bought.link();
    const link = `${worker.url}/orders/${id}#${fragment}`;
    await page.reload();
    await bought.saving.waitFor();
    assert.equal(await bought.qr.count(), 0);

    await page.getByRole('button', { name: 'Copy the link' }).click();
    const goOn = bought.button('I have saved it: show the invoice');
    await goOn.waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
    const file = await bought.download('Download the link');
    assert.equal(file.name, `kindling-${id.slice(0, 8)}-order-link.txt`);
    assert.ok(file.text.includes(`\n${link}\n`));
    await goOn.click();
    await bought.qr.waitFor();
    await page.reload();
    await bought.qr.waitFor();
    await visit.close();
  });
});

describe('opening the link', { skip }, () => {
  test('in a profile that has never been here gives the same SSH key, before and after the claim', async () => {
    const visit = await browser.open({ baseURL: worker.url, acceptDownloads: true });
    const bought = await orderNode(visit.page, { key: 'RSA-4096' });
    await bought.untilReady();
    const { id, fragment } = bought.link();
    const key = await bought.download('Download the SSH private key');
    await bought.openBundle();

    const other = await browser.open({ baseURL: worker.url, acceptDownloads: true });
    const elsewhere = order(other.page);
    await other.page.goto(`/orders/${id}#${fragment}`);
    await elsewhere.ready.waitFor();
    assert.equal((await elsewhere.download('Download the SSH private key')).text, key.text);
    await other.page.getByText('These credentials were claimed in another browser').waitFor();
    assert.equal(await elsewhere.claim.count(), 0);
    assert.deepEqual([visit.errors, other.errors], [[], []]);
    await other.close();
    await visit.close();
  });

  test('by its two halves, as a password manager fills them in, or by the whole of it in one field', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const bought = await orderNode(page);
    const { id, fragment } = bought.link();
    const number = page.getByLabel('Order number');
    const secret = page.getByLabel('Order link, or its part behind #');

    await page.goto(`/orders/${id}`);
    assert.equal(await number.inputValue(), id);
    assert.equal(await secret.getAttribute('autocomplete'), 'current-password');
    await secret.fill(fragment);
    await bought.button('Open the order').click();
    await bought.saving.waitFor();

    await page.goto('/orders');
    await secret.fill(`${worker.url}/orders/${id}#${fragment}`);
    await bought.button('Open the order').click();
    await bought.saving.waitFor();
    assert.deepEqual(bought.link(), { id, fragment });
    await visit.close();
  });

  test('a link that is damaged, of another order, or unknown says so and offers the form', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const { id, fragment } = (await orderNode(page)).link();
    const wrong = [
      [`/orders/${id}#${fragment.slice(0, -12)}`, 'This order link is cut off or mistyped.'],
      [`/orders/${id}#hello`, 'This is not an order link.'],
      [`/orders/${id}#2${fragment.slice(1)}`, 'This order link was made by another version of Kindling.'],
      [`/orders/${'0'.repeat(32)}#${fragment}`, 'The two halves of this link belong to different orders.'],
    ];
    for (const [address, sentence] of wrong) {
      await page.goto('/');
      await page.goto(address);
      await page.getByText(sentence).waitFor();
      await page.getByRole('heading', { name: 'Open your order' }).waitFor();
    }
    await page.routeWebSocket(/\/live$/, (socket) => socket.close());
    await page.route(/\/api\/bootstrap\/[0-9a-f]{32}$/, (route) => route.fulfill({ status: 404, json: { error: { code: 'not_found', message: 'There is nothing here.' } } }));
    await page.goto('/');
    await page.goto(`/orders/${id}#${fragment}`);
    await page.getByRole('heading', { name: 'There is no such order' }).waitFor();
    await page.goto('/nowhere');
    await page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
    await visit.close();
  });

  test('back and forward go between the order and the first page', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const bought = await orderNode(page);
    await page.goBack();
    await page.getByRole('button', { name: /^Continue/ }).waitFor();
    await page.goForward();
    await bought.saving.waitFor();
    await page.getByRole('link', { name: 'Kindling' }).click();
    await page.getByRole('button', { name: /^Continue/ }).waitFor();
    await visit.close();
  });
});
