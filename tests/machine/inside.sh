#!/usr/bin/env bash
# The first process inside the test machine: boots it, then stays, so that tests can look around and run commands until they stop
# it. When the power is cut (power-cut.sh) it boots again, with what is on the disks. A line on file descriptor 3 tells boot.mjs
# how each boot ended: the number of steps that failed.
set -uo pipefail

stage=/run/kindling-test
mkfifo $stage/network-ready $stage/power-back

surroundings() {
    node $stage/tests/stand-ins/network.mjs 3>&- &
    read -r -t 120 <>$stage/network-ready || { echo "The network's stand-ins did not start."; exit 1; }
}

# cloud_init: as at every boot; what is done once per machine it knows by itself.
cloud_init() {
    local step failures=0
    for step in "init --local" "init" "modules --mode=config" "modules --mode=final"; do
        # shellcheck disable=SC2086 # a step is a command and its options
        cloud-init $step 3>&- || failures=$((failures + 1))
    done
    return $failures
}

# Power that is cut meanwhile ends everything here, and this boot has no end to tell of.
tell() { [[ -e $stage/power-cut ]] || printf '%d\n' "$1" >&3; }

# What a power cut takes with it: mounts, packet filters, all of /run.
lose_power() {
    local tool table chain
    rm -rf $stage/power-cut $stage/*.pid $stage/containers/*.pid /run/cloud-init /run/nginx.pid
    if mountpoint --quiet /srv/kindling; then umount /srv/kindling; fi
    for tool in iptables ip6tables; do
        for table in filter nat; do "$tool" --table $table -F && "$tool" --table $table -X; done
        for chain in INPUT FORWARD OUTPUT; do "$tool" -P $chain ACCEPT; done
    done
}

first_boot() {
    if [[ $FIRST_BOOT == cloud-init ]]; then cloud_init; else node $stage/tests/stand-ins/first-boot.mjs 3>&-; fi
}

next_boot() {
    local failures=0
    if [[ $FIRST_BOOT == cloud-init ]]; then cloud_init || failures=$?; fi
    systemctl boot 3>&- || failures=$((failures + $?))
    return $failures
}

bash $stage/tests/stand-ins/make-release.sh >$stage/release.log 2>&1 || { cat $stage/release.log; exit 1; }
surroundings
first_boot
tell $?
while :; do
    read -r <$stage/power-back
    lose_power
    surroundings
    next_boot
    tell $?
done
