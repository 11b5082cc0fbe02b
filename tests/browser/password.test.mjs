// Password managers: the forms have what they look for, Chromium's own is asked in words, and none of it sends anything secret.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';
import { wire } from './wire.mjs';

/** What managers read of a form's fields; whoever cannot be seen is not filled */
const fields = (page) => page.locator('form input:not([type=hidden])').evaluateAll((inputs) => inputs.map((input) => ({
  id: input.id, type: input.type, autocomplete: input.autocomplete, name: input.name, seen: input.checkVisibility(), together: input.form === inputs[0].form,
})));
const field = (id, type, autocomplete) => ({ id, type, autocomplete, name: '', seen: true, together: true });

/** Chromium without its bubble: `store` and `get` are answered by the test. -> {asked: [{store or get: with what}], saved: what get answers} */
async function manager(page, hold = Promise.resolve()) {
  const own = { asked: [], saved: null };
  await page.exposeFunction('askManager', async (question) => {
    own.asked.push(question);
    await hold;
    return own.saved;
  });
  await page.addInitScript(() => {
    CredentialsContainer.prototype.store = async (credential) => {
      const { id, name, password, type } = credential;
      await window.askManager({ store: { id, name, password, type, real: credential instanceof PasswordCredential } });
      return credential;
    };
    CredentialsContainer.prototype.get = (options) => window.askManager({ get: options });
  });
  return own;
}

describe('saving an order in a password manager', { skip }, () => {
  test('the form has what managers look for', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    await orderNode(page);
    assert.deepEqual(await fields(page), [field('order-number', 'text', 'username'), field('order-secret', 'password', 'new-password')]);
    const form = await page.locator('form').evaluate(({ action, method }) => ({ origin: new URL(action).origin, method }));
    assert.deepEqual(form, { origin: new URL(worker.url).origin, method: 'get' });
    await visit.close();
  });

  test("the browser's own is given the order first; then the form is submitted by a navigation that carries no secret", async (t) => {
    const door = await wire(worker);
    t.after(() => door.close());
    const visit = await browser.open({ baseURL: door.url });
    const { page } = visit;
    const { promise, resolve } = Promise.withResolvers();
    const { asked } = await manager(page, promise);
    const bought = await orderNode(page);
    const { id, fragment } = bought.link();
    const submissions = () => door.lines.filter((line) => line.startsWith(`GET /orders/${id}?saved=1\n`)).length;
    const [heard] = await Promise.all([page.waitForEvent('request', (request) => request.isNavigationRequest()), bought.savedForm.click().then(async () => {
      await page.waitForFunction(() => document.querySelector('h1')?.textContent === 'Save your order link');
      assert.equal(submissions(), 0, 'not before the manager has heard');
      resolve();
    })]);
    await bought.paying.waitFor();
    assert.deepEqual(asked, [{ store: { id, name: `Kindling order ${id.slice(0, 8)}`, password: fragment, type: 'password', real: true } }]);
    assert.deepEqual([heard.method(), heard.postData()], ['GET', null]);
    assert.equal(submissions(), 1);
    const [, secret] = fragment.split('.');
    assert.ok(door.lines.every((line) => !line.includes(secret)), 'the secret was sent');
    assert.deepEqual(bought.link(), { id, fragment });
    assert.deepEqual(visit.errors.filter((text) => !text.includes('WebSocket')), []);
    await visit.close();
  });

  test('a browser that has none submits the form at once', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    await page.addInitScript(() => { delete window.PasswordCredential; });
    const bought = await orderNode(page);
    await bought.savedForm.click();
    await bought.paying.waitFor();
    await page.goto('/orders');
    await bought.button('Open the order').waitFor();
    assert.equal(await bought.button('Use a saved order').count(), 0);
    await visit.close();
  });
});

describe('coming back with what was saved', { skip }, () => {
  test('the form has what managers fill, and nothing of it could be sent', async () => {
    const visit = await browser.open({ baseURL: worker.url });
    await visit.page.goto('/orders');
    await visit.page.getByRole('heading', { name: 'Open your order' }).waitFor();
    assert.deepEqual(await fields(visit.page), [field('order-number', 'text', 'username'), field('order-secret', 'password', 'current-password')]);
    await visit.close();
  });

  test("the browser's own is asked after a click and not before, and opens the order", async () => {
    const visit = await browser.open({ baseURL: worker.url });
    const { page } = visit;
    const own = await manager(page);
    const bought = await orderNode(page);
    const { id, fragment } = bought.link();
    await page.goto('/orders');
    const use = bought.button('Use a saved order');
    await use.waitFor();
    assert.deepEqual(own.asked, []);

    await use.click();
    await page.getByRole('alert').filter({ hasText: 'Your browser gave no saved order.' }).waitFor();
    assert.deepEqual(own.asked, [{ get: { password: true, mediation: 'optional' } }]);

    own.saved = { id, password: fragment };
    await use.click();
    await bought.saving.waitFor();
    assert.deepEqual(bought.link(), { id, fragment });
    await visit.close();
  });
});
