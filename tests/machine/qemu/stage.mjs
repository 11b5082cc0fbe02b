// What a droplet under qemu finds around it: its disks with the rendered user-data, the Worker, the metadata service, the Bitcoin release
// files and a container registry. The last four are servers of this host.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { once } from "node:events";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startScriptedWorker } from "../scripted-worker.mjs";
import { renderUserData } from "../user-data.mjs";
import { stockRegistry } from "./images.mjs";

const MACHINE = fileURLToPath(new URL("../../../machine", import.meta.url));
const TESTS = fileURLToPath(new URL("..", import.meta.url));
/** This host, as the machine's network calls it. */
const HOST = "10.0.2.2";
const PUBLIC_IP = "203.0.113.7";
export const ORDER = "5f0c".repeat(8);
export const TOKEN = "pairing-token-4f1c9d";

/** The servers that all machines share, and what is made once: keys and the signed release. `work` has a short path. */
export async function setUp({ image, work }) {
  const releases = http.createServer((request, response) => {
    const file = path.join(work, "releases", path.basename(request.url));
    if (!fs.existsSync(file)) return response.writeHead(404).end();
    fs.createReadStream(file).pipe(response);
  });
  const metadata = http.createServer((request, response) => {
    if (request.url !== "/metadata/v1/interfaces/public/0/ipv4/address") response.writeHead(404);
    response.end(response.statusCode === 200 ? PUBLIC_IP : "");
  });
  const registry = stockRegistry(image);
  const [releasesPort, metadataPort, registryPort] = await Promise.all([releases, metadata, registry.server].map(listen));

  // The release list of the test: the images' digests first, then the places of Bitcoin's release and who signed it.
  const list = fs.readFileSync(path.join(MACHINE, "full_node/releases.env"), "utf8").replace(
    /^(LND|LNBITS)_IMAGE=(.*)@.*$/gm,
    (_, name, image) => `${name}_IMAGE=${HOST}:${registryPort}/${image}@${registry.digests[name.toLowerCase()]}`,
  );
  fs.writeFileSync(path.join(work, "releases.env"), list);
  execFileSync("bash", [path.join(TESTS, "stand-ins/make-release.sh")], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", STAGE: work, RELEASES_URL: `http://${HOST}:${releasesPort}` }, stdio: "pipe",
  });
  const key = path.join(work, "id_ed25519");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "customer", "-f", key]);
  const identity = path.join(work, "identity");
  execFileSync("age-keygen", ["-o", identity], { stdio: "ignore" });
  const recipient = execFileSync("age-keygen", ["-y", identity], { encoding: "utf8" }).trim();
  return {
    work, image, key, recipient, metadataPort,
    open: (sealed) => JSON.parse(execFileSync("age", ["--decrypt", "--identity", identity], { input: Buffer.from(sealed, "base64"), encoding: "utf8" })),
  };
}

/** The disks of one new droplet in `folder`, and the Worker that has its order. */
export async function newDroplet({ image, work, key, recipient, metadataPort }, folder) {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN });
  fs.mkdirSync(folder, { recursive: true });
  const disk = path.join(folder, "root.img");
  execFileSync("cp", ["--sparse=always", "--reflink=auto", path.join(image, "root.img"), disk]);
  const volume = { file: path.join(folder, "volume.img"), name: "kindling-data" };
  fs.closeSync(fs.openSync(volume.file, "w"));
  fs.truncateSync(volume.file, 64 * 2 ** 30); // sparse; large enough for a pruned chain

  const cd = path.join(folder, "cd");
  fs.mkdirSync(path.join(cd, "tests"), { recursive: true });
  fs.mkdirSync(path.join(cd, "bin"));
  fs.symlinkSync("/usr/local/bin/node", path.join(cd, "bin/node"));
  fs.cpSync(path.join(TESTS, "stand-ins"), path.join(cd, "tests/stand-ins"), { recursive: true });
  fs.copyFileSync(path.join(work, "releases/releases.env"), path.join(cd, "releases.env"));
  fs.symlinkSync("/var/lib/kindling-test", path.join(cd, "host"));
  fs.writeFileSync(path.join(cd, "meta-data"), JSON.stringify({
    "instance-id": "kindling-test-1", "local-hostname": "kindling-test", "public-keys": [fs.readFileSync(`${key}.pub`, "utf8").trim()],
  }));
  fs.writeFileSync(path.join(cd, "network-config"), JSON.stringify({
    version: 2, ethernets: { eth0: { dhcp4: true }, eth1: { addresses: ["169.254.0.10/16"], "link-local": [] } },
  }));
  fs.writeFileSync(path.join(cd, "user-data"), renderUserData({
    config: {
      KINDLING_URL: worker.url.replace("127.0.0.1", HOST), ORDER_ID: ORDER, PRODUCT: "full_node", BITCOIN: "knots", NETWORK: "mainnet",
      VOLUME_NAME: volume.name, VOLUME_SIZE_GB: "64", TAILSCALE: "no", ASSUMEUTXO_URL: "", NEUTRINO: "no",
    },
    token: TOKEN,
    recipients: [recipient],
  }));
  const seed = path.join(folder, "seed.iso");
  execFileSync("genisoimage", ["-quiet", "-output", seed, "-volid", "cidata", "-joliet", "-rational-rock", cd], { stdio: "pipe" });
  return { worker, machine: { image, work, key, metadataPort, disk, volume, seed } };
}

async function listen(server) {
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return server.address().port;
}
