// A class on its order page, whose server is the test, and what its tests look for.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { classLink, sealedClass } from '../support/class.mjs';
import { toPng } from '../support/codes.mjs';
import { BUILD } from '../support/paths.mjs';
import { stage } from './staged.mjs';

/** A screen on which the codes are large enough to be read from its picture. */
export const SHARP = { size: 'desktop', deviceScaleFactor: 2, acceptDownloads: true, locale: 'en-GB' };

/** Each node's code was found once, and no other. hold: node -> what its code is to say */
export function assertCodes(bundle, codes, hold = (node) => node.connect) {
  const { nodes } = bundle.classroom;
  const named = codes.map(({ text }) => nodes.find((node) => hold(node) === text)?.name ?? 'a code of no node');
  assert.deepEqual(named.sort(), nodes.map(({ name }) => name).sort());
}

/** Nothing of the teacher's stands in the text. */
export function assertNoTeacher(bundle, what, text) {
  for (const { adminRune, adminConnect } of bundle.classroom.nodes) {
    assert.ok(!text.includes(adminRune) && !text.includes(adminConnect), `${what} has a teacher's secret`);
  }
  assert.ok(!text.includes(bundle.bitcoin.rpcPassword), `${what} has the password of Bitcoin's RPC`);
}

/** The focus comes to what has this id, and does not fall to the page's body. */
export async function focusComesTo(page, id) {
  await page.waitForFunction((wanted) => document.activeElement.id === wanted, id);
}

/** page: of drawPdf() -> build/screenshots/NAME.png */
export function keepPage(name, { picture }) {
  const folder = path.join(BUILD, 'screenshots');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `${name}.png`), toPng(picture));
}

/** options: of the bundle -> {bundle, own: the order's page, staged, link, product, credentials(delivery)}; claimed unless told otherwise */
export async function openClass(visit, { claim = true, delivery = 'sealed', ...options } = {}) {
  const link = classLink();
  const { bundle, sealed } = await sealedClass(link, options);
  const { plan, hours, seed } = bundle.classroom;
  const credentials = (now) => ({ credentials: { nodeIp: bundle.nodeIp, tailscaleHostname: null, lnbitsUrl: null, hostKeys: [], delivery: now } });
  const product = { kind: 'classroom', plan, hours, seed };
  const staged = await stage(visit, link, 'ready', { product, ...credentials(delivery) }, { claim: () => ({ answer: { sealed } }) });
  const own = staged.page;
  await own.classReady.waitFor();
  if (claim) {
    await own.getCards.click();
    await own.codesDrawn();
  }
  return { bundle, own, staged, link, product, credentials };
}
