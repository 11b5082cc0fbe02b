// Stands in for certbot: proves by HTTP that the name's port 80 serves the web root, as the certificate authority would look, and leaves a
// certificate where certbot would.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import { execFileSync } from "node:child_process";

const words = process.argv.slice(2);
const flags = ["certonly", "--non-interactive", "--agree-tos", "--register-unsafely-without-email", "--keep-until-expiring", "--webroot"];
const valued = ["--webroot-path", "--deploy-hook", "--domain"];
const option = Object.fromEntries(valued.map((name) => [name, words[words.indexOf(name) + 1]]));
const unknown = words.find((word, at) => !flags.includes(word) && !valued.includes(word) && !valued.includes(words[at - 1]));
if (unknown || !flags.every((flag) => words.includes(flag))) end(`certbot: error: unrecognized arguments: ${unknown}`);
const name = option["--domain"];
const token = crypto.randomBytes(16).toString("hex");
const place = `${option["--webroot-path"]}/.well-known/acme-challenge`;
const umask = process.umask(0o022);
fs.mkdirSync(place, { recursive: true });
fs.writeFileSync(`${place}/${token}`, `${token}.thumbprint`);
process.umask(umask);
const seen = await new Promise((resolve) => http.get({ host: "127.0.0.1", path: `/.well-known/acme-challenge/${token}`, headers: { host: name } }, async (response) =>
  resolve(`${response.statusCode} ${Buffer.concat(await response.toArray())}`)).on("error", ({ message }) => resolve(message)));
fs.rmSync(`${place}/${token}`);
if (seen !== `200 ${token}.thumbprint`) end(`Certbot failed to authenticate some domains (authenticator: webroot): ${seen}`);
const live = `/etc/letsencrypt/live/${name}`;
fs.mkdirSync(live, { recursive: true, mode: 0o700 });
execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90", "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`,
  "-keyout", `${live}/privkey.pem`, "-out", `${live}/fullchain.pem`], { stdio: "ignore" });

function end(why) {
  console.error(why);
  process.exit(1);
}
