// Stands in for one Core Lightning node: its options, its RPC over the Unix socket with the official parameters (an unknown or wrong one is
// refused), its coins from the real stand-in chain, channels over TCP with the other nodes, and real runes. A connection is lines of JSON;
// unlike the real one this node does not look for lost peers by itself.
import crypto from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import readline from "node:readline";
import { idOf, make, parse, refusal } from "./cln-runes.mjs";

const MOUNTS = JSON.parse(process.env.MOUNTS);
const [developer, directory, ...extra] = process.argv.slice(2);
if (developer !== "--developer" || directory !== "--lightning-dir=/data" || extra.length) die(`Unrecognized option ${extra}`);
const folder = MOUNTS["/data"];
const OPTIONS = {
  network: /^regtest$/, alias: /^.{1,32}$/, "log-level": /^info$/, "allow-deprecated-apis": /^true$/, "dev-fast-gossip": null, "dev-bitcoind-poll": /^\d+$/,
  "funding-confirms": /^\d+$/, "bind-addr": /^(ws:)?[\d.]*:\d+$/, "announce-addr": /^[\d.]+:\d+$/, "autoconnect-seeker-peers": /^\d+$/,
  "bitcoin-datadir": /^\/data\//, "bitcoin-rpcconnect": /^[\d.]+$/, "bitcoin-rpcport": /^\d+$/, "disable-plugin": /^[\w-]+$/,
};
const options = {};
for (const line of fs.readFileSync(`${folder}/config`, "utf8").split("\n").filter((text) => text && !text.startsWith("#"))) {
  const [name, value] = line.split(/=(.*)/s);
  if (!(name in OPTIONS) || (OPTIONS[name] === null ? value !== undefined : !OPTIONS[name].test(value))) die(`Unrecognized option ${line}`);
  (options[name] ??= []).push(value ?? true);
}
// The plugin cln-grpc takes port 9736 unless it is told otherwise.
if (!options["disable-plugin"].includes("cln-grpc")) die("cln-grpc: Address already in use");
const [here] = options["announce-addr"][0].split(":");
const { rpcuser, rpcpassword } = Object.fromEntries(
  fs.readFileSync(`${folder}/bitcoin/bitcoin.conf`, "utf8").split("\n").filter(Boolean).map((line) => line.split(/=(.*)/s).slice(0, 2)));

const data = `${folder}/regtest`;
fs.mkdirSync(data, { recursive: true, mode: 0o700 });
if (!fs.existsSync(`${data}/hsm_secret`)) fs.writeFileSync(`${data}/hsm_secret`, crypto.randomBytes(32), { mode: 0o400 });
const hsm = fs.readFileSync(`${data}/hsm_secret`);
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), crypto.createHash("sha256")).digest();
const key = crypto.createECDH("secp256k1");
key.setPrivateKey(sha256(hsm, "node"));
const ID = key.getPublicKey("hex", "compressed");
const runeSecret = sha256(hsm, "commando"); // the tests know this, too
const stateFile = `${data}/stand-in.json`;
const state = fs.existsSync(stateFile)
  ? JSON.parse(fs.readFileSync(stateFile, "utf8"))
  : { height: null, addresses: [], outputs: [], channels: [], runes: [], blacklist: [] };
const save = () => {
  fs.writeFileSync(`${stateFile}.new`, JSON.stringify(state), { mode: 0o600 });
  fs.renameSync(`${stateFile}.new`, stateFile);
};
const lastUse = {};
const peers = new Map(); // id -> {socket, waiting}, while connected
let tip = 0;

// ---- the chain
async function bitcoind(method, ...params) {
  const response = await fetch(`http://${options["bitcoin-rpcconnect"][0]}:${options["bitcoin-rpcport"][0]}/`, {
    method: "POST", headers: { authorization: `Basic ${Buffer.from(`${rpcuser}:${rpcpassword}`).toString("base64")}` },
    body: JSON.stringify({ jsonrpc: "1.0", id: "1", method, params }),
  });
  if (response.status === 401) die("Could not connect to bitcoind using bitcoin-cli: Authorization failed");
  const { result, error } = await response.json();
  if (error) throw new Error(error.message);
  return result;
}

async function poll() {
  try {
    ({ blocks: tip } = await bitcoind("getblockchaininfo"));
    state.height ??= Math.max(0, tip - 30);
    let changed = false;
    while (state.height < tip) {
      const { tx } = await bitcoind("getblock", await bitcoind("getblockhash", state.height + 1), 2);
      state.height += 1;
      for (const { txid, vout } of tx)
        for (const { n, value, scriptPubKey } of vout) {
          const known = state.outputs.find((output) => output.txid === txid && output.output === n);
          if (known) known.status = known.status === "spent" ? "spent" : "confirmed";
          else if (state.addresses.includes(scriptPubKey.address)) state.outputs.push({ txid, output: n, sats: Math.round(value * 1e8), address: scriptPubKey.address, status: "confirmed" });
          for (const channel of state.channels) if (channel.txid === txid && channel.state === "CHANNELD_AWAITING_LOCKIN") channel.state = "CHANNELD_NORMAL";
        }
      changed = true;
    }
    if (changed) save();
  } catch {
    // bitcoind is not there yet, or not any more; the next look may find it
  }
  setTimeout(poll, 200);
}

