// The machine's scripts, run for real: rendered user-data boots under cloud-init against a scripted Worker that checks signatures.
import test from "node:test";
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { freePort } from "../support/process.mjs";
import { ageKey, AUTH_KEY, boot, config, CUSTOMER_KEY, filesUnder, heard, open, ORDER, PHASES, scratch, smooth, sshKey, TOKEN } from "./order.mjs";
import { startScriptedWorker } from "./scripted-worker.mjs";
import { machineFiles, renderUserData } from "./user-data.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const MACHINE = path.join(HERE, "../../machine");

test("every script passes shellcheck and bash -n", () => {
  const scripts = [MACHINE, HERE].flatMap((folder) => [...filesUnder(folder)].filter((file) => file.endsWith(".sh")));
  assert.ok(scripts.length > 10);
  for (const script of scripts) execFileSync("bash", ["-n", script]);
  const { status, stdout } = spawnSync("shellcheck", ["--external-sources", "--source-path=SCRIPTDIR", ...scripts], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

/** Every node that can be ordered, as changes of its configuration. */
function* everyNode() {
  const url = "https://snapshots.example/utxo-910000.dat";
  const mainnet = ["", url].flatMap((ASSUMEUTXO_URL) => ["no", "yes"].map((NEUTRINO) => ({ NETWORK: "mainnet", ASSUMEUTXO_URL, NEUTRINO })));
  const chains = [...mainnet, ...["signet", "testnet4", "regtest"].map((NETWORK) => ({ NETWORK }))];
  for (const chain of chains)
    for (const BITCOIN of ["knots", "core"])
      for (const VOLUME_NAME of ["", "kindling-data"])
        for (const TAILSCALE of ["no", "yes"]) yield { ...chain, BITCOIN, VOLUME_NAME, TAILSCALE };
}

test("the user-data of every node that can be ordered is a valid cloud-config under 48 KiB", async (t) => {
  const { recipient } = ageKey();
  const valid = async (changes, at) => {
    const text = renderUserData({ config: config({ url: "https://kindling.example" }, changes), token: TOKEN, recipients: [recipient] });
    assert.ok(text.length < 48 * 1024, `${text.length} bytes`);
    const file = path.join(scratch, `user-data-${at}`);
    fs.writeFileSync(file, text);
    await promisify(execFile)("cloud-init", ["schema", "--config-file", file]);
    return text.length;
  };
  const nodes = [...everyNode()];
  assert.equal(nodes.length, 56);
  const sizes = [];
  for (let at = 0; at < nodes.length; at += 2) sizes.push(...await Promise.all(nodes.slice(at, at + 2).map((changes, i) => valid(changes, at + i))));
  t.diagnostic(`user-data: ${Math.min(...sizes)} to ${Math.max(...sizes)} bytes over ${sizes.length} combinations`);
  assert.ok(machineFiles().includes("bootstrap.sh"));
});

test("a machine with a volume and Tailscale comes up, delivers, and keeps its secrets to itself", async (t) => {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN, tailscaleAuthKey: AUTH_KEY });
  t.after(() => worker.stop());
  const { identity, recipient } = ageKey();
  const machine = await boot(t, worker, {
    changes: { VOLUME_NAME: "kindling-data", VOLUME_SIZE_GB: "100", TAILSCALE: "yes" }, recipients: [recipient], volume: "kindling-data",
  });
  const { exitCode, log } = await machine.done;
  assert.equal(exitCode, 0, log);
  const file = (name) => path.join(machine.root, name);
  const scan = ["node", "/run/kindling-test/tests/stand-ins/scan.mjs"];
  const live = async (...argv) => {
    const { exitCode: code, stdout, stderr } = await machine.run(argv);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };

  assert.deepEqual(heard(worker), smooth(PHASES));
  assert.deepEqual(worker.said.refused, []);
  assert.deepEqual([...worker.said.nodes], ["nStandIn11CNTRL"]);
  assert.equal(worker.said.deliveries.length, 1);
  const [delivery] = worker.said.deliveries;
  const bundle = open(delivery.sealed, identity);
  const host = `kindling-${ORDER}.tail0123.ts.net`;
  t.diagnostic(`seconds per phase: ${worker.said.reports.filter(({ status }) => status === "done").map(({ phase, seconds }) => `${phase} ${seconds}`).join(", ")}`);

  await t.test("what is delivered in the open", () => {
    const { nonce, sealed, hostKeys, ...rest } = delivery;
    assert.deepEqual(rest, { nodeIp: "203.0.113.7", tailscaleHostname: host, tailscaleNodeId: "nStandIn11CNTRL", lnbitsUrl: `https://${host}` });
    const onMachine = ["ed25519", "ecdsa", "rsa"].map((type) =>
      fs.readFileSync(file(`etc/ssh/ssh_host_${type}_key.pub`), "utf8").split(" ").slice(0, 2).join(" "));
    assert.deepEqual(hostKeys, onMachine);
    assert.match(Buffer.from(sealed, "base64").subarray(0, 22).toString(), /^age-encryption\.org\/v1\n/);
  });

  await t.test("what is in the bundle", () => {
    const secret = /^[0-9a-f]{48}$/;
    const { rpcPassword, ...bitcoin } = bundle.bitcoin;
    const { seedWords, walletPassword, ...lnd } = bundle.lnd;
    const { password, ...lnbits } = bundle.lnbits;
    assert.deepEqual({ ...bundle, bitcoin, lnd, lnbits }, {
      version: 1, orderId: ORDER, product: "full_node", fake: false, nodeIp: "203.0.113.7", tailscaleHostname: host,
      ssh: { user: "root", port: 22, hostKeys: delivery.hostKeys },
      components: bundle.components,
      bitcoin: { implementation: "knots", version: "29.3.knots20260507", network: "mainnet", rpcUser: "kindling" },
      lnd: { version: "v0.21.2-beta", identityKey: lnd.identityKey },
      lnbits: { url: `https://${host}`, version: "v1.5.6", superUser: "admin" },
      credentialsFile: "/root/node-credentials.txt",
    });
    for (const value of [rpcPassword, walletPassword, password]) assert.match(value, secret);
    assert.equal(new Set([rpcPassword, walletPassword, password]).size, 3);
    assert.equal(seedWords.length, 24);
  });

  await t.test("what the owner finds on the machine", async () => {
    const credentials = fs.readFileSync(file("root/node-credentials.txt"), "utf8");
    assert.equal(fs.statSync(file("root/node-credentials.txt")).mode & 0o777, 0o600);
    for (const value of [bundle.bitcoin.rpcPassword, bundle.lnd.walletPassword, bundle.lnbits.password, ...bundle.lnd.seedWords])
      assert.ok(credentials.includes(value));
    assert.ok(fs.readFileSync(file("root/.ssh/authorized_keys"), "utf8").includes(CUSTOMER_KEY));
    assert.match(await live("ops.sh", "status"), /bitcoind +active\n[^]* chain main: block 1234 of 930000, 0.01% verified, 2 GB on disk \(pruned\)[^]*state +RPC_ACTIVE\n/);
    assert.match(await live("ops.sh", "help"), /^ {2}sync /m);
  });

  await t.test("the volume is formatted, mounted by UUID and holds the data", async () => {
    const uuid = (await live("blkid", "--probe", "--output", "value", "--match-tag", "UUID", "/dev/disk/by-id/scsi-0DO_Volume_kindling-data")).trim();
    assert.ok(fs.readFileSync(file("etc/fstab"), "utf8").includes(`UUID=${uuid} /srv/kindling ext4 defaults,nofail,`));
    await live("test", "-s", `/run/kindling-test/volumes/${uuid}/bitcoin/bitcoin.conf`);
    assert.match(await live("cat", "/srv/kindling/bitcoin/bitcoin.conf"), /^prune=50000$/m);
  });

  await t.test("only SSH and Lightning's port are open", async () => {
    assert.deepEqual(JSON.parse((await machine.outside([...scan, "192.0.2.2", ...[5000, 8080, 8332, 10009, 28332].map(String)])).stdout), []);
    assert.match(await live("ufw", "status", "verbose"), /Default: deny \(incoming\), allow \(outgoing\)[^]*\n22\/tcp +ALLOW IN +Anywhere *\n9735\/tcp +ALLOW IN +Anywhere *\n22\/tcp \(v6\)/);
  });

  await t.test("the machine looks after itself", async () => {
    const text = (name) => fs.readFileSync(file(name), "utf8");
    assert.match(await live("cat", "/run/kindling-test/sysctl.log"), /^kernel\.panic = 10$/m);
    assert.equal(await live("cat", "/run/kindling-test/swapon.log"), "/swapfile\n");
    assert.equal(fs.statSync(file("swapfile")).size, 2 ** 31);
    assert.match(text("etc/fstab"), /^\/swapfile none swap sw 0 0$/m);
    assert.match(text("etc/systemd/journald.conf.d/kindling.conf"), /^SystemMaxUse=500M$/m);
    // apt itself reads its settings.
    const apt = await live("apt-config", "dump");
    const origins = [...apt.matchAll(/^Unattended-Upgrade::Allowed-Origins:: "(.*)";$/gm)].map(([, origin]) => origin);
    assert.ok(origins.length > 0 && origins.every((origin) => origin.endsWith("-security")), origins.join());
    for (const line of ['APT::Periodic::Unattended-Upgrade "1";', 'Unattended-Upgrade::Automatic-Reboot "true";', 'Unattended-Upgrade::Automatic-Reboot-Time "04:00";'])
      assert.ok(apt.includes(`\n${line}\n`), line);
    assert.match(text("etc/systemd/system/docker.service.d/stop.conf"), /^After=.*bitcoind\.service\n[^]*^TimeoutStopSec=360$/m);
    assert.deepEqual(JSON.parse(text("etc/docker/daemon.json")), { "log-driver": "json-file", "log-opts": { "max-size": "10m", "max-file": "3" } });
    assert.match(await live("getent", "group", "kindling"), /^kindling:/);
    for (const unit of ["docker", "bitcoind", "unattended-upgrades", "systemd-timesyncd", "kindling-firewall", "kindling-scrub", "kindling-bringup"])
      await live("systemctl", "is-enabled", unit);
    await live("test", "-e", "/var/lib/kindling/complete");
  });

  await t.test("nothing secret in logs, arguments of commands, world-readable files; no token, key or open bundle is left", async () => {
    const read = (name) => live("cat", name);
    const secrets = [
      TOKEN, AUTH_KEY, bundle.bitcoin.rpcPassword, bundle.lnd.walletPassword, bundle.lnbits.password, ...bundle.lnd.seedWords,
      (await read("/var/lib/kindling/secrets/lnbits-first-install-token")).trim(), (await read("/var/lib/kindling/secrets/lnbits-auth-key")).trim(),
      (await read("/var/lib/kindling/machine.key")).split("\n")[1],
    ];
    assert.ok(secrets.every((secret) => secret.length >= 8));
    const mustNotHold = (where, content) => {
      for (const secret of secrets) assert.ok(!content.includes(secret), `${where} holds a secret`);
    };
    mustNotHold("the console", log);
    const argumentsSeen = await read("/run/kindling-test/arguments.log");
    for (const command of ["curl", "jq", "openssl", "docker"]) assert.match(argumentsSeen, new RegExp(`^${command} `, "m"));
    mustNotHold("the arguments", argumentsSeen);
    const looked = [];
    for (const name of filesUnder(machine.root)) {
      const inLogs = /^(var\/log|var\/lib\/cloud)\//.test(path.relative(machine.root, name));
      if (!inLogs && !(fs.statSync(name).mode & 0o004)) continue;
      looked.push(path.relative(machine.root, name));
      mustNotHold(name, fs.readFileSync(name));
    }
    for (const name of ["var/log/cloud-init-output.log", "var/log/cloud-init.log", "etc/systemd/system/bitcoind.service"]) assert.ok(looked.includes(name));
    for (const name of ["etc/kindling/pair-token", "var/lib/kindling/bundle.json", "var/lib/kindling/tailscale/auth-key"])
      assert.ok(!fs.existsSync(file(name)), `${name} is left`);
    for (const name of filesUnder(file("var/lib/kindling"))) {
      assert.equal(fs.statSync(name).mode & 0o077, 0, name);
      const content = fs.readFileSync(name);
      assert.ok(!content.includes(TOKEN) && !content.includes(AUTH_KEY), name);
    }
  });

  const everything = "find /var/lib/kindling /srv/kindling /etc/kindling /etc/fstab /root/node-credentials.txt -type f -exec sha256sum {} + | sort";
  await t.test("a second run changes nothing and says nothing", async () => {
    await live("systemctl", "stop", "kindling-watch"); // which goes on working
    const before = await live("sh", "-c", everything);
    await live("/opt/kindling/bootstrap.sh");
    assert.equal(await live("sh", "-c", everything), before);
    assert.equal(worker.said.reports.length, 2 * PHASES.length);
    assert.equal(worker.said.deliveries.length, 1);
  });

  await t.test("a run that finds another at work leaves it alone", async () => {
    const { exitCode: code, stderr } = await machine.run(["flock", "/var/lib/kindling/lock", "/opt/kindling/bootstrap.sh"]);
    assert.deepEqual([code, /another bring-up is at work/.test(stderr)], [0, true], stderr);
    assert.equal(worker.said.reports.length, 2 * PHASES.length);
  });

  await t.test("what the owner has set in Docker's configuration stays", async () => {
    const configure = async (theirs) => {
      await live("sh", "-c", `echo '${JSON.stringify(theirs)}' >/etc/docker/daemon.json && /opt/kindling/base/25-docker.sh`);
      return JSON.parse(await live("cat", "/etc/docker/daemon.json"));
    };
    const bounded = { "log-driver": "json-file", "log-opts": { "max-size": "10m", "max-file": "3" } };
    assert.deepEqual(await configure({ dns: ["9.9.9.9"], "log-opts": { "max-file": "9" } }), { ...bounded, dns: ["9.9.9.9"], "log-opts": { "max-size": "10m", "max-file": "9" } });
    assert.deepEqual(await configure({ "log-driver": "journald" }), { "log-driver": "journald" });
    await live("sh", "-c", "echo '{' >/etc/docker/daemon.json");
    assert.equal((await machine.run(["/opt/kindling/base/25-docker.sh"])).exitCode, 1);
    assert.equal(await live("cat", "/etc/docker/daemon.json"), "{\n");
    await live("sh", "-c", "rm /etc/docker/daemon.json && /opt/kindling/base/25-docker.sh");
    assert.deepEqual(JSON.parse(await live("cat", "/etc/docker/daemon.json")), bounded);
  });

  await t.test("a delivery whose acknowledgement was lost is repeated with the same bundle and a higher nonce", async () => {
    await live("rm", "/var/lib/kindling/phases/sealed");
    await live("/opt/kindling/bootstrap.sh");
    assert.equal(worker.said.deliveries.length, 2);
    assert.equal(worker.said.deliveries[1].sealed, delivery.sealed);
    assert.ok(worker.said.deliveries[1].nonce > delivery.nonce);
  });

  await t.test("a machine that loses power comes back by itself, with its firewall and without the token", async () => {
    const rules = async () => [await live("iptables", "-S"), await live("iptables", "-t", "nat", "-S"), await live("ip6tables", "-S")].join();
    const before = await rules();
    await machine.cutPower();
    assert.equal(await machine.booted(2), 0);
    assert.equal(await rules(), before);
    assert.equal((await live("ops.sh", "status")).match(/^ {2}\w+ +Up /gm).length, 3);
    assert.equal(worker.said.reports.length, 2 * PHASES.length + 2, "the bring-up was complete");
    // The seed is the part of a datasource that is not in cloud-init's records: what the cloud would answer again.
    const holds = await machine.run(["grep", "--recursive", "--files-with-matches", "--fixed-strings", TOKEN, "/var/lib/cloud", "/run/cloud-init", "/etc", "/var/log"]);
    assert.equal(holds.stdout, "");
  });

  await t.test("once the chain is there, ops.sh sync connects LNbits to LND", async () => {
    assert.match(await live("ops.sh", "sync", "--once"), /^chain main: block 1234 of 930000/);
    await live("touch", "/run/kindling-test/host/synced");
    await live("sh", "-c", "until [ \"$(curl -s --cacert /srv/kindling/lnd/tls.cert https://127.0.0.1:8080/v1/state)\" = '{\"state\":\"SERVER_ACTIVE\"}' ]; do sleep 0.1; done");
    assert.match(await live("ops.sh", "sync"), /block 930000 of 930000, 100% verified.*in sync\n[^]*LNbits is connected to LND/);
    await live("sh", "-c", "until [ \"$(cat /srv/kindling/lnbits/funding)\" = LndRestWallet ]; do sleep 0.1; done");
  });
});

for (const [fault, sentence] of [
  ["release-archive", /archive does not match its signed checksum; nothing was installed/],
  ["release-signature", /signature over Bitcoin's SHA256SUMS could not be verified; nothing was installed/],
]) {
  test(`a tampered download (${fault}) fails its phase with one sentence; the next run completes`, async (t) => {
    const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN });
    t.after(() => worker.stop());
    const { identity, recipient } = sshKey();
    const machine = await boot(t, worker, { changes: { BITCOIN: "core" }, recipients: [ageKey().recipient, recipient], faults: [fault] });
    const { exitCode } = await machine.done;
    assert.notEqual(exitCode, 0);
    const failed = heard(worker);
    assert.deepEqual(failed.slice(0, -1), [...smooth(PHASES.slice(0, PHASES.indexOf("bitcoin"))), { phase: "bitcoin", status: "started" }]);
    assert.deepEqual({ ...failed.at(-1), message: "" }, { phase: "bitcoin", status: "failed", message: "" });
    assert.match(failed.at(-1).message, sentence);
    assert.equal((await machine.run(["test", "-e", "/usr/local/bin/bitcoind"])).exitCode, 1);

    machine.setFaults([]);
    const again = await machine.run(["/opt/kindling/bootstrap.sh"]);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.deepEqual(heard(worker).slice(failed.length), smooth(PHASES.slice(PHASES.indexOf("bitcoin"))));
    assert.equal(worker.said.pairs, 1);
    const bundle = open(worker.said.deliveries[0].sealed, identity);
    assert.deepEqual([bundle.bitcoin.implementation, bundle.tailscaleHostname, bundle.lnbits.url], ["core", null, "http://127.0.0.1:5000"]);
    assert.deepEqual([worker.said.deliveries[0].tailscaleHostname, worker.said.deliveries[0].tailscaleNodeId], [null, null]);
  });
}

