#!/usr/bin/env bash
# Takes a fresh droplet to a delivered bundle: pairs with the order, then runs each phase of the product once, in order,
# reporting each. May be cut anywhere and run again: what is done is marked and skipped, what is half done is done over.
# The first run is cloud-init's, which starts its commands once and never again; later ones are kindling-bringup.service's.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=wire.sh
. "$KINDLING/wire.sh"

# How long a phase may take before it counts as stuck. The long ones download from mirrors that may be slow.
declare -rA PHASE_SECONDS=(
    [packages]=2400 [system]=300 [firewall]=120 [docker]=900 [tailscale]=600 [volume]=900
    [bitcoin]=2400 [lnd]=1800 [wallet]=900 [lnbits]=2400 [sealed]=2400
    [nodes]=2400 [certificate]=900 [channels]=3600
)

# From here on a power cut is taken up at the next boot.
install_units() {
    local unit
    for unit in kindling-bringup kindling-scrub; do
        install --mode=644 "$KINDLING/units/$unit.service" /etc/systemd/system/
    done
    systemctl daemon-reload
    systemctl enable kindling-bringup.service kindling-scrub.service
    sync --file-system /etc/systemd/system "$STATE"
}

run_phase() {
    local file=$1 name limit begun=$SECONDS status=0
    name=$(basename "$file" .sh)
    name=${name#[0-9][0-9]-}
    limit=${PHASE_SECONDS[$name]-900}
    if [[ -e $STATE/phases/$name ]]; then
        log "phase $name: already done"
        return 0
    fi
    log "phase $name: started"
    report "$name" started
    rm -f -- "$STATE/failure"
    # A process of its own, so that a failure anywhere in it ends the phase and not this report. The lock stays here.
    # No standard input: in a terminal, timeout's background group would be stopped at the first read from it.
    timeout --kill-after=30 "$limit" "$file" </dev/null 9>&- || status=$?
    if ((status != 0)); then
        local sentence="The step $name stopped unexpectedly; its log is /var/log/cloud-init-output.log on the machine."
        if ((status == 124)); then sentence="The step $name did not finish within $((limit / 60)) minutes."; fi
        if [[ -s $STATE/failure ]]; then sentence=$(<"$STATE/failure"); fi
        log "phase $name: failed (exit $status)"
        report "$name" failed $((SECONDS - begun)) "$sentence"
        exit 1
    fi
    # What the phase wrote is on the disks before its marker says so, and the marker comes before the report: a lost report
    # is news lost, a lost marker is work done twice.
    sync --file-system "$STATE"
    if [[ -d $DATA ]]; then sync --file-system "$DATA"; fi
    touch "$STATE/phases/$name"
    log "phase $name: done"
    report "$name" "done" $((SECONDS - begun))
}

exec 9>"$STATE/lock"
if ! flock --nonblock 9; then
    log "another bring-up is at work; nothing to do here"
    exit 0
fi
install_units
make_machine_key
pair
# A volume that boot has not mounted is its phase's work once more: nothing may be written beside it.
[[ -z $VOLUME_NAME ]] || mountpoint --quiet "$DATA" || rm -f -- "$STATE/phases/volume"
for phase in "$KINDLING"/base/[0-9][0-9]-*.sh "$KINDLING/$PRODUCT"/[0-9][0-9]-*.sh; do
    run_phase "$phase"
done
touch "$STATE/complete"
log "all phases done; the machine's own help: ops.sh help"
