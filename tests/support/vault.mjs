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

/** Has the context's vaults believe that the browser has no relaxed SIMD. Service workers must be blocked. */
export const withoutRelaxedSimd = (context) => context.route(/\/vault-loader-/, async (route) => {
  const response = await route.fetch();
  await route.fulfill({ response, body: `${await response.text()}\nWebAssembly.validate = () => false;\n` });
});

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
