#!/usr/bin/env bash
# Phase "tailscale": joins the tailnet when the pairing brought a key, and forgets that key.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

tailnet_state() { compose exec -T tailscale tailscale status --json | jq -r .BackendState; }
tailnet_state_known() { [[ $(tailnet_state) =~ ^(NeedsLogin|NeedsMachineAuth|Stopped|Running)$ ]]; }

join_tailnet() {
    [[ $TAILSCALE == yes ]] || return 0
    local directory=$STATE/tailscale
    mkdir -p "$directory"
    jq -r '.tailscaleAuthKey // empty' "$STATE/paired" >"$directory/auth-key"
    if [[ ! -s $directory/auth-key ]]; then
        log "no Tailscale key came with the pairing; LNbits is reached through SSH"
        return 0
    fi
    # The key's file stands in the one directory that the container sees, for as long as joining takes.
    retry 4 compose --profile tailscale up --detach --quiet-pull tailscale ||
        fail "Tailscale could not be started."
    wait_for 60 tailnet_state_known || fail "Tailscale was started but does not answer."
    # After a cut it may have joined already, and its key joins only once.
    if [[ $(tailnet_state) != Running ]]; then
        retry 4 compose exec -T tailscale tailscale up --auth-key=file:/var/lib/tailscale/auth-key \
            --hostname="kindling-${ORDER_ID}" --timeout=60s ||
            fail "The machine could not join the tailnet: the auth key may have expired or lack its tag."
    fi
    rm -f -- "$directory/auth-key"
    # What the machine is called there, for the reports.
    compose exec -T tailscale tailscale status --json | jq -r '.Self.ID // ""' | write_file "$STATE/tailscale-node"
}

join_tailnet
# The one-shot auth key is spent; only the fact of being paired is kept.
printf '{}\n' | write_file "$STATE/paired"
