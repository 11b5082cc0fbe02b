# shellcheck shell=bash
# ops.sh sync: the download of the chain. Sourced by ops.sh.

summarise sync 'start the download of the chain if it stands still, and show its progress'

help_sync() {
    cat <<'HELP'
ops.sh sync [--once]

Starts bitcoind if it stands still and shows the download of the chain, a line every 30 seconds, until it is complete.
Ctrl-C ends the display, not the download. The time left is reckoned from two looks at the progress.
  --once    one line, then return
LNbits is connected to LND by itself when LND is ready; nothing needs to be typed for that.
HELP
}

run_sync() {
    local lnd
    [[ $# == 0 || ($# == 1 && $1 == --once) ]] || misuse sync "sync takes --once or nothing, not \"$*\"."
    systemctl is-active --quiet bitcoind || systemctl start bitcoind || die "bitcoind could not be started; see: ops.sh logs bitcoin"
    wait_for 600 bitcoin_cli getblockchaininfo || die "bitcoind does not answer; see: ops.sh logs bitcoin"
    while :; do
        chain_line || printf 'bitcoind is busy and did not answer; asking again\n'
        if bitcoin_cli getblockchaininfo 2>/dev/null | jq -e '.initialblockdownload | not' >/dev/null; then break; fi
        if [[ ${1-} == --once ]]; then return 0; fi
        sleep 30
    done
    lnd=$(lnd_state_or_silence)
    if [[ $lnd == SERVER_ACTIVE ]]; then
        printf 'The chain is complete and LND is ready. LNbits is connected to LND by itself, within a minute or two.\n'
    else
        printf 'The chain is complete. LND is still catching up (%s); LNbits is connected to LND by itself after that.\n' "$lnd"
    fi
}
