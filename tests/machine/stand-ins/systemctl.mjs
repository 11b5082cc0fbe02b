// Stands in for systemd: reads the real unit files and starts their ExecStart as their User, without a supervisor. `boot`, which
// systemctl has not, starts what is enabled as a boot would: in order, and only what its condition allows.
import fs from "node:fs";
import { spawn, spawnSync } from "node:child_process";

const stage = "/run/kindling-test";
const units = "/etc/systemd/system";
const journal = (name) => fs.openSync(`${stage}/${name}.journal`, "a");
// The distribution's own, of which there is nothing to run here.
const DISTRIBUTION = ["docker.service", "nginx.service", "systemd-journald.service", "systemd-timesyncd.service", "unattended-upgrades.service"];
const [action, ...names] = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const option = (name) => process.argv.includes(`--${name}`);

if (action === "daemon-reload") process.exit(0);
if (action === "status") {
  for (const unit of names.map((name) => readUnit(`${name}.service`)).filter(Boolean)) console.log(`${unit.name}: ${active(unit) ? "active" : "inactive"}`);
  process.exit(0);
}
if (action === "boot") process.exit(boot());
for (const name of names.map((word) => (/\.\w+$/.test(word) ? word : `${word}.service`))) {
  const unit = readUnit(name) ?? refuse(`Unit ${name} not found.`);
  if (action === "is-active") {
    if (!option("quiet")) console.log(active(unit) ? "active" : "inactive");
    if (!active(unit)) process.exitCode = 3;
  } else if (action === "is-enabled") {
    console.log(enabled(unit) ? "enabled" : "disabled");
    if (!enabled(unit)) process.exitCode = 1;
  } else if (action === "enable") {
    enable(unit);
    if (option("now")) start(unit);
  } else if (action === "disable") {
    fs.rmSync(link(unit), { force: true });
    if (option("now")) stop(unit);
  } else if (action === "start") start(unit);
  else if (action === "stop") stop(unit);
  else if (action === "restart") {
    stop(unit);
    start(unit);
  } else if (action === "reload") {
    if (!active(unit)) refuse(`${name} is not active, cannot reload.`);
    runToEnd(unit, unit.get("ExecReload") ?? refuse(`Job type reload is not applicable for unit ${name}.`));
  } else refuse(`Unknown command verb ${action}.`);
}

function readUnit(name) {
  const text = fs.existsSync(`${units}/${name}`) ? fs.readFileSync(`${units}/${name}`, "utf8") : DISTRIBUTION.includes(name) ? "" : null;
  if (text === null) return null;
  const all = (key) => [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].flatMap(([, value]) => value.split(" "));
  return { name, plain: name.replace(/\.service$/, ""), distribution: text === "", all, get: (key) => all(key).join(" ") || undefined };
}

function link(unit) {
  return `${units}/${unit.get("WantedBy") ?? (unit.distribution ? "multi-user.target" : refuse(`${unit.name} has no [Install] section`))}.wants/${unit.name}`;
}

function enabled(unit) {
  return fs.lstatSync(link(unit), { throwIfNoEntry: false }) !== undefined; // the distribution's point nowhere here
}

function enable(unit) {
  if (enabled(unit)) return;
  fs.mkdirSync(link(unit).replace(/\/[^/]*$/, ""), { recursive: true });
  fs.symlinkSync(`${units}/${unit.name}`, link(unit));
}

/** What the file holds, nothing when there is none: others take pid files away at any time. */
function read(file) {
  try {
    return fs.readFileSync(file, "utf8").trim();
  } catch (error) {
    if (!["ENOENT", "ESRCH"].includes(error.code)) throw error;
    return "";
  }
}

function pid(unit) {
  const number = Number(read(`${stage}/${unit.plain}.pid`));
  return died(number) ? 0 : number;
}

/** Whether there is somebody who gets this signal. */
function alive(number, signal = 0) {
  try {
    return process.kill(number, signal);
  } catch {
    return false;
  }
}

/** The one service of the distribution that runs here: it makes itself a daemon. */
function nginx(...argv) {
  if (spawnSync("nginx", argv, { stdio: "inherit" }).status !== 0) refuse("Job for nginx.service failed because the control process exited with error code.");
}

