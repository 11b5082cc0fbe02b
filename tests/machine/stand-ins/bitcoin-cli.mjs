// Stands in for bitcoin-cli: one call with the cookie of the data directory; like the real one it prints the bare result.
import fs from "node:fs";

const [, ...args] = process.argv.slice(2);
const datadir = args.find((arg) => arg.startsWith("-datadir="))?.split("=")[1];
const [method] = args.filter((arg) => !arg.startsWith("-"));
try {
  const port = /^rpcport=(\d+)$/m.exec(fs.readFileSync(`${datadir}/bitcoin.conf`, "utf8"))[1];
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: "POST",
    headers: { authorization: `Basic ${fs.readFileSync(`${datadir}/.cookie`).toString("base64")}` },
    body: JSON.stringify({ jsonrpc: "1.0", id: "1", method, params: [] }),
  });
  const { result, error } = await response.json();
  if (error) throw new Error(`error code: ${error.code}`);
  console.log(JSON.stringify(result, null, 2));
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
