# shellcheck shell=bash
# What is a full node's own in that which all machines share, and how LND is spoken to. Sourced by lib.sh, never run.

# shellcheck disable=SC2034 # lib.sh and the base phases read these
COMPOSE_FILE=$KINDLING/full_node/compose.yaml
# shellcheck disable=SC2034
PRODUCT_PACKAGES=() HOST_RULES=()

# product_ports: the lines of the list of open ports, after SSH's.
product_ports() { printf "9735/tcp  # Lightning's peers\n"; }

# docker compose loads the env_file of every service for any command on one of them, and refuses when one is missing.
before_compose() {
    container_ids lnd "$DATA/lnd" LND_UID
    [[ -e $SECRETS/lnbits.env ]] || write_file "$SECRETS/lnbits.env" </dev/null
}

# lnd_rest PATH [CURL-OPTION...]: LND's REST on loopback, under LND's own certificate.
lnd_rest() {
    local path=$1
    shift
    curl --silent --show-error --fail-with-body --max-time 60 --cacert "$DATA/lnd/tls.cert" "$@" "https://127.0.0.1:8080$path"
}

lnd_state() { lnd_rest /v1/state --max-time 10 | jq -r .state; }

LND_CHAIN=$DATA/lnd/data/chain/bitcoin/$NETWORK # where LND keeps what belongs to its network

macaroon_header() {
    printf 'Grpc-Metadata-macaroon: '
    od -An -v -tx1 "$LND_CHAIN/admin.macaroon" | tr -d ' \n'
}

# lnd_admin PATH [CURL-OPTION...]: the same as the node's owner. curl reads the macaroon from a pipe: in its arguments all could see it.
lnd_admin() {
    local path=$1
    shift
    [[ -s $LND_CHAIN/admin.macaroon ]] || return 1
    lnd_rest "$path" --header "@"<(macaroon_header) "$@"
}
