// listen.mjs ADDRESS[,ADDRESS] PORT...: takes connections there and stays; prints "listening" once all of them do.
import net from "node:net";
import { once } from "node:events";

const [addresses, ...ports] = process.argv.slice(2);
const places = addresses.split(",").flatMap((host) => ports.map((port) => ({ host, port: Number(port) })));
await Promise.all(places.map((place) => once(net.createServer((socket) => socket.on("error", () => {}).end()).listen(place), "listening")));
console.log("listening");
