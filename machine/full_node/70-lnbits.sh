#!/usr/bin/env bash
# Phase "lnbits": LNbits on LND, on loopback, its first installation done here so that nobody else can do it.
#
# While the chain syncs, LND may not answer LNbits, which then runs on without a funding source; chores.sh restarts it once when
# LND is ready.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"
# shellcheck source=chores.sh
. "$KINDLING/full_node/chores.sh"

# ENABLE_LOG_TO_FILE is off because LNbits would keep 3 months of log files; the container's log is bounded.
# AUTH_HTTPS_ONLY is off because the customer comes through an SSH tunnel, which is http to the browser.
configure() {
    mkdir -p "$DATA/lnbits"
    random_secret lnbits-auth-key
    random_secret lnbits-first-install-token
    random_secret lnbits-password
    write_file "$SECRETS/lnbits.env" <<CONF
LNBITS_HOST=127.0.0.1
LNBITS_PORT=5000
LNBITS_ADMIN_UI=true
LNBITS_DATA_FOLDER=/app/data
LNBITS_BACKEND_WALLET_CLASS=LndRestWallet
LND_REST_ENDPOINT=https://127.0.0.1:8080/
LND_REST_CERT=/lnd/tls.cert
LND_REST_MACAROON=/lnd/admin.macaroon
ENABLE_LOG_TO_FILE=false
AUTH_ALLOWED_METHODS=username-password
AUTH_HTTPS_ONLY=false
AUTH_SECRET_KEY=$(<"$SECRETS/lnbits-auth-key")
FIRST_INSTALL_TOKEN=$(<"$SECRETS/lnbits-first-install-token")
CONF
}

first_install() {
    local status
    status=$(jq -n --rawfile password "$SECRETS/lnbits-password" --rawfile token "$SECRETS/lnbits-first-install-token" \
        '($password | rtrimstr("\n")) as $p | {username: "admin", password: $p, password_repeat: $p,
          first_install_token: ($token | rtrimstr("\n"))}' |
        curl --silent --max-time 30 --output /dev/null --write-out '%{http_code}' --request PUT \
            --header 'Content-Type: application/json' --data-binary @- "$LNBITS_URL/api/v1/auth/first_install" || true)
    # 403: an earlier run got this far, with the same stored password.
    [[ $status == 200 || $status == 403 ]] || fail "The first installation of LNbits was refused with status $status."
}

configure
retry 4 compose up --detach --quiet-pull lnbits || fail "LNbits could not be downloaded and started."
wait_for 300 lnbits_answers || fail "LNbits was started but does not answer."
first_install
