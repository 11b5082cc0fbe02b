// The compose file and nginx's configuration of every class that is sold, made by the machine's own programs and read by others.
import test from "node:test";
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import yaml from "js-yaml";
import { classOf, PLANS } from "./class.mjs";

const CLASSROOM = fileURLToPath(new URL("../../machine/classroom/", import.meta.url));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "kindling-plans-test-"));
test.after(() => fs.rmSync(scratch, { recursive: true, force: true }));

const CLASSES = [["A", "sparse"], ["A", "full"], ["B", "sparse"], ["B", "full"], ["C", "sparse"], ["D", "sparse"]];
/** The memory of the droplet that each plan is sold with (docs/machine.md), and what bitcoind and the system have of it. */
const DROPLET_MIB = { A: 4096, B: 8192, C: 16384, D: 16384 };
const SYSTEM_MIB = 1024;

const program = (name, input, ...options) => execFileSync("jq", [...options, "--from-file", path.join(CLASSROOM, name)], { input: JSON.stringify(input), encoding: "utf8" });

for (const [plan, graph] of CLASSES) {
  const classroom = classOf(plan, { graph, domain: "sslip.io" });
  const count = PLANS[plan];
  const digits = (i) => String(i).padStart(2, "0");

  test(`the compose file of plan ${plan}, ${graph}`, (t) => {
    const { services, networks, ...rest } = yaml.load(program("compose.jq", classroom));
    assert.deepEqual(rest, {});
    assert.deepEqual(networks, {
      class: { driver: "bridge", internal: true, driver_opts: { "com.docker.network.bridge.name": "br-kindling" }, ipam: { config: [{ subnet: "10.61.0.0/24", gateway: "10.61.0.1" }] } },
    });
    const names = Array.from({ length: count }, (_, i) => `node${digits(i)}`);
    assert.deepEqual(Object.keys(services).sort(), [...names, "rpc", "tailscale"].sort());
    const mib = (service) => Number(/^(\d+)m$/.exec(service.mem_limit)[1]);
    for (const [i, name] of names.entries()) {
      const node = services[name];
      const degree = classroom.channels.filter(({ from, to }) => from === i || to === i).length;
      assert.equal(mib(node), 192 + 6 * degree);
      assert.deepEqual(node.networks, { class: { ipv4_address: `10.61.0.${10 + i}` } });
      assert.deepEqual(node.volumes.map(({ source, target }) => [source, target]), [[`/srv/kindling/class/${digits(i)}`, "/data"]]);
    }
    for (const service of Object.values(services)) {
      assert.ok(!service.ports && service.security_opt.includes("no-new-privileges:true") && service.logging.options["max-size"]);
      for (const { type, bind } of service.volumes) assert.deepEqual([type, bind], ["bind", { create_host_path: false }]);
    }
    assert.equal(services.rpc.network_mode, "none");
    const sum = [...names, "rpc"].reduce((total, name) => total + mib(services[name]), 0) + SYSTEM_MIB;
    t.diagnostic(`memory of plan ${plan}, ${graph}: ${sum} of ${DROPLET_MIB[plan]} MiB`);
    assert.ok(sum <= DROPLET_MIB[plan], `${sum} MiB`);
  });

  test(`nginx takes the configuration of plan ${plan}, ${graph}`, () => {
    const folder = fs.mkdtempSync(path.join(scratch, "nginx-"));
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test",
      "-keyout", path.join(folder, "privkey.pem"), "-out", path.join(folder, "fullchain.pem")], { stdio: "ignore" });
    const made = program("nginx.jq", classroom, "-r", "--arg", "folder", folder, "--arg", "name", "203-0-113-7.sslip.io");
    assert.deepEqual([...made.matchAll(/^ {4}listen (\d+) ssl;$/gm)].map(([, port]) => Number(port)), Array.from({ length: count }, (_, i) => 6001 + i));
    fs.writeFileSync(path.join(folder, "nginx.conf"), `pid ${folder}/pid; error_log stderr; events {} http { ${made} }\n`);
    const { status, stderr } = spawnSync("nginx", ["-t", "-p", folder, "-c", path.join(folder, "nginx.conf")], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });
}
