// QR codes as a phone sees them: found in a picture and read by ZXing, which knows nothing of how ours are made; and PDFs as a printer
// sees them: drawn by PDFium, and taken apart to the last stream.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { PDFiumLibrary } from '@hyzyla/pdfium';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

const own = createRequire(import.meta.url);
// It would fetch its wasm from a server on the internet otherwise.
prepareZXingModule({ overrides: { wasmBinary: fs.readFileSync(own.resolve('zxing-wasm/reader/zxing_reader.wasm')) } });

/** picture: a PNG or JPEG, or {data, width, height} -> [{text, x, y, width, height}] of every QR code in it, in pixels */
export async function readCodes(picture) {
  const codes = await readBarcodes(picture, { formats: ['QRCode'], tryHarder: true, maxNumberOfSymbols: 255 });
  return codes.filter(({ isValid }) => isValid).map(({ text, position }) => {
    const corners = [position.topLeft, position.topRight, position.bottomLeft, position.bottomRight];
    const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
    return { text, x: Math.min(...xs), y: Math.min(...ys), width: Math.max(...xs) - Math.min(...xs), height: Math.max(...ys) - Math.min(...ys) };
  });
}

let library;
/** -> [{width, height: in points, picture: {data, width, height}, scale: pixels to a point}] of each page */
export async function drawPdf(bytes, { scale = 3 } = {}) {
  library ??= await PDFiumLibrary.init();
  const document = await library.loadDocument(bytes);
  const pages = [];
  for (const page of document.pages()) {
    const { originalWidth: width, originalHeight: height } = page.getOriginalSize();
    const drawn = await page.render({ scale, render: 'bitmap' });
    const picture = { data: new Uint8ClampedArray(drawn.data), width: drawn.width, height: drawn.height };
    pages.push({ width, height, picture, scale });
  }
  document.destroy();
  return pages;
}

/** The whole file with each compressed stream unpacked, as one text to search. */
export function pdfInside(bytes) {
  const text = bytes.toString('latin1');
  const parts = [text];
  for (const { index, 0: begin } of text.matchAll(/stream\r?\n/g)) {
    try {
      parts.push(zlib.inflateSync(bytes.subarray(index + begin.length), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString('latin1'));
    } catch {
      // Not a compressed one.
    }
  }
  return parts.join('\n');
}

/** What is written in a PDF of ours, line by line: its fonts are the standard ones, so its strings are plain. */
export const pdfLines = (bytes) => [...pdfInside(bytes).matchAll(/\(((?:[^()\\]|\\.)*)\) Tj/g)].map(([, line]) => line.replace(/\\(.)/g, '$1'));

/** {data: four bytes to a pixel, red first, width, height} -> a PNG */
export function toPng({ data, width, height }) {
  const chunk = (type, content) => {
    const body = Buffer.concat([Buffer.from(type), content]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    sum.writeUInt32BE(zlib.crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    at += 1;
    for (let x = 0; x < width; x += 1) {
      const pixel = (y * width + x) * 4;
      rows.set(data.subarray(pixel, pixel + 3), at);
      at += 3;
    }
  }
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** What `toPng` and Chromium write (8 bits, no interlacing, with or without alpha) -> {data: four bytes to a pixel, width, height} */
export function fromPng(png) {
  const [width, height, depth, kind, interlaced] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25], png[28]];
  const channels = { 2: 3, 6: 4 }[kind];
  if (depth !== 8 || !channels || interlaced) throw new Error(`a PNG of another kind: ${depth} bits, colour type ${kind}`);
  const parts = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const raw = zlib.inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const rows = Buffer.alloc(stride * height);
  const predict = [() => 0, (a) => a, (a, b) => b, (a, b) => (a + b) >> 1, paeth];
  for (let y = 0; y < height; y += 1) {
    const filter = predict[raw[y * (stride + 1)]];
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x >= channels ? rows[at - channels] : 0;
      const above = y > 0 ? rows[at - stride] : 0;
      const corner = x >= channels && y > 0 ? rows[at - stride - channels] : 0;
      rows[at] = raw[y * (stride + 1) + 1 + x] + filter(left, above, corner);
    }
  }
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel += 1) data.set(rows.subarray(pixel * channels, (pixel + 1) * channels), pixel * 4);
  return { data, width, height };
}

function paeth(left, above, corner) {
  const [a, b, c] = [left, above, corner].map((value) => Math.abs(left + above - corner - value));
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}
