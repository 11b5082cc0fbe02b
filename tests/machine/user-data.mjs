// Renders a user-data file as the Worker does, for tests that boot a machine without it: JSON after "#cloud-config", every file
// of machine/ packed.
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { fileURLToPath } from "node:url";

const MACHINE = fileURLToPath(new URL("../../machine/", import.meta.url));

/** The files of machine/, by path relative to it. */
export function machineFiles() {
  return fs.readdirSync(MACHINE, { recursive: true }).filter((name) => fs.statSync(path.join(MACHINE, name)).isFile()).sort();
}

/** config: the pairs of /etc/kindling/config; token: the pairing token; recipients: age or ssh recipients. */
export function renderUserData({ config, token, recipients }) {
  const file = (target, permissions, content) => ({
    path: target, owner: "root:root", permissions, encoding: "gz+b64", content: zlib.gzipSync(content, { level: 9 }).toString("base64"),
  });
  const lines = Object.entries(config).map(([key, value]) => `${key}='${value}'\n`);
  const write_files = [
    file("/etc/kindling/config", "0600", lines.join("")),
    file("/etc/kindling/pair-token", "0600", token),
    file("/etc/kindling/recipients", "0644", recipients.map((recipient) => `${recipient}\n`).join("")),
    ...machineFiles().map((name) =>
      file(`/opt/kindling/${name}`, name.endsWith(".sh") ? "0755" : "0644", fs.readFileSync(path.join(MACHINE, name)))),
  ];
  return `#cloud-config\n${JSON.stringify({ write_files, runcmd: [["/opt/kindling/bootstrap.sh"]] })}\n`;
}
