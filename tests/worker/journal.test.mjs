// An order's story, wherever its lines are kept: the newest in the order's own row, older ones by the dozen in rows of their own, and those that
// the first versions wrote in a row each.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openShop } from '../support/shop.mjs';

/** More than the order's row keeps of its newest lines (domain/src/order/journal.rs). */
const MANY = 70;

let shop;
before(async () => { shop = await openShop(); });
after(() => shop.close());

const lines = (from, count) => Array.from({ length: count }, (_, i) => ({ at: from + i, event: 'heard', detail: `line ${from + i}` }));

test('lines move from the order’s row behind those of earlier versions, and none is lost or doubled', async () => {
  const order = await shop.order();
  const storage = await shop.worker.storage('ORDER', order.id);
  const before = (await order.story()).journal;
  const old = lines(1, 300);
  await storage.exec('CREATE TABLE IF NOT EXISTS journal(number INTEGER PRIMARY KEY, entry TEXT NOT NULL)');
  await storage.exec('INSERT INTO journal(entry) SELECT value FROM json_each(?)', JSON.stringify(old));
  const newer = lines(1000, MANY);
  await storage.exec("UPDATE kept SET value = json_set(value, '$.journal', json(?)) WHERE key = 'order'", JSON.stringify([...before, ...newer]));
  // Last, or its alarm could have it remember what stood there before.
  await shop.worker.evict('ORDER', order.id);

  await order.pay();
  await order.becomesReady();
  const { journal } = await order.story();
  const kept = [...old, ...before, ...newer];
  assert.deepEqual(journal.slice(0, kept.length).map(({ event, detail }) => `${event} ${detail}`), kept.map(({ event, detail }) => `${event} ${detail}`));
  assert.ok(journal.length > kept.length, 'nothing was added');
  const [{ rows }] = await storage.exec('SELECT count(*) AS rows FROM journal');
  assert.ok(rows > old.length && rows < old.length + MANY, `${rows} rows`);
});
