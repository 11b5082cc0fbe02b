// What the phase "volume" does to a disk it has not made: it formats the blank, takes its own, and leaves everything else untouched.
import test from "node:test";
import assert from "node:assert/strict";
import { startScriptedWorker } from "./scripted-worker.mjs";
import { ageKey, boot, ORDER, TOKEN } from "./order.mjs";

const DEVICE = "/dev/disk/by-id/scsi-0DO_Volume_kindling-data";
const MEBIBYTE = 1024 * 1024;

test("only a volume that is blank in every way is formatted", { timeout: 900_000 }, async (t) => {
  const worker = await startScriptedWorker({ orderId: ORDER, token: TOKEN });
  t.after(() => worker.stop());
  // The bring-up ends before its first phase; each test here runs the one phase on a disk of its own.
  const machine = await boot(t, worker, {
    changes: { VOLUME_NAME: "kindling-data", VOLUME_SIZE_GB: "100" }, recipients: [ageKey().recipient], volume: "kindling-data",
    faults: ["fail apt-get *"], cloudInit: false,
  });
  await machine.done;
  const live = async (command) => {
    const { exitCode, stdout, stderr } = await machine.run(["bash", "-ec", command]);
    assert.equal(exitCode, 0, stdout + stderr);
    return stdout;
  };
  const digest = () => live(`sha256sum ${DEVICE}`);
  const phase = async () => {
    await live("rm -f /var/lib/kindling/failure");
    const { exitCode } = await machine.run(["/opt/kindling/full_node/40-volume.sh"]);
    return exitCode === 0 ? null : live("cat /var/lib/kindling/failure");
  };
  const disk = (making) => live(`rm -f ${DEVICE}; truncate --size=16M ${DEVICE}; ${making}`);

  for (const [what, making, sentence] of [
    ["a raw encrypted disk", `dd if=/dev/urandom of=${DEVICE} bs=1M count=1 conv=notrunc status=none`, /holds data of an unknown kind and is left untouched/],
    ["one byte within its first 4 MiB", `printf x | dd of=${DEVICE} bs=1 seek=${4 * MEBIBYTE - 1} conv=notrunc status=none`, /holds data of an unknown kind/],
    ["one byte at its very end", `printf x | dd of=${DEVICE} bs=1 seek=${16 * MEBIBYTE - 1} conv=notrunc status=none`, /holds data of an unknown kind/],
    ["a partition table", `printf 'label: gpt\\n,\\n' | sfdisk --quiet ${DEVICE}`, /carries .*gpt.*left untouched|already carries a partition table/],
    ["swap", `mkswap ${DEVICE} >/dev/null`, /already carries swap, which is left untouched/],
  ]) {
    await t.test(`a volume with ${what} is refused and stays as it is`, async () => {
      await disk(making);
      const before = await digest();
      assert.match(await phase(), sentence);
      assert.equal(await digest(), before);
    });
  }

  // Each of the four programs, when it cannot read; blkid says 2 then, as it does for a blank disk.
  for (const faults of [["fail:2 blkid *", "fail wipefs *"], ["fail:8 blkid *"], ["fail wipefs *"], ["fail blockdev *"], ["fail:2 cmp *"]]) {
    await t.test(`a volume that cannot be read is refused (${faults.join(", ")})`, async () => {
      await disk("true");
      machine.setFaults(faults);
      assert.match(await phase(), /could not be read/);
      machine.setFaults([]);
      assert.equal(await live(`cmp --bytes=${16 * MEBIBYTE} ${DEVICE} /dev/zero && echo blank`), "blank\n");
    });
  }

  await t.test("a formatting that was cut short is done over; what was made whole is never formatted again", async () => {
    await disk("true");
    machine.setFaults(["fail mkfs.ext4 *"]);
    assert.match(await phase(), /could not be formatted/);
    machine.setFaults([]);
    await live(`dd if=/dev/urandom of=${DEVICE} bs=1M count=1 conv=notrunc status=none`); // what such a cut leaves
    assert.equal(await phase(), null);
    const uuid = await live(`blkid --probe --output value --match-tag UUID ${DEVICE}`);
    assert.equal(await live("findmnt --noheadings --output TARGET /srv/kindling"), "/srv/kindling\n");
    assert.equal(await phase(), null);
    assert.equal(await live(`blkid --probe --output value --match-tag UUID ${DEVICE}`), uuid);
    assert.equal(await live("grep --count /srv/kindling /etc/fstab"), "1\n");
  });
});
