#!/usr/bin/env bash
# Phase "bitcoin": Knots or Core from the project's own release archive, checked against its signed SHA256SUMS, as a
# systemd service. The download of the chain starts here and goes on by itself for days.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

case $BITCOIN in
knots) version=$KNOTS_VERSION url=$KNOTS_URL key_url=$KNOTS_KEY_URL builders=$KNOTS_BUILDERS ;;
core) version=$CORE_VERSION url=$CORE_URL key_url=$CORE_KEY_URL builders=$CORE_BUILDERS ;;
*) fail "The Bitcoin implementation $BITCOIN is not known to this machine." ;;
esac
archive=bitcoin-$version-x86_64-linux-gnu.tar.gz
download=$STATE/download

fetch() {
    curl --silent --show-error --fail --location --connect-timeout 20 --max-time 1200 --retry 4 --retry-all-errors \
        --output "$download/$2" "$1/$2" || fail "The file $2 could not be downloaded."
}

# One good signature of a pinned builder is needed and no bad one. Signatures of builders who are not pinned count for
# nothing, which is why gpg's own exit code says too little and its status lines are read.
check_signature() {
    local gpg=(gpg --homedir "$download/gnupg" --batch --quiet --no-tty) builder signer
    mkdir -p "$download/gnupg"
    for builder in ${builders//,/ }; do
        fetch "$key_url" "${builder%%:*}.gpg"
        "${gpg[@]}" --import "$download/${builder%%:*}.gpg" 2>/dev/null || log "the key of ${builder%%:*} could not be read"
    done
    "${gpg[@]}" --status-file "$download/status" --verify "$download/SHA256SUMS.asc" "$download/SHA256SUMS" 2>/dev/null || true
    if grep -q '^\[GNUPG:\] BADSIG' "$download/status"; then return 1; fi
    # The last field of VALIDSIG is the primary key's fingerprint. gpg calls a signature valid that a revoked key made, and says
    # so one line before; an expired key's counts, since builders renew theirs later than others copy them.
    while read -r signer; do
        if [[ ,$builders, == *":$signer,"* ]]; then return 0; fi
    done < <(awk '$2 == "NEWSIG" {revoked = 0} $2 == "REVKEYSIG" {revoked = 1} $2 == "VALIDSIG" && !revoked {print $NF}' "$download/status")
    return 1
}

check_archive() {
    awk -v name="$archive" '$2 == name || $2 == "*" name' "$download/SHA256SUMS" >"$download/expected"
    [[ $(wc -l <"$download/expected") == 1 ]] || return 1
    (cd "$download" && sha256sum --check --strict --status expected)
}

install_release() {
    rm -rf -- "$download"
    mkdir -p "$download"
    fetch "$url" SHA256SUMS
    fetch "$url" SHA256SUMS.asc
    check_signature || fail "The signature over Bitcoin's SHA256SUMS could not be verified; nothing was installed."
    fetch "$url" "$archive"
    check_archive || fail "The Bitcoin archive does not match its signed checksum; nothing was installed."
    cut -d ' ' -f 1 "$download/expected" | write_file "$STATE/bitcoin-digest" # for the bill of materials
    tar --extract --gzip --file "$download/$archive" --directory "$download" --strip-components=1 --no-same-owner
    install --mode=755 "$download/bin/bitcoind" "$download/bin/bitcoin-cli" /usr/local/bin/
    rm -rf -- "$download"
}

# The largest pruned chain that leaves room for the UTXO set, LND's graph and the images. On mainnet these take 18 GiB, and below
# 25000 MiB of blocks a Lightning node would miss some that it needs. A UTXO snapshot takes 25 GiB more while it is used: its file,
# and a second chainstate beside the first.
prune_mib() {
    local free_mib size whole reserve sizes demand
    case $NETWORK in
    mainnet) whole=1200000 reserve=18 sizes='100000 50000 25000' demand=45 ;;
    signet | testnet4) whole=150000 reserve=8 sizes='25000 10000 5000 2000' demand=10 ;;
    regtest) whole=0 reserve=0 sizes='' demand=0 ;;
    esac
    if [[ -n $ASSUMEUTXO_URL ]]; then ((reserve += 25, demand += 25)); fi
    free_mib=$(($(df --output=avail --block-size=1M "$DATA" | tail -n 1) - reserve * 1024))
    if ((free_mib > whole)); then
        echo 0
        return
    fi
    for size in $sizes; do
        if ((free_mib >= size)); then
            echo "$size"
            return
        fi
    done
    fail "The disk is too small for a Lightning node: about $demand GB must be free."
}

# A quarter of the memory: the rest is for LND, LNbits and the file cache.
dbcache_mib() { awk '/^MemTotal:/ {m = int($2 / 4096); print (m < 450 ? 450 : m > 8192 ? 8192 : m)}' /proc/meminfo; }

# bitcoind stores a salted hash of the password (rpcauth); the password itself goes to LND's configuration and the bundle.
rpc_auth() {
    local salt
    salt=$(openssl rand -hex 16)
    printf 'kindling:%s$%s' "$salt" \
        "$(tr -d '\n' <"$SECRETS/bitcoin-rpc-password" | openssl dgst -sha256 -hmac "$salt" -r | cut -d ' ' -f 1)"
}

configure() {
    local directory=$DATA/bitcoin
    id bitcoin >/dev/null 2>&1 || useradd --system --home-dir "$directory" --no-create-home --shell /usr/sbin/nologin bitcoin
    install --directory --owner=bitcoin --group=bitcoin --mode=700 "$directory"
    random_secret bitcoin-rpc-password
    if [[ ! -s $directory/bitcoin.conf ]]; then
        local prune dbcache auth chain
        prune=$(prune_mib)
        dbcache=$(dbcache_mib)
        auth=$(rpc_auth)
        chain=$(bitcoind_chain)
        write_file "$directory/bitcoin.conf" <<CONF
# Made once by Kindling; yours to change. Everything listens on loopback only.
chain=$chain
prune=$prune
server=1
listen=0
disablewallet=1
dbcache=$dbcache
rpcauth=$auth
[$chain]
rpcbind=127.0.0.1
rpcallowip=127.0.0.1
rpcport=8332
zmqpubrawblock=tcp://127.0.0.1:28332
zmqpubrawtx=tcp://127.0.0.1:28333
CONF
    fi
    chown bitcoin:bitcoin "$directory/bitcoin.conf" # each time: a cut may have come between file and owner
}

[[ -x /usr/local/bin/bitcoind && -e $STATE/bitcoin-$BITCOIN-$version ]] || install_release
touch "$STATE/bitcoin-$BITCOIN-$version"
configure
install --mode=644 "$KINDLING/units/bitcoind.service" /etc/systemd/system/bitcoind.service
systemctl daemon-reload
systemctl enable --now bitcoind || fail "Bitcoin could not be started."
if ! wait_for 300 bitcoin_cli getblockchaininfo; then
    journalctl --unit bitcoind --lines 20 --no-pager >&2 || true # whoever looks into the log sees its reason
    fail "Bitcoin was started but does not answer."
fi
# The snapshot arrives beside all else, in its own time: nothing here waits for it.
if [[ -n $ASSUMEUTXO_URL ]]; then
    install --mode=644 "$KINDLING/units/kindling-snapshot.service" /etc/systemd/system/kindling-snapshot.service
    systemctl daemon-reload
    systemctl enable --now kindling-snapshot || fail "The service that loads the UTXO snapshot could not be started."
fi
