#!/usr/bin/env bash
# Phase "system": what the kernel, the journal and the package manager are told once and for all.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"
