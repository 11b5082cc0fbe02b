#!/usr/bin/env bash
# Cuts the machine's power: every process but the first ends at once, wherever it is, and what the scripts wrote and did not put on the disks
# (sync.sh) keeps its name and loses its content. The first process then boots again (inside.sh).
stage=/run/kindling-test
touch $stage/power-cut
kill -KILL -1
# Not before all are gone: one that is dying may still hold the port or the lock that the next boot needs.
for process in /proc/[0-9]*; do
    [[ ${process#/proc/} =~ ^(1|$$)$ ]] || while [[ -e $process ]]; do /usr/bin/sleep 0.02; done
done
# Tailscale's daemon flushes its state by itself.
find /var/lib/kindling /usr/local/bin -type f -newer $stage/synced ! -name tailscaled.state -printf '%s %T@ %p\n' |
    while read -r size time file; do
        grep --quiet --fixed-strings --line-regexp "$size $time" $stage/synced-files || : >"$file"
    done
echo over >$stage/power-back
