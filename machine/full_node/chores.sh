# shellcheck shell=bash
# What a full node needs done from time to time after its bring-up: LNbits connected to LND, LND moved from its light client to
# bitcoind, the snapshot followed, the channel backup kept. Sourced after lib.sh and wire.sh by what does it, never run.
# Every chore looks at what is, does at most one step, and may be cut anywhere.

LND_CONF=$DATA/lnd/lnd.conf
LNBITS_URL=http://127.0.0.1:5000
# How long LND has to start on bitcoind, and how long until another try.
SWITCH_SECONDS=${KINDLING_SWITCH_SECONDS:-600}
SWITCH_AGAIN_SECONDS=21600

# shellcheck disable=SC2034 # watch.sh reads it
CHORES=(follow_snapshot continue_restore switch_backend connect_lnbits keep_backup_current)
# shellcheck disable=SC2034
CHORES_AFTER=()
backup_due=0 # what was not taken is offered again after five minutes

lnbits_answers() { curl --silent --max-time 10 --output /dev/null "$LNBITS_URL/api/v1/health"; }

lnd_active() { [[ $(lnd_state 2>/dev/null) =~ ^(RPC_ACTIVE|SERVER_ACTIVE)$ ]]; }

lnd_backend() { sed -n 's/^bitcoin\.node=//p' "$LND_CONF" | tail -n 1; }

# When LNbits was last started, in Docker's words; fails when it does not run.
lnbits_started() {
    local id
    id=$(compose ps --quiet lnbits) && [[ -n $id ]] && docker inspect --format '{{.State.StartedAt}}' "$id"
}

# LNbits looks for LND at its own start, for some seconds, and runs on without a funding source when LND does not answer
# (check_funding_source in its app.py). Whether it found LND is therefore a matter of this start, which the marker names.
lnbits_connected() {
    local started
    [[ -s $STATE/lnbits-connected ]] && started=$(lnbits_started) && [[ $(<"$STATE/lnbits-connected") == "$started" ]]
}

# One restart for each start that came too early.
connect_lnbits() {
    local started
    if lnbits_connected || [[ $(lnd_state 2>/dev/null) != SERVER_ACTIVE ]]; then return 0; fi
    log "LND is ready: LNbits is restarted to connect to it"
    compose restart lnbits >&2 || return 1
    started=$(lnbits_started) || return 1
    printf '%s\n' "$started" | write_file "$STATE/lnbits-connected"
}

# A wallet's restore that is not over: after each restart LND waits to be opened with the search for funds (see ops/restore.sh).
continue_restore() {
    [[ -e $STATE/restore/made && $(lnd_state 2>/dev/null) =~ ^(LOCKED|SERVER_ACTIVE)$ ]] || return 0
    "$KINDLING/ops.sh" restore --seed >&2
}

# set_backend BACKEND: exactly the lines that choose it. fee.url belongs to neutrino, which has no mempool to estimate from and on
# mainnet does not start without it; with it set, LND would not use bitcoind's estimates (both: LND's chainreg/chainregistry.go).
set_backend() {
    local edited script='s/^bitcoin\.node=bitcoind$/bitcoin.node=neutrino/; s/^; fee\.url=/fee.url=/'
    if [[ $1 == bitcoind ]]; then script='s/^bitcoin\.node=neutrino$/bitcoin.node=bitcoind/; s/^fee\.url=/; fee.url=/'; fi
    edited=$(mktemp "$LND_CONF.XXXXXX")
    sed "$script" "$LND_CONF" >"$edited" && chown lnd:kindling "$edited" && sync -- "$edited" && mv -- "$edited" "$LND_CONF"
}

bitcoind_synced() { bitcoin_cli -rpcclienttimeout=20 getblockchaininfo 2>/dev/null | jq -e '.initialblockdownload == false' >/dev/null; }

# NEUTRINO=yes: LND starts on its light client and is moved to this machine's bitcoind once that is in sync (with a snapshot: once
# the snapshot's chain is). LND has no official switch, but this direction works in place (its developers in issue 6900: "You can
# switch one way pretty easily"): wallet and channels do not depend on the backend, and a light client's graph has no prune tip from
# which LND would have to catch up (syncGraphWithChain in graph/builder.go). Back is not supported (issue 2526: "This isn't
# supported"), so it goes back only while LND has not got as far as RPC_ACTIVE on bitcoind, when it has worked on nothing yet.
#
# $STATE/lnd-switch: "editing TIME" before LND is restarted, "starting TIME" while it starts; gone when the move is made or undone.
switch_backend() {
    local step since booted now=$EPOCHSECONDS
    [[ $NEUTRINO == yes ]] || return 0
    if [[ ! -s $STATE/lnd-switch ]]; then
        [[ $(lnd_backend) == neutrino ]] || return 0
        if [[ -s $STATE/lnd-switch-after ]] && ((now < $(<"$STATE/lnd-switch-after"))); then return 0; fi
        bitcoind_synced || return 0
        lnd_active || return 0 # what has not come up itself is not moved
        log "Bitcoin is in sync: LND moves from its light client to it"
        printf 'editing %d\n' "$now" | write_file "$STATE/lnd-switch"
    fi
    read -r step since <"$STATE/lnd-switch"
    booted=$(awk '$1 == "btime" {print $2}' /proc/stat)
    ((since >= booted)) || since=$booted # a reboot takes time that LND did not have
    if [[ $step == editing ]]; then
        set_backend bitcoind && compose restart lnd >&2 || return 1
        printf 'starting %d\n' "$now" | write_file "$STATE/lnd-switch"
        since=$now
    fi
    if lnd_active; then
        log "LND runs on this machine's Bitcoin node"
        rm -f -- "$STATE/lnd-switch" "$STATE/lnd-switch-after" "$STATE/lnd-switch-message"
    elif ((now - since >= SWITCH_SECONDS)); then
        log "LND did not start on Bitcoin: it goes back to its light client"
        set_backend neutrino && compose restart lnd >&2 || return 1
        printf '%d\n' $((now + SWITCH_AGAIN_SECONDS)) | write_file "$STATE/lnd-switch-after"
        printf '%s' "LND could not be moved to this machine's Bitcoin node and stays on its light client; the move is tried again later." |
            write_file "$STATE/lnd-switch-message"
        rm -f -- "$STATE/lnd-switch"
    fi
}

