// The spent token is found by its place in every shape that cloud-init gives user-data, and overwritten where it stands.
import test from "node:test";
import assert from "node:assert/strict";
import { startScriptedWorker } from "./scripted-worker.mjs";
import { ageKey, boot, ORDER, TOKEN } from "./order.mjs";

const PLACE = "/etc/kindling/pair-token";
const FILLER = "x".repeat(TOKEN.length);
const file = { path: PLACE, owner: "root:root", permissions: "0600", content: TOKEN };
const other = { path: "/etc/kindling/recipients", content: "age1stays", permissions: "0644" };
const sorted = (entry) => Object.fromEntries(Object.entries(entry).sort());

const SHAPES = {
  "user-data as rendered": `#cloud-config\n${JSON.stringify({ runcmd: [["sh", "-ec", "a && b"]], write_files: [sorted(other), sorted(file)] })}\n`,
  "indented JSON, keys in any order": JSON.stringify({ write_files: [file, other] }, null, 2),
  "JSON in a string of JSON": JSON.stringify({ userdata: JSON.stringify({ write_files: [other, file] }) }),
  "YAML": `#cloud-config\nwrite_files:\n-   content: ${TOKEN}\n    owner: root:root\n    path: ${PLACE}\n    permissions: '0600'\n-   content: age1stays\n    path: ${other.path}\n`,
  "YAML with quotes, the place first": `write_files:\n  - path: "${PLACE}"\n    content: '${TOKEN}'\n  - path: ${other.path}\n    content: age1stays\n`,
  "a pickle": `\x80\x04\x95\xff\x8c\x01B\xe9\x00\x00${JSON.stringify({ write_files: [file, other] })}\x94.`,
};

test("the spent token is removed from cloud-init's records, known or recognised", { timeout: 900_000 }, async (t) => {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN });
  t.after(() => worker.stop());
  const machine = await boot(t, worker, { recipients: [ageKey().recipient], faults: ["fail apt-get *"], cloudInit: false });
  await machine.done;
  const live = async (command) => {
    const { exitCode, stdout, stderr } = await machine.run(["bash", "-ec", command]);
    assert.equal(exitCode, 0, stdout + stderr);
    return stdout;
  };
  const records = "/var/lib/cloud/instances/one";
  const put = async (name, text) => live(`mkdir -p ${records}; base64 --decode >'${records}/${name}' <<<'${Buffer.from(text, "latin1").toString("base64")}'`);
  const get = async (name) => Buffer.from(await live(`base64 '${records}/${name}'`), "base64").toString("latin1");
  const scrub = () => live("/opt/kindling/scrub.sh");

  await t.test("after pairing nothing is left to look for", async () => {
    await live(`test ! -e ${PLACE}`);
    await live("test -s /var/lib/kindling/paired");
  });

  for (const [name, text] of Object.entries(SHAPES))
    await t.test(`by its place in ${name}`, async () => {
      await put(name, text);
      await scrub();
      assert.equal(await get(name), text.replace(TOKEN, FILLER));
    });

  await t.test("by itself anywhere, while its file is there", async () => {
    const text = `\0anything ${TOKEN} at all ${TOKEN}`;
    await put("loose", text);
    await scrub();
    assert.equal(await get("loose"), text);
    await live(`printf %s '${TOKEN}' >${PLACE}; /opt/kindling/scrub.sh; rm ${PLACE}`);
    assert.equal(await get("loose"), text.replaceAll(TOKEN, FILLER));
  });

  await t.test("what has nothing to hide is not written", async () => {
    await put("plain", JSON.stringify({ write_files: [other] }));
    const stamp = await live(`stat --format=%y ${records}/plain`);
    await scrub();
    assert.equal(await live(`stat --format=%y ${records}/plain`), stamp);
  });
});
