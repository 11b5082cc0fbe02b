// What the machine's network reaches: the Worker (through boot.mjs's socket file), the cloud's metadata service at its real
// address and outside of the machine (a second process, with the argument "metadata"), and a host with Bitcoin's release files.
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const stage = "/run/kindling-test";
const { publicIp, workerPort } = JSON.parse(fs.readFileSync(`${stage}/host/network.json`, "utf8"));
const fault = (name) => fs.readFileSync(`${stage}/host/faults`, "utf8").split("\n").includes(name);

if (process.argv[2] === "metadata") {
  const server = http.createServer((request, response) => {
    if (request.url === "/metadata/v1/interfaces/public/0/ipv4/address") response.end(publicIp);
    else response.writeHead(404).end("not found");
  });
  server.listen(80, "169.254.169.254", () => console.log("listening"));
  await new Promise(() => {});
}

const relay = net.createServer((inner) => {
  const outer = net.connect(`${stage}/host/worker.sock`);
  for (const [from, to] of [[inner, outer], [outer, inner]]) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
});

// "release-archive" changes the archive after it was signed; "release-signature" changes what was signed.
const releases = http.createServer((request, response) => {
  if (request.url === "/utxo.dat") return snapshot(request, response);
  const file = `${stage}/releases/${request.url.slice(1)}`;
  if (!/^\/[\w.-]+$/.test(request.url) || !fs.existsSync(file)) return response.writeHead(404).end();
  const tampered =
    (request.url.endsWith(".tar.gz") && fault("release-archive")) || (request.url === "/SHA256SUMS" && fault("release-signature"));
  response.end(Buffer.concat([fs.readFileSync(file), Buffer.from(tampered ? "\n" : "")]));
});

// The UTXO snapshot that the stand-in for bitcoind knows, with ranges as a file server has them. "snapshot-tampered" changes a coin;
// "snapshot-slow" sends a third and then waits, until the fault is cleared; "snapshot-missing" has none.
const metadataOfSnapshot = Buffer.alloc(51);
metadataOfSnapshot.write("utxo\xff", "latin1");
metadataOfSnapshot.writeUInt16LE(2, 5);
metadataOfSnapshot.write("f9beb4d9", 7, "hex");
Buffer.from("000000000000000000010b17283c3c400507969a9c2afd1dcf2082ec5cca2880", "hex").reverse().copy(metadataOfSnapshot, 11);
metadataOfSnapshot.writeBigUInt64LE(600000n, 43);

async function snapshot(request, response) {
  if (fault("snapshot-missing")) return response.writeHead(404).end();
  const whole = Buffer.concat([metadataOfSnapshot, Buffer.alloc(3_000_000, "coins")]);
  if (fault("snapshot-tampered")) whole[1000] ^= 1;
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  fs.appendFileSync(`${stage}/snapshot-requests`, `${request.method} ${from}\n`);
  if (from >= whole.length) return response.writeHead(416, { "content-range": `bytes */${whole.length}` }).end();
  const range = from > 0 ? { "content-range": `bytes ${from}-${whole.length - 1}/${whole.length}` } : {};
  response.writeHead(from > 0 ? 206 : 200, { "content-length": whole.length - from, "accept-ranges": "bytes", ...range });
  if (request.method === "HEAD") return response.end();
  const third = Math.min(whole.length, from + 1_000_000);
  response.write(whole.subarray(from, third));
  while (fault("snapshot-slow") && !response.destroyed) await new Promise((resolve) => setTimeout(resolve, 50));
  response.end(whole.subarray(third));
}

relay.listen(workerPort, "127.0.0.1");
releases.listen(18999, "127.0.0.1");
const metadata = spawn("nsenter", [`--net=${stage}/outside-net`, process.execPath, fileURLToPath(import.meta.url), "metadata"], { stdio: ["ignore", "pipe", "inherit"] });
await Promise.all([once(relay, "listening"), once(releases, "listening"), once(metadata.stdout, "data")]);
fs.writeFileSync(`${stage}/network-ready`, "ready\n");
