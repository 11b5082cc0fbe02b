#!/usr/bin/env bash
# Takes a fresh droplet to a delivered bundle: pairs with the order, then runs each phase of the product once, in order,
# reporting each. May be cut anywhere and run again: what is done is marked and skipped, what is half done is done over.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=wire.sh
. "$KINDLING/wire.sh"

# The longest honest phase is the download of packages and images over a slow mirror.
readonly PHASE_SECONDS=2400

run_phase() {
    local file=$1 name status=0
    name=$(basename "$file" .sh)
    name=${name#[0-9][0-9]-}
    if [[ -e $STATE/phases/$name ]]; then
        log "phase $name: already done"
        return 0
    fi
    log "phase $name: started"
    report "$name" started
    rm -f -- "$STATE/failure"
    # A process of its own, so that a failure anywhere in it ends the phase and not this report. The lock stays here.
    # No standard input: in a terminal, timeout's background group would be stopped at the first read from it.
    timeout --kill-after=30 "$PHASE_SECONDS" "$file" </dev/null 9>&- || status=$?
    if ((status != 0)); then
        local sentence="The step $name stopped unexpectedly; its log is /var/log/cloud-init-output.log on the machine."
        if ((status == 124)); then sentence="The step $name did not finish within $((PHASE_SECONDS / 60)) minutes."; fi
        if [[ -s $STATE/failure ]]; then sentence=$(<"$STATE/failure"); fi
        log "phase $name: failed (exit $status)"
        report "$name" failed "$sentence"
        exit 1
    fi
    # The marker comes before the report: a lost report is news lost, a lost marker is work done twice.
    touch "$STATE/phases/$name"
    log "phase $name: done"
    report "$name" "done"
}

exec 9>"$STATE/lock"
flock --nonblock 9 || fail "Another bring-up is already running."
make_machine_key
pair
for phase in "$KINDLING"/base/[0-9][0-9]-*.sh "$KINDLING/$PRODUCT"/[0-9][0-9]-*.sh; do
    run_phase "$phase"
done
log "all phases done; the machine's own help: ops.sh help"
