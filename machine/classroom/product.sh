# shellcheck shell=bash
# What is a classroom's own in that which all machines share, and how its nodes are spoken to. Sourced by lib.sh, never run.

CLASS=$ETC/class.json # what was bought, made by the order service; this machine carries it out
CLASS_DIR=$DATA/class # one folder a node, by two digits, from 00
CLASS_STATE=$STATE/class
FAUCET=(-rpcwallet=faucet)

# shellcheck disable=SC2034 # lib.sh and the base phases read these
COMPOSE_FILE=$CLASS_STATE/compose.json
# shellcheck disable=SC2034
PRODUCT_PACKAGES=(certbot nginx)
# The nodes' way to bitcoind, from their bridge alone.
# shellcheck disable=SC2034
HOST_RULES=('in on br-kindling from 10.61.0.0/24 to 10.61.0.1 port 18443 proto tcp')

class() { jq -er "$@" "$CLASS"; }
node_count() { class '.nodes | length'; }

# product_ports: the lines of the list of open ports, after SSH's.
product_ports() {
    if [[ -n $(class -r .domain) ]]; then printf '80/tcp    # proves to the certificate authority that this is the machine of that name\n'; fi
    printf '6001:%d/tcp  # the nodes, one port each\n' $((6000 + $(node_count)))
}

before_compose() {
    container_ids cln "$CLASS_DIR" CLN_UID
    mkdir -p "$CLASS_STATE" "$STATE/tailscale"
    [[ -s $COMPOSE_FILE ]] || jq --from-file "$KINDLING/classroom/compose.jq" "$CLASS" | write_file "$COMPOSE_FILE"
}

# ask_nodes: runs lines of "ask INDEX METHOD [PARAMETER...]" from standard input within the one container that sees all nodes, since an
# exec for each would cost too much. Prints an object for each: {node, method, answer}, or {node, method, error}.
ask_nodes() {
    {
        cat <<'SCRIPT'
ask() {
    node=$1 method=$2 limit=10
    shift
    # A node that hangs is waited for once.
    case $slow in *" $node "*) printf '{"node":%d,"method":"%s","error":null}\n' "$node" "$method" && return ;; esac
    # It waits for every peer in turn.
    if [ "$method" = multifundchannel ]; then limit=300; fi
    if answer=$(timeout "$limit" lightning-cli -k -N none --lightning-dir="$(printf '/class/%02d' "$node")" --network=regtest "$@" 2>/dev/null); then
        printf '{"node":%d,"method":"%s","answer":%s}\n' "$node" "$method" "$answer"
    else
        if [ $? = 124 ]; then slow="$slow$node "; fi
        printf '{"node":%d,"method":"%s","error":%s}\n' "$node" "$method" "${answer:-null}"
    fi
}
slow=' '
SCRIPT
        cat
    } | compose exec -T rpc sh -s
}

# each_node METHOD [PARAMETER...]: the same line for every node.
each_node() { seq 0 $(($(node_count) - 1)) | awk -v rest="$*" '{print "ask " $1 " " rest}'; }

# nodes_answer: every node has started and follows the chain.
nodes_answer() {
    each_node getinfo | ask_nodes | jq -es --argjson count "$(node_count)" \
        '[.[] | select(.answer and (.answer | has("warning_bitcoind_sync") or has("warning_lightningd_sync") | not))] | length == $count'
}

# paid: the faucet has paid the nodes; it does that once, in one transaction that bears this comment.
PAYMENT='the class'
paid() {
    bitcoin_cli "${FAUCET[@]}" listtransactions '*' 10000 |
        jq -e --arg comment "$PAYMENT" 'any(.[]; .category == "send" and .comment == $comment)' >/dev/null
}
