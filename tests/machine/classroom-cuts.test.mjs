// Each phase of a classroom's own fails once and loses power once in its middle, one after the other on one machine. The failure is told in
// one sentence; the machine then finishes by itself; and what there must be once is there once.
import test from "node:test";
import assert from "node:assert/strict";
import { classOf } from "./class.mjs";
import { ageKey, boot, CLASS_CHANGES, CLASS_PHASES, heard, open, ORDER, smooth, TOKEN } from "./order.mjs";
import { startScriptedWorker } from "./scripted-worker.mjs";

// For each phase: what fails, the sentence that tells it, and where the power is cut (stand-ins/fault.sh).
const TROUBLE = {
  bitcoin: ["sysctl * --load=/etc/sysctl.d/61-kindling-class.conf", "The kernel's settings for the class's network were refused.", "cut systemctl enable --now kindling-blocks"],
  nodes: ["docker * up *", "The nodes could not be downloaded and started.", "cut jq * --arg want all * */runes.shown"], // the runes are made and not kept yet
  certificate: ["openssl req *", "The machine's own certificate could not be made.", "cut systemctl restart nginx"],
  channels: ["jq * --arg want missing *channels.seen", "The channels of the class could not all be opened.", "cut jq * --arg want active *"],
  sealed: ["age --encrypt *", "The bundle could not be sealed to the recipients of this order.", "cut-after curl *deliver"],
};

test("a classroom survives a failure and a power cut in each phase of its own", { timeout: 3_000_000 }, async (t) => {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN });
  t.after(() => worker.stop());
  const { identity, recipient } = ageKey();
  const classroom = classOf("A", { domain: "sslip.io" }); // under which the certificate authority refuses: the machine signs its own
  const phases = Object.keys(TROUBLE);
  const always = ["fail certbot *"];
  const machine = await boot(t, worker, { changes: CLASS_CHANGES, recipients: [recipient], classroom, faults: [...always, `fail ${TROUBLE.bitcoin[0]}`], cloudInit: false });
  const { exitCode, log } = await machine.done;
  assert.notEqual(exitCode, 0);
  assert.match(log, /phase bitcoin: failed/);
  let boots = 1;
  for (const [at, phase] of phases.entries()) {
    const [, sentence, cut] = TROUBLE[phase];
    const started = { phase, status: "started" };
    assert.deepEqual(heard(worker).slice(-2), [started, { phase, status: "failed", message: sentence }], phase);
    const next = phases[at + 1];
    machine.setFaults([...always, cut, ...(next ? [`fail ${TROUBLE[next][0]}`] : [])]);
    await machine.run(["systemctl", "start", "kindling-bringup"]);
    boots += 1;
    assert.equal((await machine.booted(boots)) === 0, next === undefined, `the boot after the power cut in ${phase}`);
  }
  // What a run reports of a phase that fails, is cut, and then goes through.
  const troubled = (phase) => [...["started", "failed", "started", "started", "done"].map((status) => ({ phase, status }))];
  const own = CLASS_PHASES.slice(0, CLASS_PHASES.indexOf("bitcoin"));
  assert.deepEqual(heard(worker).map(({ phase, status }) => ({ phase, status })), [...smooth(own), ...phases.flatMap(troubled)]);

  const live = async (script) => {
    const { exitCode: code, stdout, stderr } = await machine.run(["bash", "-c", script]);
    assert.equal(code, 0, `${script}\n${stdout}${stderr}`);
    return stdout;
  };
  const each = async (method) => JSON.parse(await live(`. /opt/kindling/lib.sh; each_node ${method} | ask_nodes | jq -s '[.[].answer]'`));
  const bitcoin = async (call) => JSON.parse(await live(`. /opt/kindling/lib.sh; bitcoin_cli -rpcwallet=faucet ${call}`));
  await live("test -e /var/lib/kindling/complete");
  assert.equal(worker.said.pairs, 1);
  assert.equal(worker.said.deliveries.length, 2, "only the acknowledgement was lost");
  assert.equal(worker.said.deliveries[0].sealed, worker.said.deliveries[1].sealed);
  const { classroom: sealed } = open(worker.said.deliveries[0].sealed, identity);
  assert.deepEqual([sealed.host, sealed.certificate.kind], ["203.0.113.7", "pinned"]);
  assert.equal((await live("openssl s_client -connect 127.0.0.1:6005 </dev/null 2>/dev/null | openssl x509 -outform DER | sha256sum | cut -c 1-64")).trim(), sealed.certificate.sha256);
  assert.match(await live("openssl x509 -in /etc/kindling/tls/fullchain.pem -noout -ext subjectAltName"), /IP Address:203\.0\.113\.7/);

  assert.deepEqual(await bitcoin("listwallets"), ["faucet"]);
  const payments = (await bitcoin("listtransactions '*' 10000")).filter(({ category }) => category === "send");
  assert.deepEqual(payments.map(({ amount }) => amount), classroom.nodes.map(({ fundSats }) => -fundSats / 1e8));
  const runes = await each("showrunes");
  assert.deepEqual(runes.map((answer) => answer.runes.map(({ rune }) => rune)), sealed.nodes.map(({ rune, adminRune }) => [rune, adminRune]));
  const infos = await each("getinfo");
  assert.deepEqual(infos.map(({ id, alias }) => [id, alias]), sealed.nodes.map(({ publicKey, name }) => [publicKey, name]));
  const index = Object.fromEntries(infos.map(({ id }, i) => [id, i]));
  const opened = (await each("listpeerchannels")).flatMap(({ channels }, from) =>
    channels.filter(({ opener }) => opener === "local").map((channel) => [from, index[channel.peer_id], channel.total_msat / 1000].join()));
  assert.deepEqual(opened.sort(), classroom.channels.map(({ from, to, sats }) => [from, to, sats].join()).sort());
  assert.equal(await live("iptables -S | grep KINDLING | sort | uniq --repeated"), "");
});
