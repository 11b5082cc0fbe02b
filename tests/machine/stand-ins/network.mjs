// What the machine's network reaches: the Worker (through boot.mjs's socket file), the cloud's metadata service at its real
// address, and a host with Bitcoin's release files.
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import { once } from "node:events";

const stage = "/run/kindling-test";
const { publicIp, workerPort } = JSON.parse(fs.readFileSync(`${stage}/host/network.json`, "utf8"));
const fault = (name) => fs.readFileSync(`${stage}/host/faults`, "utf8").split("\n").includes(name);

const relay = net.createServer((inner) => {
  const outer = net.connect(`${stage}/host/worker.sock`);
  for (const [from, to] of [[inner, outer], [outer, inner]]) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
});

const metadata = http.createServer((request, response) => {
  if (request.url === "/metadata/v1/interfaces/public/0/ipv4/address") response.end(publicIp);
  else response.writeHead(404).end("not found");
});

// "release-archive" changes the archive after it was signed; "release-signature" changes what was signed.
const releases = http.createServer((request, response) => {
  const file = `${stage}/releases/${request.url.slice(1)}`;
  if (!/^\/[\w.-]+$/.test(request.url) || !fs.existsSync(file)) return response.writeHead(404).end();
  const tampered =
    (request.url.endsWith(".tar.gz") && fault("release-archive")) || (request.url === "/SHA256SUMS" && fault("release-signature"));
  response.end(Buffer.concat([fs.readFileSync(file), Buffer.from(tampered ? "\n" : "")]));
});

relay.listen(workerPort, "127.0.0.1");
metadata.listen(80, "169.254.169.254");
releases.listen(18999, "127.0.0.1");
await Promise.all([relay, metadata, releases].map((server) => once(server, "listening")));
fs.writeFileSync(`${stage}/network-ready`, "ready\n");