test("a Worker that is down at first, and then in trouble, is asked again", async (t) => {
  const port = await freePort();
  const machine = await boot(t, { url: `http://127.0.0.1:${port}` }, { recipients: [ageKey().recipient] });
  const consoleLog = path.join(path.dirname(machine.root), "console.log");
  while (!fs.readFileSync(consoleLog, "utf8").includes("pairing: no answer yet (status 000)")) await new Promise((resolve) => setTimeout(resolve, 50));
  const worker = await startScriptedWorker({
    orderId: ORDER, token: TOKEN, port,
    trouble: (call, n) => ({ pair: [503], report: [undefined, 502], deliver: [503, 500] })[call]?.[n - 1],
  });
  t.after(() => worker.stop());
  const { exitCode, log } = await machine.done;
  assert.equal(exitCode, 0, log);
  assert.deepEqual(heard(worker), smooth(PHASES));
  assert.deepEqual(worker.said.refused.map(({ status }) => status), [503, 502, 503, 500]);
  assert.equal(worker.said.deliveries.length, 1);
});

test("a pairing that is refused for good stops the machine with a clear line", async (t) => {
  let refusal;
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN, trouble: () => refusal });
  t.after(() => worker.stop());
  const machine = await boot(t, worker, { recipients: [ageKey().recipient], token: "another-token-77aa" });
  const { exitCode, log } = await machine.done;
  assert.notEqual(exitCode, 0);
  assert.match(log, /failed: The pairing token is not known/);
  refusal = 409;
  const again = await machine.run(["/opt/kindling/bootstrap.sh"]);
  assert.equal(again.exitCode, 1);
  assert.match(again.stderr, /failed: The pairing token was already used by another key/);
  assert.deepEqual(worker.said.reports, []);
});
