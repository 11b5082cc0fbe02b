// The landing page as Lighthouse's mobile preset sees it: its four scores, and when its text is painted and how long it blocks. Times are those of
// *applied* throttling, in turns with a bare static page from the same server; simulated throttling flatters a page that works in wasm.

import { withServedShop } from './assets_server.mjs';
import { count, median } from './median.mjs';
import { openLighthouse } from '../support/lighthouse.mjs';

const CATEGORIES = { performance: 'performance', accessibility: 'accessibility', best_practices: 'best-practices', seo: 'seo' };
const TIMES = { landing_lcp_ms: 'largest-contentful-paint', landing_tbt_ms: 'total-blocking-time' };
const APPLIED = "applied DevTools throttling of Lighthouse's mobile preset: 562.5 ms and 1475 kbit/s, CPU 4x";

export const rows = [...Object.keys(CATEGORIES).map((name) => `lighthouse_${name}`), 'lighthouse_performance_applied', ...Object.keys(TIMES)];

const BARE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A bare page</title>
<meta name="description" content="A heading and a paragraph, and nothing else."></head>
<body><main><h1>A bare page</h1><p>Text that stands in the HTML, without a style sheet and without any code: as early as a paint can be.</p></main></body></html>
`;

export const measure = () => withServedShop(async (url) => {
  const lighthouse = await openLighthouse();
  try {
    const whole = await lighthouse.audit(`${url}/`, { categories: Object.values(CATEGORIES) });
    const [ours, bare] = [[], []];
    for (let i = 0; i < count(5); i += 1) {
      ours.push(await lighthouse.audit(`${url}/`, { throttling: 'devtools' }));
      bare.push(await lighthouse.audit(`${url}/bare`, { throttling: 'devtools' }));
    }
    return [...scores(whole), applied(ours, bare), ...Object.entries(TIMES).map(([name, audit]) => time(name, audit, ours, bare))];
  } finally {
    await lighthouse.close();
  }
}, { '/bare': BARE });

function scores({ scores: all, failed }) {
  const note = failed.length > 0 ? `simulated throttling; points lost by ${failed.join(', ')}` : 'simulated throttling, mobile preset';
  return Object.entries(CATEGORIES).map(([name, category]) => ({ name: `lighthouse_${name}`, value: all[category], unit: 'points', n: 1, note }));
}

function applied(ours, bare) {
  const points = (some) => some.map(({ scores: { performance } }) => performance);
  return {
    name: 'lighthouse_performance_applied', value: median(points(ours)), unit: 'points', peer: { value: median(points(bare)) }, n: ours.length,
    note: `${spread(points(ours))}; ${APPLIED}; peer: a bare page`,
  };
}

function time(name, audit, ours, bare) {
  const [own, theirs] = [ours, bare].map((some) => some.map((one) => one.value(audit)));
  return {
    name, value: median(own), unit: 'ms', peer: { value: median(theirs) }, n: own.length,
    note: `${spread(own)}, peer ${spread(theirs)}; ${APPLIED}; peer: a bare page`,
  };
}

const spread = (values) => `${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))}`;