// ---- other nodes
function attach(socket, mine) {
  let id = mine;
  let heard = () => {};
  const ready = new Promise((resolve, reject) => {
    heard = resolve;
    socket.on("close", () => {
      if (peers.get(id)?.socket === socket) peers.delete(id);
      reject(new Error("the peer hung up"));
    });
  });
  ready.catch(() => {});
  socket.on("error", () => {});
  socket.write(`${JSON.stringify({ hello: ID })}\n`);
  readline.createInterface({ input: socket }).on("line", (line) => {
    const { hello, channel, taken } = JSON.parse(line);
    if (hello) {
      if (mine && hello !== mine) return socket.destroy();
      id = hello;
      peers.set(id, { socket, taken: () => {} });
      heard();
    } else if (channel) {
      state.channels.push({ ...channel, peer: id, opener: "remote", ours: channel.sats * 1000 - channel.ours });
      save();
      socket.write(`${JSON.stringify({ taken: channel.channel_id })}\n`);
    } else if (taken) peers.get(id)?.taken(taken);
  });
  return ready;
}

async function connectTo(id, host, port) {
  if (peers.has(id)) return;
  const socket = net.connect(port, host);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", () => reject(rpc(401, `All addresses failed: ${host}:${port}: Connection establishment: Connection refused.`))));
  await attach(socket, id).catch(() => { throw rpc(402, "disconnected during connection"); });
}

// ---- the calls
const rpc = (code, message) => Object.assign(new Error(message), { code });
const string = (value) => typeof value === "string";
const number = (value) => Number.isSafeInteger(value) && value >= 0;
const bool = (value) => typeof value === "boolean";
const pubkey = (value) => /^0[23][0-9a-f]{64}$/.test(value);
/** Each method's parameters: whether a value is of the type, and which must be there. */
const PARAMETERS = {
  getinfo: {},
  newaddr: { addresstype: (value) => ["bech32", "p2tr", "all"].includes(value) },
  listfunds: { spent: bool },
  listpeers: { id: pubkey, level: string },
  listpeerchannels: { id: pubkey, short_channel_id: string, channel_id: string },
  connect: { id: string, host: string, port: number, required: ["id"] },
  multifundchannel: {
    destinations: (list) => Array.isArray(list) && list.length > 0 && list.every((one) =>
      Object.keys(one).every((key) => ["id", "amount", "announce", "push_msat", "mindepth", "reserve"].includes(key)) && string(one.id) && number(one.amount) && number(one.push_msat ?? 0)),
    feerate: string, minconf: number, utxos: Array.isArray, minchannels: number, commitment_feerate: string, required: ["destinations"],
  },
  "dev-forget-channel": { id: pubkey, short_channel_id: string, channel_id: string, force: bool, required: ["id"] },
  createrune: { rune: string, restrictions: (value) => value === "readonly" || (Array.isArray(value) && value.every((list) => Array.isArray(list) && list.every(string))) },
  showrunes: { rune: string },
  blacklistrune: { start: number, end: number, relist: bool },
  checkrune: { rune: string, nodeid: string, method: string, params: (value) => typeof value === "object", required: ["rune"] },
};

