# shellcheck shell=bash
# ops.sh unlock: opens LND's wallet with the stored password. Sourced by ops.sh.

summarise unlock "open LND's wallet when it is locked"

help_unlock() {
    cat <<'HELP'
ops.sh unlock

Gives LND the wallet password that is stored on this machine. LND opens its wallet by itself after a restart, so this is
only needed when you have switched that off in lnd.conf, or while a restored wallet is being searched for its funds.
HELP
}

# unlock_wallet RECOVERY-WINDOW: 0 when nothing is to be searched.
unlock_wallet() {
    jq -n --rawfile password "$SECRETS/lnd-wallet-password" --argjson window "$1" \
        '{wallet_password: ($password | rtrimstr("\n") | @base64)} + if $window > 0 then {recovery_window: $window} else {} end' |
        lnd_post lnd_rest /v1/unlockwallet --max-time 300
}

run_unlock() {
    local lnd answer window=0
    (($# == 0)) || misuse unlock "unlock takes no arguments."
    lnd=$(lnd_state_or_silence)
    case $lnd in
    LOCKED) ;;
    silent) die "LND does not answer; see: ops.sh logs lnd" ;;
    NON_EXISTING) die "LND has no wallet yet, so there is nothing to unlock." ;;
    *)
        printf 'LND is not locked (%s). Nothing to do.\n' "$lnd"
        return 0
        ;;
    esac
    # Without the window, LND would stop looking for the restored wallet's addresses.
    if restore_pending; then window=$RECOVERY_WINDOW; fi
    answer=$(unlock_wallet "$window") || die "LND did not take the stored password: $(lnd_refusal "$answer")."
    printf 'LND is unlocked and starts up.\n'
}
