// What workerd loads: the Worker and its Durable Objects as the JavaScript classes it wants, each forwarding to the wasm instance.
// It also hands out the packed files of code, for which no wasm is asked.
// Invariant: a trap (a Rust panic, memory run out) fails the calls that were in flight, and none that comes after it; and an alarm
// that failed comes again.

import { DurableObject } from "cloudflare:workers";
import * as rust from "./index.js";

// Shared with the Rust side: its panic hook sets criticalError, and each start of an instance counts instanceId up.
const state = rust.__worker_init_state();

// How to fail each call that waits for the present instance: the futures of a dead one never end by themselves.
const inFlight = new Set();

// When an alarm that failed comes again, in milliseconds.
const ALARM_AGAIN = 60_000;

// What src/reply.rs sets on every answer: here for the one that Rust cannot give.
const HEADERS = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy":
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
};

// Code and words under their content's hash. Beside each lies what brotli's best level made of it when it was built (xtask/src/build/packed.rs).
const HASHED = /^\/[a-z_-]+-[0-9a-f]{16}\.(js|wasm|txt|css)$/;
const TYPES = {
  js: "text/javascript; charset=utf-8",
  wasm: "application/wasm",
  txt: "text/plain; charset=utf-8",
  css: "text/css; charset=utf-8",
};

/** A file of code or words, packed where the browser takes that. */
async function hashed(request, env, extension) {
  // A part of a file is a part of the plain one.
  if (takesBrotli(request) && !request.headers.has("Range")) {
    const packed = await env.ASSETS.fetch(new Request(`${request.url.split("?")[0]}.br`, request));
    if (!isPage(packed)) return told(packed, { "Content-Encoding": "br", "Content-Type": TYPES[extension] });
  }
  const plain = await env.ASSETS.fetch(request);
  // Of another build, or of none: what a browser keeps for a year must not be the first page.
  return isPage(plain) ? new Response(null, { status: 404, headers: HEADERS }) : told(plain, {});
}

// Cloudflare writes its own wishes into the header and keeps the browser's beside it.
function takesBrotli({ method, headers, cf }) {
  const wishes = (cf?.clientAcceptEncoding ?? headers.get("Accept-Encoding") ?? "").toLowerCase();
  const wish = wishes.split(",").map((one) => one.trim().split(/\s*;\s*/)).find(([name]) => name === "br");
  return ["GET", "HEAD"].includes(method) && wish !== undefined && !(wish[1] && Number(wish[1].slice(2)) === 0);
}

// What ASSETS answers for a name that it does not have.
const isPage = ({ headers }) => (headers.get("Content-Type") ?? "").startsWith("text/html");

function told({ body, status, headers }, own) {
  const all = new Headers(headers);
  for (const [name, value] of Object.entries({ ...own, Vary: "Accept-Encoding" })) all.set(name, value);
  // 304 has no body, and says nothing of its form.
  if (status === 304) for (const name of ["Content-Encoding", "Content-Type"]) all.delete(name);
  return new Response(body, { status, headers: all, encodeBody: "manual" });
}

function note(error) {
  // Not every trap passes the panic hook: a stack that ran over, for example, does not.
  if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
  if (!state.criticalError) return;
  for (const fail of inFlight) fail(new Error("the wasm instance trapped"));
  inFlight.clear();
}

// A trap inside a resumed future surfaces here instead of in the call that waits for it.
addEventListener("error", (event) => note(event.error));

/** What Rust answers at once, be it a promise that is none of Rust's; undefined where it needs a future of its own. */
function atOnce(method, first, second) {
  revive();
  try {
    return method(first, second);
  } catch (error) {
    note(error);
    throw error;
  }
}

function revive() {
  if (!state.criticalError) return;
  state.criticalError = false;
  rust.__wbg_reset_state();
}

function call(method) {
  revive();
  return new Promise((resolve, reject) => {
    const end = () => inFlight.delete(reject);
    inFlight.add(reject);
    const failed = (error) => {
      end();
      note(error);
      reject(error);
    };
    try {
      method().then((answer) => {
        end();
        resolve(answer);
      }, failed);
    } catch (error) {
      failed(error);
    }
  });
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/api/")) {
      const [, extension] = HASHED.exec(pathname) ?? [];
      return extension ? hashed(request, env, extension) : env.ASSETS.fetch(request);
    }
    try {
      return await (atOnce(rust.passThrough, request, env) ?? call(() => rust.fetch(request, env)));
    } catch (error) {
      // Rust answers its own errors; what comes here is a trap, or an order's object that died or could not be reached.
      console.error(error);
      const body = { error: { code: "temporarily_unavailable", message: "Something went wrong. Please try again." } };
      return Response.json(body, { status: 503, headers: { ...HEADERS, "Retry-After": "30" } });
    }
  },

  scheduled(controller, env) {
    return call(() => rust.scheduled(env));
  },
};

/** The Durable Object that forwards to the Rust class of this name. It has every handler; which of them are ever called is up to Rust. */
const forwardingTo = (name) => class extends DurableObject {
  #object;
  #instanceId;

  /** The Rust object; it dies with its wasm instance, and a new one finds everything it needs in storage. */
  #living() {
    if (this.#instanceId !== state.instanceId) {
      this.#object = new rust[name](this.ctx, this.env);
      this.#instanceId = state.instanceId;
    }
    return this.#object;
  }

  #rust(use) {
    return call(() => use(this.#living()));
  }

  fetch(request) {
    // Orders answer most of what they are asked at once.
    return atOnce(() => this.#living().readAtOnce?.(request)) ?? this.#rust((object) => object.fetch(request));
  }

  async alarm() {
    try {
      await this.#rust((object) => object.alarm());
    } catch (error) {
      // Never handed on: the runtime gives an alarm up for good after six failures, and with it the object that waits for it.
      console.error(error);
      await this.ctx.storage.setAlarm(Date.now() + ALARM_AGAIN);
    }
  }

  webSocketMessage(socket, message) {
    return this.#rust((object) => object.webSocketMessage(socket, message));
  }

  webSocketClose(socket, code, reason, wasClean) {
    return this.#rust((object) => object.webSocketClose(socket, code, reason, wasClean));
  }

  webSocketError(socket, error) {
    return this.#rust((object) => object.webSocketError(socket, error));
  }
};

export class OrderObject extends forwardingTo("OrderObject") {}
export class FleetObject extends forwardingTo("FleetObject") {}
export class DoorObject extends forwardingTo("DoorObject") {}
export class SweepObject extends forwardingTo("SweepObject") {}