const CALLS = {
  getinfo: () => ({
    id: ID, alias: options.alias[0], color: "02bf81", num_peers: peers.size, num_pending_channels: count("CHANNELD_AWAITING_LOCKIN"),
    num_active_channels: count("CHANNELD_NORMAL"), num_inactive_channels: 0, address: [{ type: "ipv4", address: here, port: 9735 }],
    binding: [], version: "v26.06.6", blockheight: state.height ?? 0, network: "regtest", fees_collected_msat: 0, "lightning-dir": "/data/regtest",
    ...(tip === 0 ? { warning_bitcoind_sync: "Bitcoind is not up-to-date with network." } : state.height < tip - 5 ? { warning_lightningd_sync: "Still loading latest blocks from bitcoind." } : {}),
  }),
  newaddr: ({ addresstype = "bech32" }) => {
    if (addresstype !== "bech32") throw rpc(-32602, "the stand-in has bech32 only");
    const address = `bcrt1q${sha256(hsm, String(state.addresses.length)).toString("hex").replace(/[1b]/g, "q").slice(0, 38)}`;
    state.addresses.push(address);
    save();
    return { bech32: address };
  },
  listfunds: () => ({
    outputs: state.outputs.filter(({ status }) => status !== "spent").map(({ txid, output, sats, address, status }) => ({
      txid, output, amount_msat: sats * 1000, scriptpubkey: "0014", address, status, reserved: false,
    })),
    channels: state.channels.map((channel) => ({
      peer_id: channel.peer, our_amount_msat: channel.ours, amount_msat: channel.sats * 1000, funding_txid: channel.txid, funding_output: channel.output,
      connected: peers.has(channel.peer), state: channel.state, channel_id: channel.channel_id,
    })),
  }),
  listpeers: () => ({
    peers: [...new Set([...peers.keys(), ...state.channels.map(({ peer }) => peer)])].map((id) => ({
      id, connected: peers.has(id), num_channels: state.channels.filter(({ peer }) => peer === id).length,
    })),
  }),
  listpeerchannels: () => ({
    channels: state.channels.map((channel) => ({
      peer_id: channel.peer, peer_connected: peers.has(channel.peer), state: channel.state, opener: channel.opener, features: [], private: false,
      channel_id: channel.channel_id, funding_txid: channel.txid, funding_outnum: channel.output, to_us_msat: channel.ours, total_msat: channel.sats * 1000,
    })),
  }),
  connect: async ({ id, host = "", port = 9735 }) => {
    const [, key, there, its] = /^(0[23][0-9a-f]{64})(?:@([^:]+)(?::(\d+))?)?$/.exec(id) ?? [];
    if (!key) throw rpc(-32602, "id: should be a node id: invalid token");
    if (!there && !host && !peers.has(key)) throw rpc(400, "Unable to connect, no address known for peer");
    await connectTo(key, there ?? host, Number(its ?? port));
    return { id: key, features: "08", direction: "out", address: { type: "ipv4", address: there ?? host, port: Number(its ?? port) } };
  },
  multifundchannel: async ({ destinations }) => {
    const wanted = destinations.map(({ id, amount, push_msat = 0 }) => ({ place: id, id: id.split("@")[0], sats: amount, push: push_msat }));
    if (new Set(wanted.map(({ id }) => id)).size < wanted.length) throw rpc(-32602, "Duplicate destination");
    for (const { push, sats } of wanted) if (push > sats * 1000) throw rpc(-32602, "push_msat is more than the channel");
    for (const { place } of wanted) await CALLS.connect({ id: place });
    const fee = 300 + 200 * wanted.length;
    const need = wanted.reduce((sum, { sats }) => sum + sats, fee);
    const coins = state.outputs.filter(({ status }) => status === "confirmed");
    const have = coins.reduce((sum, { sats }) => sum + sats, 0);
    // 25000 sats are kept for the fees of anchors.
    if (have < need + 25_000) throw rpc(301, `Could not afford ${need}sat using all ${coins.length} available UTXOs`);
    const change = `bcrt1q${sha256(hsm, "change", String(state.outputs.length)).toString("hex").replace(/[1b]/g, "q").slice(0, 38)}`;
    const transaction = {
      inputs: coins.map(({ txid, output }) => `${txid}:${output}`),
      outputs: [...wanted.map(({ id, sats }) => ({ address: `channel ${ID} ${id}`, sats })), { address: change, sats: have - need }],
    };
    const tx = Buffer.from(JSON.stringify(transaction)).toString("hex");
    const txid = sha256(JSON.stringify(transaction)).toString("hex"); // as regtest.mjs names it
    state.addresses.push(change);
    for (const coin of coins) coin.status = "spent";
    state.outputs.push({ txid, output: wanted.length, sats: have - need, address: change, status: "unconfirmed" });
    const channel_ids = [];
    for (const [output, { id, sats, push }] of wanted.entries()) {
      const channel = { txid, output, sats, ours: sats * 1000 - push, channel_id: sha256(txid, String(output)).toString("hex"), state: "CHANNELD_AWAITING_LOCKIN" };
      state.channels.push({ ...channel, peer: id, opener: "local" });
      const peer = peers.get(id);
      await new Promise((resolve) => {
        peer.taken = resolve;
        peer.socket.write(`${JSON.stringify({ channel })}\n`);
      });
      channel_ids.push({ id, channel_id: channel.channel_id, channel_type: { bits: [12, 22], names: ["static_remotekey/even", "anchors/even"] }, outnum: output });
    }
    save();
    // Last, when both ends of each channel wait for it: a block may hold it, and be looked at, at any moment from now on.
    await bitcoind("sendrawtransaction", tx);
    return { tx, txid, channel_ids };
  },
  "dev-forget-channel": async ({ id, channel_id }) => {
    const found = state.channels.find((channel) => channel.peer === id && channel.channel_id === channel_id);
    if (!found) throw rpc(-1, "No channels matching that peer_id and channel_id");
    if (await bitcoind("gettxout", found.txid, found.output)) throw rpc(-1, "Cowardly refusing to forget channel with an unspent funding output, if you know what you're doing you can override with `force=true`");
    state.channels.splice(state.channels.indexOf(found), 1);
    save();
    return { forced: false, funding_unspent: false, funding_txid: found.txid };
  },
  createrune: ({ rune, restrictions = [] }) => {
    if (rune || restrictions === "readonly") throw rpc(-32602, "the stand-in makes new runes of lists only");
    const id = state.runes.length;
    const made = make(runeSecret, id, restrictions);
    state.runes.push({ rune: made, restrictions });
    save();
    return { rune: made, unique_id: String(id), ...(restrictions.length ? {} : { warning_unrestricted_rune: "WARNING: This rune has no restrictions!" }) };
  },
  showrunes: ({ rune: one }) => ({
    runes: state.runes.map(({ rune, restrictions }, id) => ({
      rune, unique_id: String(id), ...(blacklisted(id) ? { blacklisted: true } : {}),
      restrictions: restrictions.map((list) => ({ alternatives: list.map((text) => ({ ...parse(text), english: text })), english: list.join(" OR ") })),
      restrictions_as_english: restrictions.map((list) => list.join(" OR ")).join(" AND "),
    })).filter(({ rune }) => !one || rune === one),
  }),
  blacklistrune: ({ start, end = start, relist = false }) => {
    if (end !== undefined && start === undefined) throw rpc(-32602, "Can not specify end without start");
    if (end >= 100_000_000) throw rpc(-32602, "Cannot blacklist beyond 100000000");
    if (start !== undefined) {
      state.blacklist = state.blacklist.flatMap((range) =>
        [{ start: range.start, end: Math.min(range.end, start - 1) }, { start: Math.max(range.start, end + 1), end: range.end }].filter((part) => part.start <= part.end));
      if (!relist) state.blacklist.push({ start, end });
      state.blacklist.sort((one, other) => one.start - other.start);
      save();
    }
    return { blacklist: state.blacklist };
  },
  checkrune: ({ rune, method }) => {
    const now = Date.now() / 1000;
    const why = refusal(runeSecret, rune, { method, now: Math.floor(now), sinceLast: now - (lastUse[rune] ?? 0) });
    if (why) throw rpc(...why);
    if (blacklisted(Number(idOf(rune)))) throw rpc(1503, "Not authorized: Blacklisted rune");
    lastUse[rune] = now;
    return { valid: true };
  },
};

