// Stands in for apt-get: installs nothing, but knows which command each package brings and refuses one that is not here.
import fs from "node:fs";

const COMMANDS = {
  age: "age", "ca-certificates": "update-ca-certificates", curl: "curl", "docker-compose-v2": "docker", "docker.io": "docker",
  e2fsprogs: "mkfs.ext4", gnupg: "gpg", iproute2: "ip", iptables: "iptables", jq: "jq", openssl: "openssl", "perl-base": "perl", ufw: "ufw", certbot: "certbot", nginx: "nginx",
};
const SERVICES = ["systemd-timesyncd", "unattended-upgrades"]; // theirs is a unit, which the stand-in for systemctl knows
const words = process.argv.slice(2);
const plain = words.filter((word, i) => !word.startsWith("-") && words[i - 1] !== "-o");
const [action, ...packages] = plain;
if (process.env.DEBIAN_FRONTEND !== "noninteractive" || !words.includes("--yes")) refuse("it would wait for an answer");
if (action === "update") process.exit(0);
if (action !== "install") refuse(`Invalid operation ${action}`);
for (const name of packages) {
  if (SERVICES.includes(name)) continue;
  if (!(name in COMMANDS)) refuse(`Unable to locate package ${name}`);
  if (!process.env.PATH.split(":").some((folder) => fs.existsSync(`${folder}/${COMMANDS[name]}`))) refuse(`${name} is not here`);
}

function refuse(why) {
  console.error(`E: ${why}`);
  process.exit(100);
}
