#!/usr/bin/env bash
# Phase "firewall": only SSH and Lightning's peer port are reachable.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

# SSH is allowed before the firewall is on: a cut must not lock the owner out.
firewall() {
    ufw allow 22/tcp &&
        ufw allow 9735/tcp &&
        ufw default deny incoming &&
        ufw default allow outgoing &&
        ufw --force enable
}

firewall || fail "The firewall could not be set up."
