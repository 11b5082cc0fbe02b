// Lighthouse on a Chromium of its own, with the settings of its mobile preset. It sends nothing anywhere: reporting of errors is a matter of its
// command line, which is not used here.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import lighthouse from 'lighthouse';
import { CHROMIUM, FLAGS } from './browser.mjs';
import { startProcess } from './process.mjs';

/** -> {audit(url, {categories, throttling}) -> {scores: {category: 0..100}, value(audit) in its unit, failed: [audits that cost points]}, close()} */
export async function openLighthouse() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'kindling-lighthouse-'));
  const chromium = startProcess(CHROMIUM, [...FLAGS, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'], { background: true });
  const close = async () => {
    await chromium.stop();
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const [, port] = await chromium.until(/DevTools listening on ws:\/\/[^:]+:(\d+)\//);
    return { audit: (url, options) => audit(Number(port), url, options), close };
  } catch (problem) {
    await close();
    throw problem;
  }
}

/** On a machine that is busy with other things Chromium now and then shows nothing in time; a second attempt tells that from a broken page. */
async function audit(port, url, options) {
  try {
    return await attempt(port, url, options);
  } catch {
    return attempt(port, url, options);
  }
}

/** throttling: 'simulate' computes a slow phone from a fast load; 'devtools' has Chromium be one. */
async function attempt(port, url, { categories = ['performance'], throttling = 'simulate' } = {}) {
  const { lhr } = await lighthouse(url, {
    port, logLevel: 'silent', onlyCategories: categories, throttlingMethod: throttling, formFactor: 'mobile', disableFullPageScreenshot: true,
  });
  const audits = Object.values(lhr.audits);
  const problems = [lhr.runtimeError?.message, ...audits.map(({ id, errorMessage }) => errorMessage && `${id}: ${errorMessage}`)].filter(Boolean);
  if (problems.length > 0) throw new Error(`Lighthouse on ${url}: ${problems.join('; ')}`);
  const refs = Object.values(lhr.categories).flatMap(({ auditRefs }) => auditRefs);
  return {
    scores: Object.fromEntries(Object.entries(lhr.categories).map(([name, { score }]) => [name, Math.round(score * 100)])),
    value: (name) => lhr.audits[name].numericValue,
    failed: refs.filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.995).map(({ id }) => id),
  };
}
