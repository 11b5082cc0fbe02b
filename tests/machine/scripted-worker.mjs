// The Worker's side of the machine protocol for one order, strict and scripted: it checks each signature over the raw body and that
// the nonce rises, and keeps what was said. The whole-story test uses the real one.
import crypto from "node:crypto";
import http from "node:http";
import { once } from "node:events";

/**
 * token: the one that pairs. tailscaleAuthKey: what pairing answers. trouble(call, n): for the n-th call (from 1) of "pair",
 * "report", "deliver", "heartbeat" or "backup", a status to answer with before anything is looked at, or undefined.
 * nextSeconds and, if set, endsAt: what a heartbeat is answered; releases: the text of the release list, null for none. Both may be changed at any
 * time on what this returns.
 *
 * said.heartbeats holds {body, identified}: identified says that LND's identity key signed, too, and that this was verified. heartbeat() waits
 * for the first.
 * said.backup is the sealed channel backup that is kept, or null. issue(token) makes a new pairing token; revoke() forgets the key.
 */
export async function startScriptedWorker({ orderId, token, tailscaleAuthKey = null, trouble = () => undefined, port = 0, nextSeconds = 30 }) {
  const said = { pairs: 0, reports: [], nodes: new Set(), deliveries: [], heartbeats: [], backups: [], backup: null, refused: [] };
  const counts = {};
  const worker = { said, nextSeconds, endsAt: undefined, releases: null };
  let openToken = { token, scope: "bring_up", key: null };
  let machineKey = null;
  let lastNonce = 0;

  const server = http.createServer((request, response) =>
    judge(request, response).catch((error) => {
      if (!request.destroyed) throw error; // who called has lost its power amid the call
    }));

  async function judge(request, response) {
    const answer = (status, body) => {
      if (status !== 200) said.refused.push({ url: request.url, status, code: body?.error?.code });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const refuse = (status, code) => answer(status, { error: { code, message: code } });
    const raw = Buffer.concat(await request.toArray());
    if (request.method === "GET" && request.url === "/api/releases" && worker.releases !== null)
      return response.writeHead(200, { "content-type": "text/plain" }).end(worker.releases);
    const call = new RegExp(`^/api/machine/${orderId}/(pair|report|deliver|heartbeat|backup)$`).exec(request.url)?.[1];
    if (!call || request.method !== "POST") return refuse(404, "not_found");
    counts[call] = (counts[call] ?? 0) + 1;
    const status = trouble(call, counts[call]);
    if (status) return refuse(status, "temporarily_unavailable");

    let body;
    try {
      body = JSON.parse(raw.toString());
    } catch {
      return refuse(400, "invalid_json");
    }
    if (call === "pair") {
      if (body.token !== openToken?.token) return refuse(404, "not_found");
      if (!/^0[23][0-9a-f]{64}$/.test(body.publicKey)) return refuse(400, "invalid_body");
      if (openToken.key && openToken.key !== body.publicKey) return refuse(409, "already_paired");
      if (!openToken.key) lastNonce = 0; // a key that is new to the order counts from the start
      openToken.key = body.publicKey;
      machineKey = publicKey(body.publicKey);
      said.pairs += 1;
      return answer(200, { tailscaleAuthKey: openToken.scope === "bring_up" ? tailscaleAuthKey : null, scope: openToken.scope });
    }
    const signature = Buffer.from(request.headers["x-kindling-signature"] ?? "", "base64");
    if (!machineKey || !crypto.verify("sha256", raw, { key: machineKey, dsaEncoding: "der" }, signature)) return refuse(404, "not_found");
    if (!Number.isInteger(body.nonce) || body.nonce <= lastNonce) return refuse(409, "nonce_not_rising");
    lastNonce = body.nonce;
    if (call === "report") {
      const { nonce, phase, status: news, message, tailscaleNodeId, seconds, ...unknown } = body;
      if (Object.keys(unknown).length || !["started", "done", "failed"].includes(news) || (message ?? "").length > 200) return refuse(400, "invalid_body");
      if (news === "started" ? seconds !== undefined : !Number.isInteger(seconds) || seconds < 0) return refuse(400, "invalid_body");
      if (tailscaleNodeId !== undefined) said.nodes.add(tailscaleNodeId);
      said.reports.push({ nonce, phase, status: news, ...(seconds === undefined ? {} : { seconds }), ...(message === undefined ? {} : { message }) });
      return answer(200, {});
    }
    if (call === "heartbeat") {
      const why = notAHeartbeat(body);
      if (why) return refuse(400, `invalid_body: ${why}`);
      const identity = request.headers["x-kindling-identity-signature"];
      if ((identity === undefined) !== (body.identityKey === undefined)) return refuse(400, "identity_incomplete");
      if (identity !== undefined && !signedBy(body.identityKey, raw, identity)) return refuse(400, "identity_signature");
      said.heartbeats.push({ body, identified: identity !== undefined });
      return answer(200, { nextSeconds: worker.nextSeconds, endsAt: worker.endsAt });
    }
    if (call === "backup") {
      const { nonce, sealed, ...unknown } = body;
      if (Object.keys(unknown).length || !(sealed === null || typeof sealed === "string")) return refuse(400, "invalid_body");
      if (sealed?.length > 64 * 1024) return refuse(413, "too_large");
      if (sealed !== null && !Buffer.from(sealed, "base64").toString("latin1").startsWith("age-encryption.org/v1\n")) return refuse(400, "invalid_body");
      said.backup = sealed;
      said.backups.push(sealed);
      return answer(200, {});
    }
    if (said.deliveries.length && said.deliveries[0].sealed !== body.sealed) return refuse(409, "already_delivered");
    said.deliveries.push(body);
    answer(200, {});
  }
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(worker, {
    url: `http://127.0.0.1:${server.address().port}`,
    port: server.address().port,
    issue: (fresh, scope = "report") => (openToken = { token: fresh, scope, key: null }),
    revoke: () => (machineKey = openToken = null),
    heartbeat: async () => {
      for (const deadline = Date.now() + 180_000; said.heartbeats.length === 0; ) {
        if (Date.now() > deadline) throw new Error(`no heartbeat within three minutes; refused: ${JSON.stringify(said.refused)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}

/** DER over one SHA-256, by a secp256k1 key in hex. */
function signedBy(hex, raw, signature) {
  if (!/^0[23][0-9a-f]{64}$/.test(hex)) return false;
  return crypto.verify("sha256", raw, { key: publicKey(hex), dsaEncoding: "der" }, Buffer.from(signature, "base64"));
}

const whole = (value) => Number.isSafeInteger(value) && value >= 0;
const bool = (value) => typeof value === "boolean";
const short = (value) => typeof value === "string" && value.length <= 200;
const oneOf = (...words) => (value) => words.includes(value);
const orNull = (check) => (value) => value === null || check(value);
const optional = (check) => (value) => value === undefined || check(value);
const object = (fields) => (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) &&
  Object.keys(value).every((key) => key in fields) && Object.entries(fields).every(([key, check]) => check(value[key]));

/** The whole of a heartbeat: every field there, none unknown. */
const HEARTBEAT = {
  nonce: whole,
  bootedAt: (value) => whole(value) && value > 1_600_000_000,
  bitcoin: orNull(object({
    chain: oneOf("main", "signet", "testnet4", "regtest"), blocks: whole, headers: whole, bestBlockHash: (value) => /^[0-9a-f]{64}$/.test(value),
    bestBlockTime: whole, progressPpm: (value) => whole(value) && value <= 1_000_000, initialBlockDownload: bool, pruned: bool, sizeBytes: whole,
    peers: whole, version: short, rules: (value) => Array.isArray(value) && value.length <= 32 && value.every(object({ name: short, active: bool })),
    background: orNull(object({ blocks: whole, progressPpm: (value) => whole(value) && value <= 1_000_000 })),
  })),
  lnd: orNull(object({
    state: oneOf("WAITING_TO_START", "NON_EXISTING", "LOCKED", "UNLOCKED", "RPC_ACTIVE", "SERVER_ACTIVE"), backend: oneOf("bitcoind", "neutrino"),
    syncedToChain: bool, blockHeight: whole, peers: whole, activeChannels: whole, version: short,
  })),
  lnbits: bool,
  fundingConnected: bool,
  disk: object({ totalBytes: whole, freeBytes: whole }),
  snapshot: orNull(object({
    stage: oneOf("downloading", "waiting", "loading", "validating", "validated", "refused"), percent: (value) => whole(value) && value <= 100,
  })),
  message: optional(short),
  identityKey: optional((value) => /^0[23][0-9a-f]{64}$/.test(value)),
};

/** The same of a classroom. */
const CLASS_HEARTBEAT = {
  nonce: whole,
  bootedAt: HEARTBEAT.bootedAt,
  class: orNull(object({
    blocks: whole, bestBlockTime: whole,
    nodes: (value) => Array.isArray(value) && value.length <= 64 && value.every((node) =>
      node.up === false ? object({ name: short, up: bool })(node) : object({ name: short, up: bool, blocks: whole, wallets: whole, onchainSats: whole })(node)),
    channels: (value) => Array.isArray(value) && value.length <= 512 && value.every(object({ from: whole, to: whole, sats: whole, fromSats: whole, active: bool })),
  })),
  disk: HEARTBEAT.disk,
  message: HEARTBEAT.message,
};

function notAHeartbeat(body) {
  const fields = "class" in body ? CLASS_HEARTBEAT : HEARTBEAT;
  return Object.keys(body).find((key) => !(key in fields)) ?? Object.keys(fields).find((key) => !fields[key](body[key]));
}

/** A secp256k1 key from its 33 compressed bytes: the fixed DER head of such a key, then the point. */
function publicKey(hex) {
  const head = "3036301006072a8648ce3d020106052b8104000a032200";
  return crypto.createPublicKey({ key: Buffer.from(head + hex, "hex"), format: "der", type: "spki" });
}
