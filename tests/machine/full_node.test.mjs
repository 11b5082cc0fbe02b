// The full node after its bring-up, run for real: the heartbeat and its two signatures, the chores, the UTXO snapshot, the light
// client, the channel backup. Its programs are stand-ins that speak the official shapes; tests tell them by files what happens.
import test from "node:test";
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { bootMachine } from "./boot.mjs";
import { startScriptedWorker } from "./scripted-worker.mjs";
import { renderUserData } from "./user-data.mjs";

const ORDER = "7a1e".repeat(8);
const TOKEN = "pairing-token-full-node";
const HOST = "/run/kindling-test/host";

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "kindling-full-node-test-"));
test.after(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** A booted machine with what the tests below do to it. `changes` are to its configuration. */
async function fullNode(t, { changes = {}, ...rest } = {}) {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN, ...rest.worker });
  t.after(() => worker.stop());
  const identity = path.join(fs.mkdtempSync(path.join(scratch, "age-")), "identity");
  execFileSync("age-keygen", ["-o", identity], { stdio: "ignore" });
  const recipient = execFileSync("age-keygen", ["-y", identity], { encoding: "utf8" }).trim();
  const config = {
    KINDLING_URL: worker.url, ORDER_ID: ORDER, PRODUCT: "full_node", BITCOIN: "knots", NETWORK: "mainnet",
    VOLUME_NAME: "", VOLUME_SIZE_GB: "0", TAILSCALE: "no", ASSUMEUTXO_URL: "", NEUTRINO: "no", ...changes,
  };
  const machine = await bootMachine({
    userData: renderUserData({ config, token: TOKEN, recipients: [recipient] }), authorizedKeys: [], workerUrl: worker.url,
    publicIp: "203.0.113.9", logDir: fs.mkdtempSync(path.join(scratch, "boot-")), faults: rest.faults,
  });
  t.after(() => machine.stop());
  const { exitCode, log } = await machine.done;
  assert.equal(exitCode, 0, log);
  const live = async (...argv) => {
    const { exitCode: code, stdout, stderr } = await machine.run(argv);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const shell = (script) => live("bash", "-c", script);
  const until = (condition) => live("timeout", "120", "bash", "-c", `until ${condition}; do sleep 0.1; done`);
  const tell = (...names) => live("touch", ...names.map((name) => `${HOST}/${name}`));
  const untell = (...names) => live("rm", "-f", ...names.map((name) => `${HOST}/${name}`));
  // After the service's first heartbeat it stands still, so that what a test sees is what its own round did.
  await worker.heartbeat();
  await live("systemctl", "stop", "kindling-watch");
  const round = async (environment = []) => {
    const { exitCode: code, stderr } = await machine.run(["env", ...environment, "/opt/kindling/watch.sh", "--once"]);
    assert.equal(code, 0, stderr);
    return { ...worker.said.heartbeats.at(-1), stderr };
  };
  const lndState = (state) => until(`[ "$(curl -s --cacert /srv/kindling/lnd/tls.cert https://127.0.0.1:8080/v1/state)" = '{"state":"${state}"}' ]`);
  const open = (sealed) => execFileSync("age", ["--decrypt", "--identity", identity], { input: Buffer.from(sealed, "base64") });
  return { worker, machine, live, shell, until, tell, untell, round, lndState, open };
}

const RULES = ["bip34", "bip66", "bip65", "csv", "segwit", "testdummy", "taproot"];

