# shellcheck shell=bash
# What a classroom's heartbeat tells: the chain, each node, each channel between nodes of the class. Sourced by watch.sh.

# All nodes are asked at once, and what they said serves the chores, too.
ask_class() {
    local method
    for method in getinfo listpeers listfunds listpeerchannels; do each_node "$method"; done |
        ask_nodes | jq -cs . | write_file "$NOW/answers"
}

# A connected peer that is no node of the class is somebody's wallet.
gather_class() {
    bitcoin_cli -rpcclienttimeout=20 getblockchaininfo >"$NOW/getblockchaininfo" || return 1
    ask_class || return 1
    jq '[.[] | select(.method == "listpeerchannels")]' "$NOW/answers" >"$NOW/channels.seen"
    jq --arg want all --slurpfile class "$CLASS" --slurpfile keys "$CLASS_STATE/keys.json" --from-file "$KINDLING/classroom/channels.jq" \
        "$NOW/channels.seen" >"$NOW/channels" || return 1
    jq --slurpfile class "$CLASS" --slurpfile keys "$CLASS_STATE/keys.json" --slurpfile chain "$NOW/getblockchaininfo" \
        --slurpfile channels "$NOW/channels" \
        '(map({key: "\(.node) \(.method)", value: .answer}) | from_entries) as $said |
         def said($i; $method): $said["\($i) \($method)"];
         {blocks: $chain[0].blocks, bestBlockTime: $chain[0].time,
          nodes: [$class[0].nodes | to_entries[] | .key as $i | {name: .value.name} +
            if all(said($i; "getinfo", "listpeers", "listfunds"); . != null) then
              {up: true, blocks: said($i; "getinfo").blockheight,
               wallets: ([said($i; "listpeers").peers[] | select(.connected and (.id | IN($keys[0][]) | not))] | length),
               onchainSats: ([said($i; "listfunds").outputs[] | select(.status != "spent") | .amount_msat] | add // 0 | . / 1000 | floor)}
            else {up: false} end],
          channels: $channels[0][:512]}' "$NOW/answers"
}

# The one sentence that the teacher should read first, or nothing.
sentence() {
    local down
    if (($(jq '.freeBytes? // 1e15' "$NOW/disk") < 3 * 1024 ** 3)); then
        echo "The machine's disk is nearly full."
        return
    fi
    down=$(jq -r '[.nodes[]? | select(.up | not) | .name] | if length == 0 then "" elif length <= 3 then join(", ") else "\(length) nodes" end' "$NOW/class")
    [[ -z $down ]] || echo "Not answering: $down."
}

# gather BOOTED: the body of a heartbeat.
gather() {
    part class gather_class
    jq -nc --argjson booted "$1" --arg message "$(sentence)" --slurpfile class "$NOW/class" --slurpfile disk "$NOW/disk" \
        '{bootedAt: $booted, class: $class[0], disk: $disk[0]} + if $message == "" then {} else {message: $message[:200]} end'
}
