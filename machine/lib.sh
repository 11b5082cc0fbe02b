# shellcheck shell=bash
# What every script on the machine shares: where things are, and how to log, fail, wait and keep secrets. Sourced, never run.
# Nothing secret is ever an argument of a command (`ps` shows those) or a line of a log: secrets travel in files and pipes.

umask 077
export HOME=${HOME:-/root} # cloud-init's service has none

KINDLING=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
ETC=/etc/kindling
STATE=/var/lib/kindling # what must survive a reboot: the machine's key, its nonce, the phases done
SECRETS=$STATE/secrets  # on the root disk, so that a detached data volume carries no password
DATA=/srv/kindling      # the volume's mount point, or a plain directory of the root disk
METADATA_URL=http://169.254.169.254

# shellcheck source=/dev/null
. "$ETC/config"
# What is installed: the product's list that came with these scripts, until ops.sh update writes one of the machine's own. An operator
# who tries another release points KINDLING_RELEASES at a list of theirs.
RELEASES=$KINDLING/$PRODUCT/releases.env
[[ ! -s $STATE/releases.env ]] || RELEASES=$STATE/releases.env
RELEASES=${KINDLING_RELEASES:-$RELEASES}
# shellcheck source=full_node/releases.env
. "$RELEASES"
# A machine that was made before an option existed has not got it in its configuration.
ASSUMEUTXO_URL=${ASSUMEUTXO_URL-}
NEUTRINO=${NEUTRINO-no}
export NETWORK # compose.yaml names a path by it

mkdir -p "$STATE/phases" "$SECRETS"

log() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*" >&2; }

# Ends the script. In a phase, the sentence is what the customer gets to read: one sentence, no secret in it.
fail() {
    log "failed: $*"
    printf '%s' "$*" >"$STATE/failure"
    exit 1
}

# write_file PATH: replaces the file by standard input in one step, so that a cut never leaves half a file.
write_file() {
    local temporary
    temporary=$(mktemp "$1.XXXXXX")
    cat >"$temporary"
    sync -- "$temporary" # else the new name can outlive a power cut and the content not
    mv -- "$temporary" "$1"
}

# random_secret NAME: makes the secret once; later runs keep it, because the services already know it.
random_secret() {
    [[ -s $SECRETS/$1 ]] || openssl rand -hex 24 | write_file "$SECRETS/$1"
}

# retry ATTEMPTS COMMAND...: only for commands that may run twice. The pause doubles from two seconds.
retry() {
    local attempts=$1 pause=2 try
    shift
    for ((try = 1; try < attempts; try++)); do
        if "$@"; then return 0; fi
        log "attempt $try of $attempts did not work: $1 ${2-}"
        sleep "$pause"
        pause=$((pause * 2))
    done
    "$@"
}

# wait_for SECONDS COMMAND...: until the command succeeds; its own output is dropped, since most tries are too early.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then return 1; fi
        sleep 1
    done
}

# One network, three programs' names for it.
bitcoind_chain() {
    case $NETWORK in
    mainnet) echo main ;;
    signet | regtest | testnet4) echo "$NETWORK" ;;
    *) fail "The network $NETWORK is not known to this machine." ;;
    esac
}

# The public address, as the cloud knows it.
node_ip() {
    curl --silent --show-error --fail --max-time 10 --retry 5 --retry-connrefused \
        "$METADATA_URL/metadata/v1/interfaces/public/0/ipv4/address"
}

# The containers' group, whose way to the metadata address the firewall closes, and the user that the product's containers run as.
# container_ids USER HOME VARIABLE: the compose file asks for their numbers.
container_ids() {
    getent group kindling >/dev/null || groupadd --system kindling
    id "$1" >/dev/null 2>&1 ||
        useradd --system --gid kindling --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
    KINDLING_GID=$(getent group kindling | cut -d : -f 3)
    printf -v "$3" '%s' "$(id -u "$1")"
    export KINDLING_GID "${3?}"
}

compose() {
    before_compose
    "${COMPOSE[@]}" "$@"
}

# The cookie file in the data directory authenticates: no password on the command line. Of a busy bitcoind it would wait 15 minutes for an
# answer, and the heartbeat with it; who needs another limit names it, since the last one counts.
bitcoin_cli() { /usr/local/bin/bitcoin-cli -datadir="$DATA/bitcoin" -rpcclienttimeout=60 "$@"; }

# What the product adds: its compose file, its ports and packages, and how its programs are spoken to.
# shellcheck source=full_node/product.sh
. "$KINDLING/$PRODUCT/product.sh"
COMPOSE=(docker compose --project-name kindling --env-file "$RELEASES" --file "$COMPOSE_FILE")
