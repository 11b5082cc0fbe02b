// What an order costs does not creep up: rows written, alarms, calls and requests of an undisturbed one, and of a status read. The bounds are
// what was counted when they were written; docs/scale.md has the same numbers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countUndisturbedOrder, counts, rowsOf, withCountedShop } from '../support/counted.mjs';

test('an undisturbed order stays within its rows, alarms, calls and requests', async () => {
  const counted = await countUndisturbedOrder();
  const { OrderObject: order, DoorObject: door, FleetObject: fleet } = counted.classes;
  const found = {
    rows: rowsOf(counted), order: order.rows, alarms: order.alarmsSet, alarmsDeleted: order.alarmsDeleted, door: door.rows + door.alarmsSet, fleet: fleet.rows,
    ...counted.upstream, requests: counted.requests, objects: Object.values(counted.classes).reduce((sum, one) => sum + one.requests + one.alarmsRung, 0),
  };
  const most = {
    rows: 66, order: 43, alarms: 13, alarmsDeleted: 0, door: 5, fleet: 4, lnbits: 3, digitalocean: 12, tailscale: 1, requests: 29, objects: 42,
  };
  for (const [what, bound] of Object.entries(most)) assert.ok(found[what] <= bound, `${what}: ${found[what]}, at most ${bound}`);
});

test('a status read is one request to one object, and reads and writes no storage; a change is pushed, not asked for', async () => {
  await withCountedShop({ vars: { LNBITS_URL: '' } }, async (shop) => {
    const order = await shop.order();
    const live = await order.live();
    await order.get();
    const before = await counts(shop.worker);
    for (let n = 1; n <= 5; n += 1) {
      await order.get();
      const { requests, classes } = await counts(shop.worker);
      const { OrderObject: own, ...others } = classes;
      assert.equal(requests, before.requests + n);
      assert.deepEqual(own, { ...before.classes.OrderObject, requests: before.classes.OrderObject.requests + n });
      for (const [name, one] of Object.entries(others)) assert.deepEqual(one, before.classes[name]);
    }
    const asked = (await counts(shop.worker)).requests;
    await order.payStub();
    await live.until(({ state }) => state === 'ready');
    assert.equal((await counts(shop.worker)).requests, asked + 1, 'nobody asks for what is pushed');
    live.close();
  });
});
