// Stands in for LNbits: everything redirects until the first installation is done, which its token guards and which works once.
// At start it tries LND with the mounted certificate and macaroon; the file `funding` in its data folder tells how that went.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";

const mounts = JSON.parse(process.env.MOUNTS);
const inHost = (file) => mounts[file] ?? die(`${file} is not mounted`);
const env = process.env;
const data = mounts["/app/data"];
const installed = `${data}/database.sqlite3`;
if (env.LNBITS_HOST !== "127.0.0.1" || env.LNBITS_DATA_FOLDER !== "/app/data") die("listens on the world or keeps its data in the container");
if (Object.keys(mounts).sort().join() !== "/app/data,/lnd/admin.macaroon,/lnd/tls.cert") die("sees more of LND than it needs");
if (env.ENABLE_LOG_TO_FILE !== "false") die("keeps log files without a bound");
if (!env.FIRST_INSTALL_TOKEN || !env.AUTH_SECRET_KEY) die("FIRST_INSTALL_TOKEN or AUTH_SECRET_KEY is missing");

if (/:[^@]*broken/.test(env.IMAGE)) die("stand-in for a release that does not start");
// The real one logs the token too: whoever reads container logs is root.
if (!fs.existsSync(installed)) console.log(`FIRST_INSTALL_TOKEN: \`${env.FIRST_INSTALL_TOKEN}\`.`);
fs.writeFileSync(`${data}/funding`, (await fundingWorks()) ? "LndRestWallet" : "VoidWallet");

http
  .createServer(async (request, response) => {
    const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.method === "PUT" && request.url === "/api/v1/auth/first_install") {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
      if (fs.existsSync(installed)) return answer(403, { detail: "This is not your first install" });
      if (!body.first_install_token) return answer(401, { detail: "Missing first_install_token." });
      if (body.first_install_token !== env.FIRST_INSTALL_TOKEN) return answer(401, { detail: "Invalid first_install_token." });
      if (!(body.username?.length >= 2 && body.username.length <= 20)) return answer(400, { detail: "username" });
      if (!(body.password?.length >= 8 && body.password.length <= 50)) return answer(400, { detail: "password" });
      if (body.password !== body.password_repeat) return answer(400, { detail: "Passwords do not match." });
      fs.writeFileSync(installed, "");
      return answer(200, { access_token: "stand-in", token_type: "bearer" });
    }
    if (!fs.existsSync(installed)) return response.writeHead(307, { location: "/first_install" }).end();
    if (request.url === "/api/v1/health") return answer(200, { server_time: 0, up_time: "0 seconds" });
    answer(404, { detail: "Not Found" });
  })
  .listen(Number(env.LNBITS_PORT), env.LNBITS_HOST);

function fundingWorks() {
  return new Promise((resolve) => {
    const request = https.request(
      new URL("/v1/balance/channels", env.LND_REST_ENDPOINT),
      {
        ca: fs.readFileSync(inHost(env.LND_REST_CERT)),
        headers: { "Grpc-Metadata-macaroon": fs.readFileSync(inHost(env.LND_REST_MACAROON)).toString("hex") },
      },
      (response) => resolve(response.resume().statusCode === 200),
    );
    request.on("error", () => resolve(false));
    request.end();
  });
}

function die(why) {
  console.error(why);
  process.exit(1);
}
