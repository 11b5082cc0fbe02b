// Stands in for `docker compose`: reads the real compose file, refuses what the machine must never do (an image without a
// digest, a published port, a missing host path), and runs each service's stand-in as a process with the same mounts.
import fs from "node:fs";
import { spawn, execFileSync } from "node:child_process";

const stage = "/run/kindling-test";
if (process.argv[2] === "daemon") startAgain();
const { options, command, rest } = parse(process.argv.slice(2));
const services = readCompose();
const flags = rest.filter((word) => word.startsWith("-"));
const names = rest.filter((word) => !word.startsWith("-"));

if (command === "up") names.forEach(up);
else if (command === "restart") names.forEach((name) => { stop(name); up(name); });
else if (command === "ps") for (const name of Object.keys(services)) console.log(`kindling-${name}-1  ${running(name) ? "Up" : "Exited"}`);
else if (command === "exec") exec();
else refuse(`unknown docker command: "compose ${command}"`);

function parse([first, ...words]) {
  if (first !== "compose") refuse(`unknown docker command: "${first}"`);
  const options = {};
  while (words[0]?.startsWith("--")) options[words.shift().slice(2)] = words.shift();
  return { options, command: words[0], rest: words.slice(1) };
}

function readCompose() {
  const variables = Object.fromEntries(
    fs.readFileSync(options["env-file"], "utf8").split("\n").filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
  const json = execFileSync("/usr/bin/python3", ["-c", "import json,sys,yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))", options.file]);
  const filled = json.toString().replace(/\$\{(\w+)\}/g, (_, name) => variables[name] ?? process.env[name] ?? refuse(`variable ${name} is not set`));
  return JSON.parse(filled).services;
}

function running(name) {
  const file = `${stage}/containers/${name}.pid`;
  if (!fs.existsSync(file)) return 0;
  const pid = Number(fs.readFileSync(file, "utf8"));
  return fs.existsSync(`/proc/${pid}`) ? pid : 0;
}

function up(name) {
  if (flags.some((flag) => !["--detach", "--quiet-pull"].includes(flag))) refuse(`unknown flag in ${flags}`);
  const service = services[name] ?? refuse(`no such service: ${name}`);
  if (!/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(service.image)) refuse(`${name}: image is not pinned by digest`);
  if (service.ports || service.network_mode !== "host") refuse(`${name}: publishes ports past the firewall`);
  if (service.profiles && !service.profiles.includes(options.profile)) refuse(`${name}: profile is not enabled`);
  const mounts = {};
  for (const { source, target, bind } of service.volumes) {
    if (!fs.existsSync(source)) refuse(`bind source path does not exist: ${source}`);
    if (bind.create_host_path !== false) refuse(`${source}: would be created when its volume is missing`);
    mounts[target] = source;
  }
  const env = {};
  for (const file of service.env_file ?? [])
    for (const line of fs.readFileSync(file, "utf8").split("\n").filter(Boolean)) {
      const [key, value] = line.split(/=(.*)/s);
      env[key] = value;
    }
  if (running(name)) return console.log(`Container kindling-${name}-1  Running`);
  if (service.restart !== "unless-stopped") refuse(`${name}: would not come back after a reboot`);
  const container = { name, env, mounts, user: service.user };
  fs.writeFileSync(`${stage}/containers/${name}.json`, JSON.stringify(container));
  run(container);
  console.log(`Container kindling-${name}-1  Started`);
}

function run({ name, env, mounts, user }) {
  const log = fs.openSync(`${stage}/containers/${name}.log`, "a");
  const [uid, gid = uid] = (user ?? "0:0").split(":");
  const child = spawn("setpriv", [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", process.execPath, `${stage}/tests/stand-ins/${name}.mjs`], {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...env, PATH: process.env.PATH, MOUNTS: JSON.stringify(mounts) },
  });
  fs.writeFileSync(`${stage}/containers/${name}.pid`, String(child.pid));
  child.unref();
}

// The daemon at boot: containers that ran are started again, once; one whose data is not there stays down.
function startAgain() {
  for (const file of fs.readdirSync(`${stage}/containers`).filter((name) => name.endsWith(".json"))) {
    const container = JSON.parse(fs.readFileSync(`${stage}/containers/${file}`, "utf8"));
    if (Object.values(container.mounts).every((source) => fs.existsSync(source))) run(container);
  }
  process.exit(0);
}

function stop(name) {
  const pid = running(name);
  if (!pid) return;
  process.kill(pid);
  while (fs.existsSync(`/proc/${pid}`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}

// exec -T tailscale tailscale COMMAND...: the client of the stand-in daemon.
function exec() {
  const [flag, name, ...argv] = rest;
  if (flag !== "-T" || name !== "tailscale" || argv[0] !== "tailscale") refuse(`cannot exec ${rest.join(" ")}`);
  if (!running(name)) refuse(`service "${name}" is not running`);
  execFileSync(process.execPath, [`${stage}/tests/stand-ins/tailscale.mjs`, ...argv.slice(1)], {
    stdio: "inherit",
    env: { PATH: process.env.PATH, MOUNTS: JSON.stringify({ "/var/lib/tailscale": services[name].volumes[0].source }) },
  });
}

function refuse(why) {
  console.error(why);
  process.exit(1);
}
