// A key worker's first file: brings up the engine that the worker is named after, and answers the vault's tasks in their order.
const glue = import(self.name === "fused" ? "{{primes_fused_js}}" : "{{primes_scalar_js}}");
// A failed start is told at the first message, not as an unhandled rejection.
glue.catch(() => {});
let search;

const tasks = {
  start({ initSync, works }, module) {
    initSync({ module });
    return works();
  },
  begin({ Search }, seed) {
    search = Search.begin(seed);
    seed.fill(0);
  },
  sieve: (_, prime, window) => search.sieve(prime, window),
  test: (_, prime, counters) => search.test(prime, counters),
  confirm: (_, prime, counter) => search.confirm(prime, counter),
};

self.onmessage = async ({ data: [number, name, ...rest] }) => {
  try {
    self.postMessage([number, tasks[name](await glue, ...rest)]);
  } catch {
    // Nothing of the cause is repeated: it could carry secrets.
    self.postMessage("broken");
  }
};
self.onmessageerror = () => self.postMessage("broken");
