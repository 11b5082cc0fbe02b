// Serves build/assets as Cloudflare and the Worker do: brotli (of code and words the very bytes that the build has packed), the headers of
// _headers, unknown paths to the app, /api/ to a Worker. What stands in front of a local Worker packs anew, so it cannot tell what a customer
// downloads.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import zlib from 'node:zlib';
import { launchBrowser } from '../support/browser.mjs';
import { BUILD } from '../support/paths.mjs';
import { startWorkerd } from './workerd.mjs';

const ASSETS = path.join(BUILD, 'assets');
const PACKED = '.br';
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css; charset=utf-8', '.wasm': 'application/wasm', '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json', '.png': 'image/png', '.txt': 'text/plain; charset=utf-8',
};

/** worker: whoever answers /api/, by its `url`; pages: {path: HTML} that stand beside the shop. -> {url, close()} */
async function serveAssets(worker, pages = {}) {
  const rules = readRules(fs.readFileSync(path.join(ASSETS, '_headers'), 'utf8'));
  const names = fs.readdirSync(ASSETS, { recursive: true }).filter((name) => name !== '_headers' && !name.endsWith(PACKED) && fs.statSync(path.join(ASSETS, name)).isFile());
  const files = new Map(names.map((name) => [address(name), pack(name, fs.readFileSync(path.join(ASSETS, name)))]));
  for (const [at, html] of Object.entries(pages)) files.set(at, pack('page.html', Buffer.from(html)));
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://kindling.test');
    if (pathname.startsWith('/api/')) return forward(worker, request, response);
    const { body, headers } = files.get(pathname) ?? files.get('/');
    const ruled = rules.filter(({ matches }) => matches(pathname)).flatMap(({ lines }) => lines);
    response.writeHead(200, Object.fromEntries([...Object.entries(headers), ...ruled]));
    response.end(body);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

/** Where Cloudflare serves a file: pages without their ending. */
const address = (name) => `/${name.replace(/(^|\/)index\.html$/, '$1').replace(/\.html$/, '')}`;

function pack(name, content) {
  const type = TYPES[path.extname(name)];
  if (!type) throw new Error(`${name}: of which type is it?`);
  // A compressed picture does not get smaller.
  if (type === 'image/png') return { body: content, headers: { 'content-type': type, 'content-length': content.length } };
  const packed = path.join(ASSETS, name + PACKED);
  const body = fs.existsSync(packed) ? fs.readFileSync(packed) : zlib.brotliCompressSync(content);
  return { body, headers: { 'content-type': type, 'content-encoding': 'br', 'content-length': body.length } };
}

/** A path with at most one `*` at its end, then its headers, indented. */
function readRules(text) {
  const rules = [];
  for (const line of text.split('\n').filter(Boolean)) {
    if (line.startsWith('/')) {
      const start = line.replace(/\*$/, '');
      rules.push({ matches: (pathname) => (line.endsWith('*') ? pathname.startsWith(start) : pathname === line), lines: [] });
    } else {
      const [, name, value] = /^\s+([^:]+): (.*)$/.exec(line);
      rules.at(-1).lines.push([name, value]);
    }
  }
  return rules;
}

async function forward(worker, request, response) {
  try {
    const answer = await fetch(worker.url + request.url, { method: request.method });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
  } catch {
    response.writeHead(502).end();
  }
}

/** Serves the built shop, and `pages` beside it, for as long as `use(url)` takes. */
export async function withServedShop(use, pages) {
  const toClose = [];
  try {
    const worker = await startWorkerd(path.join(BUILD, 'worker'), 'entry.js');
    toClose.unshift(worker);
    const server = await serveAssets(worker, pages);
    toClose.unshift(server);
    return await use(server.url);
  } finally {
    for (const part of toClose) await part.close();
  }
}

/** Serves it to a Chromium for as long as `use({browser, url})` takes. */
export const withBuiltShop = (use) => withServedShop(async (url) => {
  const browser = await launchBrowser();
  try {
    return await use({ browser, url });
  } finally {
    await browser.close();
  }
});
