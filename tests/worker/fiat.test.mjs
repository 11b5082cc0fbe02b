// The price of a bitcoin in the catalogue: there when a source tells it, absent otherwise, and never in the way.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFake } from '../fakes/http.mjs';
import { call, pollUntil } from '../support/order.mjs';
import { HOUR, openShop } from '../support/shop.mjs';

const MINUTE = 60;
/** Other calls are waited for longer than any test takes. The catalogue's own patience is a second: it answers whatever its source does. */
const PATIENT = { UPSTREAM_TIMEOUT_MS: '3600000' };

/** A shop that shows a price in EUR -> {shop, fiat, heard: how its catalogue is asked, rates: how LNbits was} */
async function shopWith(t, vars, lnbits) {
  const shop = await openShop({ vars: { FIAT_CURRENCY: 'EUR', ...PATIENT, ...vars }, lnbits });
  t.after(() => shop.close());
  const rates = () => shop.lnbits.requests.filter(({ path }) => path.startsWith('/api/v1/rate/'));
  const fiat = async () => {
    const { status, body } = await call(shop.worker, 'GET', '/api/catalogue');
    assert.equal(status, 200);
    assert.ok(body.products.length > 0 && body.regions.length > 0);
    return body.fiat;
  };
  /** Waits until this price is shown. On a busy machine a good answer, too, may take more than that second; the next one is asked for in five minutes. */
  const heard = (hundredths) => pollUntil(async () => {
    const price = await fiat();
    if (price?.hundredthsPerBitcoin === hundredths) return price;
    await shop.advance(5 * MINUTE);
    return null;
  }, `a price of ${hundredths}`);
  return { shop, fiat, heard, rates };
}

describe('the price of a bitcoin', () => {
  test('is what the shop\'s own LNbits says, asked once in five minutes, kept over an outage, and gone after an hour', async (t) => {
    const prices = { EUR: 91_234.56 };
    const { shop, fiat, heard, rates } = await shopWith(t, {}, { prices });
    const began = shop.now();
    const first = await heard(9_123_456);
    assert.deepEqual({ ...first, at: 0 }, { currency: 'EUR', hundredthsPerBitcoin: 9_123_456, at: 0 });
    assert.ok(first.at > began - 1000 && first.at <= shop.now(), `${first.at}`);
    prices.EUR = 92_000;
    const asked = rates().length;
    for (let count = 0; count < 10; count += 1) assert.deepEqual(await fiat(), first);
    assert.equal(rates().length, asked);
    assert.ok(rates().every(({ path }) => path === '/api/v1/rate/EUR'));

    await shop.advance(5 * MINUTE);
    const second = await heard(9_200_000);
    const before = rates().length;

    shop.lnbits.fault({ pathPattern: /rate/, kind: 'status', status: 500, times: Infinity });
    for (let passed = 0; passed < 11; passed += 1) {
      await shop.advance(5 * MINUTE);
      assert.deepEqual(await fiat(), second);
    }
    await shop.advance(5 * MINUTE);
    assert.equal(await fiat(), undefined);
    assert.ok(rates().length <= before + 12, `asked ${rates().length - before} times in an hour`);
    shop.lnbits.clearFaults();
    await shop.advance(5 * MINUTE);
    await heard(9_200_000);
  });

  test('is not there where nobody wants it, or nobody tells it', async (t) => {
    for (const vars of [{ FIAT_CURRENCY: '' }, { FIAT_CURRENCY: 'euro' }, { LNBITS_URL: '' }]) {
      const { fiat, rates } = await shopWith(t, vars, { prices: { EUR: 1 } });
      assert.deepEqual([await fiat(), rates()], [undefined, []]);
    }
  });

  test('may come from elsewhere; what is garbled, absurd or never comes is as good as none', async (t) => {
    let answer;
    const source = await startFake({
      error: (_status, message) => ({ message }),
      routes: [['GET', '/price/:currency', ({ params }) => (params.currency === 'EUR' ? { status: 200, ...answer } : { status: 404 })]],
    });
    t.after(() => source.close());
    const { shop, fiat, heard, rates } = await shopWith(t, { PRICE_URL: `${source.url}/price/{currency}` });
    const bad = [
      '', 'null', '{', '[]', '{}', '{"rate":1095}', '{"price":null}', '{"price":"91234.56"}', '{"price":[91234]}', '{"price":0}', '{"price":0.0}',
      '{"price":-91234.56}', '{"price":1e-7}', '{"price":10000000000.01}', '{"price":1e400}', '{"price":NaN}', '{"price":91234.56', '<html></html>',
      `{"price":${'9'.repeat(1000)}}`, `{"price":1,"x":"${'x'.repeat(100_000)}"}`, '{"price":1,"price":2}',
    ];
    for (const body of bad) {
      answer = { body };
      assert.equal(await fiat(), undefined, body.slice(0, 40));
      await shop.advance(5 * MINUTE);
    }
    answer = { status: 302, headers: { location: `${source.url}/price/EUR` }, body: '{"price":91234.56}' };
    assert.equal(await fiat(), undefined, 'a redirect');
    await shop.advance(5 * MINUTE);
    answer = { body: '{"price":9.123456789e4,"rate":1,"more":{"price":7}}' };
    const good = await heard(9_123_457);
    for (const body of bad) {
      answer = { body };
      await shop.advance(30);
      assert.deepEqual(await fiat(), good, body.slice(0, 40));
    }

    await shop.advance(HOUR);
    for (const kind of ['before', 'stalled']) {
      const fault = source.fault({ kind, until: new Promise((resolve) => { t.after(resolve); }) });
      // Many at once: one of them waits, and not for long.
      await pollUntil(async () => {
        assert.deepEqual(await Promise.all(Array.from({ length: 10 }, fiat)), Array(10).fill(undefined), kind);
        await shop.advance(5 * MINUTE);
        return fault.left === 0;
      }, 'the fault');
    }
    answer = { body: '{"price":80000}' };
    await heard(8_000_000);
    assert.deepEqual(rates(), [], 'LNbits is not asked where another source is named');
    assert.equal(source.requests.filter(({ path }) => path !== '/price/EUR').length, 0);
  });
});
