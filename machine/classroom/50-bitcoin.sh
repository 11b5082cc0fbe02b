#!/usr/bin/env bash
# Phase "bitcoin": the class's own chain. Bitcoin Core on regtest, a faucet with enough coins for everybody, and a block every five
# seconds from then on.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"
# shellcheck source=../bitcoin.sh
. "$KINDLING/bitcoin.sh"

# bitcoind starts before Docker makes the bridge whose address it is to answer on.
bridge_address() {
    printf 'net.ipv4.ip_nonlocal_bind = 1\n' | write_file /etc/sysctl.d/61-kindling-class.conf
    chmod 644 /etc/sysctl.d/61-kindling-class.conf
    sysctl --quiet --load=/etc/sysctl.d/61-kindling-class.conf
}

configure() {
    local auth
    [[ ! -s $DATA/bitcoin/bitcoin.conf ]] || return 0
    auth=$(rpc_auth)
    write_file "$DATA/bitcoin/bitcoin.conf" <<CONF
# Made once by Kindling; yours to change. RPC answers on loopback and on the nodes' bridge.
chain=regtest
server=1
listen=0
dbcache=100
fallbackfee=0.0001
rpcthreads=16
rpcworkqueue=512
rpcauth=$auth
[regtest]
rpcbind=127.0.0.1
rpcbind=10.61.0.1
rpcallowip=127.0.0.1
rpcallowip=10.61.0.0/24
rpcport=18443
CONF
}

has_faucet() { bitcoin_cli "$1" | jq -e '[.. | strings] | index("faucet") != null' >/dev/null; }

open_faucet() {
    if has_faucet listwallets; then return 0; fi
    if has_faucet listwalletdir; then
        bitcoin_cli -named loadwallet filename=faucet load_on_startup=true >/dev/null
    else
        bitcoin_cli -named createwallet wallet_name=faucet load_on_startup=true >/dev/null
    fi
}

faucet_sats() { bitcoin_cli "${FAUCET[@]}" getbalances | jq '.mine.trusted * 1e8 | round'; }

# A block's coins can be spent when a hundred more stand on it.
fill_faucet() {
    local need address try
    need=$(class '[.nodes[].fundSats] | add + 100000000')
    address=$(bitcoin_cli "${FAUCET[@]}" getnewaddress)
    for ((try = 0; try < 30; try++)); do
        if (($(faucet_sats) >= need)) || paid; then return 0; fi
        bitcoin_cli generatetoaddress $((try == 0 ? 101 : 10)) "$address" >/dev/null || return 1
    done
    return 1
}

mkdir -p "$DATA"
chmod 711 "$DATA"
bridge_address || fail "The kernel's settings for the class's network were refused."
install_bitcoin
bitcoin_folder
configure
start_bitcoin
open_faucet || fail "The faucet's wallet could not be opened."
fill_faucet || fail "The faucet could not be filled."
install --mode=644 "$KINDLING/units/kindling-blocks.service" /etc/systemd/system/kindling-blocks.service
systemctl daemon-reload
systemctl enable --now kindling-blocks || fail "The service that makes blocks could not be started."
