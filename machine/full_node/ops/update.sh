# shellcheck shell=bash
# ops.sh update: moves the machine from one release list to another, a component at a time, and back when one does not get well.
# Sourced by ops.sh.
#
# What the machine runs is $STATE/releases.env once it was updated; a component's lines change there when it is well, so that a cut
# leaves a list that is true, and the next run takes up the rest. The list of before is $STATE/releases.previous.env.
#
# A list that came over the network is data: each line is checked against the form of its key, an image may not change its publisher,
# and the fingerprints of Bitcoin's trusted builders never come from it, because whoever could change the list could then sign the
# archive, too.

summarise update 'move to the releases that the order service lists now, or back'

help_update() {
    cat <<'HELP'
ops.sh update [--check] [--list FILE] [--yes]
ops.sh update --rollback [--yes]

Compares what runs here with the release list of the order service, shows what would change, asks, and updates one
component after another: Bitcoin (its archive is checked against the signatures of the builders this machine has trusted
from the start), LND, LNbits, Tailscale. One that does not get well within ten minutes is put back by itself.
  --check       only show what would change
  --list FILE   take the list from a file of yours instead
  --rollback    go back to the releases from before the last update
  --yes         do not ask
LND cannot go back once a new version has changed its database: there is no way back then, only forward.
KINDLING_HEALTH_SECONDS=1800 ops.sh update gives each component half an hour to get well.
HELP
}

# The keys that are read from a list, and the one form that each value may have.
version='[0-9A-Za-z][0-9A-Za-z.+-]*' image='[a-z0-9][a-z0-9./_-]*:[0-9A-Za-z_][0-9A-Za-z_.-]*@sha256:[0-9a-f]{64}'
# http only where nothing leaves the machine.
place='(https://[0-9A-Za-z][0-9A-Za-z.-]*|http://127\.0\.0\.1)(:[0-9]+)?(/[0-9A-Za-z._/+-]*)?'
builders='[0-9A-Za-z_-]+:[0-9A-F]{40}(,[0-9A-Za-z_-]+:[0-9A-F]{40})*'
declare -rA RELEASE_FORM=(
    [LND_VERSION]=$version [LND_IMAGE]=$image [LNBITS_VERSION]=$version [LNBITS_IMAGE]=$image
    [TAILSCALE_VERSION]=$version [TAILSCALE_IMAGE]=$image
    [KNOTS_VERSION]=$version [KNOTS_URL]=$place [KNOTS_KEY_URL]=$place [KNOTS_BUILDERS]=$builders
    [CORE_VERSION]=$version [CORE_URL]=$place [CORE_KEY_URL]=$place [CORE_BUILDERS]=$builders
)
unset version image place builders

# read_releases FILE ARRAY WHAT: fills the array or ends with a sentence about WHAT. The file is never run.
read_releases() {
    local -n into=$2
    local line key value number=0 LC_ALL=C
    [[ -f $1 && -r $1 ]] || die "There is no file $1."
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        [[ -n $line && $line != '#'* ]] || continue
        [[ $line =~ ^([A-Z][A-Z0-9_]*)=([0-9A-Za-z@:,./_+-]+)$ ]] ||
            die "Line $number of $3 is not of the form KEY=value. The whole list is refused and nothing was changed."
        key=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
        # A later service may list more than this machine runs; that is not taken.
        [[ -n ${RELEASE_FORM[$key]-} ]] || continue
        [[ -z ${into[$key]-} ]] || die "$key stands twice in $3. The whole list is refused and nothing was changed."
        [[ $value =~ ^(${RELEASE_FORM[$key]})$ ]] ||
            die "The value of $key in $3 is not of its form. The whole list is refused and nothing was changed."
        into["$key"]=$value
    done < <(tr -d '\0' <"$1")
    for key in "${!RELEASE_FORM[@]}"; do
        # Only said to people; lists before it did not have it.
        [[ -n ${into[$key]-} || $key == TAILSCALE_VERSION ]] || die "$key is missing in $3. The whole list is refused and nothing was changed."
    done
}

