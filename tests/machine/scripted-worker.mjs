// The Worker's side of the machine protocol for one order, strict and scripted: it checks each signature over the raw body and that
// the nonce rises, and keeps what was said. The whole-story test uses the real one.
import crypto from "node:crypto";
import http from "node:http";
import { once } from "node:events";

/**
 * token: the one that pairs. tailscaleAuthKey: what pairing answers. trouble(call, n): for the n-th call (from 1) of "pair",
 * "report" or "deliver", a status to answer with before anything is looked at, or undefined.
 */
export async function startScriptedWorker({ orderId, token, tailscaleAuthKey = null, trouble = () => undefined, port = 0 }) {
  const said = { pairs: 0, reports: [], nodes: new Set(), deliveries: [], refused: [] };
  const counts = {};
  let machineKey = null;
  let lastNonce = 0;

  const server = http.createServer(async (request, response) => {
    const answer = (status, body) => {
      if (status !== 200) said.refused.push({ url: request.url, status, code: body?.error?.code });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const refuse = (status, code) => answer(status, { error: { code, message: code } });
    const raw = Buffer.concat(await request.toArray());
    const call = new RegExp(`^/api/machine/${orderId}/(pair|report|deliver)$`).exec(request.url)?.[1];
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
      if (body.token !== token) return refuse(404, "not_found");
      if (!/^0[23][0-9a-f]{64}$/.test(body.publicKey)) return refuse(400, "invalid_body");
      const key = publicKey(body.publicKey);
      if (machineKey && !machineKey.equals(key)) return refuse(409, "already_paired");
      machineKey = key;
      said.pairs += 1;
      return answer(200, { tailscaleAuthKey });
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
    if (said.deliveries.length && said.deliveries[0].sealed !== body.sealed) return refuse(409, "already_delivered");
    said.deliveries.push(body);
    answer(200, {});
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    port: server.address().port,
    said,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A secp256k1 key from its 33 compressed bytes: the fixed DER head of such a key, then the point. */
function publicKey(hex) {
  const head = "3036301006072a8648ce3d020106052b8104000a032200";
  return crypto.createPublicKey({ key: Buffer.from(head + hex, "hex"), format: "der", type: "spki" });
}
