// Stands in for `docker compose`: reads the real compose file, refuses what the machine must never do (an image without a
// digest, a published port, a missing host path, another group than the one the firewall knows), and runs each service's stand-in
// as a process with the same mounts, user and capabilities. Of `docker` itself it knows what the machine asks.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { spawn, spawnSync, execFileSync } from "node:child_process";

process.umask(0o022); // the daemon's, whatever the caller's is
process.on("SIGTERM", () => {}); // who asked may be ended amid it; what the daemon has begun it ends
const stage = "/run/kindling-test";
const [first, ...others] = process.argv.slice(2);
if (first === "daemon") startAgain();
if (first === "ps") plainPs();
if (first === "--version") {
  console.log("Docker version 27.5.1, build 27.5.1-0ubuntu3");
  process.exit(0);
}
if (first === "version") print("{{.Server.Version}}", others, "27.5.1");
if (first === "inspect") {
  const name = fs.readdirSync(`${stage}/containers`).find((file) => file.endsWith(".pid") && others.includes(id(file.slice(0, -4))));
  if (!name) refuse(`Error: No such object: ${others.at(-1)}`);
  print("{{.State.StartedAt}}", others.slice(0, -1), fs.readFileSync(`${stage}/containers/${name.slice(0, -4)}.started`, "utf8"));
}
// What is not a service's own program.
const PROGRAMS = { lightningd: [process.execPath, `${stage}/tests/stand-ins/lightningd.mjs`], sleep: ["/usr/bin/sleep"] };
const { options, command, rest } = parse(process.argv.slice(2));
let networks = {};
const services = readCompose();
const flags = rest.filter((word) => word.startsWith("-"));
const names = rest.filter((word) => !word.startsWith("-"));

if (command === "up") (names.length ? names : Object.keys(services).filter((name) => !services[name].profiles)).forEach(up);
else if (command === "restart") names.forEach((name) => { stop(name); up(name); });
else if (command === "ps" && flags.includes("--quiet")) names.filter(running).forEach((name) => console.log(id(name)));
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
  const json = options.file.endsWith(".json") ? fs.readFileSync(options.file) : execFileSync("/usr/bin/python3", ["-c", "import json,sys,yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))", options.file]);
  const filled = json.toString().replace(/\$\{(\w+)\}/g, (_, name) => process.env[name] ?? variables[name] ?? refuse(`variable ${name} is not set`));
  const file = JSON.parse(filled);
  networks = file.networks ?? {};
  return file.services;
}

// A bridge, and what has an address on it: all of it on this host, since a container has no network of its own here.
function attachNetworks(name, service) {
  for (const [network, { ipv4_address: address }] of Object.entries(service.networks ?? {})) {
    const { driver, internal, driver_opts: options, ipam } = networks[network] ?? refuse(`${name}: undefined network ${network}`);
    const bridge = options["com.docker.network.bridge.name"];
    if (driver !== "bridge" || internal !== true || ipam.config.length !== 1) refuse(`${network}: is not the class's`);
    const ip = (...argv) => spawnSync("ip", argv, { stdio: "ignore" }).status === 0;
    if (!ip("link", "show", bridge)) {
      ip("link", "add", bridge, "type", "bridge");
      ip("address", "add", `${ipam.config[0].gateway}/24`, "dev", bridge);
      ip("link", "set", bridge, "up");
    }
    ip("address", "add", `${address}/32`, "dev", "lo");
  }
}

function running(name) {
  const file = `${stage}/containers/${name}.pid`;
  if (!fs.existsSync(file)) return 0;
  const pid = Number(fs.readFileSync(file, "utf8"));
  return fs.existsSync(`/proc/${pid}`) ? pid : 0;
}

/** In one step, since others read it meanwhile. */
function write(file, text) {
  fs.writeFileSync(`${file}.new`, text);
  fs.renameSync(`${file}.new`, file);
}

function up(name) {
  if (flags.some((flag) => !["--detach", "--quiet-pull"].includes(flag))) refuse(`unknown flag in ${flags}`);
  const service = services[name] ?? refuse(`no such service: ${name}`);
  if (!/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(service.image)) refuse(`${name}: image is not pinned by digest`);
  if (service.ports || (service.network_mode !== "host" && !service.networks && service.network_mode !== "none")) refuse(`${name}: publishes ports past the firewall`);
  if (service.network_mode !== "host" && !/^\d+m$/.test(service.mem_limit)) refuse(`${name}: its memory is not bounded`);
  attachNetworks(name, service);
  const [uid, gid] = /^(\d+):(\d+)$/.exec(service.user)?.slice(1) ?? refuse(`${name}: no user is named by number`);
  const group = new RegExp(`^kindling:[^:]*:${gid}:`, "m");
  if (!group.test(fs.readFileSync("/etc/group", "utf8"))) refuse(`${name}: the firewall does not know group ${gid}`);
  if (!service.security_opt?.includes("no-new-privileges:true")) refuse(`${name}: may gain privileges`);
  if (service.restart !== "unless-stopped") refuse(`${name}: would not come back after a reboot`);
  if (service.profiles && !service.profiles.includes(options.profile)) refuse(`${name}: profile is not enabled`);
  const mounts = {};
  const bound = [];
  for (const { source, target, bind } of service.volumes) {
    if (!fs.existsSync(source)) refuse(`bind source path does not exist: ${source}`);
    if (bind.create_host_path !== false) refuse(`${source}: would be created when its volume is missing`);
    mounts[target] = `${stage}/rootfs/${name}${target}`;
    bound.push([source, mounts[target]]);
  }
  const env = {};
  for (const file of service.env_file ?? [])
    for (const line of fs.readFileSync(file, "utf8").split("\n").filter(Boolean)) {
      const [key, value] = line.split(/=(.*)/s);
      env[key] = value;
    }
  // A container whose image changed is made anew.
  const file = `${stage}/containers/${name}.json`;
  if (running(name) && JSON.parse(fs.readFileSync(file, "utf8")).image === service.image) return console.log(`Container kindling-${name}-1  Running`);
  stop(name);
  const privileges = ["--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs"];
  if (service.cap_drop?.includes("ALL")) privileges.push("--bounding-set", ["-all", ...(service.cap_add ?? []).map((cap) => `+${cap.toLowerCase()}`)].join(","));
  const program = PROGRAMS[service.entrypoint?.[0]] ?? [process.execPath, `${stage}/tests/stand-ins/${name}.mjs`];
  const argv = [...privileges, ...program, ...(service.command ?? [])];
  const container = { name, image: service.image, bound, argv, env: { ...env, ...service.environment, MOUNTS: JSON.stringify(mounts), IMAGE: service.image } };
  write(file, JSON.stringify(container));
  run(container);
  console.log(`Container kindling-${name}-1  Started`);
}

