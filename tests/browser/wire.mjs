// A door in front of the Worker that writes down what really arrives: Playwright tells addresses with their fragment, which never
// travels, so only the far end can say what was sent.

import http from 'node:http';
import net from 'node:net';
import zlib from 'node:zlib';

const TEXT = /^(text\/|application\/(wasm|json|manifest\+json|javascript)|image\/svg)/;

/**
 * compress: by brotli, as Cloudflare does and the local server does not.
 * -> {url, lines: [request line, headers and body of each request, as text; a WebSocket's handshake too], answers: [{path, headers, body}], close()}
 */
export async function wire(worker, { compress = false } = {}) {
  const lines = [];
  const answers = [];
  const { hostname, port } = new URL(worker.url);
  const written = (request) => lines.push([`${request.method} ${request.url}`, ...request.rawHeaders, ''].join('\n')) - 1;
  const server = http.createServer((request, response) => {
    const at = written(request);
    request.on('data', (chunk) => { lines[at] += chunk.toString('latin1'); });
    // A connection of its own: one that was kept may be closed by the time a busy machine uses it again.
    const onward = http.request({ agent: false, hostname, port, method: request.method, path: request.url, headers: { ...request.headers, 'accept-encoding': 'identity' } }, (answer) => {
      const kept = { path: request.url, headers: answer.headers, body: '' };
      answers.push(kept);
      answer.on('data', (chunk) => { kept.body += chunk.toString('latin1'); });
      if (compress && TEXT.test(answer.headers['content-type'] ?? '')) {
        const { 'content-length': length, ...headers } = answer.headers;
        response.writeHead(answer.statusCode, { ...headers, 'content-encoding': 'br' });
        const packed = zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } });
        return answer.pipe(packed).pipe(response);
      }
      response.writeHead(answer.statusCode, answer.headers);
      return answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  const sockets = new Set();
  server.on('upgrade', (request, socket, head) => {
    lines[written(request)] += head.toString('latin1');
    const onward = net.connect(port, hostname, () => {
      const headers = request.rawHeaders.flatMap((text, i) => (i % 2 === 0 ? [`${text}: ${request.rawHeaders[i + 1]}`] : []));
      onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    for (const [one, other] of [[socket, onward], [onward, socket]]) {
      sockets.add(one);
      one.on('error', () => other.destroy()).on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    lines,
    answers,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
    }),
  };
}
