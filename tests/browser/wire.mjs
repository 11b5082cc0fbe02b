// A door in front of the Worker that writes down what really arrives: Playwright tells addresses with their fragment, which never
// travels, so only the far end can say what was sent.

import http from 'node:http';

/** -> {url, lines: [request line, headers and body of each request, as text], close()}. WebSockets are not let through. */
export async function wire(worker) {
  const lines = [];
  const { hostname, port } = new URL(worker.url);
  const server = http.createServer((request, response) => {
    const at = lines.push([`${request.method} ${request.url}`, ...request.rawHeaders, ''].join('\n')) - 1;
    request.on('data', (chunk) => { lines[at] += chunk.toString('latin1'); });
    const onward = http.request({ hostname, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('upgrade', (request, socket) => socket.destroy());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    lines,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}