test("heartbeats tell the truth, signed by the machine and by LND", async (t) => {
  const node = await fullNode(t);
  const { worker } = node;

  await t.test("the service itself sent one, right after the delivery", async () => {
    assert.ok(worker.said.heartbeats.length >= 1);
    assert.deepEqual(worker.said.refused, []);
  });

  await t.test("the bundle says what runs here", async () => {
    const { open, live } = node;
    const bundle = JSON.parse(open(worker.said.deliveries[0].sealed));
    const byName = Object.fromEntries(bundle.components.map((component) => [component.name, component]));
    const releases = Object.fromEntries((await live("cat", "/opt/kindling/full_node/releases.env")).split("\n").filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s).slice(0, 2)));
    assert.deepEqual(byName.LND, { name: "LND", version: releases.LND_VERSION, digest: releases.LND_IMAGE.split("@")[1] });
    assert.deepEqual(byName.LNbits, { name: "LNbits", version: releases.LNBITS_VERSION, digest: releases.LNBITS_IMAGE.split("@")[1] });
    assert.equal(byName["Bitcoin Knots"].version, releases.KNOTS_VERSION);
    const archive = (await live("sh", "-c", `sha256sum /run/kindling-test/releases/bitcoin-${releases.KNOTS_VERSION}-x86_64-linux-gnu.tar.gz`)).split(" ")[0];
    assert.equal(byName["Bitcoin Knots"].digest, `sha256:${archive}`);
    for (const name of ["Docker", "age", "Linux"]) assert.ok(byName[name].version.length > 0);
    assert.ok(!("Tailscale" in byName), "it does not run on this machine");
    assert.equal(bundle.lnd.identityKey, worker.said.heartbeats[0].body.identityKey);
    const credentials = await live("cat", "/root/node-credentials.txt");
    assert.ok(credentials.includes(byName["Bitcoin Knots"].digest) && credentials.includes(bundle.lnd.identityKey));
    assert.doesNotMatch(credentials, /ops\.sh sync/);
  });

  await t.test("while the chain downloads", async () => {
    await node.lndState("RPC_ACTIVE");
    const { body, identified } = await node.round();
    const { nonce, bootedAt, disk, identityKey, ...rest } = body;
    const hash = rest.bitcoin.bestBlockHash;
    assert.deepEqual(rest, {
      bitcoin: {
        chain: "main", blocks: 1234, headers: 930000, bestBlockHash: hash, bestBlockTime: 1790000000, progressPpm: 120, initialBlockDownload: true,
        pruned: true, sizeBytes: 2_000_000_000, peers: 8, version: "/Satoshi:29.3.0/Knots:20260507/",
        rules: RULES.map((name) => ({ name, active: !["testdummy", "taproot"].includes(name) })), background: null,
      },
      lnd: { state: "RPC_ACTIVE", backend: "bitcoind", syncedToChain: false, blockHeight: 1234, peers: 3, activeChannels: 0, version: "0.21.2-beta" },
      lnbits: true, fundingConnected: false, snapshot: null,
    });
    assert.equal(bootedAt, Number((await node.shell("awk '/^btime/ {print $2}' /proc/stat")).trim()));
    assert.ok(disk.freeBytes > 0 && disk.freeBytes <= disk.totalBytes);
    assert.ok(identified, "the Worker verified LND's signature over the same body");
    assert.match(identityKey, /^0[23][0-9a-f]{64}$/);
  });

  await t.test("once the chain is there LNbits is connected to LND, once", async () => {
    await node.tell("synced");
    await node.lndState("SERVER_ACTIVE");
    const started = () => node.live("cat", "/run/kindling-test/containers/lnbits.started");
    const before = await started();
    const { body } = await node.round();
    await node.until("[ \"$(cat /srv/kindling/lnbits/funding)\" = LndRestWallet ]");
    const after = await started();
    assert.notEqual(after, before);
    assert.equal(body.fundingConnected, true);
    assert.deepEqual([body.bitcoin.progressPpm, body.bitcoin.initialBlockDownload, body.lnd.syncedToChain, body.lnd.blockHeight], [1_000_000, false, true, 930000]);
    await node.round();
    assert.equal(await started(), after);
    await node.shell(". /opt/kindling/lib.sh; compose restart lnbits");
    assert.equal((await node.round()).body.fundingConnected, true, "a restart that may have come too early is followed by one more");
    assert.notEqual(await started(), after);
  });

  await t.test("an LND that does not sign in time leaves the heartbeat to the machine", async () => {
    await node.tell("lnd-mute");
    const { body, identified } = await node.round();
    await node.untell("lnd-mute");
    assert.deepEqual([identified, body.identityKey, body.lnd.state], [false, undefined, "SERVER_ACTIVE"]);
  });

  await t.test("what is down is null, not guessed", async () => {
    await node.live("systemctl", "stop", "bitcoind");
    assert.equal((await node.round()).body.bitcoin, null);
    await node.shell("kill $(cat /run/kindling-test/containers/lnd.pid)");
    await node.until("! curl -sk https://127.0.0.1:8080/v1/state");
    const { body, identified } = await node.round();
    assert.deepEqual([body.lnd, identified, body.identityKey], [null, false, undefined]);
    await node.shell("kill $(cat /run/kindling-test/containers/lnbits.pid)");
    await node.until("! curl -s http://127.0.0.1:5000/api/v1/health");
    assert.deepEqual([(await node.round()).body.lnbits, (await node.round()).body.fundingConnected], [false, false]);
  });

  await t.test("a call that ends without a word is one without an answer", async () => {
    node.machine.setFaults(["fail curl */heartbeat"]);
    assert.match((await node.round()).stderr, /the heartbeat was not taken \(status 000\)/);
    node.machine.setFaults([]);
  });

  await t.test("many callers at once: every nonce is higher than the one that came before it", async () => {
    const before = worker.said.heartbeats.length;
    await node.live("systemctl", "start", "bitcoind");
    await node.shell(`
      . /opt/kindling/lib.sh; . /opt/kindling/wire.sh
      printf '{"sealed":null}' >/tmp/one; cp /tmp/one /tmp/two
      for i in 1 2 3 4 5; do
        post_signed backup /tmp/one /tmp/one.answer >/tmp/one.status & post_signed backup /tmp/two /tmp/two.answer >/tmp/two.status &
        /opt/kindling/watch.sh --once
        wait
        [ "$(cat /tmp/one.status /tmp/two.status)" = 200200 ] || exit 1
      done`);
    assert.equal(worker.said.heartbeats.length, before + 5);
    assert.equal(worker.said.backups.length, 10);
    assert.deepEqual(worker.said.refused, []);
  });

  await t.test("a revoked pairing is not hammered; a new one binds a new key", async () => {
    worker.revoke();
    const told = worker.said.heartbeats.length;
    assert.match((await node.round()).stderr, /not accepted any more; 'ops\.sh pair' makes a new one/);
    assert.equal(worker.said.heartbeats.length, told);
    assert.match(await node.shell(". /opt/kindling/lib.sh; . /opt/kindling/wire.sh; printf '{\"lnbits\":true}' >/tmp/body; heartbeat /tmp/body"), /^900$/m);
    const pairAgain = (token) => node.machine.run(["bash", "-c", `printf '%s\\n' '${token}' >/tmp/token; . /opt/kindling/lib.sh; . /opt/kindling/wire.sh; pair_again /tmp/token`]);
    const key = () => node.live("cat", "/var/lib/kindling/machine.key");
    const old = await key();
    const refused = await pairAgain("not-the-token");
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /The pairing token is not known/);
    assert.equal(await key(), old);
    worker.issue("another-token-1");
    assert.equal((await pairAgain("another-token-1")).exitCode, 0);
    assert.notEqual(await key(), old);
    await node.round();
    assert.equal(worker.said.heartbeats.length, told + 1);
  });

  await t.test("no macaroon and no seed in arguments, logs or files that others may read", async () => {
    const macaroon = (await node.shell("od -An -v -tx1 /srv/kindling/lnd/data/chain/bitcoin/mainnet/admin.macaroon | tr -d ' \\n'")).trim();
    assert.equal(macaroon.length, 128);
    const seen = await node.shell("cat /run/kindling-test/arguments.log /run/kindling-test/*.journal /var/log/cloud-init-output.log");
    assert.match(seen, /^curl .*v2\/signer\/signmessage$/m);
    assert.ok(!seen.includes(macaroon));
    const words = JSON.parse(await node.live("cat", "/var/lib/kindling/secrets/lnd-seed.json")).cipher_seed_mnemonic;
    for (const word of words) assert.ok(!seen.includes(word));
    // From a file, since the search's own arguments are noted, too.
    await node.shell("umask 077; od -An -v -tx1 /srv/kindling/lnd/data/chain/bitcoin/mainnet/admin.macaroon | tr -d ' \\n' >/run/sought");
    assert.equal(await node.shell("find /etc /opt /root /run /srv /tmp /var -type f -perm -004 -newer /etc/kindling/config -exec /usr/bin/grep -lFf /run/sought {} + || true"), "");
    assert.equal(await node.shell("find /var/lib/kindling /run/kindling-watch -type f -perm /077"), "");
  });
});

