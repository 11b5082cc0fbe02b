# shellcheck shell=bash
# What a classroom needs done from time to time after its bring-up: what died is started, nodes find each other again, and the runes die
# with the class. Sourced after lib.sh and wire.sh by what does it, never run.
# Every chore looks at what is, does at most one step, and may be cut anywhere.

# shellcheck disable=SC2034 # watch.sh reads it
CHORES=(start_again reconnect_nodes)
# shellcheck disable=SC2034
CHORES_AFTER=(end_runes)

# Docker starts again what ends by itself, but not what was stopped or never came up after a reboot.
start_again() {
    local unit running
    for unit in kindling-blocks nginx; do
        systemctl is-active --quiet "$unit" || { log "$unit is started again" && systemctl start "$unit"; } || return 1
    done
    running=$(docker ps --quiet --filter name=kindling-node --filter name=kindling-rpc --filter status=running | wc -l) || return 1
    if ((running > $(node_count))); then return 0; fi # the nodes and rpc
    log "containers are started again"
    compose up --detach --quiet-pull >&2
}

# A node that was away finds its peers by itself, but after pauses that grow to minutes. What the last heartbeat saw tells whom to ask.
reconnect_nodes() {
    local lines
    [[ -s $NOW/channels.seen ]] || return 0
    lines=$(jq -r --arg want lost --slurpfile class "$CLASS" --slurpfile keys "$CLASS_STATE/keys.json" \
        --from-file "$KINDLING/classroom/channels.jq" "$NOW/channels.seen") || return 1
    [[ -n $lines ]] || return 0
    log "nodes that lost their peers are connected again"
    ask_nodes <<<"$lines" >/dev/null
    rm -f -- "$NOW/channels.seen"
}

# After the end no rune works any more, whoever made it; when more hours were bought, all do again, also one that the teacher had voided.
# $CLASS_STATE/runes-ended says that some nodes may have been told, or that all have.
end_runes() {
    local relist=''
    if ((EPOCHSECONDS >= $(<"$STATE/ends-at"))); then
        [[ $(cat "$CLASS_STATE/runes-ended" 2>/dev/null) != all ]] || return 0
        # More hours may have been bought since the last heartbeat: ask first.
        # shellcheck disable=SC2154 # watch.sh says whether this round has told
        if [[ $told == no ]]; then
            due=0
            return 0
        fi
        echo some | write_file "$CLASS_STATE/runes-ended"
    else
        [[ -e $CLASS_STATE/runes-ended ]] || return 0
        relist=' relist=true'
    fi
    each_node blacklistrune "start=0 end=65535$relist" | ask_nodes |
        jq -es --argjson count "$(node_count)" '[.[] | select(.answer)] | length == $count' >/dev/null || return 1
    if [[ -n $relist ]]; then
        log "the class goes on: the runes work again"
        rm -f -- "$CLASS_STATE/runes-ended"
    else
        log "the class is over: the runes are void"
        echo all | write_file "$CLASS_STATE/runes-ended"
    fi
}
