// Does with user-data what cloud-init does on the first boot, in a tenth of the time: for tests that are about what comes after.
import fs from "node:fs";
import path from "node:path";
import { spawnSync } from "node:child_process";

const { write_files, runcmd } = JSON.parse(fs.readFileSync("/run/kindling-test/host/user-data", "utf8").replace("#cloud-config\n", ""));
for (const { path: file, permissions, content, encoding } of write_files) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, Buffer.from(content, encoding === "b64" ? "base64" : "utf8"), { mode: Number.parseInt(permissions, 8) });
}
for (const [program, ...args] of runcmd) process.exitCode ||= spawnSync(program, args, { stdio: "inherit" }).status ?? 137;
