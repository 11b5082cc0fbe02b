# shellcheck shell=bash
# What is a classroom's own in ops.sh. Sourced by it.

# shellcheck disable=SC2034 # ops.sh and its commands read these
COMMANDS=(status cards logs pair support-bundle)
# shellcheck disable=SC2034
UNITS=(bitcoind kindling-blocks nginx kindling-watch)
# shellcheck disable=SC2034
declare -A NOT_HERE=(
    [sync]="The class has a chain of its own, which is always complete; there is nothing to wait for."
    [backup]="The nodes of a class end with it, so no backup of them is made."
    [restore]="The nodes of a class end with it, so there is no backup to bring back."
    [unlock]="The nodes of a class are never locked."
    [update]="A class runs what it was made with until it ends."
)
LOGS=(
    'bitcoin     bitcoind'
    'blocks      kindling-blocks, which makes a block every five seconds'
    'node00      the first node; node01 the second, and so on'
    'nginx       the errors of the nodes'"'"' ports'
    'tailscale   Tailscale'
    'watch       kindling-watch, which tells the order page how the machine is'
    'bringup     the first setup of this machine'
)

log_names() {
    printf '%s ' "${LOGS[@]%% *}"
    seq -f 'node%02g' -s ' ' 1 $(($(node_count) - 1))
}

about() {
    cat <<'TEXT'
What the participants get: ops.sh cards
All passwords, and the links that open each node as its owner: /root/node-credentials.txt
A node by hand:  docker exec kindling-node00-1 lightning-cli --lightning-dir=/data --network=regtest getinfo
TEXT
}

status_product() {
    heading NODES
    for method in getinfo listfunds; do each_node "$method"; done | ask_nodes 2>/dev/null | jq -rs --slurpfile class "$CLASS" \
        '(map({key: "\(.node) \(.method)", value: .answer}) | from_entries) as $said |
         $class[0].nodes | to_entries[] | $said["\(.key) getinfo"] as $info | $said["\(.key) listfunds"] as $funds |
         "  \(.key + 6001)  \(.value.name + " " * 14 | .[:14])" + if $info and $funds then
           "block \($info.blockheight), \($info.num_active_channels) channels active of \($funds.channels | length), \([$funds.outputs[].amount_msat] | add // 0 | . / 1000 | floor) sats on chain"
           else "does not answer" end' || true
    line certificate "$(jq -r '"\(.kind), \(.host)"' "$CLASS_STATE/certificate.json" 2>/dev/null || printf none)"
    line ends "$(date -u -d "@$(cat "$STATE/ends-at" 2>/dev/null || printf 0)" '+%F %H:%M UTC')"
    if [[ $(cat "$CLASS_STATE/runes-ended" 2>/dev/null) == all ]]; then line runes 'void: the class is over'; fi
}

# What the support bundle must not hold, beside what every machine keeps secret.
product_secrets() {
    # 32 bytes and, since Core Lightning 25.12, the words that they stand for.
    find "$CLASS_DIR" -name hsm_secret -exec sh -c 'od -An -v -tx1 "$1" | tr -d " "; tail -c +33 "$1"; echo' _ {} \; 2>/dev/null | grep -v '^0*$' || true
    [[ ! -s $ETC/tls/privkey.pem ]] || grep -av -e '^-----' "$ETC/tls/privkey.pem" || true
}

product_settings() { printf '%s\n' "$CLASS" "$COMPOSE_FILE" "$CLASS_DIR/00/config" /etc/nginx/conf.d/kindling.conf; }