# The keys of a component; the first tells whether it changed.
component_keys() {
    case $1 in
    bitcoin) printf '%s\n' "${BITCOIN^^}_VERSION" "${BITCOIN^^}_URL" "${BITCOIN^^}_KEY_URL" ;;
    lnd) printf '%s\n' LND_IMAGE LND_VERSION ;;
    lnbits) printf '%s\n' LNBITS_IMAGE LNBITS_VERSION ;;
    tailscale) printf '%s\n' TAILSCALE_IMAGE TAILSCALE_VERSION ;;
    esac
}

# Sets `changes` to the components that differ between the arrays installed and wanted, and shows them.
compare_releases() {
    local component key old new
    changes=()
    for component in bitcoin lnd lnbits tailscale; do
        # Tailscale's container is only there when the machine joined a tailnet.
        [[ $component != tailscale || -s $STATE/tailscale-node ]] || continue
        key=$(component_keys "$component" | head -n 1)
        old=${installed[$key]} new=${wanted[$key]}
        [[ $old != "$new" ]] || continue
        if [[ $component != bitcoin && ${old%%:*} != "${new%%:*}" ]]; then
            die "The list takes $component from another publisher (${new%%:*} instead of ${old%%:*}). It is refused and nothing was changed."
        fi
        changes+=("$component")
        printf '  %-10s %s -> %s\n' "$component" "${old%@*}" "${new%@*}"
        if [[ $component == bitcoin ]]; then
            printf '  %-10s from %s, its signature is checked\n' '' "${wanted[${BITCOIN^^}_URL]}"
        else
            printf '  %-10s %s\n' '' "${new#*@}"
        fi
    done
}

# with_component ARRAY COMPONENT: the installed list with that component's lines as in the array; all else stays, comments too.
with_component() {
    local -n from=$1
    local line keys
    keys=$(component_keys "$2")
    while IFS= read -r line || [[ -n $line ]]; do
        if [[ $line == *=* && -n ${from[${line%%=*}]-} ]] && grep -qxF -- "${line%%=*}" <<<"$keys"; then
            line=${line%%=*}=${from[${line%%=*}]}
        fi
        printf '%s\n' "$line"
    done <"$RELEASES"
}

# compose_by LIST ARGUMENT...
compose_by() {
    # shellcheck disable=SC2034 # compose reads it
    local COMPOSE=(docker compose --project-name kindling --env-file "$1" --file "$COMPOSE_FILE" --profile tailscale)
    compose "${@:2}"
}

lnd_rank() {
    case $(lnd_state_or_silence) in
    NON_EXISTING) echo 1 ;;
    LOCKED) echo 2 ;;
    UNLOCKED) echo 3 ;;
    RPC_ACTIVE) echo 4 ;;
    SERVER_ACTIVE) echo 5 ;;
    *) echo 0 ;;
    esac
}

is_well() {
    case $1 in
    bitcoin) bitcoin_cli getblockchaininfo ;;
    lnd) (($(lnd_rank) >= lnd_rank_before)) ;;
    lnbits) curl --silent --fail --max-time 10 --output /dev/null http://127.0.0.1:5000/api/v1/health ;;
    tailscale) compose exec -T tailscale tailscale status --json | jq -e '.BackendState == "Running"' ;;
    esac
}

