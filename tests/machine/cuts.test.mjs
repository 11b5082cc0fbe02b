// Every phase of the bring-up fails once and loses power once in its middle. The failure is told in one helpful sentence; after the
// power cut the machine boots and finishes by itself; and nothing that must happen once happens twice.
import test from "node:test";
import assert from "node:assert/strict";
import { startScriptedWorker } from "./scripted-worker.mjs";
import { ageKey, AUTH_KEY, boot, heard, open, ORDER, PHASES, smooth, TOKEN } from "./order.mjs";

// For each phase: what fails, the sentence that tells it, and where the power is cut (stand-ins/fault.sh).
const TROUBLE = {
  packages: ["apt-get * install *", "The packages could not be installed.", "cut-after apt-get * install *"],
  system: ["sysctl *", "The kernel's settings were refused.", "cut mkswap *"],
  firewall: ["ufw default deny incoming", "The firewall UFW could not be set up.", "cut ufw --force enable"],
  docker: ["systemctl restart docker", "Docker could not be started.", "cut systemctl restart docker"],
  tailscale: ["docker * up * tailscale", "Tailscale could not be started.", "cut-after docker * exec -T tailscale tailscale up *"],
  volume: ["mkfs.ext4 *", "The volume kindling-data could not be formatted.", "cut mount /srv/kindling"],
  bitcoin: ["curl */SHA256SUMS.asc", "The file SHA256SUMS.asc could not be downloaded.", "cut systemctl enable --now bitcoind*"],
  lnd: ["docker * up * lnd", "LND could not be downloaded and started.", "cut-after docker * up * lnd"],
  wallet: ["curl *v1/genseed*", "LND gave no seed of 24 words.", "cut-after curl *v1/initwallet*"],
  lnbits: ["docker * up * lnbits", "LNbits could not be downloaded and started.", "cut-after curl *first_install*"],
  sealed: ["age --encrypt *", "The bundle could not be sealed to the recipients of this order.", "cut-after curl *deliver"],
};

test("every phase survives a failure and a power cut", { concurrency: 2 }, async (t) => {
  assert.deepEqual(Object.keys(TROUBLE), PHASES);
  await Promise.all(PHASES.map((phase) => t.test(phase, { timeout: 1_500_000 }, (each) => failAndCut(each, phase))));
});

async function failAndCut(t, phase) {
  const [failing, sentence, cut] = TROUBLE[phase];
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN, tailscaleAuthKey: AUTH_KEY });
  t.after(() => worker.stop());
  const { identity, recipient } = ageKey();
  const machine = await boot(t, worker, {
    changes: { VOLUME_NAME: "kindling-data", VOLUME_SIZE_GB: "100", TAILSCALE: "yes" }, recipients: [recipient],
    volume: "kindling-data", faults: [`fail ${failing}`], cloudInit: false,
  });
  const live = async (command) => {
    const { exitCode, stdout, stderr } = await machine.run(["bash", "-c", command]);
    assert.equal(exitCode, 0, stdout + stderr);
    return stdout;
  };
  // lnbits.env is made of other secrets.
  const secrets = () => live("find /var/lib/kindling/secrets /var/lib/kindling/machine.key -type f -size +0 ! -name lnbits.env -exec sha256sum {} +");

  const { exitCode, log } = await machine.done;
  assert.notEqual(exitCode, 0);
  const started = { phase, status: "started" };
  const before = smooth(PHASES.slice(0, PHASES.indexOf(phase)));
  assert.deepEqual(heard(worker), [...before, started, { phase, status: "failed", message: sentence }], log);
  const early = (await secrets()).trim().split("\n");

  machine.setFaults([cut]);
  await machine.run(["systemctl", "start", "kindling-bringup"]);
  assert.equal(await machine.booted(2), 0, "the boot after the power cut");
  const after = smooth(PHASES.slice(PHASES.indexOf(phase) + 1));
  assert.deepEqual(heard(worker).slice(before.length + 2), [started, started, { phase, status: "done" }, ...after]);
  await live("test -e /var/lib/kindling/complete");
  assert.equal(await live("bitcoin-cli -datadir=/srv/kindling/bitcoin -rpcclienttimeout=20 getblockchaininfo | jq -r .chain"), "main\n");

  const late = (await secrets()).trim().split("\n");
  assert.deepEqual(early.filter((line) => !late.includes(line)), [], "secrets that changed");
  const done = async (pattern) => Number(await live(`grep --count --extended-regexp '${pattern}' /run/kindling-test/arguments.log || true`));
  assert.equal(worker.said.pairs, 1);
  assert.deepEqual([...worker.said.nodes], ["nStandIn11CNTRL"]);
  assert.equal(await done("^docker .* tailscale up --auth-key"), 1);
  assert.equal(await done("^mkfs.ext4 "), phase === "volume" ? 2 : 1); // the one that failed made nothing
  assert.equal(await done("^curl .*v1/initwallet"), 1);
  assert.equal(await live("grep --count /swapfile /etc/fstab; grep --count /srv/kindling /etc/fstab"), "1\n1\n");
  assert.equal(await live("iptables -S | grep KINDLING | sort | uniq --repeated"), "");
  // Only the acknowledgement can be lost of a delivery: the bundle is one.
  assert.equal(worker.said.deliveries.length, phase === "sealed" ? 2 : 1);
  assert.equal(new Set(worker.said.deliveries.map(({ sealed }) => sealed)).size, 1);
  const bundle = open(worker.said.deliveries[0].sealed, identity);
  const [words, wallet] = (await live("jq -c .cipher_seed_mnemonic /var/lib/kindling/secrets/lnd-seed.json; cat /var/lib/kindling/secrets/lnd-wallet-password")).split("\n");
  assert.deepEqual([bundle.lnd.seedWords, bundle.lnd.walletPassword], [JSON.parse(words), wallet]);
}
