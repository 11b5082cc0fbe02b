#!/usr/bin/env bash
# Phase "docker": the container engine, with bounded logs for every container, and a shutdown that waits for them.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

readonly CONFIG=/etc/docker/daemon.json

# What the owner has set stays. Other log drivers than these two do not know the bounds and would refuse them.
configure() {
    local merged
    install --directory --mode=755 /etc/docker
    [[ -s $CONFIG ]] || printf '{}\n' | write_file "$CONFIG"
    merged=$(jq '(if .["log-driver"] // "json-file" | IN("json-file", "local")
         then {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}} else {} end) * .' "$CONFIG") || return 1
    printf '%s\n' "$merged" | write_file "$CONFIG"
    chmod 644 "$CONFIG"
}

# At a reboot Docker ends its containers, each within its own grace, before bitcoind and the network go that they talk to. With
# Docker's "live-restore" they would outlive it, and LND would be killed with its disk already gone.
stop_order() {
    install --directory --mode=755 /etc/systemd/system/docker.service.d
    printf '[Unit]\nAfter=network-online.target bitcoind.service\n[Service]\nTimeoutStopSec=360\n' |
        write_file /etc/systemd/system/docker.service.d/stop.conf
    systemctl daemon-reload
}

configure || fail "Docker's configuration $CONFIG could not be read."
{ stop_order && systemctl enable docker && systemctl restart docker; } || fail "Docker could not be started."