function active(unit) {
  if (unit.plain === "nginx") {
    const number = read("/run/nginx.pid"); // `nginx -t` leaves an empty one
    return number !== "" && !died(number);
  }
  return unit.distribution || pid(unit) > 0;
}

/** Oneshot units that remain active are known by the first process's number in place of their own. */
function start(unit) {
  if (unit.plain === "nginx") return active(unit) || nginx();
  if (unit.distribution || pid(unit)) return;
  const condition = unit.get("ConditionPathExists");
  if (condition && fs.existsSync(condition.replace("!", "")) === condition.startsWith("!")) return;
  if (unit.get("RequiresMountsFor") && !mounted(unit.get("RequiresMountsFor"))) refuse(`Dependency failed for ${unit.name}.`);
  if (unit.get("Type") === "oneshot") {
    runToEnd(unit, unit.get("ExecStart"));
    if (unit.get("RemainAfterExit") === "yes") fs.writeFileSync(`${stage}/${unit.plain}.pid`, "1");
    return;
  }
  // No supervisor: a service that is to be restarted is, if it dies right at its start, and not later.
  for (let starts = unit.get("Restart") ? 3 : 1; starts > 0; starts -= 1) {
    const child = spawn("setpriv", command(unit, unit.get("ExecStart")), { detached: true, stdio: ["ignore", journal(unit.plain), journal(unit.plain)] });
    fs.writeFileSync(`${stage}/${unit.plain}.pid`, String(child.pid));
    child.unref();
    if (starts > 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
    if (!died(child.pid)) return;
  }
}

/** Dead, or dead and not yet buried. */
function died(number) {
  return !/\) [^XZ]/.test(read(`/proc/${number}/stat`));
}

function stop(unit) {
  if (unit.plain === "nginx" && active(unit)) {
    nginx("-s", "stop");
    while (active(unit)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  const leader = pid(unit);
  if (unit.distribution || !leader) return;
  if (leader > 1) {
    // Like systemd's control group: what the service started ends with it.
    alive(-leader, "SIGTERM");
    while (alive(-leader)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  fs.rmSync(`${stage}/${unit.plain}.pid`, { force: true });
}

function runToEnd(unit, line) {
  const { status } = spawnSync("setpriv", command(unit, line), { stdio: ["ignore", journal(unit.plain), journal(unit.plain)] });
  if (status !== 0) refuse(`Job for ${unit.name} failed because the control process exited with error code.`);
}

function command(unit, line) {
  const user = unit.get("User") ?? "root";
  return [`--reuid=${user}`, `--regid=${unit.get("Group") ?? user}`, "--clear-groups", ...line.split(" ")];
}

/** Whether what fstab has for this path is mounted. */
function mounted(target) {
  const wanted = fs.readFileSync("/etc/fstab", "utf8").split("\n").some((line) => line.split(" ")[1] === target);
  return !wanted || fs.readFileSync("/proc/mounts", "utf8").split("\n").some((line) => line.split(" ")[1] === target);
}

function boot() {
  const data = "/srv/kindling";
  if (!mounted(data)) spawnSync("mount", [data], { stdio: "inherit" });
  const wants = `${units}/multi-user.target.wants`;
  const waiting = (fs.existsSync(wants) ? fs.readdirSync(wants) : []).filter((name) => name.endsWith(".service")).map(readUnit);
  if (waiting.some(({ name }) => name === "ufw.service")) throw new Error("UFW's unit is the distribution's");
  spawnSync("/lib/ufw/ufw-init", ["start", "quiet"], { stdio: "inherit" });
  let failures = 0;
  while (waiting.length) {
    const before = (one, other) => one.all("Before").includes(other.name) || other.all("After").includes(one.name);
    const next = waiting.findIndex((unit) => !waiting.some((other) => other !== unit && before(other, unit)));
    if (next < 0) refuse("Found ordering cycle.");
    const [unit] = waiting.splice(next, 1);
    const started =
      unit.name === "docker.service"
        ? spawnSync("docker", ["daemon"], { stdio: "inherit" })
        : spawnSync("systemctl", ["start", unit.name], { stdio: "inherit" });
    if (started.status !== 0) failures += 1;
  }
  return failures;
}

function refuse(why) {
  console.error(why);
  process.exit(1);
}
