// A real LNbits 1.6.2 for tests, on its FakeWallet and SQLite: a merchant's wallet, a customer's wallet with money, real invoices.
// Everything lives in a folder of its own that stop() keeps (for restart) and close() removes.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { LNBITS_VENV } from './paths.mjs';
import { freePort, startProcess } from './process.mjs';

/** Where LNbits is not installed, a test skips with this reason; null where it is. */
export const lnbitsMissing = LNBITS_VENV ? null : 'no LNbits: set KINDLING_LNBITS_VENV, or let cargo xtask make build/lnbits-venv';

/**
 * behind: another LNbits and one of its wallets, which is this one's node: invoices are made and paid there, so that they survive a restart
 * of this one. -> {url, merchant, customer, createInvoice, pay, payment, balance, credit, account, logs, stop, start, restart, close}; wallets are
 * {id, user, inkey, adminkey, lightning_address}
 */
export async function startLnbits({ customerSats = 1_000_000, behind } = {}) {
  if (lnbitsMissing) throw new Error(lnbitsMissing);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kindling-lnbits-'));
  const python = path.join(LNBITS_VENV, 'bin/python');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let server;
  let earlier = '';

  async function start() {
    // Its callers drop an idle connection after five seconds. So must not it: a call would go down a line that is being hung up.
    const how = ['--host', '127.0.0.1', '--port', String(port), '--timeout-keep-alive', '60'];
    server = startProcess(python, ['-m', 'uvicorn', 'lnbits.__main__:app', ...how], {
      cwd: folder,
      env: { ...settings(folder, url), ...(behind && nodeOf(behind)) },
      background: true,
    });
    await server.until(/Uvicorn running on/);
  }
  async function stop() {
    await server.stop();
    earlier += server.output();
  }
  async function call(method, target, headers, body, expected) {
    const response = await fetch(url + target, { method, headers: { 'content-type': 'application/json', ...headers }, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (response.status !== expected) throw new Error(`LNbits ${method} ${target}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
  const account = async (name) => {
    const { id, user, inkey, adminkey, lightning_address } = await call('POST', '/api/v1/account', {}, { name }, 200);
    return { id, user, inkey, adminkey, lightning_address };
  };

  linkPackageFolders(folder);
  await start();
  const password = 'operator-password';
  const { access_token: token } = await call(
    'PUT', '/api/v1/auth/first_install', {}, { username: 'operator', password, password_repeat: password }, 200);
  const merchant = await account('merchant');
  const customer = await account('customer');
  const credit = (wallet, sats) => call('PUT', '/users/api/v1/balance', { authorization: `Bearer ${token}` }, { id: wallet.id, amount: sats }, 200);
  await credit(customer, customerSats);

  return {
    url,
    merchant,
    customer,
    /** -> {bolt11, paymentHash} of the merchant's wallet, or of another one */
    async createInvoice({ sats, memo = 'test', expiry = 600, webhook, wallet = merchant }) {
      const wanted = { out: false, amount: sats, unit: 'sat', memo, expiry, webhook };
      const made = await call('POST', '/api/v1/payments', { 'x-api-key': wallet.inkey }, wanted, 201);
      return { bolt11: made.bolt11, paymentHash: made.payment_hash };
    },
    /** The customer pays; an answer 201 alone is no success, so the status is checked. */
    async pay(bolt11) {
      const paid = await call('POST', '/api/v1/payments', { 'x-api-key': customer.adminkey }, { out: true, bolt11 }, 201);
      if (paid.status !== 'success') throw new Error(`LNbits: the payment is ${paid.status}`);
      return paid;
    },
    payment: (hash) => call('GET', `/api/v1/payments/${hash}`, { 'x-api-key': merchant.inkey }, undefined, 200),
    /** A wallet's balance in millisatoshi. */
    balance: async (wallet) => (await call('GET', '/api/v1/wallet', { 'x-api-key': wallet.inkey }, undefined, 200)).balance,
    /** Gives a wallet satoshis out of nothing. */
    credit,
    /** A wallet more. */
    account,
    /** What a wallet has paid and received, newest first. */
    payments: (wallet) => call('GET', '/api/v1/payments?limit=100', { 'x-api-key': wallet.inkey }, undefined, 200),
    logs: () => earlier + server.output(),
    stop,
    start,
    /** Same address, same data; the FakeWallet's pending invoices die with the old process. */
    async restart() {
      await stop();
      await start();
    },
    async close() {
      await server.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** LNbits looks for these two below its working directory. */
function linkPackageFolders(folder) {
  const [version] = fs.readdirSync(path.join(LNBITS_VENV, 'lib')).filter((name) => name.startsWith('python'));
  fs.mkdirSync(path.join(folder, 'lnbits'));
  for (const name of ['static', 'templates']) {
    fs.symlinkSync(path.join(LNBITS_VENV, 'lib', version, 'site-packages/lnbits', name), path.join(folder, 'lnbits', name));
  }
}

/** Another LNbits' wallet as the node of one. */
function nodeOf({ url, wallet }) {
  return { LNBITS_BACKEND_WALLET_CLASS: 'LNbitsWallet', LNBITS_ENDPOINT: url, LNBITS_KEY: wallet.adminkey };
}

/** Read by LNbits on the first start of a data folder only. */
function settings(folder, url) {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    LNBITS_BACKEND_WALLET_CLASS: 'FakeWallet',
    LNBITS_DATA_FOLDER: path.join(folder, 'data'),
    LNBITS_EXTENSIONS_PATH: path.join(folder, 'extensions'),
    LNBITS_EXTENSIONS_DEACTIVATE_ALL: 'true',
    LNBITS_ADMIN_UI: 'true',
    AUTH_HTTPS_ONLY: 'false',
    AUTH_ALLOWED_METHODS: 'user-id-only,username-password',
    LNBITS_RATE_LIMIT_NO: '1000000',
    LNBITS_FUNDING_SOURCE_PAY_INVOICE_WAIT_SECONDS: '60', // a payment that takes longer is called pending
    LNBITS_CALLBACK_ALLOW_PRIVATE_IPS: 'true',
    LNBITS_LNURL_ALLOW_PRIVATE_IPS: 'true',
    LNBITS_CALLBACK_URL_RULES: '["https?://.*"]',
    LNBITS_PRICE_AGGREGATOR_ENABLED: 'false',
    LNBITS_EXCHANGE_RATE_PROVIDERS: '[]',
    LNBITS_AUDIT_ENABLED: 'false',
    ENABLE_LOG_TO_FILE: 'false',
    LNBITS_BASEURL: `${url}/`,
  };
}
