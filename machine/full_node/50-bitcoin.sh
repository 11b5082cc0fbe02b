#!/usr/bin/env bash
# Phase "bitcoin": Knots or Core. The download of the chain starts here and goes on by itself for days.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"
# shellcheck source=../bitcoin.sh
. "$KINDLING/bitcoin.sh"

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

configure() {
    local directory=$DATA/bitcoin
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
}

install_bitcoin
bitcoin_folder
configure
start_bitcoin
# The snapshot arrives beside all else, in its own time: nothing here waits for it.
if [[ -n $ASSUMEUTXO_URL ]]; then
    install --mode=644 "$KINDLING/units/kindling-snapshot.service" /etc/systemd/system/kindling-snapshot.service
    systemctl daemon-reload
    systemctl enable --now kindling-snapshot || fail "The service that loads the UTXO snapshot could not be started."
fi
