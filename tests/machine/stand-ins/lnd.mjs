// Stands in for LND: REST over TLS with the official shapes for what the machine calls, and LND's refusals by state. Like LND it
// answers before its backend is synced, unlocks itself from the password file, refuses options it does not know, and talks to
// bitcoind with the configured user, so that a wrong RPC password shows. What happens to it, tests say by files in
// /run/kindling-test/host:
//   neutrino-syncing   the light client has not caught up yet
//   lnd-stuck          on bitcoind, LND never gets as far as RPC_ACTIVE
//   lnd-mute           it does not answer a request to sign
//   channels           how many channels there are
//   search-held        the search of a restored wallet does not end
// and by a file holds.json in its folder, {sats, channels: [POINT...]}: what this wallet holds.
import crypto from "node:crypto";
import fs from "node:fs";
import https from "node:https";
import net from "node:net";
import { execFileSync } from "node:child_process";

const told = (name) => fs.existsSync(`/run/kindling-test/host/${name}`);
const mounts = JSON.parse(process.env.MOUNTS);
const lnddir = mounts["/data/.lnd"];
if (!process.argv.includes("--lnddir=/data/.lnd") || process.env.HOME !== "/data") die("LND does not keep its data where its volume is");
if (process.getuid() === 0) die("LND runs as root");
const config = readConfig(`${lnddir}/lnd.conf`);
const network = ["mainnet", "signet", "testnet4", "regtest"].find((name) => config[`bitcoin.${name}`] === "true") ?? die("either --bitcoin.mainnet, or --bitcoin.testnet, ... must be specified");
const chainDir = `${lnddir}/data/chain/bitcoin/${network}`;
const walletFile = `${chainDir}/wallet.db`;
const macaroonFile = `${chainDir}/admin.macaroon`;
const backupFile = `${chainDir}/channel.backup`;
if (config.restlisten !== "127.0.0.1:8080" || config.rpclisten !== "127.0.0.1:10009") die("REST or gRPC is open to the world");

let state = "WAITING_TO_START";
let wallet = null; // {password, words}; the password hashed

let recovering = false; // this start looks for the addresses of a wallet made from words
let backupToTake = null; // the channel backup that came with the words

const unlockFile = mounts[config["wallet-unlock-password-file"]];
if (!unlockFile && config["wallet-unlock-allow-create"]) die("cannot set wallet-unlock-allow-create without wallet-unlock-password-file");
// Some images of the tests have changed the database's form, and some do not get further than that.
const databaseFile = `${lnddir}/database-version`;
if (/:[^@]*migrates/.test(process.env.IMAGE)) fs.writeFileSync(databaseFile, "2");
else if (fs.existsSync(databaseFile)) die("unable to open databases: channel db cannot revert to prior version");
if (/:[^@]*broken/.test(process.env.IMAGE)) die("stand-in for a release that does not start");
if (!fs.existsSync(walletFile)) {
  if (unlockFile && config["wallet-unlock-allow-create"] !== "true") die("wallet unlock password file was specified but wallet does not exist");
  setTimeout(() => (state = "NON_EXISTING"), 300);
} else if (!unlockFile) state = "LOCKED";
else {
  const why = unlock(fs.readFileSync(unlockFile, "utf8").replace(/\n$/, ""));
  if (why) die(why);
}

