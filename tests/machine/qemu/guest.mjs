// One machine under qemu: its power switch, its console, and a login. Its disks outlive it, so that the power can be cut and come back.
import crypto from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { spawn } from "node:child_process";
import { ending, freePort, startProcess } from "../../support/process.mjs";

const PIPE = fileURLToPath(new URL("pipe.mjs", import.meta.url));
export const PORTS = [22, 9735, 5000, 8080, 8332, 7000, 7001]; // the machine's ports that a host outside tries

/** For an emulated machine: time enough for what systemd waits for, and no guards against the speculation of a real processor. */
const PATIENCE = "systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900 mitigations=off";

/** "kvm" where guests really run under it, else "tcg": qemu's emulation, some ten times slower. A device that opens proves nothing. */
export async function accelerator(image) {
  if (!fs.existsSync("/dev/kvm")) return "tcg";
  const qemu = startProcess("qemu-system-x86_64", [
    "-accel", "kvm", "-cpu", "host", "-m", "512", "-display", "none", "-nodefaults", "-no-reboot", "-serial", "stdio",
    "-kernel", path.join(image, "vmlinuz"), "-append", "console=ttyS0 panic=-1",
  ]);
  try {
    await qemu.until(/Linux version[^]*\n[^]*\n/, 15_000);
    return "kvm";
  } catch {
    return "tcg";
  } finally {
    await qemu.kill();
  }
}

/**
 * image   the folder with vmlinuz and initrd.img          work    a folder for this machine's own files, its path short
 * disk    its root disk                                   volume  {file, name}: the block volume, and what the cloud calls it
 * seed    the ISO image that cloud-init finds             console where the serial console is written down, appended
 * metadataPort  this host's stand-in for the metadata service
 * key     file of the private key that logs in as root
 */
export async function startGuest({ accel, image, work, disk, volume, seed, console, metadataPort, key }) {
  const ports = Object.fromEntries(await Promise.all(PORTS.map(async (port) => [port, await freePort()])));
  fs.appendFileSync(console, "");
  const quiet = fs.statSync(console).size; // so much was said by earlier machines
  const control = path.join(work, `qmp-${crypto.randomBytes(4).toString("hex")}`);
  const forwards = PORTS.map((port) => `hostfwd=tcp:127.0.0.1:${ports[port]}-:${port}`).join(",");
  const quoted = [process.execPath, PIPE, String(metadataPort)].map((word) => `'${word}'`).join(" ").replaceAll(",", ",,");
  const qemu = startProcess("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64",
    // An emulated processor of a plain kind, without an instruction (cmpxchg16b) that qemu 7.2 emulates wrongly: the kernel died of it.
    "-accel", accel === "kvm" ? "kvm" : "tcg,thread=multi,tb-size=512", "-cpu", accel === "kvm" ? "host" : "Westmere,-cx16",
    "-machine", "q35", "-smp", "2", "-m", "3072", "-nodefaults", "-display", "none", "-vga", "std", "-device", "virtio-rng-pci",
    "-kernel", path.join(image, "vmlinuz"), "-initrd", path.join(image, "initrd.img"),
    "-append", `root=LABEL=root ro net.ifnames=0 console=tty0 console=ttyS0 ${accel === "kvm" ? "" : PATIENCE}`,
    "-chardev", `file,id=console,path=${console},append=on`, "-serial", "chardev:console",
    "-qmp", `unix:${control},server=on,wait=off`,
    "-drive", `if=none,id=root,file=${disk},format=raw,cache=unsafe`, "-device", "virtio-blk-pci,drive=root",
    // What a block volume at DigitalOcean says of itself; the system makes /dev/disk/by-id/scsi-0DO_Volume_… of it.
    "-drive", `if=none,id=volume,file=${volume.file},format=raw,cache=unsafe,discard=unmap`,
    "-device", "virtio-scsi-pci,id=scsi", "-device", `scsi-hd,bus=scsi.0,drive=volume,vendor=DO,product=Volume,serial=${volume.name}`,
    "-drive", `if=virtio,file=${seed},format=raw,readonly=on`,
    // The public side: this host is 10.0.2.2, and it comes in through the forwarded ports.
    "-netdev", `user,id=public,${forwards}`, "-device", "virtio-net-pci,netdev=public,mac=52:54:00:00:00:01",
    // The cloud's own side: the metadata service, and nothing else.
    "-netdev", `user,id=cloud,restrict=on,net=169.254.0.0/16,host=169.254.0.2,dns=169.254.0.3,dhcpstart=169.254.0.15,ipv6=off,guestfwd=tcp:169.254.169.254:80-cmd:${quoted}`,
    "-device", "virtio-net-pci,netdev=cloud,mac=52:54:00:00:00:02",
  ]);

  let over = false;
  qemu.exited.then(() => (over = true));

  /** One command of the QEMU monitor, over a connection of its own. */
  async function monitor(execute, args = {}) {
    const socket = net.connect(control);
    const lines = socket.setEncoding("utf8");
    let text = "";
    const answer = (async () => {
      for await (const chunk of lines) {
        text += chunk;
        const found = text.split("\n").slice(0, -1).map((line) => JSON.parse(line)).find(({ id }) => id === 2);
        if (found?.error) throw new Error(`${execute}: ${found.error.desc}`);
        if (found) return found.return;
      }
      throw new Error(`${execute}: the monitor hung up`);
    })();
    socket.write(`${JSON.stringify({ execute: "qmp_capabilities", id: 1 })}\n${JSON.stringify({ execute, arguments: args, id: 2 })}\n`);
    return answer.finally(() => socket.destroy());
  }

  /** Runs a shell line as root over SSH -> {exitCode, stdout, stderr}; exit code 255 is SSH's own. */
  async function ssh(line, { timeoutMs = 1_200_000 } = {}) {
    const child = spawn("ssh", [
      "-i", key, "-p", String(ports[22]), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
      "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60",
      // One login for all: each would start a user's systemd. It ends with the machine.
      "-o", "ControlMaster=auto", "-o", "ControlPersist=yes", "-o", `ControlPath=${control}-ssh`, "-o", "ServerAliveInterval=20", "-o", "ServerAliveCountMax=6",
      "root@127.0.0.1", line,
    ], { stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs });
    return ending(child);
  }

  return {
    ports,
    ssh,
    /** Why nothing more is to be expected of it, or null. */
    dead() {
      if (over) return `qemu ended: ${qemu.output().trim()}`;
      return fs.readFileSync(console, "utf8").slice(quiet).match(/Kernel panic.*|Failed to start .*(cloud-final|kindling-).*/)?.[0] ?? null;
    },
    /** The line's output; an error when it fails. */
    async says(line, options) {
      const { exitCode, stdout, stderr } = await ssh(line, options);
      if (exitCode !== 0) throw new Error(`${line}: exit ${exitCode}\n${(stderr + stdout).trim().slice(-1500)}`);
      return stdout.trim();
    },
    /** What a monitor plugged into the machine would show. */
    photograph: (file) => monitor("screendump", { filename: file, format: "png" }),
    /** The power goes: nothing is flushed or told. */
    cutPower: () => qemu.kill(),
    async shutDown() {
      await monitor("system_powerdown").catch(() => {});
      const patience = setTimeout(() => qemu.signal("SIGKILL"), 90_000);
      await qemu.exited;
      clearTimeout(patience);
    },
  };
}