for (const [network, chain] of [["signet", "signet"], ["testnet4", "testnet4"], ["regtest", "regtest"]]) {
  test(`a node on ${network} comes up`, async (t) => {
    const node = await fullNode(t, { changes: { NETWORK: network } });
    await node.lndState("RPC_ACTIVE");
    const { body, identified } = await node.round();
    assert.deepEqual([body.bitcoin.chain, body.lnd.state, identified], [chain, "RPC_ACTIVE", true]);
    assert.match(await node.live("cat", "/srv/kindling/lnd/lnd.conf"), new RegExp(`^bitcoin\\.${network}=true$`, "m"));
    await node.live("test", "-s", `/srv/kindling/lnd/data/chain/bitcoin/${network}/admin.macaroon`);
    assert.match(await node.live("cat", "/srv/kindling/bitcoin/bitcoin.conf"), network === "regtest" ? /^prune=0$/m : /^prune=25000$/m);
  });
}

test("with NEUTRINO, LND is usable at once, moves to bitcoind by itself, and back when that fails", async (t) => {
  const node = await fullNode(t, { changes: { NEUTRINO: "yes" } });
  const conf = () => node.live("cat", "/srv/kindling/lnd/lnd.conf");
  const lndStarted = () => node.live("cat", "/run/kindling-test/containers/lnd.started");
  await node.lndState("SERVER_ACTIVE");
  const { body } = await node.round();
  assert.deepEqual([body.bitcoin.initialBlockDownload, body.lnd.backend, body.lnd.syncedToChain, body.fundingConnected], [true, "neutrino", true, true]);
  const before = await conf();
  assert.match(before, /^fee\.url=https:/m);
  const started = await lndStarted();

  await t.test("an LND that does not start on bitcoind goes back to its light client, with a word to the customer", async () => {
    await node.tell("synced", "lnd-stuck");
    await node.round();
    assert.match(await conf(), /^bitcoin\.node=bitcoind$/m);
    await node.lndState("UNLOCKED");
    assert.equal((await node.round()).body.lnd.state, "UNLOCKED");
    await node.round(["KINDLING_SWITCH_SECONDS=0"]);
    assert.equal(await conf(), before);
    await node.lndState("SERVER_ACTIVE");
    const { body: back } = await node.round();
    assert.deepEqual([back.lnd.backend, back.lnd.state], ["neutrino", "SERVER_ACTIVE"]);
    assert.match(back.message, /stays on its light client; the move is tried again later/);
    const settled = await lndStarted();
    await node.round();
    assert.equal(await lndStarted(), settled, "not tried again at once");
  });

  await t.test("a move that is cut after the edit, and one that is cut after the restart, are finished", async () => {
    await node.untell("lnd-stuck");
    await node.shell("rm /var/lib/kindling/lnd-switch-after; date +'editing %s' >/var/lib/kindling/lnd-switch; sed -i 's/^bitcoin.node=neutrino/bitcoin.node=bitcoind/' /srv/kindling/lnd/lnd.conf");
    await node.round();
    await node.lndState("SERVER_ACTIVE");
    const { body: moved } = await node.round();
    assert.deepEqual([moved.lnd.backend, moved.message], ["bitcoind", undefined]);
    await node.shell("date +'starting %s' >/var/lib/kindling/lnd-switch");
    const settled = await lndStarted();
    await node.round();
    await node.live("test", "!", "-e", "/var/lib/kindling/lnd-switch");
    assert.equal(await lndStarted(), settled);
  });

  await t.test("exactly the backend's lines are changed, and LND keeps its file", async () => {
    const changed = (await conf()).split("\n").filter((line, i) => line !== before.split("\n")[i]);
    assert.deepEqual(changed.map((line) => line.replace(/https.*/, "")), ["; fee.url=", "bitcoin.node=bitcoind"]);
    assert.equal((await node.live("stat", "--format=%U:%G %a", "/srv/kindling/lnd/lnd.conf")).trim(), "lnd:kindling 600");
    assert.notEqual(await lndStarted(), started);
  });
});

