// Stands in for bitcoind: the RPC calls that the machine makes, with their official shapes, and bitcoind's own refusals (wrong
// password, RPC open to the world, a prune size under the minimum, loadtxoutset's errors). What happens to its chain, tests say by
// files in /run/kindling-test/host:
//   synced           the download of the chain (with a snapshot: of the snapshot's chain) is complete; it starts at 1234 blocks
//   few-headers      the headers do not reach the snapshot's base yet
//   hold-load        loadtxoutset works on the file until this is gone
//   history-checked  the chainstate in the background has reached the snapshot's base
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import { regtest } from "./regtest.mjs";

const [version, ...args] = process.argv.slice(2);
const told = (name) => fs.existsSync(`/run/kindling-test/host/${name}`);
const datadir = args.find((arg) => arg.startsWith("-datadir="))?.split("=")[1];
if (version.endsWith("-broken")) die("Error: stand-in for a release that does not start");
const config = readConfig(`${datadir}/bitcoin.conf`);
const chains = { main: "", signet: "/signet", testnet4: "/testnet4", regtest: "/regtest" };
if (!(config.chain in chains)) die(`Error: Unknown chain ${config.chain}.`);
const chainDir = `${datadir}${chains[config.chain]}`;
fs.mkdirSync(chainDir, { recursive: true });
const prune = Number(config.prune ?? 0);
if (prune !== 0 && prune < 550) die("Error: Prune configured below the minimum of 550 MiB.");
// A node with a wallet has a chain of its own, in regtest.mjs, and answers on the bridge of a class.
const own = config.disablewallet === "1" ? null : regtest(chainDir);
const dbcache = Number(config.dbcache);
if (!(dbcache >= (own ? 4 : 450) && dbcache <= 8192)) die("Error: dbcache is out of its range");
if (own ? config.chain !== "regtest" : config.rpcbind !== "127.0.0.1" || config.rpcallowip !== "127.0.0.1") die("Error: RPC is not bound to loopback");
const rpcauth = /^(\w+):([0-9a-f]+)\$([0-9a-f]{64})$/.exec(config.rpcauth) ?? die("Error: invalid -rpcauth argument.");
const cookie = `__cookie__:${crypto.randomBytes(32).toString("hex")}`;
fs.writeFileSync(`${chainDir}/.cookie`, cookie, { mode: 0o600 });

// The one snapshot that is compiled in: the hash of its base, and that of its contents.
const BASE = { hash: "000000000000000000010b17283c3c400507969a9c2afd1dcf2082ec5cca2880", height: 880000 };
const CONTENTS = crypto.createHash("sha256").update(Buffer.alloc(3_000_000, "coins")).digest("hex");
const snapshotDir = `${chainDir}/chainstate_snapshot`;
const baseFile = `${snapshotDir}/base_blockhash`;
if (fs.existsSync(snapshotDir) && !fs.existsSync(baseFile)) console.log("[snapshot] snapshot chainstate dir is malformed! no base blockhash file exists");
let snapshot = fs.existsSync(baseFile);
const active = new Set();

const headers = () => (told("few-headers") ? 700000 : 930000);
const blocks = () => (told("synced") ? 930000 : snapshot ? BASE.height : 1234);
const checked = () => !snapshot || told("history-checked");
const progress = (height) => (height === 930000 ? 1 : height === 1234 ? 0.00012 : 0.9);
const hash = (height) => crypto.createHash("sha256").update(`block ${height}`).digest("hex");
const chainstate = (height, from) => ({
  blocks: height, bestblockhash: hash(height), bits: "1702c070", target: "00".repeat(32), difficulty: 1, verificationprogress: progress(height),
  ...(from ? { snapshot_blockhash: BASE.hash } : {}), coins_db_cache_bytes: 8388608, coins_tip_cache_bytes: 8388608, validated: from ? checked() : true,
});

const calls = {
  getblockchaininfo: () => ({
    chain: config.chain, blocks: blocks(), headers: headers(), bestblockhash: hash(blocks()), bits: "1702c070", target: "00".repeat(32),
    difficulty: 1, time: 1790000000, mediantime: 1789996400, verificationprogress: progress(blocks()), initialblockdownload: !told("synced"),
    chainwork: "00".repeat(32), size_on_disk: 2_000_000_000, pruned: prune > 0,
    ...(prune > 0 ? { pruneheight: 0, automatic_pruning: true, prune_target_size: prune * 1048576 } : {}),
    warnings: [],
  }),
  getnetworkinfo: () => ({
    version: 290300, subversion: `/Satoshi:29.3.0/${version.includes("knots") ? `Knots:${/knots(\d+)/.exec(version)[1]}/` : ""}`, protocolversion: 70016,
    localservices: "0000000000000c08", localservicesnames: ["WITNESS", "NETWORK_LIMITED", "P2P_V2"], localrelay: true, timeoffset: 0,
    networkactive: true, connections: 8, connections_in: 0, connections_out: 8, networks: [], relayfee: 0.00001, incrementalfee: 0.00001,
    localaddresses: [], warnings: [],
  }),
  getdeploymentinfo: () => ({
    hash: hash(blocks()), height: blocks(), script_flags: ["P2SH"],
    deployments: {
      bip34: { type: "buried", active: true, height: 227931 }, bip66: { type: "buried", active: true, height: 363725 },
      bip65: { type: "buried", active: true, height: 388381 }, csv: { type: "buried", active: true, height: 419328 },
      segwit: { type: "buried", active: true, height: 481824 },
      testdummy: { type: "bip9", active: false, bip9: { start_time: -2, timeout: 9223372036854775807, min_activation_height: 0, status: "failed", since: 0, status_next: "failed" } },
      taproot: { type: "bip9", height: 709632, active: blocks() >= 709632, bip9: { start_time: 1619222400, timeout: 1628640000, min_activation_height: 709632, status: "active", since: 709632, status_next: "active" } },
    },
  }),
  getchainstates: () => ({
    headers: headers(),
    chainstates: [...(snapshot && !checked() ? [chainstate(1234, false)] : []), chainstate(blocks(), snapshot)],
  }),
  getblockheader: (wanted) => {
    if (wanted !== BASE.hash || told("few-headers")) throw rpc(-5, "Block not found");
    return { hash: BASE.hash, confirmations: -1, height: BASE.height };
  },
  getrpcinfo: () => ({ active_commands: [...[...active].map((method) => ({ method, duration: 1000000 })), { method: "getrpcinfo", duration: 10 }], logpath: "" }),
  loadtxoutset,
};

