// Every state that a customer may meet, of both products, and how to get there: by the page objects on the shop itself, or with a scripted
// server where the shop would take its time.
// Invariant: a scene needs nothing of the one before it but a profile, and ends when all that it shows stands still.

import { classLink, sealedClass } from '../support/class.mjs';
import { sealBundle } from '../support/order.mjs';
import { landing } from './pages/landing.mjs';
import { order } from './pages/order.mjs';
import { classOrder, classView, course, fromNow, invoiceOf, machineView, stage, states } from './staged.mjs';

const DAY = 86_400;
const IDENTITY = `02ab${'c3'.repeat(31)}`;
const ORDER = /\/api\/bootstrap\/[0-9a-f]{32}$/;
const refusal = (status, code, message) => ({ status, json: { error: { code, message } } });
const refused = (status, code, message) => ({ status, error: { code, message } });
const range = (count) => [...Array(count).keys()];

/** The order whose page all scenes show that do not open its bundle. */
let shared;
export const sharedLink = () => (shared ??= classLink());

/** What a machine of a full node seals. */
const nodeBundle = (id) => ({
  version: 1, orderId: id, product: 'full_node', fake: false, nodeIp: '203.0.113.7', tailscaleHostname: 'kindling-7.tail1234.ts.net',
  ssh: { user: 'root', port: 22, hostKeys: [] },
  bitcoin: { implementation: 'knots', version: '29.3', network: 'mainnet', rpcUser: 'kindling', rpcPassword: '5f0c1b6bb1e94fd1a3e4d2f5c6b7a890' },
  lnd: {
    version: '0.20.1-beta', walletPassword: 'k2Qn7vXb4TtY9rLw', identityKey: IDENTITY,
    seedWords: range(24).map((at) => ['abandon', 'garden', 'velvet', 'orchard', 'lantern', 'marble'][at % 6]),
  },
  lnbits: { url: 'http://127.0.0.1:5000', version: '1.4' },
  components: [{ name: 'Bitcoin Knots', version: '29.3', digest: `sha256:${'ab12'.repeat(16)}` }, { name: 'age', version: '1.2.1' }],
  credentialsFile: '/root/node-credentials.txt',
});

const handed = (delivery, more) => ({ credentials: { ...states.ready().credentials, delivery, ...more } });
const owed = (more) => ({ refund: { state: 'owed', owedSats: 10_000, paidSats: 0, ...more } });
const pairing = { pairing: { paired: true, since: fromNow(-DAY) } };
const shares = range(60).map((at) => 47.52 * (1 - (1 - at / 59) ** 1.6));
const syncing = () => ({
  ...pairing, backupAt: fromNow(-7200),
  machine: machineView({
    lastHeardAt: fromNow(-20), identityKey: IDENTITY, identityVerifiedAt: fromNow(-20), history: course(shares, 3 * 3600),
    estimate: { fromSeconds: 100 * 3600, toSeconds: 134 * 3600 },
  }),
});
const validated = () => ({
  ...pairing,
  machine: machineView({ lastHeardAt: fromNow(-20), usable: true, validated: true, identityKey: IDENTITY, identityVerifiedAt: fromNow(-20) }, {
    lnd: { state: 'SERVER_ACTIVE', syncedToChain: true, blockHeight: 925_003, peers: 2, activeChannels: 1 }, fundingConnected: true,
    bitcoin: { blocks: 925_003, progressPpm: 999_999, initialBlockDownload: false }, disk: { totalBytes: 1e12, freeBytes: 41e9 },
  }),
});
const quiet = () => ({ ...pairing, machine: machineView({ lastHeardAt: fromNow(-7 * 3600), usable: true, history: course(shares, 3 * 3600) }) });
const extension = (more) => ({ endsAt: fromNow(5 * 3600), extension: { amountSats: 10_000, perHours: 168, maxHours: 720, ...more } });
const runningClass = (more) => ({ ...classOrder(), class: classView({ connected: [0, 1, 3], down: [5], off: [2] }), ...more });

/** The order's page in `state`, once its heading is there. */
async function shows(visit, state, fields, { heading, on } = {}) {
  const staged = await stage(visit, sharedLink(), state, fields, on);
  await (heading ? staged.page.heading(heading) : visit.page.locator('main h1')).waitFor();
  return staged;
}

/** The order form with the key that takes no time. */
async function form(visit, path) {
  const shop = await landing(visit.page).open(path);
  await shop.choose('Ed25519');
  await shop.keyReady.waitFor();
  return shop;
}

const catalogue = (page, change) => page.route('**/api/catalogue', async (route) => {
  const response = await route.fetch();
  const json = await response.json();
  change(json);
  await route.fulfill({ response, json });
});