# What snapshot.sh left at "validating": how far bitcoind is with checking the history before the snapshot, and how that ended.
# When the history does not lead to the snapshot, bitcoind puts it aside under another name and goes on from its base by itself
# (handle_invalid_snapshot in Bitcoin Core's validation.cpp).
follow_snapshot() {
    local news false=no
    [[ -n $ASSUMEUTXO_URL && -s $STATE/snapshot.json ]] || return 0
    if [[ -e $DATA/bitcoin/chainstate_snapshot_INVALID ]]; then false=yes; fi
    [[ $(jq -r .stage "$STATE/snapshot.json") == validating ]] || return 0
    news=$(bitcoin_cli -rpcclienttimeout=20 getchainstates 2>/dev/null | jq -c --arg false "$false" --slurpfile state "$STATE/snapshot.json" '$state[0] as $s |
        if $false == "yes" or (.chainstates[-1].validated and .chainstates[-1].blocks < $s.baseHeight) then {stage: "refused", percent: 0}
        elif .chainstates[-1].validated then {stage: "validated", percent: 100}
        else {stage: "validating", percent: ([99, .chainstates[0].blocks * 100 / ([1, $s.baseHeight] | max) | floor] | min)}
        end + {baseHeight: $s.baseHeight}') || return 0
    if [[ $news == *'"refused"'* ]]; then
        printf '%s' "Bitcoin found the UTXO snapshot to be false and dropped it; it downloads the whole chain instead, which takes longer." |
            write_file "$STATE/snapshot-message"
    fi
    if [[ $(<"$STATE/snapshot.json") != "$news" ]]; then printf '%s\n' "$news" | write_file "$STATE/snapshot.json"; fi
}

# The customer's wish to have the channel backup kept under the order is the file $STATE/backup-kept.
# $STATE/backup-offered: the hash of the last backup to which the order service said yes or no.
# Under a lock, since an upload that is under way while the owner erases the backup would bring it back.
upload_backup() (
    backup=$LND_CHAIN/channel.backup request=$STATE/backup.request
    flock 6
    [[ -e $STATE/backup-kept && -s $backup ]] || return 0
    hash=$(sha256sum <"$backup" | cut -d ' ' -f 1)
    if [[ -s $STATE/backup-offered && $(<"$STATE/backup-offered") == "$hash" ]]; then return 0; fi
    age --encrypt --recipients-file "$ETC/recipients" --output "$STATE/backup.age" "$backup" || return 1
    openssl base64 -A -in "$STATE/backup.age" | jq -R '{sealed: .}' | write_file "$request" || return 1
    status=$(post_signed backup "$request" "$request.answer")
    rm -f -- "$STATE/backup.age" "$request" "$request.answer"
    case $status in
    200)
        log "the channel backup is kept under the order"
        rm -f -- "$STATE/backup-message"
        printf '%s\n' "$hash" | write_file "$STATE/backup-offered"
        ;;
    400 | 413)
        log "the channel backup was refused (status $status)"
        printf '%s' "The order service did not take the channel backup; keep your own copy of LND's channel.backup." |
            write_file "$STATE/backup-message"
        printf '%s\n' "$hash" | write_file "$STATE/backup-offered"
        return 1
        ;;
    *)
        log "the channel backup was not taken (status $status)"
        return 1
        ;;
    esac
) 6>"$STATE/backup.lock"

keep_backup_current() {
    if ((SECONDS < backup_due)); then return 0; fi
    upload_backup || backup_due=$((SECONDS + 300))
}

# Has the order service forget the backup. The wish goes first: what is erased must not come back by itself.
erase_backup() (
    request=$STATE/backup.request
    flock 6
    rm -f -- "$STATE/backup-kept" "$STATE/backup-offered" "$STATE/backup-message"
    printf '{"sealed":null}' | write_file "$request"
    status=$(post_signed backup "$request" "$request.answer")
    rm -f -- "$request" "$request.answer"
    [[ $status == 200 ]]
) 6>"$STATE/backup.lock"
