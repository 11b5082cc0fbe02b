// Standard input and output to a port of this host, for qemu's guestfwd, which starts this for each connection.
import net from "node:net";

const socket = net.connect(Number(process.argv[2]), "127.0.0.1");
process.stdin.pipe(socket).pipe(process.stdout);
for (const side of [socket, process.stdin, process.stdout]) side.on("error", () => process.exit(1));
socket.on("close", () => process.exit());
