// The peer of the request benchmarks: the least JavaScript that makes the same hops. The Worker hands the request to the order's
// Durable Object; that keeps an order in one row of SQLite, reads it once, checks the bearer token by its SHA-256 and answers JSON from memory.
// A new order that names a place has that kept by a second object, and sets its alarm, before it is answered: what no shop that keeps what
// it promises can leave out. What Kindling does beyond that (checks, invoices, a state machine) is not here: it is what the ratio prices.

import { DurableObject } from "cloudflare:workers";

const HEADERS = { "Cache-Control": "no-store" };
const CREATE = "CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
const INSERT = "INSERT INTO kept(key, value) VALUES (?, ?)";

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const [, api, bootstrap, id] = pathname.split("/");
    if (api !== "api" || bootstrap !== "bootstrap") return refuse(404);
    if (request.method === "GET" && id) return env.ORDER.getByName(id).fetch(request);
    if (request.method !== "POST" || id) return refuse(405);
    const order = await request.json();
    return env.ORDER.getByName(order.orderId).fetch("http://order/open", { method: "POST", body: JSON.stringify(order) });
  }
};

export class OrderObject extends DurableObject {
  #order;

  async fetch(request) {
    if (request.method === "POST") return this.#open(await request.json());
    const [scheme, token] = (request.headers.get("Authorization") ?? "").split(" ");
    this.#order ??= this.#kept();
    if (!this.#order || scheme !== "Bearer") return refuse(404);
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    if (new Uint8Array(hash).toHex() !== this.#order.accessHash) return refuse(404);
    return Response.json(this.#order.view, { headers: HEADERS });
  }

  alarm() {}

  /** The order, after the runtime had put this object out of memory. */
  #kept() {
    const { sql } = this.ctx.storage;
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'kept'").toArray().length === 0) return undefined;
    return JSON.parse(sql.exec("SELECT value FROM kept WHERE key = 'order'").one().value);
  }

  async #open({ place, ...order }) {
    if (place) {
      const { fleet, until, capacity } = place;
      const body = JSON.stringify({ id: order.orderId, until, capacity });
      const { ok } = await this.env.FLEET.getByName(fleet).fetch("http://fleet/", { method: "POST", body });
      if (!ok) return refuse(409);
      this.ctx.storage.setAlarm(until);
    }
    const { sql } = this.ctx.storage;
    sql.exec(CREATE);
    sql.exec(INSERT, "order", JSON.stringify(order));
    this.#order = order;
    return Response.json(order.view, { status: 201, headers: HEADERS });
  }
}

/** Who holds a place. */
export class FleetObject extends DurableObject {
  #places;

  async fetch(request) {
    const { id, until, capacity } = await request.json();
    const { sql } = this.ctx.storage;
    if (!this.#places) {
      sql.exec(CREATE);
      this.#places = new Map(sql.exec("SELECT key, value FROM kept").toArray().map(({ key, value }) => [key, JSON.parse(value).until]));
    }
    if (this.#places.size >= capacity) return refuse(409);
    sql.exec(INSERT, id, JSON.stringify({ until }));
    this.#places.set(id, until);
    return Response.json({ id, until }, { headers: HEADERS });
  }
}

function refuse(status) {
  return Response.json({ error: { code: "refused", message: "No." } }, { status, headers: HEADERS });
}
