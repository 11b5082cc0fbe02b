// The files of code and words, as a browser gets them: packed when they were built, from the Worker; and the same as the plain ones in all else.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { BUILD } from '../support/paths.mjs';
import { startWorker } from '../support/worker.mjs';

const FOLDER = path.join(BUILD, 'assets');
const HASHED = /^[a-z_-]+-[0-9a-f]{16}\.(js|wasm|txt|css)$/;
const TYPES = { js: 'text/javascript; charset=utf-8', wasm: 'application/wasm', txt: 'text/plain; charset=utf-8', css: 'text/css; charset=utf-8' };
/** Brotli first: what stands in front of a local Worker packs everything anew in the form that is named first, unlike Cloudflare. */
const BROWSER = 'br, gzip, deflate, zstd';

let worker;
before(async () => { worker = await startWorker(); });
after(() => worker?.stop());

/** Asks as it is told and unpacks nothing, unlike fetch -> {status, headers, body} */
const ask = (name, { method = 'GET', ...headers } = {}) => new Promise((resolve, reject) => {
  const request = http.request(new URL(`/${name}`, worker.url), { method, headers }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part)).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    answer.on('error', reject);
  });
  request.on('error', reject).end();
});

const names = fs.readdirSync(FOLDER).filter((name) => HASHED.test(name));
const [program] = names.filter((name) => name.startsWith('order_bg-'));

describe('a file of code or words', () => {
  test('lies beside its packed form, and nothing else does', () => {
    assert.deepEqual(fs.readdirSync(FOLDER).filter((name) => name.endsWith('.br')), names.map((name) => `${name}.br`).sort());
    for (const extension of Object.keys(TYPES)) assert.ok(names.some((name) => name.endsWith(`.${extension}`)), extension);
    const listed = fs.readFileSync(path.join(FOLDER, 'sw.js'), 'utf8');
    assert.ok(!listed.includes('.br"'), 'a packed form is kept on devices');
  });

  test('comes packed to who takes that, and is the plain one when unpacked', async () => {
    for (const name of names) {
      const { status, headers, body } = await ask(name, { 'accept-encoding': BROWSER });
      assert.deepEqual([status, headers['content-encoding'], headers['content-type']], [200, 'br', TYPES[name.split('.').at(-1)]], name);
      assert.ok(body.equals(fs.readFileSync(path.join(FOLDER, `${name}.br`))), `${name} was packed again`);
      assert.ok(zlib.brotliDecompressSync(body).equals(fs.readFileSync(path.join(FOLDER, name))), name);
    }
  });

  test('comes plain to who does not', async () => {
    const plain = fs.readFileSync(path.join(FOLDER, program));
    for (const wishes of [{}, { 'accept-encoding': 'identity' }, { 'accept-encoding': 'br;q=0, identity' }, { 'accept-encoding': 'brotli' }]) {
      const { status, headers, body } = await ask(program, wishes);
      assert.deepEqual([status, headers['content-encoding'], headers['content-type']], [200, undefined, 'application/wasm']);
      assert.ok(body.equals(plain));
    }
    const { headers, body } = await ask(program, { 'accept-encoding': 'gzip' });
    assert.notEqual(headers['content-encoding'], 'br');
    assert.ok((headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body).equals(plain));
  });

  test('has the headers of the plain one in either form: its protection, and a year in the cache', async () => {
    for (const name of names) {
      const [packed, plain] = await Promise.all([ask(name, { 'accept-encoding': BROWSER }), ask(name, { 'accept-encoding': 'identity' })]);
      const own = ['content-encoding', 'content-length', 'transfer-encoding', 'etag', 'date'];
      const rest = ({ headers }) => Object.fromEntries(Object.entries(headers).filter(([header]) => !own.includes(header)));
      assert.deepEqual(rest(packed), rest(plain), name);
      assert.deepEqual([plain.headers['cache-control'], plain.headers.vary], ['public, max-age=31536000, immutable', 'Accept-Encoding']);
      for (const header of ['content-security-policy', 'strict-transport-security', 'x-content-type-options', 'permissions-policy']) {
        assert.ok(plain.headers[header], `${name}: no ${header}`);
      }
      assert.notEqual(packed.headers.etag, plain.headers.etag, `${name}: two forms, one mark`);
    }
  });

  test('is not sent again to who has it, nor by HEAD', async () => {
    for (const wishes of [BROWSER, 'identity']) {
      const { headers } = await ask(program, { 'accept-encoding': wishes });
      const known = await ask(program, { 'accept-encoding': wishes, 'if-none-match': headers.etag });
      assert.deepEqual([known.status, known.body.length, known.headers.etag], [304, 0, headers.etag]);
      assert.equal(known.headers['cache-control'], headers['cache-control']);
      const head = await ask(program, { method: 'HEAD', 'accept-encoding': wishes });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      for (const header of ['content-type', 'content-encoding', 'etag', 'vary', 'cache-control']) assert.equal(head.headers[header], headers[header], header);
    }
  });

  test('is parted as it is when it is plain', async () => {
    const { headers: { etag } } = await ask(program, { 'accept-encoding': 'identity' });
    const { status, headers, body } = await ask(program, { 'accept-encoding': 'identity, br', range: 'bytes=10-19' });
    const plain = fs.readFileSync(path.join(FOLDER, program));
    assert.deepEqual([headers['content-encoding'], headers.etag], [undefined, etag]);
    assert.ok(body.equals(status === 206 ? plain.subarray(10, 20) : plain));
  });

  test('of another build is not there, and that is not kept', async () => {
    const gone = program.replace(/[0-9a-f]{16}/, '0123456789abcdef');
    for (const wishes of [BROWSER, 'identity']) {
      const { status, headers, body } = await ask(gone, { 'accept-encoding': wishes });
      const text = headers['content-encoding'] === 'br' ? zlib.brotliDecompressSync(body) : body;
      assert.deepEqual([status, text.length, headers['cache-control'], headers['content-type']], [404, 0, 'no-store', undefined]);
      assert.ok(headers['content-security-policy']);
    }
  });

  test('is all that the Worker answers beside the API', async () => {
    for (const [name, type] of [['', /^text\/html/], ['orders', /^text\/html/], ['sw.js', /^text\/javascript/], ['robots.txt', /^text\/plain/], ['some-word.js', /^text\/html/]]) {
      const { status, headers } = await ask(name, { 'accept-encoding': BROWSER });
      assert.equal(status, 200, name);
      assert.match(headers['content-type'], type, name);
    }
    const put = await ask(program, { method: 'PUT' });
    assert.equal(put.status, 405);
  });
});
