// A server in front of the Worker that can be down, slow, or have a new version, which Playwright's routes cannot be for a service worker.

import http from 'node:http';

const HASHED = /^\/[a-z_-]+-[0-9a-f]{16}\.(js|wasm|txt)$/;

/**
 * -> {url, seen: [path of each request], close()} and what may be set: `isDown` (nothing is answered), `isSlow` (pages are never answered),
 * `build` (another service worker), `hasForgotten` (files with a hash in their name are gone, as after a deployment), `opens` (a promise: nothing is
 * answered before)
 */
export async function front(worker) {
  const { hostname, port } = new URL(worker.url);
  const own = { seen: [], isDown: false, isSlow: false, build: null, hasForgotten: false, opens: null };
  // A connection of its own each: one that was kept may be closed by the time a busy machine uses it again.
  const onward = ({ method, url, headers }) => http.request({ agent: false, hostname, port, method, path: url, headers });

  const server = http.createServer(async (request, response) => {
    own.seen.push(request.url);
    await own.opens;
    const isPage = request.headers['sec-fetch-mode'] === 'navigate';
    if (own.isDown) return request.socket.destroy();
    if (own.isSlow && isPage) return request.resume();
    // A new version is no "304 Not Modified".
    const { 'if-none-match': _, 'if-modified-since': __, ...headers } = request.headers;
    const path = own.hasForgotten && HASHED.test(request.url) ? '/a-name-that-is-gone' : request.url;
    const sent = onward({ method: request.method, url: path, headers: { ...headers, 'accept-encoding': 'identity' } });
    sent.on('error', () => response.destroy());
    sent.on('response', async (answer) => {
      if (path !== '/sw.js' || !own.build) {
        response.writeHead(answer.statusCode, answer.headers);
        return answer.pipe(response);
      }
      const script = Buffer.concat(await answer.toArray()).toString().replace(/"kindling-[0-9a-f]{16}"/, `"kindling-${own.build}"`);
      response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'], 'cache-control': 'no-cache' });
      response.end(script);
    });
    return request.pipe(sent);
  });
  server.on('upgrade', async (request, socket) => {
    socket.on('error', () => socket.destroy());
    await own.opens;
    if (own.isDown) return socket.destroy();
    const sent = onward(request);
    for (const end of [sent, socket]) end.on('error', () => socket.destroy());
    sent.on('response', () => socket.destroy());
    sent.on('upgrade', (answer, far) => {
      const lines = answer.rawHeaders.reduce((text, part, at) => text + part + (at % 2 ? '\r\n' : ': '), 'HTTP/1.1 101 Switching Protocols\r\n');
      socket.write(`${lines}\r\n`);
      far.on('error', () => socket.destroy());
      socket.on('error', () => far.destroy());
      far.pipe(socket).pipe(far);
    });
    return sent.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(own, {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  });
}
