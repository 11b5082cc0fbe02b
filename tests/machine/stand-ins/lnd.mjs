// Stands in for LND: REST over TLS with the official shapes for state, genseed, initwallet, unlockwallet, getinfo, the balances,
// channel backups and the search of a restored wallet, and LND's refusals by state. A file holds.json in its folder says what the
// wallet holds; the file /run/kindling-test/search-held keeps a search from ending. Like LND it answers before bitcoind is synced, unlocks itself from the password file, and talks to
// bitcoind with the configured user, so that a wrong RPC password shows.
import crypto from "node:crypto";
import fs from "node:fs";
import https from "node:https";
import { execFileSync } from "node:child_process";

const mounts = JSON.parse(process.env.MOUNTS);
const lnddir = mounts["/root/.lnd"];
const config = readConfig(`${lnddir}/lnd.conf`);
const network = ["mainnet", "signet", "testnet4", "regtest"].find((name) => config[`bitcoin.${name}`] === "true");
const walletFile = `${lnddir}/data/chain/bitcoin/${network}/wallet.db`;
const macaroonFile = `${lnddir}/data/chain/bitcoin/${network}/admin.macaroon`;
if (config.restlisten !== "127.0.0.1:8080" || config.rpclisten !== "127.0.0.1:10009") die("REST or gRPC is open to the world");

let state = "WAITING_TO_START";
let recovering = false; // this start looks for the addresses of a wallet made from words

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
} else {
  const { password } = wallet();
  if (!unlockFile) state = "LOCKED";
  else if (hash(fs.readFileSync(unlockFile, "utf8").replace(/\n$/, "")) !== password) die("invalid passphrase for master public key");
  else start();
}

const routes = {
  "GET /v1/state": () => ({ state }),
  "GET /v1/genseed": () => {
    onlyWithoutWallet();
    const words = Array.from({ length: 23 }, () => letters(crypto.randomBytes(8)));
    return { cipher_seed_mnemonic: [...words, checkWord(words)], enciphered_seed: crypto.randomBytes(33).toString("base64") };
  },
  "POST /v1/initwallet": ({ wallet_password, cipher_seed_mnemonic: words = [], recovery_window = 0, channel_backups, ...unknown }) => {
    onlyWithoutWallet();
    if (Object.keys(unknown).length) throw new Error(`unknown field "${Object.keys(unknown)[0]}"`);
    const password = Buffer.from(wallet_password ?? "", "base64").toString();
    if (password.length < 8) throw new Error("password must have at least 8 characters");
    const stray = words.findIndex((word) => !/^[a-z]{8}$/.test(word)); // the words of this LND's list have eight letters
    if (stray >= 0) throw new Error(`word ${words[stray]} isn't a part of default word list (index=${stray})`);
    if (words.length !== 24 || words[23] !== checkWord(words.slice(0, 23))) throw new Error("mnemonic phrase checksum doesn't match");
    fs.mkdirSync(`${lnddir}/data/chain/bitcoin/${network}`, { recursive: true });
    fs.writeFileSync(macaroonFile, crypto.randomBytes(64), { mode: 0o600 });
    fs.writeFileSync(walletFile, JSON.stringify({ password: hash(password), seed: hash(words.join(" ")) }), { mode: 0o600 });
    recovering = recovery_window > 0;
    start(channel_backups?.multi_chan_backup?.multi_chan_backup);
    return { admin_macaroon: fs.readFileSync(macaroonFile).toString("base64") };
  },
  "POST /v1/unlockwallet": ({ wallet_password, recovery_window = 0 }) => {
    if (state === "NON_EXISTING") throw new Error("wallet not found");
    if (state !== "LOCKED") throw new Error("wallet already unlocked, WalletUnlocker service is no longer available");
    if (hash(Buffer.from(wallet_password ?? "", "base64").toString()) !== wallet().password) throw new Error("invalid passphrase for master public key");
    recovering = recovery_window > 0;
    start();
    return {};
  },
  "GET /v1/getinfo": (_, macaroon) => {
    onlyActive(macaroon);
    return {
      version: "0.21.2-beta", identity_pubkey: "02" + "11".repeat(32), synced_to_chain: state === "SERVER_ACTIVE", block_height: 1234, num_peers: 3,
      num_active_channels: holds().channels.length, num_inactive_channels: 0, num_pending_channels: 0, chains: [{ chain: "bitcoin", network }],
    };
  },
  "GET /v1/balance/blockchain": (_, macaroon) => {
    onlyActive(macaroon);
    return { total_balance: String(holds().sats), confirmed_balance: String(holds().sats), unconfirmed_balance: "0" };
  },
  "GET /v1/channels/pending": (_, macaroon) => {
    onlyActive(macaroon);
    return { total_limbo_balance: "0", pending_open_channels: [], pending_force_closing_channels: [], waiting_close_channels: [] };
  },
  "GET /v1/getrecoveryinfo": (_, macaroon) => {
    onlyActive(macaroon);
    const found = recovering && state === "SERVER_ACTIVE" && !fs.existsSync("/run/kindling-test/search-held");
    return { recovery_mode: recovering, recovery_finished: found, progress: found ? 1 : recovering ? 0.37 : 0 };
  },
  "POST /v1/channels/backup/verify": ({ multi_chan_backup }, macaroon) => {
    onlyActive(macaroon);
    return { chan_points: openBackup(multi_chan_backup?.multi_chan_backup, "invalid multi channel backup") };
  },
  "POST /v1/channels/backup/restore": ({ multi_chan_backup }, macaroon) => {
    onlyActive(macaroon);
    if (state !== "SERVER_ACTIVE") throw new Error("server is still in the process of starting");
    return { num_restored: takeUp(openBackup(multi_chan_backup, "unable to unpack chan backup")) };
  },
  "GET /v1/balance/channels": (_, macaroon) => {
    onlyActive(macaroon);
    return { balance: "0", pending_open_balance: "0" };
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
      answer(200, route(text ? JSON.parse(text) : {}, request.headers["grpc-metadata-macaroon"]));
    } catch (error) {
      answer(500, { code: 2, message: error.message, details: [] });
    }
  })
  .listen(8080, "127.0.0.1");

