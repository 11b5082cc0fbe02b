#!/bin/sh
# Stands in for sync: the real one, and a note of what is on the disks now, for power-cut.sh. What is written amid it may not be.
set -eu
stage=/run/kindling-test
case $1 in
--file-system) touch $stage/syncing && /usr/bin/sync "$@" && mv $stage/syncing $stage/synced ;;
--)
    shift
    files=$(find "$@" -maxdepth 0 -printf '%s %T@\n')
    /usr/bin/sync -- "$@"
    printf '%s\n' "$files" >>$stage/synced-files
    ;;
*) exit 1 ;;
esac
