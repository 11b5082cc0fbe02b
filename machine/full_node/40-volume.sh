#!/usr/bin/env bash
# Phase "volume": /srv/kindling, on the block volume when the order has one, else on the root disk.
# A volume is formatted only when it is blank by three witnesses; one that carries ext4 is used as it is, all else is refused.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

# Names the volume while it is being formatted. A half-made file system looks like anything; this mark, made when the volume
# was blank and gone before the first mount, says that it can only be ours and empty.
formatting=$STATE/formatting

# only_zeros DEVICE FROM BYTES: cmp's 1 means different, anything higher that it could not read.
only_zeros() {
    local status=0
    cmp --silent --ignore-initial="$2:0" --bytes="$3" "$1" /dev/zero || status=$?
    ((status < 2)) || fail "The volume $VOLUME_NAME could not be read."
    return "$status"
}

# blkid and wipefs know file systems, partition tables and disk groups; what they do not know, such as a raw encrypted disk,
# is not zeros.
must_be_blank() {
    local device=$1 traces size mebibyte=$((1024 * 1024))
    traces=$(wipefs --noheadings --output TYPE "$device") || fail "The volume $VOLUME_NAME could not be read."
    [[ -z $traces ]] || fail "The volume $VOLUME_NAME carries traces of ${traces//$'\n'/, } and is left untouched."
    size=$(blockdev --getsize64 "$device") || fail "The volume $VOLUME_NAME could not be read."
    ((size > 4 * mebibyte)) || fail "The volume $VOLUME_NAME is too small."
    { only_zeros "$device" 0 $((4 * mebibyte)) && only_zeros "$device" $((size - mebibyte)) "$mebibyte"; } ||
        fail "The volume $VOLUME_NAME holds data of an unknown kind and is left untouched."
}

format() {
    log "formatting the volume $VOLUME_NAME"
    printf '%s\n' "$VOLUME_NAME" | write_file "$formatting"
    sync --file-system "$STATE"
    mkfs.ext4 -q -F -m 0 "$1" || fail "The volume $VOLUME_NAME could not be formatted."
    sync -- "$1"
    rm -f -- "$formatting"
}

mount_volume() {
    local device=/dev/disk/by-id/scsi-0DO_Volume_$VOLUME_NAME type='' uuid status=0
    wait_for 180 test -e "$device" || fail "The volume $VOLUME_NAME did not appear on the machine."
    if [[ -s $formatting && $(<"$formatting") == "$VOLUME_NAME" ]]; then
        format "$device"
    fi
    # --probe reads the device itself, not a cache; 2 is blkid's word for "nothing on it", and for "cannot be opened", too.
    type=$(blkid --probe --output value --match-tag TYPE "$device") || status=$?
    if ((status == 2)); then
        must_be_blank "$device"
        format "$device"
        type=ext4
    elif ((status != 0)); then
        fail "The volume $VOLUME_NAME could not be read."
    fi
    [[ $type == ext4 ]] || fail "The volume $VOLUME_NAME already carries ${type:-a partition table}, which is left untouched."
    uuid=$(blkid --probe --output value --match-tag UUID "$device") || fail "The volume $VOLUME_NAME could not be read."
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
