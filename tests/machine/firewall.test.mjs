// The machine's firewall, by the kernel's own packet filter and the real UFW: scanned from a second network at the other end of its
// cable, and asked for the metadata address by those who may not have it.
import test from "node:test";
import assert from "node:assert/strict";
import { startScriptedWorker } from "./scripted-worker.mjs";
import { classOf } from "./class.mjs";
import { ageKey, boot, CLASS_CHANGES, ORDER, TOKEN } from "./order.mjs";

const STAND_INS = "/run/kindling-test/tests/stand-ins";
const INTERESTING = ["22", "25", "80", "443", "2375", "5000", "8080", "8081", "8332", "8333", "9735", "10009", "18443", "28332", "28333"];

test("the machine's firewall", { timeout: 900_000 }, async (t) => {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN });
  t.after(() => worker.stop());
  // The bring-up ends where the firewall stands, before the services that would take the ports.
  const machine = await boot(t, worker, { recipients: [ageKey().recipient], faults: ["fail systemctl enable docker"], cloudInit: false });
  const { log } = await machine.done;
  assert.match(log, /phase firewall: done\n[^]*phase docker: failed/);

  const live = async (...argv) => {
    const { exitCode, stdout, stderr } = await machine.run(argv);
    assert.equal(exitCode, 0, stdout + stderr);
    return stdout;
  };
  const scan = async (address, from = machine.run) => JSON.parse((await from(["node", `${STAND_INS}/scan.mjs`, address, ...INTERESTING])).stdout);
  // One that dies before it listens says why in the log, and is started again.
  const listen = (name, ...argv) => live("bash", "-ec", `for try in 1 2 3; do
      setsid ${argv.join(" ")} >/run/${name} 2>&1 </dev/null & process=$!
      while kill -0 $process 2>/dev/null; do if grep --quiet listening /run/${name}; then exit 0; fi; sleep 1; done
      cat /run/${name} >&2
    done; exit 1`);
  const rules = async () => `${await live("iptables", "-S")}${await live("ip6tables", "-S")}`;

  await t.test("whatever listens, the world reaches SSH and Lightning's port, over IPv4 and IPv6", async () => {
    await listen("everything", "node", `${STAND_INS}/listen.mjs`, "192.0.2.2,2001:db8::2", ...INTERESTING.filter((port) => port !== "8081"));
    assert.equal((await scan("192.0.2.2")).length, INTERESTING.length - 1, "all of them listen");
    for (const address of ["192.0.2.2", "2001:db8::2"]) assert.deepEqual(await scan(address, machine.outside), [22, 9735]);
  });

  await t.test("a port that Docker publishes is closed to the world until the owner opens it", async () => {
    await live(`${STAND_INS}/publish-port.sh`, "8081");
    await listen("container", "nsenter", "--net=/run/kindling-test/container-net", "node", `${STAND_INS}/listen.mjs`, "172.17.0.2", "80");
    assert.deepEqual(await scan("192.0.2.2", machine.outside), [22, 9735]);

    await live("sh", "-c", "printf '8080:8081/tcp # a shop\\n99999/tcp\\n9000:80/tcp\\n$(reboot)\\n' >>/etc/kindling/open-ports && systemctl reload kindling-firewall");
    assert.deepEqual(await scan("192.0.2.2", machine.outside), [22, 8080, 8081, 9735]);
    assert.match(await live("ufw", "status"), /^8080:8081\/tcp +ALLOW/m);

    await live("sh", "-c", "sed -i /8081/d /etc/kindling/open-ports && systemctl reload kindling-firewall");
    assert.deepEqual(await scan("192.0.2.2", machine.outside), [22, 9735]);
    assert.doesNotMatch(await live("ufw", "status"), /8081/);
  });

  await t.test("a port that a program listens on is opened by the same file", async () => {
    await live("sh", "-c", "echo 443/tcp >>/etc/kindling/open-ports && systemctl reload kindling-firewall");
    for (const address of ["192.0.2.2", "2001:db8::2"]) assert.deepEqual(await scan(address, machine.outside), [22, 443, 9735]);
  });

  await t.test("another run changes nothing, and what the owner has in DOCKER-USER stays", async () => {
    await live("iptables", "-A", "DOCKER-USER", "-s", "198.51.100.9", "-j", "DROP");
    const before = await rules();
    await live("systemctl", "restart", "kindling-firewall");
    await live("systemctl", "reload", "kindling-firewall");
    assert.equal(await rules(), before);
    assert.match(before, /^-A DOCKER-USER -s 198\.51\.100\.9\/32 -j DROP$/m);
  });

  await t.test("the rules are set with IPv6 off, too", async () => {
    await live("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && systemctl reload kindling-firewall");
    assert.deepEqual(await scan("192.0.2.2", machine.outside), [22, 443, 9735]);
  });

  await t.test("the metadata address answers root, but no other user and no container of the host's network", async () => {
    const ask = (...as) =>
      machine.run([...as, "curl", "--silent", "--show-error", "--max-time", "60", "http://169.254.169.254/metadata/v1/interfaces/public/0/ipv4/address"]);
    assert.equal((await ask()).stdout, "203.0.113.7");
    const kindling = (await live("getent", "group", "kindling")).split(":")[2];
    for (const as of [
      ["--reuid=1000", "--regid=1000", "--clear-groups"],
      ["--reuid=nobody", "--regid=0", "--clear-groups"],
      [`--regid=${kindling}`, "--clear-groups"],
      [`--groups=${kindling}`],
    ]) {
      const { exitCode, stdout, stderr } = await ask("setpriv", ...as);
      assert.equal(exitCode, 7, `${as.join(" ")}: ${stdout}${stderr}`); // refused at once, no timeout
    }
  });
});

