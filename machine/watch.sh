#!/usr/bin/env bash
# The machine's watch over its nodes: tells the order page what is true now (the heartbeat), as often as the order service asks, and
# does the chores in between. Nothing here is guessed: what does not answer is reported as null.
#   watch.sh          goes on for ever (kindling-watch.service)
#   watch.sh --once   one round at once
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=wire.sh
. "$KINDLING/wire.sh"
# What the product does between its heartbeats (CHORES, and CHORES_AFTER with what the last one was answered), and what it tells in them (gather).
# shellcheck source=full_node/chores.sh
. "$KINDLING/$PRODUCT/chores.sh"
# shellcheck source=full_node/tell.sh
. "$KINDLING/$PRODUCT/tell.sh"

readonly PACE=20
readonly NOW=/run/kindling-watch # what was gathered for one heartbeat; in memory
mkdir -p "$NOW"

# part NAME COMMAND...: the command's JSON as a part of the heartbeat, null when it fails.
part() {
    local name=$1
    shift
    "$@" >"$NOW/$name" 2>/dev/null || echo null >"$NOW/$name"
}

gather_disk() {
    df --output=size,avail --block-size=1 "$DATA" | tail -n 1 | jq -R '[splits(" +") | select(. != "") | tonumber] | {totalBytes: .[0], freeBytes: .[1]}'
}

# tell: one heartbeat; prints the seconds until the next.
tell() {
    local identity='' booted
    part disk gather_disk
    booted=$(awk '$1 == "btime" {print $2}' /proc/stat)
    gather "$booted" >"$NOW/heartbeat"
    heartbeat "$NOW/heartbeat" "$identity"
}

# A chore that fails is tried again in the next round; it does not keep the others or the heartbeat.
do_chores() {
    local chore
    for chore; do "$chore" || log "the chore $chore did not work; it is tried again"; done
}

round() {
    local pause
    told=no
    do_chores "${CHORES[@]}"
    if ((SECONDS >= due)); then
        pause=$(tell) || pause=
        due=$((SECONDS + ${pause:-60}))
        told=yes # or at least tried
    fi
    do_chores "${CHORES_AFTER[@]}"
}

# shellcheck disable=SC2034 # chores read whether this round has told
due=0 told=no
# Two watches at once would do a chore twice. What a round starts must not keep the lock, hence 7>&-.
exec 7>"$STATE/watch.lock"
case ${1-} in
--once)
    flock 7
    round 7>&-
    ;;
'')
    while :; do
        flock 7
        round 7>&-
        flock --unlock 7
        sleep "$PACE"
    done
    ;;
*)
    log "usage: watch.sh [--once]"
    exit 2
    ;;
esac