function count(wanted) {
  return state.channels.filter((channel) => channel.state === wanted).length;
}

function blacklisted(id) {
  return state.blacklist.some(({ start, end }) => start <= id && id <= end);
}

async function answer(method, params) {
  const known = PARAMETERS[method];
  if (!known) throw rpc(-32601, `Unknown command '${method}'`);
  for (const [name, value] of Object.entries(params)) {
    if (name === "required" || !known[name]) throw rpc(-32602, `unknown parameter: ${name}, this may be caused by a failure to autodetect key=value-style parameters`);
    if (!known[name](value)) throw rpc(-32602, `${name}: should be of another type: invalid token '${JSON.stringify(value)}'`);
  }
  for (const name of known.required ?? []) if (!(name in params)) throw rpc(-32602, `missing required parameter: ${name}`);
  return CALLS[method](params);
}

net.createServer((socket) => attach(socket)).listen(9735, here);
// The websocket says who it is, and that is all of it.
net.createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", (request) => {
    // To the letter, as connectd/websocketd.c of this release looks for them.
    const asked = request.toString();
    const upgrades = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"].every((header) => asked.includes(`\r\n${header}\r\n`));
    const key = /\r\nSec-WebSocket-Key: (\S+)\r\n/.exec(asked)?.[1];
    if (!key || !upgrades) return socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    const accept = crypto.createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
    socket.write(Buffer.concat([Buffer.from([0x81, ID.length]), Buffer.from(ID)]));
  });
}).listen(9736, here);
const socketFile = `${data}/lightning-rpc`;
fs.rmSync(socketFile, { force: true });
net.createServer((socket) => {
  socket.on("error", () => {});
  readline.createInterface({ input: socket }).once("line", async (line) => {
    const { method, params } = JSON.parse(line);
    try {
      socket.end(JSON.stringify({ result: await answer(method, params) }));
    } catch (error) {
      socket.end(JSON.stringify({ error: { code: error.code ?? -32600, message: error.message } }));
    }
  });
}).listen(socketFile, () => console.log(`Server started with public key ${ID}, alias ${options.alias[0]}`));
poll();

function die(why) {
  console.error(why);
  process.exit(1);
}
