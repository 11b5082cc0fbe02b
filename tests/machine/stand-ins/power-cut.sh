#!/usr/bin/env bash
# Cuts the machine's power: every process but the first ends at once, wherever it is. The first then boots again (inside.sh).
stage=/run/kindling-test
touch $stage/power-cut
kill -KILL -1
# Not before all are gone: one that is dying may still hold the port or the lock that the next boot needs.
for process in /proc/[0-9]*; do
    [[ ${process#/proc/} =~ ^(1|$$)$ ]] || while [[ -e $process ]]; do /usr/bin/sleep 0.02; done
done
echo over >$stage/power-back
