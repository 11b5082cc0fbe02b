# shellcheck shell=bash
# ops.sh restore: channels from their backup, or a whole wallet from its 24 words. Sourced by ops.sh.
#
# A wallet's restore may be cut anywhere. $STATE/restore/ holds where it stands: `aside` (where the present wallet goes) comes
# first, `made` when LND has made the wallet of the words, and the folder goes when the search for funds is over. As long as it is
# there, LND does not open its wallet by itself: it would do so without the search, and funds would stay unfound.

summarise restore "bring back channels from their backup, or a wallet from its 24 words"

# LND's own default for a wallet made from words (docs/recovery.md).
readonly RECOVERY_WINDOW=2500

help_restore() {
    cat <<'HELP'
ops.sh restore FILE [--yes]
    The wallet that runs lost its channels and FILE is its channel.backup: LND asks the peers of those channels to close
    them, and the money comes back on-chain. Channels that LND still knows are left alone.

ops.sh restore --seed [FILE] [--discard-wallet] [--yes]
    Another wallet takes the place of this machine's: it is made from 24 words, which are asked for (or come through a pipe;
    never as arguments, where other programs could see them), and, with FILE, its channels are closed by their peers as above.
    The present wallet is moved aside, never deleted. If it holds funds or channels, only --discard-wallet moves it.
    After a cut, or to see how far the search for funds is: ops.sh restore --seed

Both explain first and ask. FILE must be opened: if it ends in .age, at home: age -d -i KEY FILE.age > channel.backup
Never run the same words on two machines at once: the channels' money would be lost.
HELP
}

restore_pending() { [[ -e $STATE/restore/aside ]]; }

