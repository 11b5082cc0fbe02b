// Loaded before a stand-in in its container: tells it what is mounted there, as docker.mjs does where there is no Docker. Here the kernel
// says it, and everything is where its service looks for it. And it ends when it is told to, to which a first process is deaf by default.
import fs from "node:fs";

const targets = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter(Boolean).map((line) => line.split(" ")[4]);
const given = targets.filter((target) => !/^\/(proc|sys|dev|etc)?(\/|$)/.test(target)); // the others are every container's
process.env.MOUNTS = JSON.stringify(Object.fromEntries(given.map((target) => [target, target])));
process.on("SIGTERM", () => process.exit(0));
