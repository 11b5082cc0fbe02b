// Stands in for systemd: reads the real unit file and starts its ExecStart as its User, without a supervisor.
import fs from "node:fs";
import { spawn } from "node:child_process";

const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const [action, unit] = words;
const pidFile = `/run/kindling-test/${unit}.pid`;

if (action === "daemon-reload") process.exit(0);
if (unit === "docker") process.exit(0); // the stand-in for docker has no daemon
if (action === "is-active") {
  if (!process.argv.includes("--quiet")) console.log(running() ? "active" : "inactive");
  process.exit(running() ? 0 : 3);
}
if (action === "stop" && running()) {
  // Like systemd's control group: what the service started ends with it.
  const group = -running();
  process.kill(group);
  while (alive(group)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
} else if (action === "stop") process.exit(0);
else if (["start", "enable"].includes(action)) start();
else refuse(`Unknown command verb ${action}.`);

function running() {
  if (!fs.existsSync(pidFile)) return 0;
  const pid = Number(fs.readFileSync(pidFile, "utf8"));
  return fs.existsSync(`/proc/${pid}`) ? pid : 0;
}

function alive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function start() {
  const unitFile = `/etc/systemd/system/${unit}.service`;
  if (!fs.existsSync(unitFile)) refuse(`Unit ${unit}.service not found.`);
  const text = fs.readFileSync(unitFile, "utf8");
  const setting = (key) => new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1];
  if (action === "enable" && !setting("WantedBy")) refuse(`${unit} has no [Install] section`);
  if (running() || (action === "enable" && !process.argv.includes("--now"))) return;
  const journal = fs.openSync(`/run/kindling-test/${unit}.journal`, "a");
  const child = spawn(
    "setpriv",
    [`--reuid=${setting("User")}`, `--regid=${setting("Group")}`, "--clear-groups", ...setting("ExecStart").split(" ")],
    { detached: true, stdio: ["ignore", journal, journal] },
  );
  fs.writeFileSync(pidFile, String(child.pid));
  child.unref();
}

function refuse(why) {
  console.error(why);
  process.exit(1);
}
