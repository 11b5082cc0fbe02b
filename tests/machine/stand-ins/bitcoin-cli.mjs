// Stands in for bitcoin-cli: one call with the cookie of the data directory and a limit to its time; like the real one it prints the bare
// result, text without quotes, or the error with its code.
import fs from "node:fs";

const [, ...args] = process.argv.slice(2);
const datadir = args.find((arg) => arg.startsWith("-datadir="))?.split("=")[1];
const unknown = args.find((arg) => arg.startsWith("-") && !/^-((datadir|rpcclienttimeout|rpcwallet)=|named$)/.test(arg));
if (unknown) end(1, `Error parsing command line arguments: Invalid parameter ${unknown}`);
const limit = args.findLast((arg) => arg.startsWith("-rpcclienttimeout="))?.split("=")[1];
if (!limit) end(1, "stand-in: without a limit this call could take 15 minutes");
const [method, ...params] = args.filter((arg) => !arg.startsWith("-"));
const wallet = args.find((arg) => arg.startsWith("-rpcwallet="))?.split("=")[1];
// With -named, values that are JSON are sent as such.
const value = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
const named = args.includes("-named") && Object.fromEntries(params.map((param) => param.split(/=(.*)/s).slice(0, 2)).map(([name, text]) => [name, value(text)]));
const config = fs.readFileSync(`${datadir}/bitcoin.conf`, "utf8");
const port = /^rpcport=(\d+)$/m.exec(config)[1];
const chain = /^chain=(\w+)$/m.exec(config)[1];
try {
  const response = await fetch(`http://127.0.0.1:${port}/${wallet ? `wallet/${wallet}` : ""}`, {
    method: "POST",
    headers: { authorization: `Basic ${fs.readFileSync(`${datadir}/${chain === "main" ? "" : `${chain}/`}.cookie`).toString("base64")}` },
    body: JSON.stringify({ jsonrpc: "1.0", id: "1", method, params: named || params }),
    signal: Number(limit) ? AbortSignal.timeout(Number(limit) * 1000) : undefined,
  });
  const { result, error } = await response.json();
  if (error) end(Math.abs(error.code) & 255, `error code: ${error.code}\nerror message:\n${error.message}`);
  console.log(typeof result === "string" ? result : JSON.stringify(result, null, 2));
} catch {
  end(1, `error: timeout on transient error: Could not connect to the server 127.0.0.1:${port}`);
}

function end(code, why) {
  console.error(why);
  process.exit(code);
}