async function loadtxoutset(file) {
  let bytes;
  try {
    bytes = fs.readFileSync(file);
  } catch {
    throw rpc(-8, `Couldn't open file ${file} for reading.`);
  }
  const parse = (why) => rpc(-22, `Unable to parse metadata: ${why}: iostream error`);
  if (bytes.subarray(0, 5).toString("latin1") !== "utxo\xff")
    throw parse("Invalid UTXO set snapshot magic bytes. Please check if this is indeed a snapshot file or if you are using an outdated snapshot format.");
  if (bytes.readUInt16LE(5) !== 2) throw parse(`Version of snapshot ${bytes.readUInt16LE(5)} does not match any of the supported versions.`);
  const unable = (why) => rpc(-32603, `Unable to load UTXO snapshot: ${why}. (${file})`);
  if (snapshot) throw unable("Can't activate a snapshot-based chainstate more than once");
  const base = Buffer.from(bytes.subarray(11, 43)).reverse().toString("hex");
  if (base !== BASE.hash) throw unable(`assumeutxo block hash in snapshot metadata not recognized (hash: ${base}). The following snapshot heights are available: ${BASE.height}`);
  if (told("few-headers")) throw unable(`The base block header (${base}) must appear in the headers chain. Make sure all headers are syncing, and call loadtxoutset again`);
  if (told("synced")) throw unable("Population failed: Work does not exceed active chainstate");
  // Over the remains of a cut load, the coins database finds itself inconsistent and ends the process (CCoinsViewDB::BatchWrite).
  if (fs.existsSync(snapshotDir)) die("The coins database detected an inconsistent state, likely due to a previous crash or shutdown.");
  fs.mkdirSync(snapshotDir);
  while (told("hold-load")) await new Promise((resolve) => setTimeout(resolve, 50));
  const contents = crypto.createHash("sha256").update(bytes.subarray(51)).digest("hex");
  if (contents !== CONTENTS) {
    fs.rmSync(snapshotDir, { recursive: true });
    throw unable(`Population failed: Bad snapshot content hash: expected ${CONTENTS}, got ${contents}`);
  }
  fs.writeFileSync(baseFile, Buffer.from(BASE.hash, "hex").reverse());
  snapshot = true;
  return { coins_loaded: Number(bytes.readBigUInt64LE(43)), tip_hash: BASE.hash, base_height: BASE.height, path: file };
}

if (own) {
  const plain = calls.getblockchaininfo;
  for (const [method, call] of Object.entries(own.calls)) calls[method] = (...params) => call(wallet, ...params);
  calls.getblockchaininfo = () => {
    const { blocks: height, hash: best, time } = own.tip();
    return { ...plain(), blocks: height, headers: height, bestblockhash: best, time, mediantime: time, verificationprogress: 1, initialblockdownload: time < Date.now() / 1000 - 86400 };
  };
}
let wallet = "";

const server = () => http
  .createServer(async (request, response) => {
    const [kind, encoded] = (request.headers.authorization ?? "").split(" ");
    if (kind !== "Basic" || !known(Buffer.from(encoded, "base64").toString())) return response.writeHead(401).end();
    const { id, method, params = [] } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ ...body, id }));
    if (!(method in calls)) return answer(404, { result: null, error: { code: -32601, message: "Method not found" } });
    active.add(method);
    wallet = /^\/wallet\/(\w+)$/.exec(request.url)?.[1] ?? "";
    try {
      answer(200, { result: await calls[method](...(Array.isArray(params) ? params : [params])), error: null });
    } catch (error) {
      if (!error.code) throw error;
      answer(500, { result: null, error: { code: error.code, message: error.message } });
    } finally {
      active.delete(method);
    }
  })
  .on("error", (error) => die(`Error: Unable to bind: ${error.message}`));
server().listen(Number(config.rpcport), "127.0.0.1", () => console.log(`Bitcoin stand-in ${version} started`));
if (own) server().listen(Number(config.rpcport), "10.61.0.1");

function rpc(code, message) {
  return Object.assign(new Error(message), { code });
}

function known(credentials) {
  if (credentials === cookie) return true;
  const [user, password] = credentials.split(/:(.*)/s);
  const [, name, salt, hash] = rpcauth;
  return user === name && crypto.createHmac("sha256", salt).update(password).digest("hex") === hash;
}

// One value per key, as bitcoind reads it: the sections are for the one chain that is configured.
function readConfig(file) {
  const text = fs.readFileSync(file, "utf8");
  const entries = text.split("\n").filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s).slice(0, 2));
  const config = Object.fromEntries(entries);
  const section = /^\[(\w+)\]$/m.exec(text)?.[1];
  if (section !== config.chain) die(`Warning: Section [${section}] is not recognized.`);
  return config;
}

function die(why) {
  console.error(why);
  process.exit(1);
}
