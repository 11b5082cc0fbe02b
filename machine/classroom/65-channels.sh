#!/usr/bin/env bash
# Phase "channels": the channels that the class begins with, each opened once by its first node. What is there is looked up before
# anything is opened, so that this may be cut anywhere.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

# A node that the faucet paid has coins, or has them in channels already.
funded() {
    each_node listfunds | ask_nodes | jq -es --slurpfile class "$CLASS" \
        '[.[] | select($class[0].nodes[.node].fundSats == 0 or any(.answer.outputs[]?; .status == "confirmed") or (.answer.channels | length > 0))] |
         length == ($class[0].nodes | length)'
}

look() { each_node listpeerchannels | ask_nodes | jq -cs . | write_file "$CLASS_STATE/channels.seen"; }

# plan WHAT: of what was seen, by channels.jq.
plan() {
    jq -r --arg want "$1" --slurpfile class "$CLASS" --slurpfile keys "$CLASS_STATE/keys.json" \
        --from-file "$KINDLING/classroom/channels.jq" "$CLASS_STATE/channels.seen"
}

# A node that catches up, or whose change is not confirmed yet, refuses; it is asked again.
open_channels() {
    local deadline=$((SECONDS + 1500)) lines
    while :; do
        look && lines=$(plan missing) || return 1
        # A node that did not answer has its channels still to be looked for.
        if [[ -z $lines ]] && jq -e 'all(.[]; .answer)' "$CLASS_STATE/channels.seen" >/dev/null; then return 0; fi
        ((SECONDS < deadline)) || return 1
        [[ -z $lines ]] || ask_nodes <<<"$lines" | jq -r 'select(has("error")) | "node \(.node) did not open its channels: \(.error.message? // "no answer")"' >&2
        sleep 5
    done
}

# After a reboot nodes find each other by themselves, but after pauses that grow to minutes.
# A node that died between making a funding transaction and sending it keeps a channel that never will be. The node itself refuses to
# forget one whose funding bitcoind knows of.
forget_dead() {
    look || return 1
    jq -r '.[] | .node as $node | .answer.channels[]? | select(.opener == "local" and .state == "CHANNELD_AWAITING_LOCKIN") |
        "ask \($node) dev-forget-channel id=\(.peer_id) channel_id=\(.channel_id)"' "$CLASS_STATE/channels.seen" | ask_nodes >/dev/null
}

all_active() {
    look || return 1
    if [[ $(plan active) == true ]]; then return 0; fi
    plan lost | ask_nodes >/dev/null
    return 1
}

wait_for 600 funded || fail "The faucet's payment did not reach the nodes."
{ bitcoin_cli getblockchaininfo >/dev/null && forget_dead; } || fail "The nodes did not tell which channels they have."
open_channels || fail "The channels of the class could not all be opened."
wait_for 600 all_active || fail "The channels of the class were opened but do not all become active."
