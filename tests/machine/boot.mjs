// Boots a user-data file as a machine: the real scripts under the real cloud-init, in namespaces of their own over an overlay
// of this host's root. The only way out is a relay to the Worker. Everything started here ends with stop(), or with this process.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ending } from "../support/process.mjs";

const TESTS = path.dirname(fileURLToPath(import.meta.url));
// [command, Debian package]: what the scripts or the stand-ins need from the host.
const NEEDED = [
  ["age", "age"], ["blkid", "util-linux"], ["cloud-init", "cloud-init"], ["curl", "curl"], ["flock", "util-linux"], ["gpg", "gnupg"],
  ["ip", "iproute2"], ["iptables", "iptables"], ["jq", "jq"], ["mkfs.ext4", "e2fsprogs"], ["nginx", "nginx-light"], ["nsenter", "util-linux"], ["openssl", "openssl"],
  ["setpriv", "util-linux"], ["ssh-keygen", "openssh-client"], ["ufw", "ufw"], ["unshare", "util-linux"], ["useradd", "passwd"],
];

// Far longer than any boot needs on a busy host, and shorter than the tests' own limits, so that a boot that hangs shows its log.
const BOOT_SECONDS = 600;
/** How long a story waits, in ms, from the payment until the page says that the machine is ready. */
export const UNTIL_READY = 300_000;

/** One sentence saying why no machine can be booted on this host, or null. */
export function whyNot() {
  if (process.platform !== "linux" || process.getuid() !== 0) return "booting a machine needs Linux and root";
  const folders = "/usr/sbin:/usr/bin:/sbin:/bin".split(":");
  const missing = NEEDED.filter(([command]) => !folders.some((folder) => fs.existsSync(path.join(folder, command))));
  if (missing.length === 0) return null;
  return `booting a machine needs: apt-get install ${[...new Set(missing.map(([, name]) => name))].join(" ")}`;
}

/**
 * userData        text of the cloud-config
 * authorizedKeys  the OpenSSH public keys the cloud puts on the machine
 * workerUrl       the Worker, on this host's loopback; the machine reaches it under the same URL
 * publicIp        what the metadata service answers
 * logDir          gets console.log and, after the boot, the machine's changed files
 * volume          name of an attached block volume (none)
 * faults          what shall go wrong, until setFaults(others): names that stand-ins know, and lines for stand-ins/fault.sh
 * cloudInit       false: user-data is carried out by stand-ins/first-boot.mjs, for tests that boot many machines
 *
 * done resolves when the first boot is through, to {exitCode, log}; `root` is a folder with the files the machine changed by then;
 * run(argv) runs a command in the live machine, outside(argv) at the other end of its network cable (the machine is 192.0.2.2 and 2001:db8::2);
 * cutPower() lets it boot again, as a fault can; booted(n) resolves when boot n (from 1) is through, to the number of failures, and rejects with the
 * console's last words if it never is;
 * stop() ends it.
 */
