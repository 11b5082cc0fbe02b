# shellcheck shell=bash
# What the commands of ops.sh share. Sourced, never run.
# Each command's file calls summarise and defines help_NAME and run_NAME (a hyphen of the name is an underscore there).

# shellcheck disable=SC2034 # ops.sh reads it
declare -A SUMMARY

# summarise COMMAND SENTENCE: its line in the overview.
# shellcheck disable=SC2034
summarise() { SUMMARY["$1"]=$2; }

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# misuse COMMAND SENTENCE
misuse() {
    printf '%s\n\n' "$2" >&2
    "help_${1//-/_}" >&2
    exit 2
}

# confirm YES-OPTION QUESTION: true when --yes was given, or when the word "yes" is typed.
confirm() {
    local answer=''
    [[ $1 != yes ]] || return 0
    printf '%s Type yes to go on: ' "$2" >&2
    read -r answer || true
    [[ $answer == yes ]]
}

# For what would get in the way of the first setup.
after_bringup() {
    [[ -e $STATE/phases/sealed ]] || die "The first setup of this machine is not through yet; see: ops.sh logs bringup. Nothing was changed."
}

# one_at_a_time COMMAND ARGUMENT...: goes on holding a lock. It is taken by running the command anew, because then no service that
# the command starts can inherit and keep it.
one_at_a_time() {
    local status=0
    [[ ${KINDLING_OPS_LOCK-} != held ]] || return 0
    KINDLING_OPS_LOCK=held flock --nonblock --close --conflict-exit-code 75 "$STATE/ops.lock" "$KINDLING/ops.sh" "$@" || status=$?
    ((status != 75)) || die "Another update or restore is running on this machine; let it end first."
    exit "$status"
}

# lnd_post CALLER PATH [CURL-OPTION...]: sends standard input as JSON, by lnd_admin or lnd_rest. Prints the answer, a refusal, too.
lnd_post() { "$1" "$2" --request POST --header 'Content-Type: application/json' --data-binary @- "${@:3}" 2>/dev/null; }

# What LND said when it refused: its answer is JSON with a message, or nothing at all.
lnd_refusal() { jq -er '.message // empty' <<<"$1" 2>/dev/null || printf 'LND does not answer'; }

# The state, or one word for silence.
lnd_state_or_silence() { lnd_state 2>/dev/null || printf 'silent'; }

# span SECONDS: how long, in the words of a person.
span() {
    local seconds=$1
    if ((seconds < 120)); then
        printf '%d seconds' "$seconds"
    elif ((seconds < 7200)); then
        printf '%d minutes' $((seconds / 60))
    elif ((seconds < 172800)); then
        printf '%d hours' $((seconds / 3600))
    else
        printf '%d days' $((seconds / 86400))
    fi
}

utc_now() { date -u +%Y%m%dT%H%M%SZ; }

# time_left PROGRESS: from an earlier look, kept for some hours, so that `--once` can tell too. PROGRESS is in billionths.
time_left() {
    local now progress=$1 looked='' before=''
    now=$(date +%s)
    if [[ -s $STATE/sync-look ]]; then read -r looked before <"$STATE/sync-look"; fi
    if [[ ! $looked =~ ^[0-9]+$ || ! $before =~ ^[0-9]+$ ]] || ((now - looked > 21600 || progress < before)); then
        printf '%d %d\n' "$now" "$progress" | write_file "$STATE/sync-look"
    elif ((now - looked >= 20 && progress > before)); then
        printf ', about %s left' "$(span $(((1000000000 - progress) * (now - looked) / (progress - before))))"
    fi
}

chain_line() {
    local info peers progress
    info=$(bitcoin_cli getblockchaininfo 2>/dev/null) || return 1
    peers=$(bitcoin_cli getnetworkinfo 2>/dev/null | jq .connections) || return 1
    progress=$(jq '.verificationprogress * 1e9 | floor' <<<"$info")
    jq -j --argjson peers "$peers" '"chain \(.chain): block \(.blocks) of \(.headers), " +
        "\(.verificationprogress * 10000 | floor / 100)% verified, " +
        "\(.size_on_disk / 1e9 | floor) GB on disk\(if .pruned then " (pruned)" else "" end), \($peers) peers"' <<<"$info"
    if jq -e .initialblockdownload <<<"$info" >/dev/null; then time_left "$progress"; else printf ', in sync'; fi
    printf '\n'
}
