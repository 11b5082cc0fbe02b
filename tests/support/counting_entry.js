// The entry of the Worker under measurement: the product's own, with everything counted that its objects do to their storage.
// Rows are those that each statement says it wrote; setting or deleting an alarm is told apart from them.
// GET /api/test/counts answers {requests, classes: {name: {requests, statements, rows, alarmsSet, alarmsDeleted, alarmsRung, reads}}}.

import * as product from "./product.js";

const requests = { all: 0 };
const classes = {};
const ownerOf = new WeakMap(); // an object's storage, and its SQL -> its class's counts
let watched = false;

/** The runtime's own methods are shared by all objects, so they are wrapped once. */
function watch({ storage }) {
  if (watched) return;
  watched = true;
  const wrap = (prototype, name, note) => {
    const original = prototype[name];
    prototype[name] = function (...values) {
      const result = original.apply(this, values);
      note(ownerOf.get(this), result, values[0]);
      return result;
    };
  };
  const [bucket, sql] = [Object.getPrototypeOf(storage), Object.getPrototypeOf(storage.sql)];
  wrap(sql, "exec", (counts, cursor, query) => {
    // wrangler's local server keeps each object's name in a table of its own.
    if (query.includes("__miniflare")) return;
    counts.statements += 1;
    counts.rows += cursor.rowsWritten;
  });
  wrap(bucket, "setAlarm", (counts) => { counts.alarmsSet += 1; });
  wrap(bucket, "deleteAlarm", (counts) => { counts.alarmsDeleted += 1; });
  for (const name of ["get", "list", "getAlarm"]) wrap(bucket, name, (counts) => { counts.reads += 1; });
}

const counted = (name) => {
  const counts = classes[name] = { requests: 0, statements: 0, rows: 0, alarmsSet: 0, alarmsDeleted: 0, alarmsRung: 0, reads: 0 };
  return class extends product[name] {
    constructor(ctx, env) {
      super(ctx, env);
      watch(ctx);
      for (const part of [ctx.storage, ctx.storage.sql]) ownerOf.set(part, counts);
    }

    fetch(request) {
      counts.requests += 1;
      return super.fetch(request);
    }

    alarm() {
      counts.alarmsRung += 1;
      return super.alarm();
    }
  };
};

export class OrderObject extends counted("OrderObject") {}
export class FleetObject extends counted("FleetObject") {}
export class DoorObject extends counted("DoorObject") {}
export class SweepObject extends counted("SweepObject") {}

export default {
  ...product.default,
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/api/test/counts") return Response.json({ requests: requests.all, classes });
    requests.all += 1;
    return product.default.fetch(request, env, context);
  },
};
