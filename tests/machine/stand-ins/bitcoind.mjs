// Stands in for bitcoind: the RPC calls that the machine makes, with their official shapes, and bitcoind's own refusals (wrong
// password, RPC open to the world, a prune size under the minimum). Its chain is at the start of a download, until the
// file /run/kindling-test/host/synced exists.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";

const [version, ...args] = process.argv.slice(2);
const datadir = args.find((arg) => arg.startsWith("-datadir="))?.split("=")[1];
const config = readConfig(`${datadir}/bitcoin.conf`);
if (version.endsWith("-broken")) die("Error: stand-in for a release that does not start");
const prune = Number(config.prune ?? 0);
if (prune !== 0 && prune < 550) die("Error: Prune configured below the minimum of 550 MiB.");
if (config.rpcbind !== "127.0.0.1" || config.rpcallowip !== "127.0.0.1") die("Error: RPC is not bound to loopback");
const rpcauth = /^(\w+):([0-9a-f]+)\$([0-9a-f]{64})$/.exec(config.rpcauth) ?? die("Error: invalid -rpcauth argument.");
const cookie = `__cookie__:${crypto.randomBytes(32).toString("hex")}`;
fs.writeFileSync(`${datadir}/.cookie`, cookie, { mode: 0o600 });

const results = {
  getblockchaininfo: () => {
    const synced = fs.existsSync("/run/kindling-test/host/synced");
    return {
      chain: config.chain, blocks: synced ? 930000 : 1234, headers: 930000,
      bestblockhash: "00".repeat(32), difficulty: 1, time: 1231006505, mediantime: 1231006505,
      verificationprogress: synced ? 1 : 0.00012, initialblockdownload: !synced, chainwork: "00".repeat(32),
      size_on_disk: 2_000_000_000, pruned: prune > 0, ...(prune > 0 ? { pruneheight: 0, automatic_pruning: true, prune_target_size: prune * 1048576 } : {}),
      warnings: [],
    };
  },
  getdeploymentinfo: () => ({
    hash: "00".repeat(32), height: 1234, script_flags: ["P2SH", "TAPROOT"],
    deployments: {
      csv: { type: "buried", active: true, height: 419328 },
      taproot: { type: "buried", active: true, height: 709632 },
      testdummy: { type: "bip9", active: false, bip9: { status: "defined", since: 0 } },
    },
  }),
  getnetworkinfo: () => ({ version: 290300, subversion: `/Satoshi:${version}/`, protocolversion: 70016, connections: 8, networkactive: true, warnings: [] }),
};

http
  .createServer(async (request, response) => {
    const [kind, encoded] = (request.headers.authorization ?? "").split(" ");
    if (kind !== "Basic" || !known(Buffer.from(encoded, "base64").toString())) return response.writeHead(401).end();
    const { id, method } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ ...body, id }));
    if (!(method in results)) return answer(404, { result: null, error: { code: -32601, message: "Method not found" } });
    answer(200, { result: results[method](), error: null });
  })
  .listen(Number(config.rpcport), "127.0.0.1", () => console.log(`Bitcoin stand-in ${version} started`));

function known(credentials) {
  if (credentials === cookie) return true;
  const [user, password] = credentials.split(/:(.*)/s);
  const [, name, salt, hash] = rpcauth;
  return user === name && crypto.createHmac("sha256", salt).update(password).digest("hex") === hash;
}

// One value per key, as bitcoind reads it: the sections are for the one chain that is configured.
function readConfig(file) {
  const entries = fs.readFileSync(file, "utf8").split("\n").filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s).slice(0, 2));
  return Object.fromEntries(entries);
}

function die(why) {
  console.error(why);
  process.exit(1);
}