const routes = {
  "GET /v1/state": () => ({ state }),
  "GET /v1/genseed": () => {
    walletUnlocker("NON_EXISTING");
    const words = Array.from({ length: 23 }, () => letters(crypto.randomBytes(8)));
    return { cipher_seed_mnemonic: [...words, checksum(words)], enciphered_seed: crypto.randomBytes(33).toString("base64") };
  },
  "POST /v1/initwallet": (body) => {
    walletUnlocker("NON_EXISTING");
    onlyFields(body, ["wallet_password", "cipher_seed_mnemonic", "recovery_window", "channel_backups"]);
    const password = Buffer.from(body.wallet_password ?? "", "base64").toString();
    const words = body.cipher_seed_mnemonic ?? [];
    if (password.length < 8) throw new Error("password must have at least 8 characters");
    if (words.length !== 24) throw new Error(`wrong mnemonic length: got ${words.length}, need 24`);
    const stray = words.findIndex((word) => !/^[a-z]{8}$/.test(word)); // the words of this LND's list have eight letters
    if (stray >= 0) throw new Error(`word ${words[stray]} isn't a part of default word list (index=${stray})`);
    if (words[23] !== checksum(words.slice(0, 23))) throw new Error("mnemonic phrase checksum doesn't match");
    fs.mkdirSync(chainDir, { recursive: true });
    fs.writeFileSync(macaroonFile, crypto.randomBytes(64), { mode: 0o640 });
    fs.writeFileSync(walletFile, JSON.stringify({ password: hash(password), words }), { mode: 0o600 });
    recovering = body.recovery_window > 0;
    backupToTake = body.channel_backups?.multi_chan_backup?.multi_chan_backup;
    unlock(password);
    return { admin_macaroon: fs.readFileSync(macaroonFile).toString("base64") };
  },
  "POST /v1/unlockwallet": (body) => {
    walletUnlocker("LOCKED");
    onlyFields(body, ["wallet_password", "recovery_window", "stateless_init"]);
    recovering = body.recovery_window > 0;
    const why = unlock(Buffer.from(body.wallet_password ?? "", "base64").toString());
    if (why) throw new Error(why);
    return {};
  },
  "GET /v1/getinfo": (_, macaroon) => {
    onlyActive(macaroon);
    return {
      version: "0.21.2-beta commit=v0.21.2-beta", commit_hash: "0e49e542c7243560a70a208d6ddc4fcbcc8e9483", identity_pubkey: identity().hex,
      alias: identity().hex.slice(0, 20), num_pending_channels: 0, num_active_channels: channels(), num_inactive_channels: 0, num_peers: 3,
      block_height: state === "SERVER_ACTIVE" ? 930000 : 1234, block_hash: "00".repeat(32), synced_to_chain: state === "SERVER_ACTIVE",
      synced_to_graph: false, testnet: network !== "mainnet", chains: [{ chain: "bitcoin", network }], uris: [], features: {},
    };
  },
  "GET /v1/balance/blockchain": (_, macaroon) => {
    onlyActive(macaroon);
    return { total_balance: String(holds().sats), confirmed_balance: String(holds().sats), unconfirmed_balance: "0", locked_balance: "0", reserved_balance_anchor_chan: "0", account_balance: {} };
  },
  "GET /v1/channels/pending": (_, macaroon) => {
    onlyActive(macaroon);
    return { total_limbo_balance: "0", pending_open_channels: [], pending_closing_channels: [], pending_force_closing_channels: [], waiting_close_channels: [] };
  },
  "GET /v1/getrecoveryinfo": (_, macaroon) => {
    onlyActive(macaroon);
    const found = recovering && state === "SERVER_ACTIVE" && !told("search-held");
    return { recovery_mode: recovering, recovery_finished: found, progress: found ? 1 : recovering ? 0.37 : 0 };
  },
  "POST /v1/channels/backup/verify": (body, macaroon) => {
    onlyActive(macaroon);
    onlyFields(body, ["single_chan_backups", "multi_chan_backup"]);
    return { chan_points: openBackup(body.multi_chan_backup?.multi_chan_backup, "invalid multi channel backup").points };
  },
  "GET /v1/balance/channels": (_, macaroon) => {
    onlyActive(macaroon);
    return { balance: "0", pending_open_balance: "0" };
  },
  "POST /v2/signer/signmessage": async (body, macaroon) => {
    onlyActive(macaroon);
    onlyFields(body, ["msg", "key_loc", "double_hash", "compact_sig", "schnorr_sig"]);
    if (!body.msg) throw new Error("a message to sign MUST be passed in");
    if (!body.key_loc) throw new Error("a key locator MUST be passed in");
    if (body.key_loc.key_family !== 6 || body.key_loc.key_index !== 0) throw new Error("only the node's own key is played here");
    while (told("lnd-mute")) await new Promise((resolve) => setTimeout(resolve, 100));
    return { signature: crypto.sign("sha256", Buffer.from(body.msg, "base64"), { key: identity().key, dsaEncoding: "der" }).toString("base64") };
  },
  "GET /v1/channels/backup": (_, macaroon) => {
    onlyActive(macaroon);
    return {
      single_chan_backups: { chan_backups: [] },
      multi_chan_backup: { chan_points: [], multi_chan_backup: packedBackup().toString("base64") },
    };
  },
  "POST /v1/channels/backup/restore": (body, macaroon) => {
    onlyActive(macaroon);
    if (state !== "SERVER_ACTIVE") throw new Error("server is still in the process of starting");
    onlyFields(body, ["chan_backups", "multi_chan_backup"]);
    return { num_restored: restore(body.multi_chan_backup) };
  },
};