export async function bootMachine({ userData, authorizedKeys, workerUrl, publicIp, logDir, volume = "", faults = [], cloudInit = true }) {
  const reason = whyNot();
  if (reason) throw new Error(reason);
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "kindling-machine-"));
  const host = path.join(work, "host");
  fs.mkdirSync(host);
  fs.chmodSync(host, 0o755); // the machine's bitcoin user looks in here
  fs.mkdirSync(path.join(work, "fs"));
  fs.mkdirSync(logDir, { recursive: true });
  const { hostname, port } = new URL(workerUrl);
  fs.writeFileSync(path.join(host, "user-data"), userData);
  fs.writeFileSync(path.join(host, "meta-data"), JSON.stringify({
    "instance-id": "kindling-test-1",
    "local-hostname": "kindling-test",
    "public-keys": authorizedKeys,
  }));
  fs.writeFileSync(path.join(host, "network.json"), JSON.stringify({ publicIp, workerPort: Number(port || 80) }));
  setFaults(faults);
  const relay = await relayTo(hostname, Number(port || 80), path.join(host, "worker.sock"));

  const consoleLog = path.join(logDir, "console.log");
  const output = fs.openSync(consoleLog, "w");
  const unshare = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "bash", path.join(TESTS, "run.sh")],
    {
      stdio: ["ignore", output, output, "pipe"],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", WORK: work, TESTS, NODE: process.execPath, VOLUME: volume, FIRST_BOOT: cloudInit ? "cloud-init" : "direct" },
    },
  );
  fs.closeSync(output);
  const ended = new Promise((resolve) => unshare.once("exit", resolve));
  const root = path.join(logDir, "root");
  const upper = () => `/proc/${unshare.pid}/root${work}/fs/upper`;

  const verdicts = [];
  let heard = () => {};
  readline.createInterface({ input: unshare.stdio[3] }).on("line", (line) => {
    verdicts.push(Number(line));
    heard();
  });
  async function booted(n) {
    let why = null;
    const give = (reason) => {
      why = reason;
      heard();
    };
    ended.then(() => give("ended before"));
    const patience = setTimeout(() => give(`needs more than ${BOOT_SECONDS} seconds until`), BOOT_SECONDS * 1000);
    try {
      while (verdicts.length < n && !why) await new Promise((resolve) => (heard = resolve));
    } finally {
      clearTimeout(patience);
    }
    if (verdicts.length < n) throw new Error(`the machine ${why} boot ${n} is through:\n${fs.readFileSync(consoleLog, "utf8").slice(-4000)}`);
    return verdicts[n - 1];
  }

  const done = (async () => {
    const exitCode = await booted(1);
    const log = fs.readFileSync(consoleLog, "utf8");
    copyTree(upper(), root);
    return { exitCode, log };
  })();
  done.catch(() => {}); // whoever awaits it sees the error; a caller that only stops the machine need not

  // unshare waits in the host's pid namespace; its one child is the machine's first process.
  const firstProcess = () => {
    const children = fs.readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, "utf8").trim();
    return Number(children.split(" ")[0]);
  };

  async function run(argv) {
    const child = spawn("nsenter", [
      "--target", String(firstProcess()), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--",
      "/usr/bin/env", "-i", "--chdir=/", "HOME=/root", "LANG=C.UTF-8", "PATH=/run/kindling-test/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "KINDLING_RELEASES=/run/kindling-test/releases/releases.env", ...argv,
    ]);
    return ending(child);
  }

  async function stop() {
    if (unshare.exitCode === null && unshare.signalCode === null) {
      let first = 0;
      try {
        first = firstProcess();
      } catch {
        // it has just ended by itself
      }
      if (first > 0) process.kill(first, "SIGKILL"); // the kernel then ends everything in its pid namespace
      else unshare.kill("SIGKILL");
    }
    await ended;
    await relay.close();
    fs.rmSync(work, { recursive: true, force: true });
  }

  // Whole at every moment: the machine's programs look at any.
  function setFaults(others) {
    fs.writeFileSync(path.join(host, "faults.new"), others.map((fault) => `${fault}\n`).join(""));
    fs.renameSync(path.join(host, "faults.new"), path.join(host, "faults"));
  }
  const outside = (argv) => run(["nsenter", "--net=/run/kindling-test/outside-net", ...argv]);
  const cutPower = () => run(["/run/kindling-test/tests/stand-ins/power-cut.sh"]);
  return { done, root, run, outside, cutPower, booted, stop, setFaults };
}

/** The machine's side of this relay is stand-ins/network.mjs; between them stands a socket file, the one thing both can see. */
async function relayTo(hostname, port, socketPath) {
  const open = new Set();
  const server = net.createServer((inner) => {
    const outer = net.connect(port, hostname);
    for (const [from, to] of [[inner, outer], [outer, inner]]) {
      open.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(socketPath);
  await once(server, "listening");
  return {
    close: () => new Promise((resolve) => {
      server.close(resolve);
      for (const socket of open) socket.destroy();
    }),
  };
}

/** The machine lives on while it is copied: to tar, files that go, change or are replaced meanwhile are no failure (exit code 1). */
function copyTree(from, to) {
  fs.mkdirSync(to);
  const copying = 'set -o pipefail; tar --create --sparse --directory "$1" . | tar --extract --preserve-permissions --directory "$2"';
  const { status, stderr } = spawnSync("bash", ["-c", copying, "copy", from, to], { encoding: "utf8" });
  if (status > 1 || status === null) throw new Error(`the machine's files could not be copied: ${stderr}`);
}