function run({ name, bound, argv, env }) {
  const log = fs.openSync(`${stage}/containers/${name}.log`, "a");
  // What a container sees of the host's files is bound where only its own mount namespace has it.
  fs.rmSync(`${stage}/rootfs/${name}`, { recursive: true, force: true });
  for (const [source, target] of bound) {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    if (fs.statSync(source).isDirectory()) fs.mkdirSync(target);
    else fs.writeFileSync(target, "");
  }
  const mount = bound.map(([source, target]) => `/usr/bin/mount --bind '${source}' '${target}' && `).join("");
  const child = spawn("unshare", ["--mount", "sh", "-c", `${mount}exec setpriv "$@"`, "sh", ...argv], {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...env, PATH: process.env.PATH },
  });
  write(`${stage}/containers/${name}.pid`, String(child.pid));
  write(`${stage}/containers/${name}.started`, new Date().toISOString());
  child.unref();
}

// The daemon at boot: containers that ran are started again, once; one whose data is not there stays down.
function startAgain() {
  for (const file of fs.readdirSync(`${stage}/containers`).filter((name) => name.endsWith(".json"))) {
    const container = JSON.parse(fs.readFileSync(`${stage}/containers/${file}`, "utf8"));
    if (container.bound.every(([source]) => fs.existsSync(source))) run(container);
  }
  process.exit(0);
}

// An image whose tag says "missing" is one that the registry does not have.
function pull(name) {
  if (flags.some((flag) => flag !== "--quiet")) refuse(`unknown flag in ${flags}`);
  if (/:[^@]*missing/.test(services[name].image)) refuse("Error response from daemon: manifest unknown");
}

function logs() {
  const lines = Number(rest[rest.indexOf("--tail") + 1]);
  const name = rest.at(-1);
  const file = `${stage}/containers/${name}.log`;
  if (!fs.existsSync(file)) return;
  for (const line of fs.readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines)) console.log(`${name}-1  | ${line}`);
}

// docker ps, as a table or by the format that ops.sh asks for.
function plainPs() {
  if (others.includes("--quiet")) {
    if (others.join(" ") !== "--quiet --filter name=kindling-node --filter name=kindling-rpc --filter status=running") refuse(`unknown arguments: ${others.join(" ")}`);
    for (const file of fs.readdirSync(`${stage}/containers`).filter((entry) => /^(node|rpc).*\.json$/.test(entry))) if (running(file.slice(0, -5))) console.log(id(file.slice(0, -5)).slice(0, 12));
    process.exit(0);
  }
  const format = others.find((word) => word.includes("{{"));
  for (const file of fs.readdirSync(`${stage}/containers`).filter((entry) => entry.endsWith(".json"))) {
    const { name, image } = JSON.parse(fs.readFileSync(`${stage}/containers/${file}`, "utf8"));
    console.log([`kindling-${name}-1`, running(name) ? "Up 2 minutes" : "Exited (1)", image].join(format ? "\t" : "   "));
  }
  process.exit(0);
}

function id(name) {
  return crypto.createHash("sha256").update(name).digest("hex");
}

function print(format, argv, text) {
  if (argv.join(" ") !== `--format ${format}`) refuse(`unknown arguments: ${argv.join(" ")}`);
  console.log(text);
  process.exit(0);
}

function stop(name) {
  const pid = running(name);
  if (!pid) return;
  try {
    process.kill(pid);
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // it has just ended by itself
  }
  while (fs.existsSync(`/proc/${pid}`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  fs.rmSync(`${stage}/containers/${name}.pid`); // another process may get this number
}

// exec -T tailscale tailscale COMMAND...: the client of the stand-in daemon. exec -T rpc sh -s: what comes by standard input, in a
// container that has lightning-cli.
function exec() {
  const [flag, name, ...argv] = rest;
  if (rest.join(" ") === "-T rpc sh -s") {
    if (!running(name)) refuse(`service "${name}" is not running`);
    fs.mkdirSync("/class", { recursive: true });
    const { argv: inside, bound } = JSON.parse(fs.readFileSync(`${stage}/containers/rpc.json`, "utf8"));
    const privileges = inside.slice(0, inside.indexOf("/usr/bin/sleep"));
    const { status } = spawnSync("unshare", ["--mount", "sh", "-c", `/usr/bin/mount --bind ${bound[0][0]} /class && exec setpriv "$@"`, "sh", ...privileges, "sh", "-s"], {
      stdio: "inherit", env: { PATH: `${stage}/image:/usr/bin:/bin` },
    });
    process.exit(status ?? 1);
  }
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