certificate();
https
  .createServer({ cert: fs.readFileSync(`${lnddir}/tls.cert`), key: fs.readFileSync(`${lnddir}/tls.key`) }, async (request, response) => {
    const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const route = routes[`${request.method} ${request.url}`];
    if (!route) return answer(404, { code: 5, message: "Not Found", details: [] });
    const text = Buffer.concat(await request.toArray()).toString();
    try {
      answer(200, await route(text ? JSON.parse(text) : {}, request.headers["grpc-metadata-macaroon"]));
    } catch (error) {
      answer(500, { code: 2, message: error.message, details: [] });
    }
  })
  .listen(8080, "127.0.0.1");
// A peer's first act of the handshake gets an answer, so that it shows from outside who is reached.
const [host, port] = config.listen.split(":");
net.createServer((peer) => peer.on("error", () => {}).on("data", () => peer.end("lnd"))).listen(Number(port), host);

// The WalletUnlocker service, which is there until the wallet is open.
function walletUnlocker(needed) {
  if (state === "WAITING_TO_START") throw new Error("waiting to start, RPC services not available");
  if (["UNLOCKED", "RPC_ACTIVE", "SERVER_ACTIVE"].includes(state)) throw new Error("wallet already unlocked, WalletUnlocker service is no longer available");
  if (state !== needed) throw new Error(state === "LOCKED" ? "wallet already exists" : "wallet not found");
}

function onlyActive(macaroon) {
  if (state === "WAITING_TO_START") throw new Error("waiting to start, RPC services not available");
  if (state === "NON_EXISTING") throw new Error("wallet not created, create one to enable full RPC access");
  if (state === "LOCKED") throw new Error("wallet locked, unlock it to enable full RPC access");
  if (state === "UNLOCKED") throw new Error("the RPC server is in the process of starting up, but not yet ready to accept calls");
  if (!macaroon) throw new Error("expected 1 macaroon, got 0");
  if (macaroon.toLowerCase() !== fs.readFileSync(macaroonFile).toString("hex")) throw new Error("verification failed: signature mismatch after caveat verification");
}

function onlyFields(body, known) {
  const unknown = Object.keys(body).find((key) => !known.includes(key));
  if (unknown) throw new Error(`proto: (line 1:2): unknown field "${unknown}"`);
}

function unlock(password) {
  wallet = JSON.parse(fs.readFileSync(walletFile, "utf8"));
  if (hash(password) !== wallet.password) return "invalid passphrase for master public key";
  start();
  return null;
}

