# shellcheck shell=bash
# What a full node's heartbeat tells: bitcoind, LND, LNbits, the disk, the snapshot. Sourced by watch.sh.

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

gather_snapshot() {
    if [[ -z $ASSUMEUTXO_URL ]]; then return 1; fi
    # shellcheck disable=SC2153 # of lib.sh
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

# gather BOOTED: the body of a heartbeat. Sets `identity`, by which LND signs it, too.
gather() {
    part bitcoin gather_bitcoin
    part lnd gather_lnd
    part snapshot gather_snapshot
    jq -n --argjson booted "$1" --argjson lnbits "$(truth lnbits_answers)" --argjson funding "$(truth lnbits_connected)" \
        --arg message "$(sentence)" --slurpfile bitcoin "$NOW/bitcoin" --slurpfile lnd "$NOW/lnd" --slurpfile disk "$NOW/disk" \
        --slurpfile snapshot "$NOW/snapshot" \
        '{bootedAt: $booted, bitcoin: $bitcoin[0], lnd: $lnd[0], lnbits: $lnbits, fundingConnected: $funding, disk: $disk[0],
          snapshot: $snapshot[0]} + if $message == "" then {} else {message: $message[:200]} end'
    # shellcheck disable=SC2034 # watch.sh hands it on
    if [[ -s $NOW/getinfo ]]; then identity=$(jq -r '.identity_pubkey // "" | select(test("^0[23][0-9a-f]{64}$"))' "$NOW/getinfo"); fi
}
