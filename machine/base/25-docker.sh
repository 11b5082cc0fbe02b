#!/usr/bin/env bash
# Phase "docker": the container engine, with bounded logs for every container and containers that outlive its restarts.
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
         then {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}} else {} end
         + {"live-restore": true}) * .' "$CONFIG") || return 1
    printf '%s\n' "$merged" | write_file "$CONFIG"
    chmod 644 "$CONFIG"
}

configure || fail "Docker's configuration $CONFIG could not be read."
{ systemctl enable docker && systemctl restart docker; } || fail "Docker could not be started."
# docker compose loads the env_file of every service for any command on one of them, and refuses when one is missing.
[[ -e $SECRETS/lnbits.env ]] || write_file "$SECRETS/lnbits.env" </dev/null