const SHOP = {
  'landing-node': (visit) => form(visit),
  'landing-class': (visit) => form(visit, '/#classroom'),
  'landing-node-refused': async (visit) => {
    const shop = await form(visit);
    await shop.moreChoices.click();
    await shop.network('Signet').check();
    await shop.giveRefundAddress('nobody');
    await visit.page.route('**/api/bootstrap', (route) => route.fulfill(refusal(400, 'invalid_refund_address', 'That is neither a Lightning Address nor an LNURL nor an invoice.')));
    await shop.continue.click();
    await shop.trouble.waitFor();
  },
  'landing-class-refused': async (visit) => {
    const shop = await form(visit, '/#classroom?plan=D');
    await shop.moreChoices.click();
    await shop.hours.fill('600');
    await shop.continue.click();
    await shop.trouble.waitFor();
  },
  'landing-unreachable': async (visit) => {
    const shop = await form(visit);
    await visit.page.route('**/api/bootstrap', (route) => route.abort());
    await shop.continue.click();
    await shop.trouble.waitFor();
  },
  'landing-dearer': async (visit) => {
    await catalogue(visit.page, (json) => { json.products[0].amountSats = 9000; });
    const shop = await form(visit);
    await visit.page.getByRole('button', { name: 'Continue · 9,000 sats' }).waitFor();
    await shop.continue.click();
    await visit.page.getByText('It was 9,000 sats when this page loaded').waitFor();
  },
  'landing-region-sold-out': async (visit) => {
    const shop = await form(visit);
    await shop.region.selectOption('lon1');
    await catalogue(visit.page, (json) => { for (const region of json.regions) region.available = region.slug !== 'lon1'; });
    await visit.page.route('**/api/bootstrap', (route) => route.fulfill(refusal(503, 'no_capacity', 'There is no room for another machine in this region right now.')));
    await shop.continue.click();
    await visit.page.getByText('is sold out right now; choose another region.').waitFor();
  },
  'landing-sold-out': async (visit) => {
    await catalogue(visit.page, (json) => { for (const product of json.products) product.available = false; });
    await visit.page.goto('/');
    await visit.page.getByText('No machine can be ordered at the moment.').waitFor();
  },
  'landing-no-catalogue': async (visit) => {
    await visit.page.route('**/api/catalogue', (route) => route.abort());
    await visit.page.goto('/');
    await visit.page.getByText('Prices could not be loaded').waitFor();
  },
};

const ENTRANCE = {
  'sign-in': async ({ page }) => {
    await page.goto('/orders');
    await order(page).heading('Open your order').waitFor();
  },
  'sign-in-wrong-link': async ({ page }) => {
    await page.goto(`/orders/${sharedLink().id}#hello`);
    await page.getByText('This is not an order link.').waitFor();
  },
  'unknown-order': async ({ page }) => {
    const { id, fragment } = sharedLink();
    await page.routeWebSocket(/\/live$/, (socket) => socket.close());
    await page.route(ORDER, (route) => route.fulfill(refusal(404, 'not_found', 'There is nothing here.')));
    await page.goto(`/orders/${id}#${fragment}`);
    await order(page).heading('There is no such order').waitFor();
  },
  nowhere: async ({ page }) => {
    await page.goto('/nowhere');
    await order(page).heading('There is nothing at this address').waitFor();
  },
};

const PAYING = {
  save: (visit) => shows(visit, 'awaiting_payment', {}, { heading: 'Save your order link' }),
  pay: async (visit) => {
    const { page: own } = await shows(visit, 'awaiting_payment');
    await own.untilPaying();
    await own.qr.waitFor();
  },
  'pay-test': async (visit) => {
    const invoice = { ...invoiceOf(10_000), paymentHash: 'ab'.repeat(32) };
    const { page: own } = await shows(visit, 'awaiting_payment', { stubMode: true, invoice });
    await own.untilPaying();
    await own.fold('Show the invoice as text').click();
    await own.payStub.waitFor();
  },
  'pay-last-minutes': async (visit) => {
    const { page: own } = await shows(visit, 'awaiting_payment', { invoice: { ...invoiceOf(10_000), expiresAt: fromNow(200) } });
    await own.untilPaying();
    await visit.page.getByRole('timer').waitFor();
  },
  'pay-refused': async (visit) => {
    const { page: own } = await shows(visit, 'awaiting_payment', { invoice: { ...invoiceOf(20_000), amountSats: 10_000 } });
    await own.untilPaying();
    await own.refusal.waitFor();
  },
  expired: (visit) => shows(visit, 'expired', {}, { heading: 'The invoice has expired' }),
  'expired-renew-refused': async (visit) => {
    const renew = () => refused(503, 'no_capacity', 'There is no room for another machine in this region right now.');
    const { page: own } = await shows(visit, 'expired', {}, { on: { renew } });
    await own.renew.click();
    await visit.page.getByRole('alert').waitFor();
  },
};