test("a classroom's firewall", { timeout: 900_000 }, async (t) => {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN });
  t.after(() => worker.stop());
  const machine = await boot(t, worker, {
    changes: CLASS_CHANGES, classroom: classOf("A"), recipients: [ageKey().recipient], faults: ["fail systemctl enable docker"], cloudInit: false,
  });
  await machine.done;
  const live = async (script) => {
    const { exitCode, stdout, stderr } = await machine.run(["bash", "-ec", script]);
    assert.equal(exitCode, 0, stdout + stderr);
    return stdout;
  };
  // The nodes' bridge and one container on it, as Docker makes them, and somebody who listens everywhere.
  const container = "nsenter --net=/run/kindling-test/container-net";
  await live(`touch /run/kindling-test/container-net; unshare --net=/run/kindling-test/container-net true
    ip link add br-kindling type bridge; ip address add 10.61.0.1/24 dev br-kindling
    ip link add veth0 type veth peer name container0; ip link set veth0 master br-kindling
    ${container} sleep infinity >/dev/null 2>&1 </dev/null & until [[ $(readlink /proc/$!/ns/net) == "net:[$(stat --format=%i /run/kindling-test/container-net)]" ]]; do :; done
    ip link set container0 netns $!; kill $!
    ${container} ip link set container0 up; ${container} ip address add 10.61.0.10/24 dev container0; ${container} ip route add default via 10.61.0.1
    ip link set br-kindling up; ip link set veth0 up
    setsid node ${STAND_INS}/listen.mjs 0.0.0.0 22 80 6000 6001 6008 6009 9735 18443 >/run/everything 2>&1 </dev/null &
    until grep --quiet listening /run/everything; do :; done`);
  const scan = async (from, address) => JSON.parse((await from(["node", `${STAND_INS}/scan.mjs`, address, "22", "80", "6000", "6001", "6008", "6009", "9735", "18443"])).stdout);
  await t.test("the world reaches SSH and the nodes' ports", async () => {
    assert.deepEqual(await scan(machine.outside, "192.0.2.2"), [22, 6001, 6008]);
  });
  await t.test("the nodes reach bitcoind on the bridge, not on another address; the world does not by that address either", async () => {
    const inside = (argv) => machine.run([...container.split(" "), ...argv]);
    assert.deepEqual(await scan(inside, "10.61.0.1"), [22, 6001, 6008, 18443]);
    assert.deepEqual(await scan(inside, "192.0.2.2"), [22, 6001, 6008]);
    await machine.outside(["ip", "route", "add", "10.61.0.0/24", "via", "192.0.2.2"]);
    assert.deepEqual(await scan(machine.outside, "10.61.0.1"), [22, 6001, 6008]);
  });
});
