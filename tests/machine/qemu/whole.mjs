// `cargo xtask machine`: whole machines under qemu, from the first boot to a delivered bundle, through a reboot and through a power cut.
// Arguments: the folder with the image, which also gets console.log and console.png; each story's time limit in minutes; one story, or none for all.
// Ends with 1 when anything was not as it should be.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { accelerator, PORTS, startGuest } from "./guest.mjs";
import { newDroplet, setUp, TOKEN } from "./stage.mjs";

const [folder, minutes, only] = process.argv.slice(2);
const IMAGE = path.resolve(folder);
const PHASES = ["packages", "system", "firewall", "docker", "tailscale", "volume", "bitcoin", "lnd", "wallet", "lnbits", "sealed"];
const OPEN = [22, 9735];
/** A line that succeeds when the phase is in the midst of its work. */
const AT_WORK = { packages: "pgrep -x dpkg", lnd: "test -s /srv/kindling/lnd/lnd.conf" };
const CONTAINERS = ["lnbits", "lnd"];
const shown = { log: path.join(IMAGE, "console.log"), picture: path.join(IMAGE, "console.png") };

const began = performance.now();
let failures = 0;
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(0)} s`;
const say = (text) => process.stdout.write(`${text}\n`);

/** One line of the report. A check that `matters` to those after it ends the run of this machine when it fails. */
async function check(what, action, { matters = false } = {}) {
  const since = performance.now();
  try {
    await action();
    say(`  ✓ ${what}, ${seconds(since)}`);
  } catch (error) {
    failures += 1;
    say(`  ✗ ${what}, ${seconds(since)}\n      ${error.message.trim().replaceAll("\n", "\n      ")}`);
    if (matters) throw new Stopped();
  }
}
class Stopped extends Error {}

/** Asks until the answer is not falsy or the machine is dead. The run's time limit bounds it, too. */
async function until(guest, what, ask, minutes = 10) {
  const deadline = performance.now() + minutes * 60_000;
  for (;;) {
    let before;
    if (guest.dead()) throw new Error(guest.dead());
    try {
      const answer = await ask();
      if (answer) return answer;
      before = "not yet";
    } catch (error) {
      before = error.message;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${minutes} minutes; the last try: ${before}`);
    await pause(2000);
  }
}

const heard = (worker) => worker.said.reports.map(({ phase, status, message }) => `${phase} ${status}${message ? `: ${message}` : ""}`);
const smooth = PHASES.flatMap((phase) => [`${phase} started`, `${phase} done`]);
const last = (worker) => heard(worker).at(-1) ?? "";
const through = (worker) => () => last(worker) === "sealed done";

/** Switches a machine on. Nothing more is to be expected of it once it has reported a failure. */
async function switchOn(accel, machine, worker) {
  const guest = await startGuest({ accel, ...machine, console: shown.log });
  return { ...guest, dead: () => guest.dead() ?? heard(worker).find((line) => line.includes(" failed")) };
}

/** Says what the machine reports, when it does; gives back what ends that. */
function narrate(worker) {
  let told = 0;
  let since = performance.now();
  const timer = setInterval(() => {
    for (const line of heard(worker).slice(told)) {
      told += 1;
      if (line.endsWith(" started")) since = performance.now();
      else say(`      ${line}, ${seconds(since)}`);
    }
  }, 200);
  return () => clearInterval(timer);
}

/** Whether something behind the machine's port answers. qemu itself accepts every connection, so only a byte from the machine counts. */
function answers(guest, port) {
  return new Promise((resolve) => {
    const socket = net.connect(guest.ports[port], "127.0.0.1");
    const end = (verdict) => {
      socket.destroy();
      resolve(verdict);
    };
    socket.setTimeout(6000, () => end(false));
    socket.on("connect", () => socket.write("GET / HTTP/1.0\r\n\r\n"));
    socket.on("data", () => end(true));
    socket.on("close", () => end(false));
    socket.on("error", () => end(false));
  });
}

const open = async (guest) => {
  const verdicts = await Promise.all(PORTS.map((port) => answers(guest, port)));
  return PORTS.filter((_, i) => verdicts[i]);
};