# The bitcoind that runs is kept beside, by its version, and so comes back without a download.
keep_bitcoin() {
    local kept=$STATE/previous/bitcoin-$1
    [[ ! -d $kept ]] || return 0
    mkdir -p "$STATE/previous"
    rm -rf -- "$kept.partial"
    mkdir "$kept.partial"
    cp --preserve=mode -- /usr/local/bin/bitcoind /usr/local/bin/bitcoin-cli "$kept.partial/"
    [[ ! -e $STATE/bitcoin-digest ]] || cp -- "$STATE/bitcoin-digest" "$kept.partial/"
    sync -- "$kept.partial"/* # else the folder's new name can outlive a power cut and they not
    mv -- "$kept.partial" "$kept"
}

# put COMPONENT LIST: 0 it runs as the list says, 1 nothing was changed, 2 it is changed and does not get well.
put() {
    local component=$1 list=$2 version
    case $component in
    bitcoin)
        # shellcheck source=/dev/null # made of checked lines
        version=$(. "$list" && key=${BITCOIN^^}_VERSION && printf '%s' "${!key}")
        rm -f -- "$STATE/bitcoin-$BITCOIN-"* # the phase's mark of what is installed; it sets its own
        if [[ -d $STATE/previous/bitcoin-$version ]]; then
            install --mode=755 "$STATE/previous/bitcoin-$version/"{bitcoind,bitcoin-cli} /usr/local/bin/ || return 1
            sync -- /usr/local/bin/{bitcoind,bitcoin-cli}
            [[ ! -e $STATE/previous/bitcoin-$version/bitcoin-digest ]] ||
                write_file "$STATE/bitcoin-digest" <"$STATE/previous/bitcoin-$version/bitcoin-digest"
            touch "$STATE/bitcoin-$BITCOIN-$version"
        else
            KINDLING_RELEASES=$list "$KINDLING/full_node/50-bitcoin.sh" </dev/null || return 1
        fi
        systemctl restart bitcoind || return 2
        ;;
    *)
        compose_by "$list" pull --quiet "$component" || return 1
        compose_by "$list" up --detach "$component" || return 2
        ;;
    esac
    wait_for "${KINDLING_HEALTH_SECONDS:-600}" is_well "$component" || return 2
}

# move COMPONENT: from the installed list to the wanted one.
move() {
    local component=$1 candidate=$STATE/releases.candidate.env status=0 lnd_rank_before=0
    printf '%s: updating\n' "$component"
    with_component wanted "$component" | write_file "$candidate"
    if [[ $component == lnd ]]; then
        lnd_rank_before=$(lnd_rank)
        if [[ -s $LND_CHAIN/channel.backup ]]; then
            seal_channel_backup "/root/channel-backup-$(utc_now).age"
            printf 'lnd: a sealed channel backup from before is in /root\n'
        fi
    elif [[ $component == bitcoin ]]; then
        keep_bitcoin "${installed[${BITCOIN^^}_VERSION]}"
    fi
    put "$component" "$candidate" || status=$?
    if ((status == 0)); then
        write_file "$RELEASES" <"$candidate"
        printf '%s: done, and well\n' "$component"
        return 0
    fi
    if ((status == 1)); then
        if [[ $component == bitcoin ]]; then touch "$STATE/bitcoin-$BITCOIN-${installed[${BITCOIN^^}_VERSION]}"; fi
        printf '%s: the release could not be had; what ran before still runs\n' "$component" >&2
        return 1
    fi
    printf '%s: it does not get well; going back\n' "$component" >&2
    status=0
    put "$component" "$RELEASES" || status=$?
    if ((status == 0)); then
        printf '%s: what ran before runs again, and is well\n' "$component" >&2
        return 1
    fi
    if [[ $component == lnd ]]; then
        # The old one cannot read what the new one has written; the new one may yet.
        put lnd "$candidate" || true
        write_file "$RELEASES" <"$candidate"
        cat >&2 <<TEXT
lnd: the version of before does not start either. LND cannot go back once a new version has changed its database, so the new
one stays. Your channels and funds are in $DATA/lnd: delete nothing there. See: ops.sh logs lnd. A next release may mend it.
TEXT
        return 1
    fi
    printf '%s: what ran before does not get well either; see: ops.sh logs %s\n' "$component" "$component" >&2
    return 1
}

fetch_releases() {
    local file=$1
    if [[ $KINDLING_URL =~ ^http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/?$ ]]; then
        set -- --proto '=http'
    elif [[ $KINDLING_URL == https://* ]]; then
        set -- --proto '=https'
    else
        die "The order service's address $KINDLING_URL is not https, so no list is taken from it."
    fi
    # Redirects are not followed: the list comes from the order service or not at all.
    curl --silent --show-error --fail --max-time 60 --max-filesize 65536 "$@" --output "$file" "${KINDLING_URL%/}/api/releases" ||
        die "The release list could not be fetched from the order service; nothing was changed."
}

# From here on the machine has a list of its own, and `before` keeps the one to go back to until the update is over.
begin_update() {
    local before=$STATE/releases.before.env
    [[ -s $before ]] || write_file "$before" <"$RELEASES"
    if [[ $RELEASES != "$STATE/releases.env" ]]; then
        write_file "$STATE/releases.env" <"$RELEASES"
        RELEASES=$STATE/releases.env
    fi
}

end_update() {
    local before=$STATE/releases.before.env kept version
    rm -f -- "$STATE/releases.candidate.env"
    if cmp --silent "$before" "$RELEASES"; then
        rm -f -- "$before"
        return 0
    fi
    mv -- "$before" "$STATE/releases.previous.env"
    # Two versions of Bitcoin are enough to keep.
    # shellcheck source=/dev/null # a list of this machine's own
    version=$(. "$STATE/releases.previous.env" && key=${BITCOIN^^}_VERSION && printf '%s' "${!key}")
    for kept in "$STATE"/previous/bitcoin-*; do
        if [[ $kept != "$STATE/previous/bitcoin-$version" ]]; then rm -rf -- "$kept"; fi
    done
}

run_update() {
    local arguments=("$@") check='' rollback='' list='' yes='' what list_file key component changes
    local -A installed=() wanted=()
    while (($# > 0)); do
        case $1 in
        --check) check=yes ;;
        --rollback) rollback=yes ;;
        --yes) yes=yes ;;
        --list)
            list=${2-}
            [[ -n $list ]] || misuse update "--list needs the name of a file."
            shift
            ;;
        *) misuse update "\"$1\" is not an option of update." ;;
        esac
        shift
    done
    [[ -z $rollback || -z $list ]] || misuse update "--rollback has its own list; it does not go with --list."
    [[ -z ${KINDLING_RELEASES-} ]] ||
        die "KINDLING_RELEASES names a release list of your own, which would win over any update. Take it away first: unset KINDLING_RELEASES"
    after_bringup
    one_at_a_time update "${arguments[@]}"
    read_releases "$RELEASES" installed "the list of what is installed ($RELEASES)"
    list_file=$(mktemp)
    # shellcheck disable=SC2064 # the name as it is now
    trap "rm -f -- '$list_file'" EXIT
    if [[ $rollback == yes ]]; then
        what="the releases from before the last update"
        # After a cut, the update that was under way is the last one.
        if [[ -s $STATE/releases.before.env ]]; then
            cp -- "$STATE/releases.before.env" "$list_file"
        elif [[ -s $STATE/releases.previous.env ]]; then
            cp -- "$STATE/releases.previous.env" "$list_file"
        else
            die "This machine was never updated, so there is nothing to go back to."
        fi
    elif [[ -n $list ]]; then
        what=$list
        cp -- "$list" "$list_file" || die "The list $list could not be read."
    else
        what="the order service's list"
        fetch_releases "$list_file"
    fi
    read_releases "$list_file" wanted "$what"
    for key in KNOTS_BUILDERS CORE_BUILDERS; do
        if [[ ${wanted[$key]} != "${installed[$key]}" ]]; then
            printf '%s names other builders of Bitcoin than this machine trusts. They are not taken: a list cannot vouch for itself.\n' "${what^}"
        fi
    done
    compare_releases
    if ((${#changes[@]} == 0)); then
        printf 'Nothing to change: this machine runs what %s says.\n' "$what"
        if [[ -s $STATE/releases.before.env ]]; then end_update; fi
        return 0
    fi
    [[ $check != yes ]] || return 0
    if [[ " ${changes[*]} " == *' lnd '* ]]; then
        cat <<TEXT
LND: a new version may change its database, and then there is no way back to the old one. Channels and funds stay where they
are, in $DATA/lnd; never delete that folder. Have your seed words at hand. A sealed channel backup is made first.
TEXT
    fi
    confirm "$yes" "Each service that changes is down for a minute or more." || die "Nothing was changed."
    begin_update
    for component in "${changes[@]}"; do
        if ! move "$component"; then
            end_update
            die "The update ended at $component; what came after it was not touched. See: ops.sh status"
        fi
    done
    end_update
    printf 'All done. To go back: ops.sh update --rollback\n'
}
