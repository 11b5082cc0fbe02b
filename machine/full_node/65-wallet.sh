#!/usr/bin/env bash
# Phase "wallet": LND's wallet, from entropy that LND draws on this machine; nobody is asked anything.
#
# This does not wait for the chain: before a wallet exists, LND (state NON_EXISTING) has not yet spoken to bitcoind, so
# genseed and initwallet work at once. Afterwards LND waits for bitcoind to sync, days on end, and only then opens to peers
# (SERVER_ACTIVE); its state and its macaroon are there before.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

seed=$SECRETS/lnd-seed.json
macaroon=$LND_CHAIN/admin.macaroon

# LND must have said what it has: WAITING_TO_START says nothing yet.
wallet_state_known() { [[ $(lnd_state) =~ ^(NON_EXISTING|LOCKED|UNLOCKED|RPC_ACTIVE|SERVER_ACTIVE)$ ]]; }
has_24_words() { [[ -s $seed ]] && jq -e '.cipher_seed_mnemonic | length == 24' "$seed" >/dev/null 2>&1; }

# The words are on disk before the wallet is made of them: a wallet whose words are lost would be money lost.
make_wallet() {
    has_24_words || lnd_rest /v1/genseed | write_file "$seed"
    sync -- "$SECRETS" # their name, too: the wallet may be on another disk, which keeps it sooner
    has_24_words || fail "LND gave no seed of 24 words."
    jq --rawfile password "$SECRETS/lnd-wallet-password" \
        '{wallet_password: ($password | rtrimstr("\n") | @base64), cipher_seed_mnemonic}' "$seed" |
        lnd_rest /v1/initwallet --request POST --header 'Content-Type: application/json' --data-binary @- >/dev/null ||
        return 1 # the answer carries the admin macaroon, hence /dev/null
}

wait_for 300 wallet_state_known || fail "LND did not get ready to make a wallet."
if [[ $(lnd_state) == NON_EXISTING ]]; then
    # After a cut between request and answer the next try finds the wallet there, made of these same words.
    make_wallet || wait_for 30 test -s "$macaroon" || fail "LND refused to make its wallet."
fi
has_24_words || fail "The disk already holds an LND wallet whose seed words this machine does not know."
wait_for 180 test -s "$macaroon" || fail "LND made its wallet but wrote no macaroon."
