// Stands in for lightning-cli: with -k, a method and NAME=VALUE each; values that are JSON are sent as such. It prints the result, or the
// error and ends with 1; with 2 when nobody answers.
import net from "node:net";
import { text } from "node:stream/consumers";

const words = process.argv.slice(2);
if (words[1] === "-N") words.splice(1, 2); // notifications, of which there are none here
const flags = words.filter((word) => word.startsWith("-"));
const folder = flags.find((flag) => flag.startsWith("--lightning-dir="))?.split("=")[1];
if (!folder || !flags.includes("-k") || !flags.includes("--network=regtest") || flags.length !== 3) end(3, `unknown options ${flags}`);
const [method, ...pairs] = words.filter((word) => !word.startsWith("-"));
const value = (written) => (/^([[{"]|[\d.]+$|true$|false$|null$)/.test(written) ? JSON.parse(written) : written); // also what is no number, as the real one does
const params = Object.fromEntries(pairs.map((pair) => {
  if (!pair.includes("=")) end(3, `Expected key=value in '${pair}'`);
  const [name, written] = pair.split(/=(.*)/s);
  return [name, value(written)];
}));
const socket = net.connect(`${folder}/regtest/lightning-rpc`);
socket.on("error", () => end(2, `lightning-cli: Connecting to 'lightning-rpc': Connection refused`));
socket.write(`${JSON.stringify({ method, params })}\n`);
const { result, error } = JSON.parse(await text(socket));
console.log(JSON.stringify(error ?? result, null, 3));
if (error) process.exitCode = 1;

function end(code, why) {
  console.error(why);
  process.exit(code);
}
