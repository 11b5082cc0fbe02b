// The page's side of app/src/vault_protocol.rs, for a test or a benchmark that asks the vault itself.

/* global window, document, Worker */

/**
 * A vault of its own in the page, which must be one of the shop's. No program of the page's may use it.
 * -> {ask(name, what) -> {answer, milliseconds}, rejecting with {message: the trouble}, progress() -> percents of the last ask, end()}
 */
export async function openVault(page) {
  const name = `vault${count += 1}`;
  await page.evaluate(start, name);
  return {
    ask: (ask, what = {}) => page.evaluate(([vault, ...rest]) => window[vault].ask(...rest), [name, ask, what]),
    progress: () => page.evaluate((vault) => window[vault].progress, name),
    end: () => page.evaluate((vault) => window[vault].end(), name),
  };
}

let count = 0;

/** The module of the key workers with fused multiplications. */
export const FUSED = /\/primes_fused_bg-[0-9a-f]+\.wasm$/;
const SCALAR = /\/primes_scalar_bg-[0-9a-f]+\.wasm$/;

/** With which engines a visit's vaults have worked: each once for each time that its module was loaded. */
export const enginesOf = ({ requests }) => requests.flatMap(({ url }) => {
  if (FUSED.test(url)) return 'fused';
  return SCALAR.test(url) ? 'scalar' : [];
});

/** Has each vault of the context run a script before all else that it does. Service workers must be blocked. */
export const inVaults = (context, script) => context.route(/\/vault-loader-/, async (route) => {
  const response = await route.fetch();
  await route.fulfill({ response, body: `${await response.text()}\n{${script}}\n` });
});

/** What has a vault believe that the browser has no relaxed SIMD. */
export const WITHOUT_RELAXED_SIMD = 'WebAssembly.validate = () => false;';

// In the page.
function start(name) {
  const worker = new Worker(document.querySelector('meta[name=kindling-vault]').content, { type: 'module' });
  const waiting = new Map();
  let last = 0;
  const fail = (why) => {
    for (const { reject } of waiting.values()) reject(new Error(why));
    waiting.clear();
  };
  worker.onerror = () => fail('the vault did not start');
  worker.onmessage = ({ data }) => {
    if (!Array.isArray(data)) return fail(data);
    const [id, word, rest] = data;
    const { began, resolve, reject } = waiting.get(id);
    if (word === 'progress') return vault.progress.push(rest);
    waiting.delete(id);
    if (word === 'done') return resolve({ answer: JSON.parse(rest), milliseconds: performance.now() - began });
    return reject(new Error(JSON.parse(rest)));
  };
  const vault = {
    progress: [],
    ask: (what, ask) => new Promise((resolve, reject) => {
      last += 1;
      vault.progress = [];
      waiting.set(last, { began: performance.now(), resolve, reject });
      worker.postMessage([last, what, JSON.stringify(ask)]);
    }),
    end: () => worker.terminate(),
  };
  window[name] = vault;
}
