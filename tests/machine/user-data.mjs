// Renders a user-data file as the Worker does, for tests that boot a machine without it: JSON after "#cloud-config", the files
// of machine/ as the archive that the build has made for the product.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const MACHINE = fileURLToPath(new URL("../../machine/", import.meta.url));
const BUILD = fileURLToPath(new URL("../../build/", import.meta.url));

/** The files of machine/, by path relative to it. */
export function machineFiles() {
  return fs.readdirSync(MACHINE, { recursive: true }).filter((name) => fs.statSync(path.join(MACHINE, name)).isFile()).sort();
}

/** config: the pairs of /etc/kindling/config; token: the pairing token; recipients: age or ssh recipients; classroom: its class.json. */
export function renderUserData({ config, token, recipients, classroom }) {
  const file = (target, permissions, content) => ({ path: target, owner: "root:root", permissions, content });
  const lines = Object.entries(config).map(([key, value]) => `${key}='${value}'\n`);
  const archive = path.join(BUILD, `${config.PRODUCT}.tar.xz.base64`);
  const changed = machineFiles().find((name) => fs.statSync(path.join(MACHINE, name)).mtimeMs > fs.statSync(archive).mtimeMs);
  if (changed) throw new Error(`machine/${changed} is newer than the archive: cargo xtask build`);
  const write_files = [
    file("/etc/kindling/config", "0600", lines.join("")),
    file("/etc/kindling/pair-token", "0600", token),
    file("/etc/kindling/recipients", "0644", recipients.map((recipient) => `${recipient}\n`).join("")),
    ...(classroom ? [file("/etc/kindling/class.json", "0644", JSON.stringify(classroom))] : []),
    { ...file("/opt/kindling/machine.tar.xz", "0600", fs.readFileSync(archive, "utf8")), encoding: "b64" },
  ];
  const start = `cd /opt/kindling && python3 -c 'import tarfile; tarfile.open("machine.tar.xz").extractall()' && exec ./bootstrap.sh`;
  return `#cloud-config\n${JSON.stringify({ write_files, runcmd: [["sh", "-ec", start]] })}\n`;
}
