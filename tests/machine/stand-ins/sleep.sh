#!/usr/bin/env bash
# Stands in for sleep: a second is a twentieth of one here. Those who sleep look again at a condition afterwards.
set -euo pipefail
[[ $1 =~ ^[0-9]+$ ]] || exec /usr/bin/sleep "$@"
exec /usr/bin/sleep "$(printf '%d.%03d' $(($1 / 20)) $(($1 % 20 * 50)))"
