// Stands in for LND: REST over TLS with the official shapes for state, genseed, initwallet, getinfo and the channel balance, and
// LND's refusals by state. Like LND it answers before bitcoind is synced, unlocks itself from the password file, and talks to
// bitcoind with the configured user, so that a wrong RPC password shows.
import crypto from "node:crypto";
import fs from "node:fs";
import https from "node:https";
import net from "node:net";
import { execFileSync } from "node:child_process";

const mounts = JSON.parse(process.env.MOUNTS);
const lnddir = mounts["/root/.lnd"];
const config = readConfig(`${lnddir}/lnd.conf`);
const network = ["mainnet", "signet", "testnet4", "regtest"].find((name) => config[`bitcoin.${name}`] === "true");
const walletFile = `${lnddir}/data/chain/bitcoin/${network}/wallet.db`;
const macaroonFile = `${lnddir}/data/chain/bitcoin/${network}/admin.macaroon`;
if (config.restlisten !== "127.0.0.1:8080" || config.rpclisten !== "127.0.0.1:10009") die("REST or gRPC is open to the world");

let state = "WAITING_TO_START";
let offered = null; // the words of the last genseed

const unlockFile = mounts[config["wallet-unlock-password-file"]];
if (!fs.existsSync(walletFile)) {
  if (unlockFile && config["wallet-unlock-allow-create"] !== "true") die("wallet unlock password file was specified but wallet does not exist");
  setTimeout(() => (state = "NON_EXISTING"), 300);
} else {
  const { password } = JSON.parse(fs.readFileSync(walletFile, "utf8"));
  if (!unlockFile) state = "LOCKED";
  else if (hash(fs.readFileSync(unlockFile, "utf8").replace(/\n$/, "")) !== password) die("invalid passphrase for master public key");
  else start();
}

const routes = {
  "GET /v1/state": () => ({ state }),
  "GET /v1/genseed": () => {
    onlyWithoutWallet();
    offered = Array.from({ length: 24 }, () => Array.from(crypto.randomBytes(8), (byte) => String.fromCharCode(97 + (byte % 26))).join(""));
    return { cipher_seed_mnemonic: offered, enciphered_seed: crypto.randomBytes(33).toString("base64") };
  },
  "POST /v1/initwallet": ({ wallet_password, cipher_seed_mnemonic, ...unknown }) => {
    onlyWithoutWallet();
    if (Object.keys(unknown).length) throw new Error(`unknown field "${Object.keys(unknown)[0]}"`);
    const password = Buffer.from(wallet_password ?? "", "base64").toString();
    if (password.length < 8) throw new Error("password must have at least 8 characters");
    if (cipher_seed_mnemonic?.length !== 24 || cipher_seed_mnemonic.join() !== offered?.join()) throw new Error("checksum mismatch");
    fs.mkdirSync(`${lnddir}/data/chain/bitcoin/${network}`, { recursive: true });
    fs.writeFileSync(macaroonFile, crypto.randomBytes(64), { mode: 0o600 });
    fs.writeFileSync(walletFile, JSON.stringify({ password: hash(password) }), { mode: 0o600 });
    start();
    return { admin_macaroon: fs.readFileSync(macaroonFile).toString("base64") };
  },
  "GET /v1/getinfo": (_, macaroon) => {
    onlyActive(macaroon);
    return { version: "0.21.2-beta", identity_pubkey: "02" + "11".repeat(32), synced_to_chain: state === "SERVER_ACTIVE", chains: [{ chain: "bitcoin", network }] };
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
// A peer's first act of the handshake gets an answer, so that it shows from outside who is reached.
const [host, port] = config.listen.split(":");
net.createServer((peer) => peer.on("error", () => {}).on("data", () => peer.end("lnd"))).listen(Number(port), host);

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
async function start() {
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
    if (state === "SERVER_ACTIVE") return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
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
