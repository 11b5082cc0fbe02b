// The load generator's program: a process of its own, so that what it costs is not taken from what it loads, and is the same for
// whoever is measured. load.mjs forks it and sends it rounds.
// It speaks over plain sockets, because an HTTP client of Node's costs more per request than either Worker.

import net from 'node:net';

const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');

process.on('message', async (plan) => {
  try {
    process.send({ result: await round(plan) });
  } catch (problem) {
    process.send({ problem: problem.message });
  }
});
process.on('disconnect', () => process.exit());

async function round({ port, requests, connections, count, maxMs, status }) {
  const sockets = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  const took = [];
  let sent = 0;
  const start = performance.now();
  const next = () => {
    if (sent === count || performance.now() - start > maxMs) return null;
    sent += 1;
    return requests[(sent - 1) % requests.length];
  };
  try {
    await Promise.all(sockets.map((socket) => converse(socket, next, `HTTP/1.1 ${status} `, took)));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  const seconds = (performance.now() - start) / 1000;
  took.sort((a, b) => a - b);
  const percentile = (share) => took[Math.ceil(took.length * share) - 1];
  return { n: took.length, rps: took.length / seconds, p50: percentile(0.5), p99: percentile(0.99) };
}

function connect(port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket.setNoDelay()));
    socket.once('error', reject);
  });
}

/** One request after another, until there is none left. */
function converse(socket, next, wanted, took) {
  return new Promise((resolve, reject) => {
    let heard = Buffer.alloc(0);
    let since;
    const say = () => {
      const request = next();
      if (request === null) return resolve();
      since = performance.now();
      socket.write(request);
    };
    socket.once('error', reject).once('close', () => reject(new Error('the Worker closed a connection')));
    socket.on('data', (chunk) => {
      heard = heard.length > 0 ? Buffer.concat([heard, chunk]) : chunk;
      if (!isWhole(heard)) return;
      if (heard.latin1Slice(0, wanted.length) !== wanted) return reject(new Error(`the Worker answered ${heard}`));
      took.push(performance.now() - since);
      heard = Buffer.alloc(0);
      say();
    });
    say();
  });
}

/** Whether this is all of an answer, by its length or its last chunk. */
function isWhole(answer) {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.latin1Slice(0, end));
  return length ? answer.length >= end + 4 + Number(length[1]) : answer.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
}