check_backup_file() {
    [[ -f $1 && -r $1 ]] || die "There is no file $1."
    [[ -s $1 ]] || die "The file $1 is empty."
    if LC_ALL=C grep -aqE -m 1 '^(age-encryption\.org/v1|-----BEGIN AGE ENCRYPTED FILE-----)' <(head -c 64 "$1"); then
        die "$1 is still sealed. Open it at home, where your key is, and bring the opened file here:
  age -d -i KEY ${1##*/} > channel.backup"
    fi
    (($(stat --format %s "$1") <= 4194304)) || die "$1 is too large for a channel backup."
}

base64_json() { openssl base64 -A -in "$1" | jq -R "$2"; }

# verify_backup FILE: prints how many channels it holds; LND opens it with the running wallet's keys.
verify_backup() {
    local answer
    answer=$(base64_json "$1" '{multi_chan_backup: {multi_chan_backup: .}}' | lnd_post lnd_admin /v1/channels/backup/verify) || {
        lnd_refusal "$answer"
        return 1
    }
    jq '.chan_points | length' <<<"$answer"
}

# restore_channels FILE: prints how many channels LND took up; those that it knows already are not among them.
restore_channels() {
    local answer
    answer=$(base64_json "$1" '{multi_chan_backup: .}' | lnd_post lnd_admin /v1/channels/backup/restore --max-time 600) || {
        lnd_refusal "$answer"
        return 1
    }
    jq '.num_restored // 0' <<<"$answer"
}

restore_file() {
    local file=$1 yes=$2 lnd channels restored
    check_backup_file "$file"
    lnd=$(lnd_state_or_silence)
    [[ $lnd == SERVER_ACTIVE ]] ||
        die "LND can only do this when it has started up in full (SERVER_ACTIVE); now it is $lnd. Nothing was changed."
    channels=$(verify_backup "$file") || die "LND cannot use $file: $channels.
It must be the channel.backup of the wallet that runs here. For another wallet's: ops.sh help restore. Nothing was changed."
    ((channels > 0)) || die "$file is of this wallet, but there is no channel in it. Nothing was changed."
    cat <<TEXT
$file is of this wallet and knows $channels channel(s).

Every one of them that LND does not know any more will be CLOSED by its peer, for good; the money in it comes back to this
wallet on-chain, after the closing is confirmed, less the fees. Payments that were under way may be lost. This is for a wallet
that has lost its channels. Channels that LND still knows are left alone.
TEXT
    confirm "$yes" "Close them?" || die "Nothing was changed."
    restored=$(restore_channels "$file") || die "LND refused: $restored."
    printf '%d of %d channels were taken up; LND now asks their peers to close them. See: ops.sh status, ops.sh logs lnd\n' \
        "$restored" "$channels"
}

# read_words FILE: from standard input, as people write them: in a line or in many, with or without numbers.
read_words() {
    local line words=()
    if [[ -t 0 ]]; then printf 'The 24 words, in one line or in several:\n' >&2; fi
    while ((${#words[@]} < 24)) && { read -r line || [[ -n $line ]]; }; do
        line=${line,,}
        line=${line//[^a-z]/ }
        # shellcheck disable=SC2206 # splitting is what is wanted; only letters and blanks are left
        words+=($line)
    done
    ((${#words[@]} == 24)) || die "There must be 24 words; these were ${#words[@]}. Nothing was changed."
    printf '%s\n' "${words[@]}" | jq -R . | jq -s '{cipher_seed_mnemonic: .}' | write_file "$1"
}

same_words() { [[ "$(jq -c .cipher_seed_mnemonic "$1" 2>/dev/null)" == "$(jq -c .cipher_seed_mnemonic "$2" 2>/dev/null)" ]]; }

# What the present wallet holds, in words; nothing when it is empty; fails when LND cannot tell.
wallet_holds() {
    local lnd chain channels pending
    lnd=$(lnd_state_or_silence)
    [[ $lnd != NON_EXISTING ]] || return 0
    { chain=$(lnd_admin /v1/balance/blockchain) && channels=$(lnd_admin /v1/getinfo) && pending=$(lnd_admin /v1/channels/pending); } 2>/dev/null ||
        return 1
    printf '%s\n' "$chain" "$channels" "$pending" | jq -rs '. as [$chain, $channels, $pending] |
        [($chain.total_balance // "0" | tonumber | if . > 0 then "\(.) sat on-chain" else empty end),
         (($channels.num_active_channels // 0) + ($channels.num_inactive_channels // 0) + ($channels.num_pending_channels // 0)
            | if . > 0 then "\(.) channel(s)" else empty end),
         ($pending.total_limbo_balance // "0" | tonumber | if . > 0 then "\(.) sat of channels that are closing" else empty end)]
        | join(", ")'
}

# LND refuses wallet-unlock-allow-create alone, so both lines go and come together.
unlock_by_itself() {
    case $1 in
    off) sed -i -E 's/^(wallet-unlock-(password-file|allow-create)=)/;\1/' "$DATA/lnd/lnd.conf" ;;
    on) sed -i -E 's/^;(wallet-unlock-(password-file|allow-create)=)/\1/' "$DATA/lnd/lnd.conf" ;;
    esac
}

lnd_settled() { [[ $(lnd_state) =~ ^(NON_EXISTING|LOCKED|RPC_ACTIVE|SERVER_ACTIVE)$ ]]; }

# Opens the restored wallet for the search when LND has started anew. The channel backup is not given again here: one that is not of
# these words would stop LND each time.
opens_restored() {
    case $(lnd_state) in
    RPC_ACTIVE | SERVER_ACTIVE) return 0 ;;
    LOCKED) unlock_wallet "$RECOVERY_WINDOW" ;;
    esac
    return 1
}

# The present wallet goes aside and LND starts on an empty folder with the same settings and certificate, which LNbits knows.
# Each step looks whether it is done already.
move_aside() {
    local aside
    aside=$(<"$STATE/restore/aside")
    if [[ ! -e $aside ]]; then
        compose stop lnd || die "LND could not be stopped. Nothing was changed; run ops.sh restore --seed again."
        mv -- "$DATA/lnd" "$aside"
    fi
    if [[ ! -s $DATA/lnd/lnd.conf ]]; then
        # Owner and mode as before: LND may run as a user of its own.
        mkdir -p "$DATA/lnd"
        chown --reference="$aside" "$DATA/lnd"
        chmod --reference="$aside" "$DATA/lnd"
        cp --preserve=mode,ownership -- "$aside/tls.cert" "$aside/tls.key" "$DATA/lnd/"
        cp --preserve=mode,ownership -- "$aside/lnd.conf" "$DATA/lnd/lnd.conf.partial"
        sync -- "$DATA"/lnd/{tls.cert,tls.key,lnd.conf.partial}
        mv -- "$DATA/lnd/lnd.conf.partial" "$DATA/lnd/lnd.conf"
    fi
    unlock_by_itself off
    compose up --detach lnd || die "LND could not be started; see: ops.sh logs lnd. Then run ops.sh restore --seed again."
    wait_for 300 lnd_settled || die "LND does not answer; see: ops.sh logs lnd. Then run ops.sh restore --seed again."
}

# The words were refused: all is put back as it was, and the empty folder goes.
put_back() {
    local aside
    aside=$(<"$STATE/restore/aside")
    compose stop lnd
    [[ ! -e $LND_CHAIN/wallet.db ]] || die "LND refused the words and yet there is a wallet in $DATA/lnd. Nothing is touched; the wallet of before is in $aside."
    rm -rf -- "$DATA/lnd"
    mv -- "$aside" "$DATA/lnd"
    rm -rf -- "$STATE/restore" "$SECRETS/restore-seed.json"
    compose up --detach lnd
    wait_for 300 lnd_settled || true
}

make_wallet() {
    local answer message backup=$STATE/restore/channel.backup
    [[ -s $backup ]] || backup=/dev/null
    answer=$(jq --rawfile password "$SECRETS/lnd-wallet-password" --rawfile backup <(openssl base64 -A -in "$backup") \
        --argjson window "$RECOVERY_WINDOW" '{wallet_password: ($password | rtrimstr("\n") | @base64), cipher_seed_mnemonic,
            recovery_window: $window} +
            if $backup == "" then {} else {channel_backups: {multi_chan_backup: {multi_chan_backup: $backup}}} end' \
        "$SECRETS/restore-seed.json" | lnd_post lnd_rest /v1/initwallet --max-time 300) && return 0
    message=$(lnd_refusal "$answer")
    # Only a clear refusal of the words undoes what was done; after silence, LND may well have made the wallet.
    case $message in
    *"part of default word list"*) message="word $(($(sed -E 's/.*index=([0-9]+).*/\1/' <<<"$message") + 1)) is not one of the words that LND uses" ;;
    *checksum* | *"invalid passphrase"* | *"wrong seed version"*) message="these 24 words do not belong together; look for a mistyped or swapped word" ;;
    *)
        die "LND did not make the wallet: $message. Run ops.sh restore --seed again; the wallet of before is in $(<"$STATE/restore/aside")."
        ;;
    esac
    put_back
    die "LND refused: $message. The wallet of before is back in its place."
}

# What is on this machine about the wallet says what is true now. The old words stay beside the old wallet's folder.
take_over_words() {
    local aside
    aside=$(<"$STATE/restore/aside")
    if [[ -s $SECRETS/restore-seed.json ]]; then
        if [[ -s $SECRETS/lnd-seed.json ]] && ! same_words "$SECRETS/lnd-seed.json" "$SECRETS/restore-seed.json"; then
            write_file "$SECRETS/seed-of-${aside##*/}.json" <"$SECRETS/lnd-seed.json"
        fi
        mv -- "$SECRETS/restore-seed.json" "$SECRETS/lnd-seed.json"
    fi
    if [[ -s /root/node-credentials.txt ]]; then
        jq -r '.cipher_seed_mnemonic[]' "$SECRETS/lnd-seed.json" |
            awk 'NR == FNR {word[NR] = $0; next}
                /^ +[0-9]+\. [a-z]+$/ && match($0, /[0-9]+/) {printf "    %2d. %s\n", substr($0, RSTART, RLENGTH), word[substr($0, RSTART, RLENGTH) + 0]; next}
                {print}' - /root/node-credentials.txt | write_file /root/node-credentials.txt
    fi
    # LNbits held the old wallet's macaroon and, through its mounts, the old folder. kindling-watch connects it when LND is ready.
    wait_for 180 test -s "$LND_CHAIN/admin.macaroon" || die "LND made the wallet but wrote no macaroon. Run ops.sh restore --seed again."
    rm -f -- "$STATE/lnbits-connected"
    compose restart lnbits || printf 'LNbits could not be started again; see: ops.sh logs lnbits\n' >&2
    touch "$STATE/restore/made"
}

# finish_restore: takes a restore that was begun one step further and says where it stands. May be run any number of times.
finish_restore() {
    local answer lnd backup=$STATE/restore/channel.backup
    if [[ ! -e $STATE/restore/made ]]; then
        move_aside
        if [[ $(lnd_state) == NON_EXISTING ]]; then make_wallet; fi
        take_over_words
    fi
    wait_for 300 opens_restored ||
        die "The wallet is made, but LND does not open it ($(lnd_state_or_silence)); see: ops.sh logs lnd. Then run ops.sh restore --seed again."
    if [[ -s $backup ]] && ! answer=$(verify_backup "$backup"); then
        [[ $answer == *'invalid multi channel backup'* ]] || die "LND did not look at the channel backup: $answer. Run ops.sh restore --seed again."
        printf 'The channel backup is not of these words, and is left out. The right one later: ops.sh restore FILE
'
        rm -f -- "$backup"
        compose restart lnd # it was given this backup with the words
        wait_for 300 opens_restored || die "LND does not open the wallet again; see: ops.sh logs lnd. Then run ops.sh restore --seed again."
    fi
    lnd=$(lnd_state)
    if [[ $lnd != SERVER_ACTIVE ]]; then
        printf 'The wallet is made from your words. LND looks for its funds when the chain is complete (%s now).\n' "$lnd"
        printf 'See how far it is, now and then: ops.sh restore --seed\n'
        return 0
    fi
    # LND got the backup with the words, but a restart in between makes it forget; what it has already, it takes no second time.
    if [[ -s $backup ]]; then
        answer=$(restore_channels "$backup") || die "LND did not take the channel backup: $answer. Run ops.sh restore --seed again."
        rm -f -- "$backup"
    fi
    answer=$(lnd_admin /v1/getrecoveryinfo 2>/dev/null) || die "LND did not say how far the search is: $(lnd_refusal "$answer")."
    if ! jq -e .recovery_mode <<<"$answer" >/dev/null; then
        compose restart lnd # as locked again, it can be opened with the search
        wait_for 300 lnd_settled || true
        die "LND had opened the wallet without looking for its funds. Run ops.sh restore --seed again to start the search."
    fi
    if ! jq -e .recovery_finished <<<"$answer" >/dev/null; then
        printf 'LND looks for the funds of your words: %s%%. See how far it is, now and then: ops.sh restore --seed\n' \
            "$(jq '(.progress // 0) * 100 | floor' <<<"$answer")"
        return 0
    fi
    unlock_by_itself on
    answer=$(<"$STATE/restore/aside")
    rm -rf -- "$STATE/restore"
    cat <<TEXT
The wallet of your words is restored and LND has looked for all its funds. If something is missing: ops.sh logs lnd
The wallet of before is in $answer
The file under your order link still has the old words: keep these new ones yourself.
TEXT
}

begin_restore() {
    local file=$1 discard=$2 yes=$3 holds words aside
    if [[ -n $file ]]; then check_backup_file "$file"; fi
    if [[ $discard != yes ]]; then
        holds=$(wallet_holds) || die "LND cannot tell now whether the present wallet holds something ($(lnd_state_or_silence)).
Wait until it can, or say --discard-wallet: the wallet is moved aside then, not deleted. Nothing was changed."
        [[ -z $holds ]] || die "The present wallet holds $holds. Close its channels and send its funds away first,
or say --discard-wallet: it is moved aside then, not deleted. Nothing was changed."
    fi
    words=$SECRETS/restore-seed.json
    # shellcheck disable=SC2064 # the name as it is now
    trap "[[ -e '$STATE/restore/aside' ]] || rm -f -- '$words'" EXIT
    read_words "$words"
    if same_words "$words" "$SECRETS/lnd-seed.json"; then
        die "These are the words of the wallet that runs here. To bring its channels back: ops.sh restore FILE. Nothing was changed."
    fi
    aside=$DATA/lnd-of-$(utc_now)
    cat <<TEXT
LND stops, the present wallet goes to $aside (with its channels, if any: they do not work there),
and LND makes the wallet of your words and looks for its funds in the chain.${file:+
Every channel in $file will be closed by its peer, for good; the money comes back on-chain.}
Your words must run nowhere else: the channels' money would be lost.
TEXT
    confirm "$yes" "Go on?" || die "Nothing was changed."
    mkdir -p "$STATE/restore"
    if [[ -n $file ]]; then write_file "$STATE/restore/channel.backup" <"$file"; fi
    printf '%s' "$aside" | write_file "$STATE/restore/aside"
}

run_restore() {
    local arguments=("$@") seed='' file='' discard='' yes=''
    while (($# > 0)); do
        case $1 in
        --seed) seed=yes ;;
        --discard-wallet) discard=yes ;;
        --yes) yes=yes ;;
        -*) misuse restore "\"$1\" is not an option of restore." ;;
        *)
            [[ -z $file ]] || misuse restore "restore takes one FILE. If these are seed words: they are asked for, never arguments."
            file=$1
            ;;
        esac
        shift
    done
    [[ $seed == yes || -n $file ]] || misuse restore "What is to be restored: the channels in FILE, or a wallet with --seed?"
    [[ $seed == yes || -z $discard ]] || misuse restore "--discard-wallet goes with --seed."
    after_bringup
    one_at_a_time restore "${arguments[@]}"
    if restore_pending; then
        [[ -z $file ]] || die "A restore is under way. First let it end: ops.sh restore --seed"
        printf 'A restore was begun; going on with it. No words are needed.\n'
        finish_restore
    elif [[ $seed == yes ]]; then
        begin_restore "$file" "$discard" "$yes"
        finish_restore
    else
        restore_file "$file" "$yes"
    fi
}
