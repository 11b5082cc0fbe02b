// Stands in for ufw: keeps the rules in a file that tests read, and refuses what would lock the owner out.
import fs from "node:fs";

const file = "/run/kindling-test/ufw.json";
const state = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : { rules: [], defaults: {}, enabled: false };
const words = process.argv.slice(2);
const line = words.join(" ");
let match;
if ((match = /^allow (\d+\/(?:tcp|udp))$/.exec(line))) {
  if (!state.rules.includes(match[1])) state.rules.push(match[1]);
} else if ((match = /^default (deny|allow) (incoming|outgoing)$/.exec(line))) state.defaults[match[2]] = match[1];
else if (line === "--force enable") {
  if (!state.rules.includes("22/tcp")) refuse("SSH is not allowed: enabling would cut the connection");
  state.enabled = true;
} else if (line === "status verbose") {
  console.log(`Status: ${state.enabled ? "active" : "inactive"}\n${state.rules.map((rule) => `${rule} ALLOW IN Anywhere`).join("\n")}`);
  process.exit(0);
} else refuse(`Invalid syntax: ${line}`);
fs.writeFileSync(file, JSON.stringify(state));
console.log("Rules updated");

function refuse(why) {
  console.error(`ERROR: ${why}`);
  process.exit(1);
}
