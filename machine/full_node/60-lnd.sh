#!/usr/bin/env bash
# Phase "lnd": LND's configuration and container, up to the point where it asks for a wallet.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

configure() {
    local directory=$DATA/lnd address
    mkdir -p "$directory"
    random_secret lnd-wallet-password
    [[ ! -s $directory/lnd.conf ]] || return 0
    address=$(node_ip) || fail "The machine's public address could not be read."
    # The heredoc is filled by the shell itself: the RPC password reaches no command line.
    # wallet-unlock-*: LND unlocks itself after every restart, and still lets the wallet be made the first time.
    # tlscertduration: LNbits holds LND's certificate, which must not change under it.
    write_file "$directory/lnd.conf" <<CONF
; Made once by Kindling; yours to change. Peers come to 9735; gRPC and REST stay on loopback.
[Application Options]
listen=0.0.0.0:9735
externalip=$address:9735
rpclisten=127.0.0.1:10009
restlisten=127.0.0.1:8080
tlsdisableautofill=true
tlscertduration=87600h
wallet-unlock-password-file=/run/wallet-password
wallet-unlock-allow-create=true
[Bitcoin]
bitcoin.$NETWORK=true
bitcoin.node=bitcoind
[Bitcoind]
bitcoind.rpchost=127.0.0.1:8332
bitcoind.rpcuser=kindling
bitcoind.rpcpass=$(<"$SECRETS/bitcoin-rpc-password")
bitcoind.zmqpubrawblock=tcp://127.0.0.1:28332
bitcoind.zmqpubrawtx=tcp://127.0.0.1:28333
bitcoind.pruned-node-max-peers=4
CONF
}

configure
retry 4 compose up --detach --quiet-pull lnd || fail "LND could not be downloaded and started."
wait_for 300 lnd_state || fail "LND was started but does not answer."
