// The load generator: a process of its own, so that what it costs is not taken from the process that it loads and is the same for
// whoever is measured. It is forked; each message is one round, and so is each answer.
// Plain sockets instead of an HTTP client, because a client costs more per request than the Worker does.

import net from 'node:net';

/** One round: {port, requests (raw texts, taken in turn), count, maxMs, status (what every answer must have)} -> {count, rps, p50, p99} */
async function round({ port, requests, connections = 16, count, maxMs, status }) {
  const took = [];
  const wanted = Buffer.from(`HTTP/1.1 ${status} `);
  let sent = 0;
  const sockets = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  const start = performance.now();
  const next = () => (sent < count && performance.now() - start < maxMs ? requests[sent++ % requests.length] : null);
  try {
    await Promise.all(sockets.map((socket) => converse(socket, next, wanted, took)));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  const seconds = (performance.now() - start) / 1000;
  took.sort((a, b) => a - b);
  const share = (part) => took[Math.ceil(took.length * part) - 1];
  return { count: took.length, rps: took.length / seconds, p50: share(0.5), p99: share(0.99) };
}

function connect(port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket.setNoDelay()));
    socket.once('error', reject);
  });
}

/** Sends one request after another until there is none left. */
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
    socket.once('error', reject).once('close', () => reject(new Error('the connection was closed')));
    socket.on('data', (chunk) => {
      heard = heard.length ? Buffer.concat([heard, chunk]) : chunk;
      if (!isWhole(heard)) return;
      if (heard.compare(wanted, 0, wanted.length, 0, wanted.length) !== 0) return reject(new Error(`an unexpected answer: ${heard}`));
      took.push(performance.now() - since);
      heard = Buffer.alloc(0);
      say();
    });
    say();
  });
}

/** Whether this is a whole answer, by its length or its last chunk. */
function isWhole(answer) {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.latin1Slice(0, end));
  return length ? answer.length >= end + 4 + Number(length[1]) : answer.subarray(-7).equals(LAST_CHUNK);
}
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');

process.on('message', async (plan) => {
  try {
    process.send({ result: await round(plan) });
  } catch (problem) {
    process.send({ problem: problem.message });
  }
});
process.on('disconnect', () => process.exit());
