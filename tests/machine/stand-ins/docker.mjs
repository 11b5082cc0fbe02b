// Stands in for `docker compose`: reads the real compose file, refuses what the machine must never do (an image without a
// digest, a published port, a missing host path), and runs each service's stand-in as a process with the same mounts.
import fs from "node:fs";
import { spawn, execFileSync } from "node:child_process";

const stage = "/run/kindling-test";
if (process.argv[2] === "--version") {
  console.log("Docker version 27.5.1, build 27.5.1-0ubuntu3");
  process.exit(0);
}
if (process.argv[2] === "ps") {
  plainPs();
  process.exit(0);
}
const { options, command, rest } = parse(process.argv.slice(2));
const services = readCompose();
const flags = rest.filter((word) => word.startsWith("-"));
const names = rest.filter((word) => !word.startsWith("-"));

if (command === "up") names.forEach(up);
else if (command === "restart") names.forEach((name) => { stop(name); up(name); });
else if (command === "ps") for (const name of Object.keys(services)) console.log(`kindling-${name}-1  ${running(name) ? "Up" : "Exited"}`);
else if (command === "exec") exec();
else if (command === "stop") names.forEach(stop);
else if (command === "pull") names.forEach(pull);
else if (command === "logs") logs();
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
  const filled = json.toString().replace(/\$\{(\w+)\}/g, (_, name) => variables[name] ?? refuse(`variable ${name} is not set`));
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
  // A container whose image changed is made anew.
  const imageFile = `${stage}/containers/${name}.image`;
  if (running(name) && fs.readFileSync(imageFile, "utf8") === service.image) return console.log(`Container kindling-${name}-1  Running`);
  stop(name);
  fs.writeFileSync(imageFile, service.image);
  const log = fs.openSync(`${stage}/containers/${name}.log`, "a");
  const child = spawn(process.execPath, [`${stage}/tests/stand-ins/${name}.mjs`], {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...env, PATH: process.env.PATH, MOUNTS: JSON.stringify(mounts), IMAGE: service.image },
  });
  fs.writeFileSync(`${stage}/containers/${name}.pid`, String(child.pid));
  child.unref();
  console.log(`Container kindling-${name}-1  Started`);
}

function stop(name) {
  const pid = running(name);
  if (!pid) return;
  process.kill(pid);
  while (fs.existsSync(`/proc/${pid}`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}

// An image whose tag says "missing" is one that the registry does not have.
function pull(name) {
  if (flags.some((flag) => flag !== "--quiet")) refuse(`unknown flag in ${flags}`);
  if (/:[^@]*missing/.test(services[name].image)) refuse("Error response from daemon: manifest unknown");
}

function logs() {
  const at = rest.indexOf("--tail");
  const lines = Number(rest[at + 1]);
  const name = rest.at(-1);
  const file = `${stage}/containers/${name}.log`;
  if (!fs.existsSync(file)) return;
  for (const line of fs.readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines)) console.log(`${name}-1  | ${line}`);
}

function plainPs() {
  const format = process.argv.find((word) => word.includes("{{"));
  for (const file of fs.readdirSync(`${stage}/containers`).filter((entry) => entry.endsWith(".pid"))) {
    const name = file.replace(".pid", "");
    const fields = [`kindling-${name}-1`, running(name) ? "Up 2 minutes" : "Exited (1)", fs.readFileSync(`${stage}/containers/${name}.image`, "utf8")];
    console.log(format ? fields.join("\t") : fields.join("   "));
  }
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
