# shellcheck shell=bash
# ops.sh pair: lets the machine speak to its order again, with a new one-shot token. Sourced by ops.sh.

summarise pair 'let this machine report to your order page again, with a token from there'

help_pair() {
    cat <<'HELP'
ops.sh pair

Asks for the one-shot token that your order page gives you ("pair this machine again") and pairs with it. The token is typed
or pasted, or comes through a pipe; it is never an argument, where other programs could see it. It is good for one hour.
From then on the machine reports to your order page until you revoke that there, or the order ends.
HELP
}

run_pair() {
    local token='' token_file
    (($# == 0)) || misuse pair "pair takes no arguments: the token is typed when asked for, so that no other program sees it."
    if [[ -t 0 ]]; then printf 'Token (it is not shown): ' >&2; fi
    read -rs token || true
    if [[ -t 0 ]]; then printf '\n' >&2; fi
    token=${token//[[:space:]]/}
    [[ -n $token ]] || die "No token was given; nothing was changed."
    [[ $token =~ ^[A-Za-z0-9._~+/=-]+$ ]] || die "That is not a token of the order page; nothing was changed."
    # shellcheck source=../wire.sh
    . "$KINDLING/wire.sh"
    token_file=$(mktemp "$STATE/pair-token.XXXXXX")
    # shellcheck disable=SC2064 # the name as it is now
    trap "rm -f -- '$token_file'" EXIT
    printf '%s' "$token" >"$token_file"
    (pair_again "$token_file") || die "This machine was not paired; what was before still holds."
    systemctl restart kindling-watch || die "Paired, but kindling-watch could not be started again; see: ops.sh logs watch"
    printf 'Paired. This machine reports to your order page until you revoke that there, or the order ends.\n'
}
