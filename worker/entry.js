// What workerd loads: the Worker and its Durable Objects as the JavaScript classes it wants, each forwarding to the wasm instance.
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

  /** As fetch, for what Rust answers at once. */
  fetchAtOnce(request) {
    return atOnce(() => this.#living().readAtOnce(request));
  }

  fetch(request) {
    return this.#rust((object) => object.fetch(request));
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

export class OrderObject extends forwardingTo("OrderObject") {
  fetch(request) {
    return this.fetchAtOnce(request) ?? super.fetch(request);
  }
}
export class FleetObject extends forwardingTo("FleetObject") {}
export class DoorObject extends forwardingTo("DoorObject") {}
export class SweepObject extends forwardingTo("SweepObject") {}