const SNAPSHOT = { changes: { ASSUMEUTXO_URL: "http://127.0.0.1:18999/utxo.dat" } };
const stage = async (node) => JSON.parse(await node.live("cat", "/var/lib/kindling/snapshot.json"));
const untilStage = (node, name) => node.until(`grep -q '"stage": *"${name}"' /var/lib/kindling/snapshot.json`);
const noFileLeft = (node) => node.until("! test -e /srv/kindling/snapshot");

test("a UTXO snapshot is downloaded, waits for the headers, is loaded, validated and deleted; cuts and a reboot are survived", async (t) => {
  const node = await fullNode(t, { ...SNAPSHOT, faults: ["snapshot-slow"] });
  const killScript = () => node.shell("script=$(cat /run/kindling-test/kindling-snapshot.pid); kill -9 $script; while kill -0 $script 2>/dev/null; do sleep 0.02; done");
  assert.match(await node.live("cat", "/srv/kindling/bitcoin/bitcoin.conf"), /^prune=50000$/m);

  await t.test("it does not hold up the bring-up, and a cut download goes on where it was", async () => {
    await untilStage(node, "downloading");
    await node.until("[ \"$(stat -c %s /srv/kindling/snapshot/utxo.part 2>/dev/null || echo 0)\" -ge 900000 ]");
    const { body } = await node.round();
    assert.equal(body.snapshot.stage, "downloading");
    await killScript();
    // The curl that outlives the script ends with its connection.
    await node.shell("kill $(ps -eo pid,args | awk '/[/]utxo.dat/ && $2 ~ /curl/ {print $1}')");
    await node.tell("few-headers");
    node.machine.setFaults([]);
    await node.live("systemctl", "start", "kindling-snapshot");
    await untilStage(node, "waiting");
    assert.match(await node.live("cat", "/run/kindling-test/snapshot-requests"), /^GET 9\d{5}$|^GET 1000000$/m);
    assert.deepEqual((await node.round()).body.snapshot, { stage: "waiting", percent: 0 });
  });

  await t.test("a load that is cut with bitcoind is cleared and done again; one whose script is cut goes on", async () => {
    await node.tell("hold-load");
    await node.untell("few-headers");
    await untilStage(node, "loading");
    await killScript();
    await node.live("systemctl", "start", "kindling-snapshot");
    assert.equal((await stage(node)).stage, "loading");
    await killScript();
    await node.live("systemctl", "stop", "bitcoind"); // the reboot: nothing of it runs
    await node.live("test", "-d", "/srv/kindling/bitcoin/chainstate_snapshot");
    await node.untell("hold-load");
    await node.live("systemctl", "start", "bitcoind");
    await node.live("systemctl", "start", "kindling-snapshot");
    await untilStage(node, "validating");
    await noFileLeft(node);
    assert.match(await node.live("cat", "/run/kindling-test/kindling-snapshot.journal"), /an earlier load was cut; what it left is removed/);
  });

  await t.test("the snapshot's chain is in use while the history is checked, and that is told", async () => {
    const { body } = await node.round();
    assert.deepEqual(body.snapshot, { stage: "validating", percent: 0 });
    assert.deepEqual([body.bitcoin.blocks, body.bitcoin.background], [880000, { blocks: 1234, progressPpm: 120 }]);
    await node.tell("synced", "history-checked");
    const { body: done } = await node.round();
    assert.deepEqual([done.snapshot, done.bitcoin.background, done.bitcoin.initialBlockDownload], [{ stage: "validated", percent: 100 }, null, false]);
    await node.live("systemctl", "start", "kindling-snapshot");
    await node.until("! kill -0 $(cat /run/kindling-test/kindling-snapshot.pid) 2>/dev/null");
    assert.equal((await stage(node)).stage, "validated");
  });
});

