#!/usr/bin/env bash
# The first process inside the test machine: starts what the machine would find around it, lets cloud-init boot it, then stays,
# so that tests can look around and run commands until they stop it. File descriptor 3 tells boot.mjs how the boot ended.
set -uo pipefail

stage=/run/kindling-test
bash $stage/tests/stand-ins/make-release.sh >$stage/release.log 2>&1 || { cat $stage/release.log; exit 1; }
mkfifo $stage/network-ready
node $stage/tests/stand-ins/network.mjs 3>&- &
read -r <$stage/network-ready

failures=0
for step in "init --local" init "modules --mode=config" "modules --mode=final"; do
    # shellcheck disable=SC2086 # a step is a command and its options
    cloud-init $step 3>&- || failures=$((failures + 1))
done
printf '%d\n' "$failures" >&3
exec 3>&-
sleep infinity &
wait $!
