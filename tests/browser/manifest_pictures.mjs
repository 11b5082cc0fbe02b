// Makes the pictures that stores and install dialogs show of the app (`screenshots` of the manifest) from its real pages: run by hand
// when the pages have changed, `node tests/browser/manifest_pictures.mjs`. It needs a build, as the tests do.

import fs from 'node:fs';
import path from 'node:path';
import { SIZES, launchBrowser } from '../support/browser.mjs';
import { ROOT } from '../support/paths.mjs';
import { startWorker } from '../support/worker.mjs';
import { landing } from './pages/landing.mjs';
import { course, machineView, makeLink, stage, states } from './staged.mjs';

const FORMS = { narrow: 'phone', wide: 'desktop' };

const worker = await startWorker();
const browser = await launchBrowser();
try {
  const link = await makeLink(browser, worker.url);
  for (const [form, size] of Object.entries(FORMS)) {
    const visit = await browser.open({ size, baseURL: worker.url });
    const { page } = visit;
    const save = (name) => page.screenshot({ path: path.join(ROOT, 'static', `picture-${name}-${form}.png`), clip: { x: 0, y: 0, ...SIZES[size] } });
    // The shop is one for tests, which is not what the picture is about.
    await page.route('/api/catalogue', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...await answer.json(), stubMode: false } });
    });
    const shown = await landing(page).open();
    await shown.keyReady.waitFor();
    await save('shop');
    const machine = machineView({ usable: true, validated: true, history: course([61, 68, 74, 81, 86, 91, 95, 100]) }, {
      bitcoin: { blocks: 925_003, progressPpm: 1_000_000, initialBlockDownload: false },
      lnd: { state: 'SERVER_ACTIVE', syncedToChain: true, blockHeight: 925_003, peers: 4, activeChannels: 3 },
    });
    const { credentials } = states.ready();
    const ready = await stage(visit, link, 'ready', { machine, credentials: { ...credentials, delivery: 'erased' }, pairing: { paired: true } });
    await ready.page.node.waitFor();
    await page.evaluate(() => document.activeElement.blur());
    await save('node');
    await visit.close();
  }
} finally {
  await browser.close();
  await worker.stop();
}
for (const file of fs.readdirSync(path.join(ROOT, 'static')).filter((name) => name.startsWith('picture-'))) {
  console.log(file, fs.statSync(path.join(ROOT, 'static', file)).size);
}