// UNLOCKED until the backend lets us in, RPC_ACTIVE while it catches up, SERVER_ACTIVE from then on.
async function start() {
  state = "UNLOCKED";
  const node = config["bitcoin.node"];
  if (node === "neutrino" && network === "mainnet" && !config["fee.url"]) die("--fee.url parameter required when running neutrino on mainnet");
  while (state !== "SERVER_ACTIVE") {
    if (node === "neutrino") state = told("neutrino-syncing") ? "RPC_ACTIVE" : "SERVER_ACTIVE";
    else if (!told("lnd-stuck")) state = (await bitcoindState()) ?? state;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (backupToTake) restore(backupToTake);
  for (let last = -1; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    if (channels() === last) continue;
    last = channels();
    fs.writeFileSync(`${chainDir}/temp-dont-use.backup`, packedBackup(), { mode: 0o600 });
    fs.renameSync(`${chainDir}/temp-dont-use.backup`, backupFile);
  }
}

async function bitcoindState() {
  const credentials = Buffer.from(`${config["bitcoind.rpcuser"]}:${config["bitcoind.rpcpass"]}`).toString("base64");
  try {
    const response = await fetch(`http://${config["bitcoind.rpchost"]}/`, {
      method: "POST",
      headers: { authorization: `Basic ${credentials}` },
      body: JSON.stringify({ id: 1, method: "getblockchaininfo", params: [] }),
    });
    if (response.status === 401) die("unable to connect to bitcoind: status code: 401");
    if (!response.ok) return null;
    const { result } = await response.json();
    return result.initialblockdownload ? "RPC_ACTIVE" : "SERVER_ACTIVE";
  } catch {
    return null; // bitcoind is not there yet, or is stopped amid its answer
  }
}

function channels() {
  return told("channels") ? Number(fs.readFileSync("/run/kindling-test/host/channels", "utf8")) : holds().channels.length;
}

function holds() {
  const file = `${lnddir}/holds.json`;
  return { sats: 0, channels: [], ...(fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : {}) };
}

/** The node's own key, made of the seed words, so that the same words are the same node. */
function identity() {
  const curve = crypto.createECDH("secp256k1");
  curve.setPrivateKey(crypto.createHash("sha256").update(`identity ${wallet.words.join(" ")}`).digest());
  const point = curve.getPublicKey();
  const part = (from, to) => point.subarray(from, to).toString("base64url");
  const jwk = { kty: "EC", crv: "secp256k1", d: curve.getPrivateKey().toString("base64url"), x: part(1, 33), y: part(33, 65) };
  return { hex: curve.getPublicKey("hex", "compressed"), key: crypto.createPrivateKey({ key: jwk, format: "jwk" }) };
}

// A packed multi backup is encrypted to the seed: here it is only authenticated by it.
function packedBackup(content = Buffer.from(JSON.stringify({ channels: channels(), points: holds().channels }))) {
  const seal = crypto.createHmac("sha256", wallet.words.join(" ")).update(content).digest();
  return Buffer.concat([seal, content]);
}

function openBackup(packed, complaint) {
  const bytes = Buffer.from(packed ?? "", "base64");
  const content = bytes.subarray(32);
  if (bytes.length < 33 || !packedBackup(content).equals(bytes)) throw new Error(`${complaint}: unable to decrypt multi: chacha20poly1305: message authentication failed`);
  return JSON.parse(content);
}

// Channels that are known already are not counted.
function restore(packed) {
  const { points } = openBackup(packed, "unable to unpack chan backup");
  const known = holds();
  const unknown = points.filter((point) => !known.channels.includes(point));
  fs.writeFileSync(`${lnddir}/holds.json`, JSON.stringify({ ...known, channels: [...known.channels, ...unknown] }));
  return unknown.length;
}

function certificate() {
  if (fs.existsSync(`${lnddir}/tls.cert`)) return;
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/O=lnd autogenerated cert/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", `${lnddir}/tls.key`, "-out", `${lnddir}/tls.cert.new`,
  ], { stdio: "ignore" });
  fs.chmodSync(`${lnddir}/tls.cert.new`, 0o644);
  fs.renameSync(`${lnddir}/tls.cert.new`, `${lnddir}/tls.cert`); // whole or not at all, wherever a power cut comes
}

function hash(text) {
  return crypto.createHash("sha256").update(text).digest("hex");
}

function letters(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(97 + (byte % 26))).join("");
}

function checksum(words) {
  return letters(crypto.createHash("sha256").update(words.join(" ")).digest().subarray(0, 8));
}

// LND knows an option under the heading of its group, or any under the first heading; it does not start on one it does not know.
function readConfig(file) {
  const known = {
    "application options": /^(listen|externalip|rpclisten|restlisten|tlsdisableautofill|tlscertduration|wallet-unlock-password-file|wallet-unlock-allow-create|logging\.file\.max-files|logging\.file\.max-file-size|fee\.url|alias|debuglevel|nolisten|accept-keysend|(bitcoin|bitcoind|neutrino)\..*)$/,
    bitcoin: /^bitcoin\.(mainnet|signet|testnet4|regtest|node)$/,
    bitcoind: /^bitcoind\.(rpchost|rpcuser|rpcpass|zmqpubrawblock|zmqpubrawtx|pruned-node-max-peers|estimatemode)$/,
    neutrino: /^neutrino\.(addpeer|connect|maxpeers|persistfilters|validatechannels|blockheaderssource|filterheaderssource)$/,
  };
  const config = {};
  let section = "application options";
  for (const line of fs.readFileSync(file, "utf8").split("\n").map((text) => text.trim())) {
    if (!line || /^[;#]/.test(line)) continue;
    const heading = /^\[(.+)\]$/.exec(line)?.[1].toLowerCase();
    if (heading) {
      if (!(heading in known)) die(`could not find option group \`${heading}'`);
      section = heading;
      continue;
    }
    const [key, value] = line.split(/=(.*)/s);
    if (!known[section].test(key)) die(`unknown option: ${key}`);
    config[key] = value;
  }
  if (!["bitcoind", "neutrino"].includes(config["bitcoin.node"])) die("only btcd, bitcoind, and neutrino mode supported for bitcoin at this time");
  return config;
}

function die(why) {
  console.error(why);
  process.exit(1);
}
