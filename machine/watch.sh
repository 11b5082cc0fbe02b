#!/usr/bin/env bash
# The machine's watch over its node: tells the order page what is true now (the heartbeat), as often as the order service asks, and
# does the chores in between. Nothing here is guessed: what does not answer is reported as null.
#   watch.sh          goes on for ever (kindling-watch.service)
#   watch.sh --once   one round at once
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=wire.sh
. "$KINDLING/wire.sh"
# shellcheck source=full_node/chores.sh
. "$KINDLING/$PRODUCT/chores.sh"

readonly PACE=20
readonly NOW=/run/kindling-watch # what was gathered for one heartbeat; in memory
mkdir -p "$NOW"

# part NAME COMMAND...: the command's JSON as a part of the heartbeat, null when it fails.
part() {
    local name=$1
    shift
    "$@" >"$NOW/$name" 2>/dev/null || echo null >"$NOW/$name"
}

# Names of forks that are "active" are the answer to which rules this node enforces: all of them, as bitcoind orders them.
gather_bitcoin() {
    local call
    for call in getblockchaininfo getnetworkinfo getdeploymentinfo getchainstates; do
        bitcoin_cli -rpcclienttimeout=20 "$call" >"$NOW/$call" || return 1
    done
    jq -n --slurpfile chain "$NOW/getblockchaininfo" --slurpfile network "$NOW/getnetworkinfo" \
        --slurpfile deployments "$NOW/getdeploymentinfo" --slurpfile states "$NOW/getchainstates" \
        'def ppm: [. * 1000000 | floor, 1000000] | min;
         $states[0].chainstates as $states |
         $chain[0] | {chain, blocks, headers: ([0, .headers] | max), bestBlockHash: .bestblockhash, bestBlockTime: .time,
          progressPpm: (.verificationprogress | ppm), initialBlockDownload: .initialblockdownload, pruned, sizeBytes: .size_on_disk,
          peers: $network[0].connections, version: $network[0].subversion,
          rules: [$deployments[0].deployments | to_entries[:32][] | {name: .key, active: .value.active}],
          background: (if ($states | length) > 1 and ($states[-1].validated | not)
            then $states[0] | {blocks, progressPpm: (.verificationprogress | ppm)} else null end)}'
}

# LND's state is told before its wallet is open; the rest only from RPC_ACTIVE on.
gather_lnd() {
    local state
    rm -f -- "$NOW/getinfo"
    state=$(lnd_state) || return 1
    if [[ $state =~ ^(RPC|SERVER)_ACTIVE$ ]]; then lnd_admin /v1/getinfo --max-time 10 >"$NOW/getinfo" || echo '{}' >"$NOW/getinfo"; fi
    [[ -s $NOW/getinfo ]] || echo '{}' >"$NOW/getinfo"
    jq --arg state "$state" --arg backend "$(lnd_backend)" \
        '{state: $state, backend: $backend, syncedToChain: (.synced_to_chain // false), blockHeight: (.block_height // 0),
          peers: (.num_peers // 0), activeChannels: (.num_active_channels // 0), version: (.version // "" | split(" ")[0] // "")}' "$NOW/getinfo"
}

gather_disk() {
    df --output=size,avail --block-size=1 "$DATA" | tail -n 1 | jq -R '[splits(" +") | select(. != "") | tonumber] | {totalBytes: .[0], freeBytes: .[1]}'
}

gather_snapshot() {
    if [[ -z $ASSUMEUTXO_URL ]]; then return 1; fi
    if [[ -s $STATE/snapshot.json ]]; then jq '{stage, percent}' "$STATE/snapshot.json"; else echo '{"stage":"downloading","percent":0}'; fi
}

truth() { if "$@" >/dev/null 2>&1; then echo true; else echo false; fi; }

# The one sentence that the customer should read first, or nothing.
sentence() {
    local name
    if [[ $(jq -r '.state? // ""' "$NOW/lnd") == LOCKED ]]; then
        echo "LND is locked: the wallet password on the machine does not open its wallet."
        return
    fi
    if (($(jq '.freeBytes? // 1e15' "$NOW/disk") < 3 * 1024 ** 3)); then
        echo "The machine's disk is nearly full."
        return
    fi
    for name in lnd-switch snapshot backup; do
        if [[ -s $STATE/$name-message ]]; then
            cat "$STATE/$name-message"
            return
        fi
    done
}

# tell: one heartbeat; prints the seconds until the next.
tell() {
    local identity='' booted
    part bitcoin gather_bitcoin
    part lnd gather_lnd
    part disk gather_disk
    part snapshot gather_snapshot
    booted=$(awk '$1 == "btime" {print $2}' /proc/stat)
    jq -n --argjson booted "$booted" --argjson lnbits "$(truth lnbits_answers)" --argjson funding "$(truth lnbits_connected)" \
        --arg message "$(sentence)" --slurpfile bitcoin "$NOW/bitcoin" --slurpfile lnd "$NOW/lnd" --slurpfile disk "$NOW/disk" \
        --slurpfile snapshot "$NOW/snapshot" \
        '{bootedAt: $booted, bitcoin: $bitcoin[0], lnd: $lnd[0], lnbits: $lnbits, fundingConnected: $funding, disk: $disk[0],
          snapshot: $snapshot[0]} + if $message == "" then {} else {message: $message[:200]} end' >"$NOW/heartbeat"
    if [[ -s $NOW/getinfo ]]; then identity=$(jq -r '.identity_pubkey // "" | select(test("^0[23][0-9a-f]{64}$"))' "$NOW/getinfo"); fi
    heartbeat "$NOW/heartbeat" "$identity"
}

# A chore that fails is tried again in the next round; one that is stuck must not keep the others or the heartbeat.
do_chores() {
    local chore
    for chore in follow_snapshot continue_restore switch_backend connect_lnbits; do "$chore" || log "the chore $chore did not work; it is tried again"; done
    if ((SECONDS >= backup_due)); then
        upload_backup || backup_due=$((SECONDS + 300))
    fi
}

round() {
    local pause
    do_chores
    if ((SECONDS < due)); then return 0; fi
    pause=$(tell) || pause=
    due=$((SECONDS + ${pause:-60}))
}

due=0 backup_due=0
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
