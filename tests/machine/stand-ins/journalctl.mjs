// Stands in for journalctl: the last lines of one unit's output, as the stand-in for systemd keeps it.
import fs from "node:fs";

const words = process.argv.slice(2);
const option = (name) => words[words.indexOf(`--${name}`) + 1];
const unknown = words.find((word) => word.startsWith("--") && !["--no-pager", "--unit", "--lines", "--follow"].includes(word));
if (unknown) {
  console.error(`journalctl: unrecognized option '${unknown}'`);
  process.exit(1);
}
const file = `/run/kindling-test/${option("unit")}.journal`;
if (fs.existsSync(file)) console.log(fs.readFileSync(file, "utf8").trimEnd().split("\n").slice(-Number(option("lines"))).join("\n"));
else console.log("-- No entries --");
