// The peer of the request benchmarks: the least JavaScript that makes the same hop. The Worker hands the request to the order's
// Durable Object; that keeps an order in one row of SQLite, reads it once, checks the bearer token by its SHA-256 and answers JSON from memory.
// What Kindling does beyond that (checks, invoices, alarms, a state machine) is not here: it is what the ratio prices.

import { DurableObject } from "cloudflare:workers";

const HEADERS = { "Cache-Control": "no-store" };

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

  /** The order, after the runtime had put this object out of memory. */
  #kept() {
    const { sql } = this.ctx.storage;
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'kept'").toArray().length === 0) return undefined;
    return JSON.parse(sql.exec("SELECT value FROM kept WHERE key = 'order'").one().value);
  }

  #open(order) {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    sql.exec("INSERT INTO kept(key, value) VALUES ('order', ?)", JSON.stringify(order));
    this.#order = order;
    return Response.json(order.view, { status: 201, headers: HEADERS });
  }
}

function refuse(status) {
  return Response.json({ error: { code: "refused", message: "No." } }, { status, headers: HEADERS });
}