/** A listener on all interfaces and a port that Docker publishes: open to the world when the ports' file says so, and only then. */
async function firewallHolds(guest) {
  const [own, published] = [7000, 7001];
  const image = await guest.says("docker inspect --format '{{.Config.Image}}' kindling-lnd-1");
  const answering = (port) => `--eval 'require("net").createServer((peer) => peer.on("error", () => {}).end("here")).listen(${port}, "0.0.0.0")'`;
  await guest.says(`
    systemd-run --quiet --unit test-listener node ${answering(own)}
    docker run --detach --rm --name test-published --publish ${published}:${published} --entrypoint /usr/local/bin/node ${image} ${answering(published)} >/dev/null`);
  try {
    await until(guest, "the listeners", () => guest.says(`for port in ${own} ${published}; do head -c 4 </dev/tcp/127.0.0.1/$port; done`));
    assert.deepEqual(await open(guest), OPEN);
    await guest.says(`cp /etc/kindling/open-ports /root/ports; printf '%s/tcp\n' ${own} ${published} >>/etc/kindling/open-ports; systemctl reload kindling-firewall`);
    assert.deepEqual(await open(guest), [...OPEN, own, published], "with these ports allowed");
    await guest.says("mv /root/ports /etc/kindling/open-ports; systemctl reload kindling-firewall");
    assert.deepEqual(await open(guest), OPEN, "with the ports forbidden again");
  } finally {
    await guest.ssh("docker stop --time 1 test-published; systemctl stop test-listener");
  }
}

/** user-data stands behind the metadata address; only root may ask it, and no container. */
async function metadataIsRoots(guest) {
  const ask = "http://169.254.169.254/metadata/v1/interfaces/public/0/ipv4/address";
  const line = `fetch("${ask}", { signal: AbortSignal.timeout(20000) }).then(() => console.log("answered"), () => console.log("refused"))`;
  assert.match(await guest.says(`curl --silent --fail --max-time 20 ${ask}`), /^[\d.]+$/);
  for (const who of ["setpriv --reuid=nobody --clear-groups node", "docker exec kindling-lnd-1 node", "docker exec kindling-lnbits-1 node"])
    assert.equal(await guest.says(`${who} --eval '${line}'`), "refused", who);
}

/** What must be true of a machine that is up, whichever way it came there. */
async function checkUp(guest, worker) {
  await check("no unit has failed, the system is running", () =>
    until(guest, "systemctl is-system-running", async () => {
      const { stdout } = await guest.ssh("systemctl is-system-running; systemctl list-units --failed --plain --no-legend; systemctl list-jobs --no-legend");
      if (stdout.trim() !== "running") throw new Error(stdout.trim());
      return true;
    }));
  await check("bitcoind runs as its own user, on the volume", async () => {
    await until(guest, "bitcoind", async () => (await guest.says("systemctl is-active bitcoind")) === "active");
    assert.equal(await guest.says("stat --format=%U /proc/$(systemctl show --property=MainPID --value bitcoind)"), "bitcoin");
    assert.equal(await guest.says("readlink -f $(findmnt --noheadings --output SOURCE /srv/kindling)"), await guest.says("readlink -f /dev/disk/by-id/scsi-0DO_Volume_kindling-data"));
  });
  await check("Docker runs the pinned images, LND and LNbits answer on loopback", async () => {
    const running = await until(guest, "containers", async () => {
      const lines = (await guest.says("docker inspect --format '{{.Name}} {{.State.Status}} {{.Config.Image}}' $(docker ps --quiet) | sort")).split("\n");
      return lines.length === CONTAINERS.length && lines;
    });
    running.forEach((line, i) => assert.match(line, new RegExp(`^/kindling-${CONTAINERS[i]}-1 running .*@sha256:[0-9a-f]{64}$`)));
    await until(guest, "LND and LNbits", async () => {
      const status = await guest.says("ops.sh status; curl -s --fail http://127.0.0.1:5000/api/v1/health");
      assert.match(status, /chain main: block [^]*LND +RPC_ACTIVE[^]*server_time/);
      return true;
    });
  });
  await check(`of the ports ${PORTS.join(", ")} only ${OPEN.join(" and ")} answer from outside`, async () => {
    assert.deepEqual(await open(guest), OPEN);
  });
  await check("a listener on all interfaces and a port published by Docker are reached when allowed, and only then", () => firewallHolds(guest));
  await check("the metadata service answers root, and neither another user nor a container", () => metadataIsRoots(guest));
  const heartbeats = worker.said.heartbeats.length;
  await check("the machine speaks by itself: a signed heartbeat tells of bitcoind, LND and LNbits", () =>
    until(guest, "a heartbeat", () => {
      const { body } = worker.said.heartbeats.slice(heartbeats).at(-1) ?? {};
      return body?.bitcoin?.chain === "main" && body.lnd?.state === "RPC_ACTIVE" && body.lnbits;
    }));
  await check("the spent pairing token is nowhere on the disk", async () => {
    assert.equal((await guest.ssh(`grep --recursive --files-with-matches --fixed-strings ${TOKEN} /etc /var /root /run/cloud-init /opt/kindling`)).stdout, "");
  });
}

async function checkBundle(shared, guest, worker) {
  await check("one bundle was delivered, and the customer's age key opens it", async () => {
    assert.equal(new Set(worker.said.deliveries.map(({ sealed }) => sealed)).size, 1);
    const bundle = shared.open(worker.said.deliveries[0].sealed);
    assert.equal(bundle.lnd.seedWords.length, 24);
    const own = await guest.says("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_{ed25519,ecdsa,rsa}_key.pub");
    assert.deepEqual(bundle.ssh.hostKeys, own.split("\n"));
    assert.ok((await guest.says("cat /root/node-credentials.txt")).includes(bundle.lnd.seedWords.join(" ").split(" ")[23]));
  });
}

