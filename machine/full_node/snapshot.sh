#!/usr/bin/env bash
# Gives bitcoind a UTXO snapshot (assumeutxo), so that the node is usable long before it has checked all history: downloads the file,
# waits until bitcoind's headers reach its base, loads it, deletes it. bitcoind takes only a file whose contents have the hash that
# is compiled into it, so it does not matter where the file comes from. May be cut anywhere and run again; when the file is refused,
# the ordinary download of the chain simply goes on.
#
# state: $STATE/snapshot.json {stage, percent, baseHeight}; "validating" is the last stage here, chores.sh sees the rest.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

readonly state=$STATE/snapshot.json
readonly directory=$DATA/snapshot
readonly part=$directory/utxo.part file=$directory/utxo.dat
# bitcoind keeps the second chainstate here, and this file in it once it is whole (Bitcoin Core, node/utxo_snapshot.h).
readonly chainstate=$DATA/bitcoin/chainstate_snapshot
readonly chainstate_whole=$chainstate/base_blockhash

# set_stage STAGE PERCENT [BASE-HEIGHT]
set_stage() {
    local news
    news=$(printf '{"stage":"%s","percent":%d,"baseHeight":%d}' "$1" "$2" "${3-0}")
    if [[ ! -s $state || $(<"$state") != "$news" ]]; then
        log "snapshot: $1 $2 %"
        printf '%s\n' "$news" | write_file "$state"
    fi
}

# refuse SENTENCE: the customer reads it on the order page.
refuse() {
    log "snapshot: $1"
    printf '%s' "$1" | write_file "$STATE/snapshot-message"
    rm -rf -- "$directory"
    set_stage refused 0
    exit 0
}

size_of() { stat --format=%s "$1" 2>/dev/null || echo 0; }

# The size as the server tells it, 0 when it does not.
announced_size() {
    local size
    size=$(curl --silent --head --location --fail --proto '=https,http' --connect-timeout 20 --max-time 60 --output /dev/null \
        --write-out '%header{content-length}' "$ASSUMEUTXO_URL") || size=0
    [[ $size =~ ^[0-9]+$ ]] || size=0
    echo "$size"
}

# The rest of the file, as much again for the chainstate that is made of it, and 2 GiB for what else grows meanwhile.
check_room() {
    local free
    free=$(df --output=avail --block-size=1 "$directory" | tail -n 1)
    ((free >= 2 * $1 - $(size_of "$part") + 2 * 1024 ** 3)) ||
        refuse "The disk has no room for the UTXO snapshot; Bitcoin downloads the whole chain instead, which takes longer."
}

# Continues where the last run was cut. A stalled connection is dropped and continued, too.
download() {
    local total status pause=5 refused=0 curl
    [[ ! -s $file ]] || return 0
    while :; do
        total=$(announced_size)
        check_room "$total"
        curl --silent --show-error --fail --location --proto '=https,http' --connect-timeout 20 --speed-limit 1000 --speed-time 120 \
            --continue-at - --output "$part" "$ASSUMEUTXO_URL" &
        curl=$!
        while kill -0 "$curl" 2>/dev/null; do
            if ((total > 0)); then set_stage downloading $(($(size_of "$part") * 100 / total)); else set_stage downloading 0; fi
            sleep 2
        done
        status=0
        wait "$curl" || status=$?
        if ((status == 0)) && ((total == 0 || $(size_of "$part") == total)); then break; fi
        # 22: the server says no. 33: it cannot continue a file. Longer than announced: it is another file now.
        if ((status == 33 || (total > 0 && $(size_of "$part") > total))); then rm -f -- "$part"; fi
        if ((status == 22 && ++refused >= 10)); then
            refuse "The UTXO snapshot could not be downloaded; Bitcoin downloads the whole chain instead, which takes longer."
        fi
        log "snapshot: the download stopped (curl $status), going on in $pause s"
        sleep "$pause"
        ((pause = pause < 300 ? pause * 2 : 300))
    done
    mv -- "$part" "$file"
}

# Prints the hash of the snapshot that bitcoind works on; fails while there is none.
snapshot_in_use() { bitcoin_cli getchainstates 2>/dev/null | jq -er '.chainstates[-1].snapshot_blockhash'; }

loading_now() { bitcoin_cli getrpcinfo 2>/dev/null | jq -e 'any(.active_commands[]; .method == "loadtxoutset")' >/dev/null; }

# A load that was cut with bitcoind leaves half a chainstate, to which another load must not add: Core's own log says then to delete
# it and load again ("snapshot chainstate dir is malformed! ... Try deleting"). It may go only while bitcoind does not run.
clear_half_load() {
    [[ -d $chainstate && ! -e $chainstate_whole ]] || return 0
    log "snapshot: an earlier load was cut; what it left is removed"
    systemctl stop bitcoind 9>&-
    if [[ ! -e $chainstate_whole ]]; then rm -rf -- "$chainstate"; fi
    systemctl start bitcoind 9>&-
    wait_for 600 bitcoin_cli getblockchaininfo || return 1
}

finish() {
    local hash=$1 base
    base=$(bitcoin_cli getblockheader "$hash" | jq -er .height)
    set_stage validating 0 "$base"
    rm -rf -- "$directory"
    exit 0
}

# One try. The sentences are bitcoind's (rpc/blockchain.cpp and ChainstateManager::ActivateSnapshot in validation.cpp). What says
# nothing about the file, as a bitcoind that starts (code -28) or is gone, is simply tried again.
load() {
    local answer=$directory/answer client
    bitcoin_cli -rpcclienttimeout=0 loadtxoutset "$file" >"$answer" 2>&1 &
    client=$!
    sleep 1
    while kill -0 "$client" 2>/dev/null; do
        if loading_now; then set_stage loading 0; fi
        sleep 2
    done
    if wait "$client"; then return 0; fi
    case $(<"$answer") in
    *'must appear in the headers chain'*) set_stage waiting 0 ;;
    *'more than once'*) ;; # it is loaded: snapshot_in_use tells
    *[Ww]'ork does not exceed active chainstate'* | *'mempool not empty'*)
        refuse "Bitcoin's own download was faster than the UTXO snapshot, which was not needed."
        ;;
    *'Unable to parse metadata'* | *'not recognized'* | *'Bad snapshot'* | *'Mismatch in coins count'* | *'invalid chain'* | *'forked headers-chain'*)
        refuse "Bitcoin refused the UTXO snapshot and deleted it; it downloads the whole chain instead, which takes longer."
        ;;
    *) log "snapshot: not loaded yet: $(tail -n 1 "$answer")" ;;
    esac
    return 1
}

case $(jq -r .stage "$state" 2>/dev/null || true) in
validating | validated | refused)
    rm -rf -- "$directory"
    exit 0
    ;;
esac
install --directory --owner=bitcoin --group=bitcoin --mode=700 "$directory"
# One at a time; a curl that outlives a killed script holds this lock, too, and two would spoil the file.
exec 9>"$directory/lock"
flock 9
if hash=$(snapshot_in_use); then finish "$hash"; fi
download
chown bitcoin:bitcoin "$file" # which reads it itself
pause=5
while :; do
    if hash=$(snapshot_in_use); then finish "$hash"; fi
    if loading_now; then
        set_stage loading 0 # a load goes on without the script that asked for it
    elif bitcoin_cli getblockchaininfo >/dev/null 2>&1; then
        if clear_half_load && load; then continue; fi
    fi
    sleep "$pause"
    ((pause = pause < 30 ? pause + 5 : 30))
done
