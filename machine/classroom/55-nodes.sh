#!/usr/bin/env bash
# Phase "nodes": one Core Lightning node for each participant, with its coins from the faucet and its two runes.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

# bitcoin-cli, which the node calls, finds the RPC's password in a file of its own: listconfigs shows options to participants.
# allow-deprecated-apis: developer mode would else refuse pay and keysend. cln-grpc would take the websocket's port by default.
node_config() {
    local name
    name=$(class -r ".nodes[$1].name")
    cat <<CONF
# Made once by Kindling; yours to change.
network=regtest
alias=$name
log-level=info
allow-deprecated-apis=true
dev-fast-gossip
dev-bitcoind-poll=5
funding-confirms=1
bind-addr=0.0.0.0:9735
announce-addr=10.61.0.$((10 + $1)):9735
bind-addr=ws::9736
autoconnect-seeker-peers=0
bitcoin-datadir=/data/bitcoin
bitcoin-rpcconnect=10.61.0.1
bitcoin-rpcport=18443
disable-plugin=cln-grpc
disable-plugin=clnrest
disable-plugin=wss-proxy
disable-plugin=cln-bip353
disable-plugin=cln-currencyrate
disable-plugin=cln-lsps-client
disable-plugin=cln-lsps-service
CONF
}

make_folders() {
    local index folder
    before_compose || return 1
    install --directory --owner=cln --group=kindling --mode=700 "$CLASS_DIR" || return 1
    for ((index = 0; index < count; index++)); do
        folder=$CLASS_DIR/$(printf '%02d' "$index")
        mkdir -p "$folder/bitcoin"
        [[ -s $folder/config ]] || node_config "$index" | write_file "$folder/config"
        # The heredoc is filled by the shell itself: the RPC password reaches no command line.
        [[ -s $folder/bitcoin/bitcoin.conf ]] || write_file "$folder/bitcoin/bitcoin.conf" <<CONF
rpcuser=kindling
rpcpassword=$(<"$SECRETS/bitcoin-rpc-password")
CONF
        chown cln:kindling "$folder" "$folder/config" "$folder/bitcoin" "$folder/bitcoin/bitcoin.conf" || return 1
    done
}

# keep_from_each FILE FIELD METHOD [PARAMETER...]: a list of what every node answered, asked for once, kept when it is whole.
keep_from_each() {
    local file=$CLASS_STATE/$1 list
    [[ ! -s $file ]] || return 0
    list=$(each_node "${@:3}" | ask_nodes | jq -es --arg field "$2" --argjson count "$count" \
        '[.[].answer[$field] | strings] | select(length == $count and (unique | length) == $count)') || return 1
    printf '%s\n' "$list" | write_file "$file"
}

# All nodes in one transaction: it is made or not. Amounts as text, since a number of eight decimals need not survive being one.
pay_nodes() {
    local amounts
    if paid; then return 0; fi
    # shellcheck disable=SC2016 # jq's own
    amounts=$(class -c --slurpfile addresses "$CLASS_STATE/addresses.json" \
        '[.nodes[].fundSats] | to_entries | map(select(.value > 0) | {key: $addresses[0][.key], value:
         "\(.value / 100000000 | floor).\(.value % 100000000 + 100000000 | tostring[1:])"}) | from_entries') || return 1
    [[ $amounts != '{}' ]] || return 0
    bitcoin_cli "${FAUCET[@]}" -named sendmany dummy= amounts="$amounts" comment="$PAYMENT" >/dev/null
}

# $STATE/ends-at: until the order service says it, the class ends as many hours from now as were bought. The runes outlive that by the
# hours that can be bought later: a card that was handed out must go on working.
set_ends() {
    local now=$EPOCHSECONDS seconds
    seconds=$(($(class .hours) * 3600))
    [[ -s $CLASS_STATE/runes-until ]] || printf '%d\n' $((now + seconds + 31 * 86400)) | write_file "$CLASS_STATE/runes-until"
    [[ -s $STATE/ends-at ]] || printf '%d\n' $((now + seconds)) | write_file "$STATE/ends-at"
}

# A node tells its runes; those that are there are not made again. What they are is never an argument here.
runes() {
    each_node showrunes | ask_nodes | write_file "$SECRETS/runes.shown"
    jq -s --argjson until "$(<"$CLASS_STATE/runes-until")" --arg want "$1" --from-file "$KINDLING/classroom/runes.jq" -r "$SECRETS/runes.shown"
    rm -f -- "$SECRETS/runes.shown"
}

make_runes() {
    [[ ! -s $SECRETS/runes.json ]] || return 0
    runes missing | ask_nodes >/dev/null
    runes all | write_file "$SECRETS/runes.json.new"
    jq -e --argjson count "$count" 'length == $count and all(.[]; .rune and .adminRune)' "$SECRETS/runes.json.new" >/dev/null || return 1
    mv -- "$SECRETS/runes.json.new" "$SECRETS/runes.json"
}

count=$(node_count) || fail "The description of the class could not be read."
make_folders || fail "The nodes' folders could not be made."
retry 4 compose up --detach --quiet-pull || fail "The nodes could not be downloaded and started."
wait_for 900 nodes_answer || fail "The nodes were started but not all of them answer."
{ retry 5 keep_from_each keys.json id getinfo && retry 5 keep_from_each addresses.json bech32 newaddr addresstype=bech32; } ||
    fail "The nodes did not tell their public keys and addresses."
pay_nodes || fail "The faucet could not pay the nodes."
set_ends
retry 5 make_runes || fail "The runes of the cards could not be made."
