// axe-core on a page as it stands. It runs in a world of its own, brought there by DevTools: the page's security policy lets no foreign script
// in, and stays as it is; what the page defines cannot mislead the judge.

import fs from 'node:fs';
import { createRequire } from 'node:module';

const SOURCE = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
/** What axe leaves out unless it is asked for by name, and WCAG 2.2 AA asks for. */
const ALSO = { 'target-size': { enabled: true } };
/** The rules whose answer depends on colours alone. */
export const COLOURS = ['color-contrast', 'link-in-text-block'];

/** rules: only these. -> one text for each violating element: the rule, how bad it is, the element, and why */
export async function violations(page, { rules } = {}) {
  const session = await page.context().newCDPSession(page);
  try {
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
    const run = async (expression) => {
      const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
        expression, contextId: executionContextId, awaitPromise: true, returnByValue: true,
      });
      if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
      return result.value;
    };
    const options = { resultTypes: ['violations'], runOnly: rules ?? TAGS, ...(!rules && { rules: ALSO }) };
    await run(`${SOURCE}; undefined`);
    // Half-way through a fade every colour is wrong.
    await run('Promise.all(document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime < Infinity).map((one) => one.finished.catch(() => {})))'
      + '.then(() => undefined)');
    const found = await run(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations)`);
    return found.flatMap(({ id, impact, help, nodes }) => nodes.map(({ target, html, any, all, none }) => {
      const why = [...any, ...all, ...none].map(({ message }) => message).join('; ');
      return `${id} (${impact}): ${help}\n  ${target.join(' > ')}\n  ${html}\n  ${why}`;
    }));
  } finally {
    await session.detach();
  }
}
