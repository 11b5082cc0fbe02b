// Stands in for tailscaled (no arguments: stays) and for its client: up with a key file, status --json, serve. Like a one-off
// auth key, the key joins once and is refused afterwards.
import fs from "node:fs";

const directory = JSON.parse(process.env.MOUNTS)["/var/lib/tailscale"];
const state = `${directory}/tailscaled.state`;
const spent = "/run/kindling-test/tailscale-joins"; // what the coordination server knows
const [command, ...rest] = process.argv.slice(2);
const option = (name) => rest.find((word) => word.startsWith(`--${name}=`))?.split(/=(.*)/s)[1];

if (!command) setInterval(() => {}, 2 ** 30);
else if (command === "up") {
  const file = option("auth-key");
  if (!file?.startsWith("file:/var/lib/tailscale/")) refuse("the auth key stands on the command line");
  const key = fs.readFileSync(file.replace("file:/var/lib/tailscale", directory), "utf8").trim();
  if (!/^tskey-auth-\w+-\w+$/.test(key) || fs.existsSync(spent)) refuse("backend error: invalid key");
  fs.writeFileSync(spent, "once");
  fs.writeFileSync(state, JSON.stringify({ hostname: option("hostname") }));
} else if (command === "status") {
  if (!fs.existsSync(state)) console.log(JSON.stringify({ BackendState: "NeedsLogin", Self: { ID: "", HostName: "kindling-test", DNSName: "" } }));
  else {
    const { hostname } = JSON.parse(fs.readFileSync(state, "utf8"));
    console.log(JSON.stringify({ BackendState: "Running", Self: { ID: "nStandIn11CNTRL", HostName: hostname, DNSName: `${hostname}.tail0123.ts.net.` } }));
  }
} else if (command === "serve") {
  if (rest.join(" ") !== "--bg 5000") refuse("error: invalid argument");
} else refuse(`unknown subcommand: ${command}`);

function refuse(why) {
  console.error(why);
  process.exit(1);
}
