// listen.mjs ADDRESS PORT...: takes connections there and stays; prints "listening" once all of them do.
import net from "node:net";
import { once } from "node:events";

const [address, ...ports] = process.argv.slice(2);
await Promise.all(ports.map((port) => once(net.createServer((socket) => socket.on("error", () => {}).end()).listen(Number(port), address), "listening")));
console.log("listening");
