#!/usr/bin/env bash
# Phase "lnd": LND's configuration and container, up to the point where it asks for a wallet.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

# With NEUTRINO LND starts on its light client, so that it need not wait for this machine's bitcoind; chores.sh moves it there.
# LND knows an option only under the heading of its group, or under the first one.
neutrino_section() {
    local peer
    printf '[neutrino]\n'
    for peer in ${NEUTRINO_PEERS//,/ }; do printf 'neutrino.addpeer=%s\n' "$peer"; done
}

configure() {
    local directory=$DATA/lnd address node=bitcoind fee='' section=''
    before_compose
    random_secret lnd-wallet-password
    install --directory --owner=lnd --group=kindling --mode=700 "$directory"
    chown lnd:kindling "$SECRETS/lnd-wallet-password" # its folder is root's; the container is shown this one file
    [[ ! -s $directory/lnd.conf ]] || return 0
    address=$(node_ip) || fail "The machine's public address could not be read."
    if [[ $NEUTRINO == yes ]]; then
        node=neutrino fee=fee.url=$FEE_URL section=$(neutrino_section)
    fi
    # The heredoc is filled by the shell itself: the RPC password reaches no command line.
    # wallet-unlock-*: LND unlocks itself after every restart, and still lets the wallet be made the first time.
    # tlscertduration: LNbits holds LND's certificate, which must not change under it.
    # logging.file: at most 100 MB beside the container's own log.
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
logging.file.max-files=5
logging.file.max-file-size=20
$fee
[Bitcoin]
bitcoin.$NETWORK=true
bitcoin.node=$node
$section
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
chown lnd:kindling "$DATA/lnd/lnd.conf" # each time: a cut may have come between file and owner
retry 4 compose up --detach --quiet-pull lnd || fail "LND could not be downloaded and started."
wait_for 300 lnd_state || fail "LND was started but does not answer."
