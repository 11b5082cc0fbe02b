#!/usr/bin/env bash
# Stands in for `mount TARGET` of a volume in fstab: the volume is a file here, so a directory per UUID is mounted in its
# place, and only when fstab names a file system that really is on the attached volume. Everything else is the real mount.
set -euo pipefail
if (($# != 1)); then exec /usr/bin/mount "$@"; fi
uuid=$(awk -v target="$1" '$2 == target {sub("UUID=", "", $1); print $1}' /etc/fstab)
for device in /dev/disk/by-id/*; do
    if [[ -n $uuid && $(blkid --probe --output value --match-tag UUID "$device") == "$uuid" ]]; then
        mkdir -p "/run/kindling-test/volumes/$uuid"
        exec /usr/bin/mount --bind "/run/kindling-test/volumes/$uuid" "$1"
    fi
done
echo "mount: $1: can't find UUID=$uuid." >&2
exit 1