const BUILDING = {
  'building-paid': (visit) => shows(visit, 'provisioning', {}, { heading: 'Your machine is being built' }),
  'building-packages': (visit) => shows(visit, 'provisioning', { phase: 'packages', percent: 12 }, { heading: 'Your machine is being built' }),
  'building-bitcoin': (visit) => shows(visit, 'provisioning', { phase: 'bitcoin', percent: 55 }, { heading: 'Your machine is being built' }),
  'building-sealed': (visit) => shows(visit, 'provisioning', { phase: 'sealed', percent: 98 }, { heading: 'Your machine is being built' }),
  'building-class': (visit) => shows(visit, 'provisioning', { ...classOrder(), phase: 'nodes', percent: 62 }, { heading: 'Your class is being built' }),
};

const NODE = {
  'node-sealed': async (visit) => {
    const { page: own } = await shows(visit, 'ready', { ...syncing(), ...extension() });
    await own.node.getByText('Best block').waitFor();
    await own.claim.waitFor();
  },
  'node-opened': async (visit) => {
    const link = classLink();
    const sealed = await sealBundle(JSON.stringify(nodeBundle(link.id)), [link.recipient]);
    const { page: own } = await stage(visit, link, 'ready', validated(), { claim: () => ({ answer: { sealed } }) });
    await own.openBundle();
    await own.words();
    await own.button('I have saved it').click();
  },
  'node-claimed-elsewhere': async (visit) => {
    await shows(visit, 'ready', { ...validated(), ...handed('claimed') });
    await visit.page.getByText('These credentials were claimed in another browser').waitFor();
  },
  'node-not-heard': async (visit) => {
    const { page: own } = await shows(visit, 'ready', { ...quiet(), ...handed('erased') });
    await own.node.getByText(/^Not heard since /).waitFor();
    await own.voice.locator('summary').first().click();
    await own.pairAgain.waitFor();
  },
  'node-more-time': async (visit) => {
    const { page: own } = await shows(visit, 'ready', { ...validated(), ...handed('erased'), ...extension({ invoice: invoiceOf(1429), invoiceHours: 24 }) });
    await own.qr.waitFor();
    await own.endNow.click();
  },
  'no-news': async (visit) => {
    const { page } = visit;
    await shows(visit, 'provisioning', { phase: 'lnd', percent: 70 });
    await page.getByText('70').first().waitFor();
    await page.route(ORDER, (route) => route.abort());
    // The page asks as soon as it hears that the network is back.
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await page.getByRole('note').getByText('No news from the server').waitFor();
  },
};

const CLASS = {
  'class-sealed': async (visit) => {
    const { page: own } = await shows(visit, 'ready', runningClass());
    await own.picture.waitFor();
    await own.getCards.waitFor();
    await own.nodeTable.click();
  },
  'class-cards': async (visit) => {
    const link = classLink();
    const { sealed } = await sealedClass(link);
    const { page: own } = await stage(visit, link, 'ready', runningClass(handed('sealed', { lnbitsUrl: null })), { claim: () => ({ answer: { sealed } }) });
    await own.getCards.click();
    await own.codesDrawn();
    await own.taken('Heron').check();
    await own.fold('Title, date and logo').click();
  },
  'class-silent': (visit) => shows(visit, 'ready', { ...classOrder(), ...handed('erased') }, { heading: 'Your class is ready' }),
  'class-ended': (visit) => shows(visit, 'ended', { ...classOrder({ plan: 'B', distribution: 'political' }), errorCode: 'hours_over', errorMessage: 'The hours you paid for are over.' }, { heading: 'This class has ended' }),
};

const ENDS = {
  ending: (visit) => shows(visit, 'ready', { ending: true }, { heading: 'Your machine is being removed' }),
  ended: (visit) => shows(visit, 'ended', { errorCode: 'hours_over', errorMessage: 'The hours you paid for are over.' }, { heading: 'This order has ended' }),
  'failed-owed': async (visit) => {
    const { page: own } = await shows(visit, 'failed', owed(), { heading: 'The machine could not be built' });
    await own.sendRefund.click();
    await own.refund.getByRole('alert').waitFor();
  },
  'failed-address-given': (visit) => shows(visit, 'failed', owed({ to: 'me@wallet.example' }), { heading: 'The machine could not be built' }),
  'failed-address-unpaid': (visit) => shows(visit, 'failed', owed({ to: 'me@walet.example', problem: 'The wallet at walet.example does not answer.' })),
  'failed-paying': (visit) => shows(visit, 'failed', owed({ state: 'paying', to: invoiceOf(10_000).paymentRequest })),
  refunded: (visit) => shows(visit, 'refunded', { refund: { state: 'paid', owedSats: 0, paidSats: 10_000, to: 'me@wallet.example' } }, { heading: 'Your payment was returned' }),
};

/** name -> reach(visit), on visit.page, which is new */
export const SCENES = { ...SHOP, ...ENTRANCE, ...PAYING, ...BUILDING, ...NODE, ...CLASS, ...ENDS };
