#!/usr/bin/env bash
# kernel.sh COMMAND [ARGUMENT...]: stands in for commands that would change this host's kernel rather than the machine: sysctl
# and swapon only note what they read; fallocate takes no memory; blockdev takes the file that stands in for a volume.
set -euo pipefail
command=$1
shift
case $command in
sysctl)
    if [[ $* != *--load=* && $* != *=* ]]; then exec /usr/sbin/sysctl "$@"; fi # who only reads may
    for option in "$@"; do
        case $option in
        --quiet) ;;
        --load=*)
            # This one is of the machine's own network.
            if grep --quiet '^net.ipv4.ip_nonlocal_bind = 1$' "${option#--load=}"; then echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind; fi
            grep -E '^-?[a-z0-9_.]+ = [0-9]+$' "${option#--load=}" >>/run/kindling-test/sysctl.log
            ;;
        *) exit 1 ;;
        esac
    done
    ;;
swapon)
    [[ $# == 1 && $(blkid --probe --output value --match-tag TYPE "$1") == swap && $(stat --format=%a "$1") == 600 ]]
    printf '%s\n' "$1" >>/run/kindling-test/swapon.log
    ;;
fallocate) [[ $1 == --length && $# == 3 ]] && truncate --size="${2%iB}" "$3" ;;
blockdev) [[ $1 == --getsize64 && $# == 2 ]] && stat --dereference --format=%s "$2" ;;
esac
