// How large the Worker is when it is uploaded: Cloudflare takes at most 3 MB of it compressed by gzip on the free plan.

import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { BUILD } from '../support/paths.mjs';

export const rows = ['worker_compressed_bytes', 'worker_brotli_bytes'];

export async function measure() {
  const folder = path.join(BUILD, 'worker');
  const files = fs.readdirSync(folder, { recursive: true }).filter((file) => /\.(js|wasm)$/.test(file)).map((file) => fs.readFileSync(path.join(folder, file)));
  const total = (compress) => files.reduce((sum, file) => sum + compress(file).length, 0);
  return [
    { name: 'worker_compressed_bytes', value: total(zlib.gzipSync), unit: 'bytes gzip', n: files.length, note: 'all modules; the limit is 3 MB' },
    { name: 'worker_brotli_bytes', value: total(zlib.brotliCompressSync), unit: 'bytes brotli', n: files.length, note: 'all modules' },
  ];
}
