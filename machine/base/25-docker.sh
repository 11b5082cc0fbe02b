#!/usr/bin/env bash
# Phase "docker": the container engine.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

systemctl enable --now docker || fail "Docker could not be started."
# docker compose loads the env_file of every service for any command on one of them, and refuses when one is missing.
[[ -e $SECRETS/lnbits.env ]] || write_file "$SECRETS/lnbits.env" </dev/null
