// The Web Worker's first file: brings the vault's wasm up and hands it the page's messages, in order.
import init, { equip, handle } from "{{vault_js}}";

const ready = init({ module_or_path: "{{vault_wasm}}" }).then(() => equip("{{key_worker}}", "{{primes_fused_wasm}}", "{{primes_scalar_wasm}}"));
// A failed start is told to the page at the first message, not as an unhandled rejection.
ready.catch(() => {});

self.onmessage = async ({ data }) => {
  try {
    await ready;
    handle(data);
  } catch {
    // Either the wasm did not load or it trapped. Nothing of the cause is repeated: it could carry secrets.
    self.postMessage("broken");
  }
};
