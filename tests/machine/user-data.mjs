// Renders a user-data file as the Worker does, for tests that boot a machine without it: JSON after "#cloud-config", the files
// of machine/ as one archive.
import fs from "node:fs";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MACHINE = fileURLToPath(new URL("../../machine/", import.meta.url));

/** The files of machine/, by path relative to it. */
export function machineFiles() {
  return fs.readdirSync(MACHINE, { recursive: true }).filter((name) => fs.statSync(path.join(MACHINE, name)).isFile()).sort();
}

/** config: the pairs of /etc/kindling/config; token: the pairing token; recipients: age or ssh recipients. */
export function renderUserData({ config, token, recipients }) {
  const file = (target, permissions, content) => ({ path: target, owner: "root:root", permissions, content });
  const lines = Object.entries(config).map(([key, value]) => `${key}='${value}'\n`);
  const archive = execFileSync("tar", ["--create", "--gzip", "--owner=0", "--group=0", "--directory", MACHINE, ...machineFiles()]);
  const write_files = [
    file("/etc/kindling/config", "0600", lines.join("")),
    file("/etc/kindling/pair-token", "0600", token),
    file("/etc/kindling/recipients", "0644", recipients.map((recipient) => `${recipient}\n`).join("")),
    { ...file("/opt/kindling/machine.tar.gz", "0600", archive.toString("base64")), encoding: "b64" },
  ];
  const start = "tar --extract --gzip --file /opt/kindling/machine.tar.gz --directory /opt/kindling && exec /opt/kindling/bootstrap.sh";
  return `#cloud-config\n${JSON.stringify({ write_files, runcmd: [["sh", "-ec", start]] })}\n`;
}