async function bootId(guest) {
  return guest.says("cat /proc/sys/kernel/random/boot_id");
}

/** A fresh droplet, undisturbed, then rebooted. */
async function straight(shared, accel, folder) {
  say("\nA fresh droplet");
  const { worker, machine } = await newDroplet(shared, folder);
  const silence = narrate(worker);
  const guest = await switchOn(accel, machine, worker);
  try {
    await check("it boots, and the customer's SSH key logs in as root", () => until(guest, "SSH", async () => (await guest.ssh("true")).exitCode === 0, 20), { matters: true });
    await check("every phase is reported done", async () => {
      await until(guest, "all phases", through(worker), 20);
      assert.deepEqual(heard(worker), smooth);
      assert.deepEqual(worker.said.refused, []);
    }, { matters: true });
    await check("cloud-init is done and has no complaint", async () => {
      const { status, errors, recoverable_errors: complaints } = JSON.parse((await guest.ssh("cloud-init status --wait --format json")).stdout);
      assert.deepEqual({ status, errors, complaints }, { status: "done", errors: [], complaints: {} });
    });
    await checkBundle(shared, guest, worker);
    await checkUp(guest, worker);
    await check(`the console is photographed: ${path.relative(process.cwd(), shown.picture)}`, async () => {
      // Else the kernel's news of blocked packets have the screen.
      await guest.says("dmesg --console-level 1; { printf '\\033c'; hostnamectl | grep -E 'hostname|System|Kernel'; ops.sh status; } >/dev/tty1 2>&1");
      await guest.photograph(shown.picture);
    });

    say("\nIts reboot");
    const before = await bootId(guest);
    await guest.ssh("systemctl reboot");
    await check("it comes back and lets its owner in", () => until(guest, "SSH after the reboot", async () => (await bootId(guest)) !== before, 20), { matters: true });
    await checkUp(guest, worker);
    assert.deepEqual(heard(worker), smooth);
  } finally {
    silence();
    await guest.cutPower();
    await worker.stop();
  }
}

/** Another one, whose power goes while a phase is at work, in each of these phases. */
async function cuts(shared, accel, folder) {
  say(`\nAnother one, whose power is cut in the phases ${Object.keys(AT_WORK).join(" and ")}`);
  const { worker, machine } = await newDroplet(shared, folder);
  const silence = narrate(worker);
  const expected = [...smooth];
  let guest = await switchOn(accel, machine, worker);
  try {
    for (const [phase, atWork] of Object.entries(AT_WORK)) {
      await check(`the power goes amid the phase ${phase}`, async () => {
        await until(guest, phase, () => heard(worker).includes(`${phase} started`), 20);
        await until(guest, phase, async () => (await guest.ssh(atWork)).exitCode === 0);
        await guest.cutPower();
        assert.equal(last(worker), `${phase} started`, "the phase was over too soon for a cut");
      }, { matters: true });
      expected.splice(expected.indexOf(`${phase} started`), 0, `${phase} started`);
      guest = await switchOn(accel, machine, worker);
    }
    await check("the next boot finishes what the last one began, without a hand", async () => {
      await until(guest, "all phases", through(worker), 20);
      assert.deepEqual(heard(worker), expected);
    }, { matters: true });
    await checkBundle(shared, guest, worker);
    await checkUp(guest, worker);
  } finally {
    silence();
    await guest.cutPower();
    await worker.stop();
  }
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), "kindling-qemu-"));
const run = path.join(IMAGE, "run");
process.on("exit", () => [work, run].forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));
for (const file of [run, shown.log, shown.picture]) fs.rmSync(file, { recursive: true, force: true });
const accel = await accelerator(IMAGE);
say(accel === "kvm" ? "under KVM" : "under TCG, qemu's emulation: KVM does not work here, so all takes some ten times longer");
const shared = await setUp({ image: IMAGE, work });
const stories = [straight, cuts].filter(({ name }) => !only || name === only);
assert.ok(stories.length > 0, `there is no story ${only}`);
for (const story of stories) {
  const limit = setTimeout(() => {
    say(`\n✗ not through after ${minutes} minutes; the console's log: ${shown.log}`);
    process.exit(1);
  }, Number(minutes) * 60_000);
  try {
    await story(shared, accel, path.join(run, story.name));
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    say("  what comes after this could not be looked at");
  } finally {
    clearTimeout(limit);
  }
}
say(`\n${failures === 0 ? "a whole machine works" : `${failures} not as it should be`}, ${seconds(began)}; the console's log: ${path.relative(process.cwd(), shown.log)}`);
process.exit(failures === 0 ? 0 : 1);
