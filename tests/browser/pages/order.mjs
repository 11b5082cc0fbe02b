// An order's page in each of its states, as a person uses it.

import fs from 'node:fs';
import path from 'node:path';
import { scratchFolder } from '../../support/order.mjs';
import { landing } from './landing.mjs';

/** page: Playwright's */
export function order(page) {
  const button = (name) => page.getByRole('button', { name, exact: true });
  const heading = (name) => page.getByRole('heading', { level: 1, name });
  const own = {
    button,
    heading,
    saving: heading('Save your order link'),
    paying: heading('Pay the invoice'),
    building: heading('Your machine is being built'),
    ready: heading('Your machine is ready'),
    classBuilding: heading('Your class is being built'),
    classReady: heading('Your class is ready'),
    classEnded: heading('This class has ended'),
    live: page.getByRole('region', { name: 'Your class now' }),
    picture: page.getByRole('img', { name: 'The network of the class' }),
    nodeTable: page.locator('summary', { hasText: 'All nodes as a table' }),
    orderSameAgain: page.getByRole('link', { name: 'Order the same class again' }),
    expired: heading('The invoice has expired'),
    failed: heading('The machine could not be built'),
    removing: heading('Your machine is being removed'),
    renew: button('Get a new invoice'),
    refund: page.getByRole('region', { name: 'Your refund' }),
    refundTo: page.getByLabel('Where should it go?'),
    sendRefund: button('Use this address'),
    moreTime: page.getByRole('region', { name: 'More time' }),
    hours: page.getByLabel('Hours to add'),
    getInvoice: button('Get an invoice'),
    endNow: page.locator('summary', { hasText: 'End it now' }),
    sure: page.getByRole('checkbox', { name: 'I have taken what I need; there is no money back' }),
    remove: button('Remove my machine'),
    node: page.getByRole('region', { name: 'Your node' }),
    /** One of the two answers: 'Usable now' or 'Fully validated' */
    answer: (name) => page.locator('.answer').filter({ hasText: name }),
    /** A figure of the node by its name */
    figure: (name) => own.node.locator('.facts .value').filter({ has: page.locator('dt').getByText(name, { exact: true }) }).locator('dd'),
    plot: page.locator('figure.plot'),
    fold: (name) => page.locator('summary', { hasText: name }),
    voice: page.locator('details').filter({ has: page.locator('summary', { hasText: "The machine's voice" }) }).first(),
    pairAgain: button('Pair again'),
    backup: page.getByRole('region', { name: 'Channel backup' }),
    /** Its live region has said this since the page was loaded, whether or not it still stands there. */
    said: (sentence) => page.waitForFunction((wanted) => window.spoken.some((text) => wanted.test(text)), sentence),
    savedForm: button('Save in my password manager'),
    remember: button('I will remember it myself'),
    qr: page.getByRole('img', { name: 'QR code of the Lightning invoice' }),
    wallet: page.getByRole('link', { name: 'Open in a wallet' }),
    refusal: page.getByRole('alert').filter({ hasText: 'Do not pay: this invoice is not what was agreed' }),
    payStub: button('Pay this test invoice'),
    claim: button('Get my credentials'),
    cards: page.getByRole('region', { name: 'Cards' }),
    getCards: button('Get my cards'),
    slips: page.locator('.slip'),
    /** The card of the node with this name */
    slip: (name) => page.locator('.slip').filter({ has: page.locator('.slip-name').getByText(name, { exact: true }) }),
    taken: (name) => page.getByRole('checkbox', { name: `${name} is taken`, exact: true }),
    tryAgain: button('Try again'),
    forget: button('Forget the cards on this device'),
    forgetSurely: button('Yes, forget them'),
    search: page.getByRole('searchbox', { name: 'Search' }),
    freeOnly: page.getByRole('checkbox', { name: 'Free only' }),
    codesHold: (name) => page.getByRole('radio', { name, exact: true }),
    pdf: page.getByRole('button', { name: /^PDF of / }),
    brandTitle: page.getByLabel('Title'),
    brandDate: page.getByLabel('Date'),
    brandLogo: page.getByLabel('Logo'),
    brandPreview: page.getByRole('img', { name: 'Title, date and logo as they stand on the cards' }),
    /** Every card has its code. */
    async codesDrawn() {
      await page.waitForFunction(() => document.querySelector('.slip') && !document.querySelector('.slip-drawing'));
    },

    /** -> {id, fragment} of the address bar */
    link() {
      const [, id, fragment] = /\/orders\/([0-9a-f]{32})[^#]*#(.+)$/.exec(page.url());
      return { id, fragment };
    },
    async untilPaying() {
      await own.saving.waitFor();
      await own.remember.click();
      await own.paying.waitFor();
    },
    async untilReady() {
      await own.untilPaying();
      await own.payStub.click();
      await own.ready.waitFor();
    },
    async openBundle() {
      await own.claim.click();
      await page.getByRole('heading', { name: 'Lightning wallet (LND)' }).waitFor();
    },
    async words() {
      await button('Show the seed words').click();
      await page.locator('ol.words li').first().waitFor();
      return page.locator('ol.words li').allInnerTexts();
    },
    /** Clicks (a button's name, or what it is) and reads what is downloaded -> {name, text, bytes, file} */
    async download(name) {
      const wanted = typeof name === 'string' ? button(name) : name;
      const [download] = await Promise.all([page.waitForEvent('download'), wanted.click()]);
      const file = path.join(scratchFolder(), download.suggestedFilename());
      await download.saveAs(file);
      fs.chmodSync(file, 0o600);
      const bytes = fs.readFileSync(file);
      return { name: download.suggestedFilename(), text: bytes.toString(), bytes, file };
    },
  };
  return own;
}

/** From the first page to the order's, with the key that takes no time unless another is named. choose(form): more. -> the order's page */
export async function orderNode(page, { key = 'Ed25519', choose = async () => {} } = {}) {
  const form = await landing(page).open();
  await form.choose(key);
  await choose(form);
  await form.continue.click();
  const bought = order(page);
  await bought.saving.waitFor();
  return bought;
}