test("a snapshot that bitcoind refuses is deleted, and the ordinary download goes on", async (t) => {
  const node = await fullNode(t, { ...SNAPSHOT, faults: ["snapshot-tampered"] });
  await untilStage(node, "refused");
  await noFileLeft(node);
  const { body } = await node.round();
  assert.deepEqual([body.snapshot, body.bitcoin.blocks, body.bitcoin.background], [{ stage: "refused", percent: 0 }, 1234, null]);
  assert.match(body.message, /^Bitcoin refused the UTXO snapshot and deleted it; it downloads the whole chain instead, which takes longer\.$/);
});

test("the channel backup is kept under the order when it changed, sealed, and only if that is wished", async (t) => {
  const node = await fullNode(t, { changes: { NEUTRINO: "yes" } });
  const { worker } = node;
  const backup = "/srv/kindling/lnd/data/chain/bitcoin/mainnet/channel.backup";
  const raw = async () => Buffer.from(await node.shell(`base64 -w 0 ${backup}`), "base64");
  await node.until(`test -s ${backup}`);
  await node.round();
  assert.deepEqual(worker.said.backups, []);

  await node.live("touch", "/var/lib/kindling/backup-kept");
  await node.round();
  assert.equal(worker.said.backups.length, 1);
  assert.deepEqual(node.open(worker.said.backup), await raw());
  await node.round();
  assert.equal(worker.said.backups.length, 1);

  const first = (await raw()).toString("hex");
  await node.shell(`echo 2 >${HOST}/channels`);
  await node.until(`[ "$(od -An -v -tx1 ${backup} | tr -d ' \\n')" != ${first} ]`);
  await node.round();
  assert.equal(worker.said.backups.length, 2);
  assert.deepEqual(node.open(worker.said.backup), await raw());
  assert.equal(worker.said.heartbeats.at(-1).body.lnd.activeChannels, 2);

  await t.test("the service by itself moves LND to bitcoind, and the backup stays as it is", async () => {
    await node.tell("synced");
    await node.live("systemctl", "start", "kindling-watch");
    await node.until("grep -q '^bitcoin.node=bitcoind' /srv/kindling/lnd/lnd.conf");
    await node.lndState("SERVER_ACTIVE");
    await node.live("systemctl", "stop", "kindling-watch");
    assert.equal(worker.said.backups.length, 2);
  });

  await node.shell(". /opt/kindling/lib.sh; . /opt/kindling/wire.sh; . /opt/kindling/full_node/chores.sh; erase_backup");
  assert.equal(worker.said.backup, null);
  await node.round();
  assert.equal(worker.said.backup, null);
});
