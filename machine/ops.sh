#!/usr/bin/env bash
# The owner's tool on the machine: what runs, how far the chain is, the logs.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=wire.sh
. "$KINDLING/wire.sh"
# shellcheck source=full_node/chores.sh
. "$KINDLING/full_node/chores.sh"

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

usage() {
    cat <<'HELP'
ops.sh: look after this Bitcoin machine (run it as root)

  ops.sh status            what runs, chain, LND's state, disk
  ops.sh sync              start the download of the chain if it stands still, and show its progress until it is
                           complete; Ctrl-C ends the display, not the download. At the end LNbits is connected to LND.
  ops.sh sync --once       the same, one line, then return
  ops.sh logs SERVICE      the last 100 log lines of bitcoin, lnd, lnbits or tailscale
  ops.sh logs SERVICE -f   and follow
  ops.sh help              this text

The download of the chain takes one to two weeks on a small machine; nothing needs to be watched meanwhile.
All passwords and the seed words: /root/node-credentials.txt
LNbits from your computer:  ssh -L 5000:127.0.0.1:5000 root@THIS-MACHINE  then http://127.0.0.1:5000
HELP
}

chain_line() {
    bitcoin_cli getblockchaininfo | jq -r '"chain \(.chain): block \(.blocks) of \(.headers), " +
        "\(.verificationprogress * 10000 | floor / 100)% verified, " +
        "\(.size_on_disk / 1e9 | floor) GB on disk\(if .pruned then " (pruned)" else "" end)" +
        "\(if .initialblockdownload then "" else ", in sync" end)"'
}

status() {
    printf 'bitcoin    %s\n' "$(systemctl is-active bitcoind || true)"
    chain_line || printf 'chain: bitcoind does not answer yet\n'
    printf 'LND        %s\n' "$(lnd_state || printf 'does not answer')"
    compose ps
    df --human-readable "$DATA"
}

sync_chain() {
    systemctl is-active --quiet bitcoind || systemctl start bitcoind
    wait_for 600 bitcoin_cli getblockchaininfo || die "bitcoind does not answer; see: ops.sh logs bitcoin"
    while :; do
        chain_line || printf 'bitcoind is busy and did not answer; asking again\n'
        if bitcoin_cli getblockchaininfo | jq -e '.initialblockdownload | not' >/dev/null; then
            connect_lnbits
            if lnbits_connected; then
                printf 'LNbits is connected to LND. Fund LND, open channels, and use it.\n'
            else
                printf 'The chain is here; LND is still catching up (%s). LNbits is connected to it by itself.\n' "$(lnd_state)"
            fi
            return 0
        fi
        if [[ ${1-} == --once ]]; then return 0; fi
        sleep 30
    done
}

logs() {
    case ${1-} in
    bitcoin) journalctl --unit bitcoind --lines 100 ${2:+--follow} ;;
    lnd | lnbits | tailscale) compose logs --tail 100 ${2:+--follow} "$1" ;;
    *) die "Which logs: bitcoin, lnd, lnbits or tailscale?" ;;
    esac
}

case ${1-help} in
status) status ;;
sync) sync_chain "${2-}" ;;
logs) logs "${2-}" "${3-}" ;;
help | --help | -h) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
