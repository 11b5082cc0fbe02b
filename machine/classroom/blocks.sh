#!/usr/bin/env bash
# Makes a block every five seconds, as long as it runs. Its coins go to nobody: the faucet's wallet would grow with every block.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

# The script of 32 zero bytes (P2WSH), which nobody can spend.
readonly NOBODY=bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq3xueyj

while :; do
    bitcoin_cli generatetoaddress 1 "$NOBODY" >/dev/null || log "no block was made; trying again"
    sleep 5
done
