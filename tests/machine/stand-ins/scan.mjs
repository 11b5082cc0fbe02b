// scan.mjs ADDRESS PORT...: prints, as a list of JSON, which of these TCP ports take a connection.
import net from "node:net";

const [address, ...ports] = process.argv.slice(2);
const taken = await Promise.all(ports.map((port) => new Promise((resolve) => {
  const socket = net.connect({ host: address, port: Number(port), timeout: 2000 });
  const settle = (open) => {
    socket.destroy();
    resolve(open ? [Number(port)] : []);
  };
  socket.on("connect", () => settle(true)).on("error", () => settle(false));
  // Where this process stood still meanwhile, the answer may be here and unread: it is looked for before silence counts.
  socket.on("timeout", () => setImmediate(settle, false));
})));
console.log(JSON.stringify(taken.flat()));
