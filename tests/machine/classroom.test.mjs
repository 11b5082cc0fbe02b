// A classroom, run for real: its bring-up, what is delivered, what the cards open and what they do not, its heartbeat, its end. Core Lightning
// is a stand-in that takes the official calls only; nginx is the real one, and the cards' runes are judged by another implementation.
import test from "node:test";
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { classOf } from "./class.mjs";
import { ageKey, AUTH_KEY, boot, CLASS_CHANGES, CLASS_PHASES, filesUnder, heard, open, ORDER, smooth, TOKEN } from "./order.mjs";
import { startScriptedWorker } from "./scripted-worker.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PYTHON = path.join(HERE, "../../build/lnbits-venv/bin/python");
const METHODS = ["^list", "=getinfo", "=pay", "=xpay", "=invoice", "=decode", "=keysend", "=newaddr", "=connect", "=fundchannel", "=close", "^bkpr-list", "^wait"];
const CLASS = classOf("A", { domain: "sslip.io" });
const HOST = "203-0-113-7.sslip.io";

test("a class of plan A comes up, is delivered, lives and ends", { timeout: 1_500_000 }, async (t) => {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN, tailscaleAuthKey: AUTH_KEY });
  t.after(() => worker.stop());
  const { identity, recipient } = ageKey();
  const begun = Math.floor(Date.now() / 1000);
  const machine = await boot(t, worker, { changes: { ...CLASS_CHANGES, TAILSCALE: "yes" }, recipients: [recipient], classroom: CLASS });
  const { exitCode, log } = await machine.done;
  const ended = Math.floor(Date.now() / 1000);
  assert.equal(exitCode, 0, log);
  const live = async (script) => {
    const { exitCode: code, stdout, stderr } = await machine.run(["bash", "-c", script]);
    assert.equal(code, 0, `${script}\n${stdout}${stderr}`);
    return stdout;
  };
  // condition: of the lines that ask_nodes prints for these lines.
  const until = async (line, condition) => {
    for (const deadline = Date.now() + 120_000; Date.now() < deadline; ) if ((await ask(line)).every(({ answer }) => answer && condition(answer))) return;
    assert.fail(`${line}: not within two minutes`);
  };
  const ask = async (...lines) => (await live(`. /opt/kindling/lib.sh; ask_nodes <<'LINES' | jq -c .\n${lines.join("\n")}\nLINES`)).trim().split("\n").map((line) => JSON.parse(line));

  assert.deepEqual(heard(worker), smooth(CLASS_PHASES));
  assert.deepEqual(worker.said.refused, []);
  assert.equal(worker.said.deliveries.length, 1);
  const [delivery] = worker.said.deliveries;
  const bundle = open(delivery.sealed, identity);
  const { nodes } = bundle.classroom;
  const runesUntil = bundle.classroom.runesUntil;
  t.diagnostic(`seconds per phase: ${worker.said.reports.filter(({ status }) => status === "done").map(({ phase, seconds }) => `${phase} ${seconds}`).join(", ")}`);

  // After the service's first heartbeat it stands still, so that what a test sees is what its own round did.
  await worker.heartbeat();
  await live("systemctl stop kindling-watch");
  const round = async () => {
    const { exitCode: code, stderr } = await machine.run(["/opt/kindling/watch.sh", "--once"]);
    assert.equal(code, 0, stderr);
    return { ...worker.said.heartbeats.at(-1).body, stderr };
  };

  await t.test("what is delivered in the open", () => {
    const { nonce, sealed, hostKeys, ...rest } = delivery;
    assert.deepEqual(rest, { nodeIp: "203.0.113.7", tailscaleHostname: `kindling-${ORDER}.tail0123.ts.net`, tailscaleNodeId: "nStandIn11CNTRL" });
    assert.equal(hostKeys.length, 3);
  });

  await t.test("what is in the bundle", async () => {
    const { rpcPassword, ...bitcoin } = bundle.bitcoin;
    assert.match(rpcPassword, /^[0-9a-f]{48}$/);
    const der = await live(`openssl x509 -in /etc/letsencrypt/live/${HOST}/fullchain.pem -outform DER | sha256sum | cut -c 1-64`);
    assert.deepEqual({ ...bundle, bitcoin, components: [] }, {
      version: 1, orderId: ORDER, product: "classroom", fake: false, nodeIp: "203.0.113.7", tailscaleHostname: delivery.tailscaleHostname,
      ssh: { user: "root", port: 22, hostKeys: delivery.hostKeys },
      bitcoin: { implementation: "core", version: "31.0", network: "regtest", rpcUser: "kindling" },
      classroom: {
        plan: "A", hours: 48, graph: "sparse", distribution: "egalitarian", seed: 123, satsPerNode: 100_000_000, host: HOST,
        certificate: { kind: "public", sha256: der.trim() }, runesUntil, nodes,
      },
      components: [], credentialsFile: "/root/node-credentials.txt",
    });
    const reckoned = runesUntil - (48 * 3600 + 31 * 86400); // from the moment of the phase
    assert.ok(begun <= reckoned && reckoned <= ended, `${begun} <= ${reckoned} <= ${ended}`);
    assert.deepEqual(bundle.components.slice(0, 3).map(({ name }) => name), ["Bitcoin Core", "Core Lightning", "nginx"]);
    assert.equal(nodes.length, 8);
    for (const [i, node] of nodes.entries()) {
      const { name, publicKey, port, wealthSats, rune, adminRune, connect, wallet, adminConnect, ...rest } = node;
      assert.deepEqual([name, port, wealthSats, rest], [`Animal${i}`, 6001 + i, 100_000_000, {}]);
      assert.match(publicKey, /^0[23][0-9a-f]{64}$/);
      const link = (secret) => `https://app.clams.tech/connect?address=${publicKey}@${HOST}:${port}&type=direct&value=wss:&rune=${secret}`;
      assert.deepEqual([connect, adminConnect], [link(rune), link(adminRune)]);
      const parts = new URL(wallet);
      assert.equal(parts.origin + parts.pathname, "https://remote.clams.tech/wallets/add");
      const { configuration, ...query } = Object.fromEntries(parts.searchParams);
      assert.deepEqual(query, { label: name, larp: "true", type: "coreln" });
      assert.deepEqual(JSON.parse(configuration), { address: `${publicKey}@${HOST}:${port}`, token: rune, connection: { type: "direct", value: "wss:" } });
    }
    assert.equal(new Set(nodes.flatMap(({ publicKey, rune, adminRune }) => [publicKey, rune, adminRune])).size, 24);
  });

  await t.test("the runes hold exactly their restrictions, by another implementation", async () => {
    const secrets = (await live("for d in /srv/kindling/class/*/regtest/hsm_secret; do od -An -v -tx1 $d | tr -d ' \\n'; echo; done")).trim().split("\n")
      .map((hsm) => crypto.createHash("sha256").update(Buffer.from(hsm, "hex")).update("commando").digest("hex"));
    const judge = (secret, rune, calls) => JSON.parse(execFileSync(PYTHON, [path.join(HERE, "judge-runes.py")], { input: JSON.stringify({ secret, rune, calls }), encoding: "utf8" }));
    const now = Math.floor(begun);
    const at = (minute, method) => ({ method, time: now + minute * 60 });
    for (const i of [0, 7]) {
      const allowed = ["listfunds", "getinfo", "pay", "xpay", "invoice", "decode", "keysend", "newaddr", "connect", "fundchannel", "close", "bkpr-listbalances", "waitanyinvoice"];
      const forbidden = ["withdraw", "createrune", "listdatastore", "blacklistrune", "showrunes", "multifundchannel", "stop", "bkpr-inspect", "getroutes", "payx"];
      const mine = judge(secrets[i], nodes[i].rune, [...allowed, ...forbidden].map((method, second) => ({ method, time: now + 60 + second })));
      assert.deepEqual(mine.restrictions, [
        "=0", METHODS.map((one) => `method${one}`).join("|"), "method/listdatastore",
        "method^list|method=getinfo|method=decode|method^bkpr-list|method^wait|rate=600", `time<${runesUntil}`,
      ]);
      assert.deepEqual(mine.answers.map((why) => why === null), [...allowed.map(() => true), ...forbidden.map(() => false)]);
      const soon = (method, after) => ({ method, time: now + 200 + after });
      const spaced = judge(secrets[i], nodes[i].rune, [
        soon("pay", 0), soon("pay", 0.05), soon("listinvoices", 0.05), soon("listpays", 0.05), soon("pay", 0.2), soon("getinfo", 0.2),
        { method: "getinfo", time: runesUntil - 1 }, { method: "getinfo", time: runesUntil },
      ]);
      assert.deepEqual(spaced.answers.map((why) => (why?.endsWith(" too soon") ? "too soon" : why)), [null, "too soon", null, null, null, null, null, `time: >= ${runesUntil}`]);
      const admin = judge(secrets[i], nodes[i].adminRune, [at(1, "withdraw"), at(1, "createrune"), { method: "getinfo", time: runesUntil }]);
      assert.deepEqual(admin, { restrictions: ["=1", `time<${runesUntil}`], answers: [null, null, `time: >= ${runesUntil}`] });
      assert.match(judge(secrets[(i + 1) % 8], nodes[i].rune, [at(1, "getinfo")]).answers[0], /authcode invalid/, "of another node");
    }
    // No node has another rune than these two, and so none without restrictions.
    const shown = await ask(...nodes.map((_, i) => `ask ${i} showrunes`));
    assert.deepEqual(shown.map(({ answer }) => answer.runes.map(({ rune }) => rune)), nodes.map(({ rune, adminRune }) => [rune, adminRune]));
  });

  await t.test("a websocket reaches its node through nginx, from outside; all else gets one line, and other ports nothing", async () => {
    const script = `const https = require("https");
      const ask = (port, headers) => new Promise((resolve) => { const request = https.get({ host: "192.0.2.2", port, rejectUnauthorized: false, headers }, (r) => { let text = ""; r.on("data", (d) => text += d).on("end", () => resolve(r.statusCode + " " + text)); })
        .on("upgrade", (response, socket, head) => { const told = (bytes) => { resolve(response.statusCode + " " + bytes.subarray(2)); socket.destroy(); }; if (head.length) told(head); else socket.once("data", told); })
        .on("error", (error) => resolve(error.code)); });
      const ws = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13" };
      (async () => { const all = []; for (let i = 0; i < 8; i++) all.push(await ask(6001 + i, ws)); all.push(await ask(6003, {})); console.log(JSON.stringify(all)); })();`;
    const { stdout, stderr } = await machine.outside(["node", "-e", script]);
    const seen = JSON.parse(stdout || JSON.stringify(stderr));
    assert.deepEqual(seen.slice(0, 8), nodes.map(({ publicKey }) => `101 ${publicKey}`));
    assert.match(seen[8], /^200 This is a Lightning node of a class[^\n]*\n$/);
    const scan = await machine.outside(["node", "/run/kindling-test/tests/stand-ins/scan.mjs", "192.0.2.2", "80", "443", "6000", "6001", "6008", "6009", "9735", "9736", "18443"]);
    assert.deepEqual(JSON.parse(scan.stdout), [80, 6001, 6008]);
    assert.match(await live("ufw status"), /^10\.61\.0\.1 18443\/tcp on br-kindling +ALLOW +10\.61\.0\.0\/24/m);
  });

  const channels = CLASS.channels.map(({ from, to, sats, pushSats }) => ({ from, to, sats, fromSats: sats - pushSats, active: true }));
  const byEnds = (list) => [...list].sort((one, other) => one.from - other.from || one.to - other.to);
  await t.test("the heartbeat tells each node and each channel", async () => {
    const { nonce, bootedAt, disk, class: told, stderr, ...rest } = await round();
    assert.deepEqual([rest, stderr], [{}, ""]);
    assert.ok(told.blocks > 110 && Date.now() / 1000 - told.bestBlockTime < 60);
    assert.deepEqual(byEnds(told.channels), byEnds(channels));
    assert.deepEqual(told.nodes.map(({ blocks, onchainSats, ...node }) => node), CLASS.nodes.map(({ name }) => ({ name, up: true, wallets: 0 })));
    for (const { blocks, onchainSats } of told.nodes) assert.ok(blocks > 110 && onchainSats > 70_000_000 && onchainSats < 101_000_001 - 2 * 6_250_000);
  });

  await t.test("a channel that a participant opens is told, and a wallet that is connected", async () => {
    const [{ answer }] = await ask(`ask 0 multifundchannel destinations='[{"id":"${nodes[4].publicKey}@10.61.0.14:9735","amount":1000000}]'`);
    assert.equal(answer.channel_ids[0].id, nodes[4].publicKey);
    // A wallet is a peer with a key of its own.
    const key = crypto.createECDH("secp256k1").generateKeys("hex", "compressed");
    await live(`setsid node -e 'const s = require("net").connect(9735, "10.61.0.12"); s.write(JSON.stringify({ hello: "${key}" }) + "\\n"); s.resume()' >/dev/null 2>&1 </dev/null & echo $! >/run/wallet`);
    await until("ask 2 listpeers", ({ peers }) => peers.some(({ id }) => id === key));
    await until("ask 0 listpeerchannels", ({ channels: its }) => its.every(({ state }) => state === "CHANNELD_NORMAL"));
    const { class: told } = await round();
    assert.equal(told.nodes[2].wallets, 1);
    assert.deepEqual(byEnds(told.channels), byEnds([...channels, { from: 0, to: 4, sats: 1_000_000, fromSats: 1_000_000, active: true }]));
    await live("kill $(cat /run/wallet)");
  });

  await t.test("a node that died is told, started again, and finds its peers", async () => {
    await live(". /opt/kindling/lib.sh; compose stop node03; systemctl stop kindling-blocks; rm -f /run/kindling-watch/channels.seen");
    machine.setFaults(["fail docker ps *"]); // the watch cannot see that it has to start one
    const down = await round();
    machine.setFaults([]);
    assert.deepEqual([down.class.nodes[3], down.message], [{ name: "Animal3", up: false }, "Not answering: Animal3."]);
    assert.equal(down.class.channels.length, 17, "the other side knows its channels");
    assert.deepEqual(down.class.channels.filter(({ active }) => !active).map(({ from, to }) => [from, to].sort().join()).sort(), ["1,3", "2,3", "3,4", "3,5"]);
    await round(); // starts it, and sees that it has lost its peers
    await until("ask 3 getinfo", ({ blockheight }) => blockheight > 0);
    assert.equal((await live("systemctl is-active kindling-blocks")).trim(), "active");
    await round();
    const { class: told } = await round();
    assert.deepEqual([told.nodes[3].up, told.channels.every(({ active }) => active)], [true, true]);
  });

  await t.test("ops.sh on a class", async () => {
    assert.match(await live("ops.sh status"), /kindling-blocks +active[^]*NODES\n {2}6001 {2}Animal0 +block \d+, 5 channels active of 5[^]*certificate +public, 203-0-113-7/);
    const cards = await live("ops.sh cards");
    assert.ok(nodes.every(({ connect, wallet, rune }) => [connect, wallet, rune].every((text) => cards.includes(text))));
    assert.ok(!cards.includes(nodes[0].adminRune));
    assert.equal((await live("ops.sh cards Animal3")).split("\n")[0], "Animal3");
    for (const command of ["sync", "backup", "restore", "unlock", "update"]) {
      const { exitCode: code, stdout, stderr } = await machine.run(["ops.sh", command]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^(The|A) \w[^\n]*\.\n$/);
    }
    const help = await live("ops.sh help; for c in status cards logs pair support-bundle; do ops.sh help $c; done");
    for (const command of ["status", "cards", "logs", "pair", "support-bundle"]) assert.match(help, new RegExp(`^ops\\.sh ${command}\\b`, "m"));
    assert.doesNotMatch(help, /LND|LNbits|seed words\b.*:/);
    for (const service of ["bitcoin", "blocks", "node00", "node07", "nginx", "watch", "bringup"]) await live(`ops.sh logs ${service}`);
    assert.equal((await machine.run(["ops.sh", "logs", "lnd"])).exitCode, 2);
    worker.issue("fresh-token-77bb");
    await live("ops.sh pair <<<fresh-token-77bb");
    await live("systemctl stop kindling-watch");
    await live(`echo 'a log with ${nodes[1].rune} in it' >>/run/kindling-test/containers/node01.log`);
    const [archive] = /\/root\/\S+\.tar\.gz/.exec(await live("ops.sh support-bundle"));
    const text = await live(`tar --extract --gzip --to-stdout --file ${archive}`);
    assert.match(text, /a log with \[redacted\] in it/);
    for (const secret of [bundle.bitcoin.rpcPassword, ...nodes.flatMap(({ rune, adminRune }) => [rune, adminRune])]) assert.ok(!text.includes(secret));
  });

  await t.test("a second run changes nothing and says nothing", async () => {
    const reports = worker.said.reports.length;
    const everything = "find /var/lib/kindling /etc/kindling /etc/nginx /root/node-credentials.txt /srv/kindling/class/*/config -type f -exec sha256sum {} + | sort";
    const before = await live(everything);
    await live("/opt/kindling/bootstrap.sh");
    assert.deepEqual([await live(everything), worker.said.reports.length], [before, reports]);
  });

  await t.test("nothing secret in logs, arguments of commands and world-readable files", async () => {
    const secrets = [TOKEN, AUTH_KEY, bundle.bitcoin.rpcPassword, ...nodes.flatMap(({ rune, adminRune }) => [rune, adminRune])];
    const clean = (where, content) => { for (const secret of secrets) assert.ok(!content.includes(secret), `${where} holds a secret`); };
    clean("the console", log);
    const seen = await live("cat /run/kindling-test/arguments.log");
    assert.match(seen, /^lightning-cli .*createrune /m);
    clean("the arguments", seen);
    for (const name of filesUnder(machine.root)) {
      const inLogs = /^(var\/log|var\/lib\/cloud)\//.test(path.relative(machine.root, name));
      if (inLogs || fs.statSync(name).mode & 0o004) clean(name, fs.readFileSync(name));
    }
    assert.equal((await live("stat -c %a /var/lib/kindling/secrets/cards.json /var/lib/kindling/secrets/runes.json /root/node-credentials.txt")), "600\n600\n600\n");
    // What participants see of a node's options does not name the password.
    assert.ok(!(await live("cat /srv/kindling/class/00/config")).includes("rpcpassword"));
  });

  const check = async (i, rune, method) => (await ask(`ask ${i} checkrune rune=${rune} method=${method}`))[0];
  await t.test("the runes die with the class, and live again with more hours", async () => {
    worker.endsAt = begun + 7200;
    await live("rm -f /run/kindling-watch/heartbeat.answer");
    await round();
    assert.equal((await live("cat /var/lib/kindling/ends-at")).trim(), String(begun + 7200));
    assert.deepEqual((await check(0, nodes[0].rune, "getinfo")).answer, { valid: true });
    assert.equal((await check(1, nodes[1].rune, "withdraw")).error.code, 1502);

    worker.endsAt = begun - 10;
    await round(); // hears it
    await round(); // does it
    for (const [i, rune] of [[2, nodes[2].rune], [2, nodes[2].adminRune], [7, nodes[7].rune]]) assert.equal((await check(i, rune, "getinfo")).error.code, 1503);
    assert.match(await live("ops.sh status"), /runes +void: the class is over/);

    worker.endsAt = begun + 7200;
    await round();
    await round();
    for (const [i, rune] of [[3, nodes[3].rune], [2, nodes[2].adminRune]]) assert.deepEqual((await check(i, rune, "getinfo")).answer, { valid: true });
  });
});
