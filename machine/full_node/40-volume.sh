#!/usr/bin/env bash
# Phase "volume": /srv/kindling, on the block volume when the order has one, else on the root disk.
# A volume is formatted only when it is blank; one that carries anything is used as it is or refused.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

mount_volume() {
    local device=/dev/disk/by-id/scsi-0DO_Volume_$VOLUME_NAME type uuid status=0
    wait_for 180 test -e "$device" || fail "The volume $VOLUME_NAME did not appear on the machine."
    # --probe reads the device itself, not a cache; 2 is blkid's word for "nothing on it".
    type=$(blkid --probe --output value --match-tag TYPE "$device") || status=$?
    if ((status == 2)); then
        log "the volume is blank: formatting it"
        mkfs.ext4 -q -m 0 "$device"
        type=ext4
    elif ((status != 0)); then
        fail "The volume $VOLUME_NAME could not be read."
    fi
    [[ $type == ext4 ]] || fail "The volume $VOLUME_NAME already carries ${type:-a partition table}, which is left untouched."
    uuid=$(blkid --probe --output value --match-tag UUID "$device")
    # By UUID, because device names change between boots; nofail, because a machine without its volume must still let its owner in.
    if ! grep -q "^UUID=$uuid " /etc/fstab; then
        printf 'UUID=%s %s ext4 defaults,nofail,discard,noatime 0 2\n' "$uuid" "$DATA" >>/etc/fstab
    fi
    mountpoint --quiet "$DATA" || mount "$DATA" || fail "The volume $VOLUME_NAME could not be mounted."
    # Boot does not wait for a nofail mount, and Docker tries a container only once when its data is not there yet.
    install --directory --mode=755 /etc/systemd/system/docker.service.d
    printf '[Unit]\nRequiresMountsFor=%s\n' "$DATA" | write_file /etc/systemd/system/docker.service.d/kindling.conf
    systemctl daemon-reload
}

mkdir -p "$DATA"
if [[ -n $VOLUME_NAME ]]; then mount_volume; fi
# bitcoind runs as its own user and must pass through; what is inside guards itself.
chmod 711 "$DATA"