function onlyWithoutWallet() {
  if (state === "WAITING_TO_START") throw new Error("waiting to start, RPC services not available");
  if (state !== "NON_EXISTING") throw new Error("wallet already unlocked, WalletUnlocker service is no longer available");
}

function onlyActive(macaroon) {
  if (state === "NON_EXISTING") throw new Error("wallet not created, create one to enable full RPC access");
  if (!["RPC_ACTIVE", "SERVER_ACTIVE"].includes(state)) throw new Error("the RPC server is in the process of starting up, but not yet ready to accept calls");
  if (macaroon?.toLowerCase() !== fs.readFileSync(macaroonFile).toString("hex")) throw new Error("verification failed: signature mismatch after caveat verification");
}

// UNLOCKED until bitcoind lets us in, RPC_ACTIVE while it downloads the chain, SERVER_ACTIVE from then on.
async function start(channelBackup) {
  state = "UNLOCKED";
  for (;;) {
    const credentials = Buffer.from(`${config["bitcoind.rpcuser"]}:${config["bitcoind.rpcpass"]}`).toString("base64");
    const response = await fetch(`http://${config["bitcoind.rpchost"]}/`, {
      method: "POST",
      headers: { authorization: `Basic ${credentials}` },
      body: JSON.stringify({ id: 1, method: "getblockchaininfo", params: [] }),
    }).catch(() => null);
    if (response?.status === 401) die("unable to connect to bitcoind: status code: 401");
    if (response?.ok) {
      const { result } = await response.json();
      state = result.initialblockdownload ? "RPC_ACTIVE" : "SERVER_ACTIVE";
    }
    if (state === "SERVER_ACTIVE") {
      if (channelBackup) takeUp(openBackup(channelBackup, "unable to unpack chan backup"));
      saveBackup();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function wallet() {
  return JSON.parse(fs.readFileSync(walletFile, "utf8"));
}

function holds() {
  const file = `${lnddir}/holds.json`;
  return { sats: 0, channels: [], ...(fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : {}) };
}

// A channel backup here: sixteen bytes that only the wallet's own seed gives, then the channels.
function saveBackup() {
  const tag = Buffer.from(wallet().seed, "hex").subarray(0, 16);
  fs.writeFileSync(walletFile.replace("wallet.db", "channel.backup"), Buffer.concat([tag, Buffer.from(JSON.stringify(holds().channels))]), { mode: 0o600 });
}

function openBackup(text, complaint) {
  const bytes = Buffer.from(text ?? "", "base64");
  if (!bytes.subarray(0, 16).equals(Buffer.from(wallet().seed, "hex").subarray(0, 16))) throw new Error(`${complaint}: chacha20poly1305: message authentication failed`);
  return JSON.parse(bytes.subarray(16).toString());
}

function takeUp(channels) {
  const known = holds();
  const unknown = channels.filter((channel) => !known.channels.includes(channel));
  fs.writeFileSync(`${lnddir}/holds.json`, JSON.stringify({ ...known, channels: [...known.channels, ...unknown] }));
  return unknown.length;
}

function letters(bytes) {
  return Array.from(bytes.subarray(0, 8), (byte) => String.fromCharCode(97 + (byte % 26))).join("");
}

function checkWord(words) {
  return letters(crypto.createHash("sha256").update(words.join(" ")).digest());
}

function certificate() {
  if (fs.existsSync(`${lnddir}/tls.cert`)) return;
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/O=lnd autogenerated cert/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", `${lnddir}/tls.key`, "-out", `${lnddir}/tls.cert`,
  ], { stdio: "ignore" });
}

function hash(text) {
  return crypto.createHash("sha256").update(text).digest("hex");
}

function readConfig(file) {
  const lines = fs.readFileSync(file, "utf8").split("\n").filter((line) => /^[\w.-]+=/.test(line));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

function die(why) {
  console.error(why);
  process.exit(1);
}
