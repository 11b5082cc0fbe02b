#!/usr/bin/env bash
# Phase "firewall": only SSH and the product's ports are reachable, now and after each boot (see firewall.sh).
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

install --mode=644 "$KINDLING/units/kindling-firewall.service" /etc/systemd/system/
systemctl daemon-reload
systemctl enable kindling-firewall.service
if ! systemctl restart kindling-firewall.service; then
    [[ ! -s $STATE/failure ]] || exit 1 # firewall.sh has told why
    fail "The firewall could not be set up."
fi
