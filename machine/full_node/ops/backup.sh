# shellcheck shell=bash
# ops.sh backup: LND's static channel backup, sealed to the owner. Sourced by ops.sh.

summarise backup 'a sealed copy of the channel backup, in a file or kept under the order link'

help_backup() {
    cat <<'HELP'
ops.sh backup [--out FILE]
ops.sh backup --keep on|off

Seals LND's static channel backup to the keys of your order, into FILE or /root/channel-backup-TIME.age.
  --keep on     keep it under the order link too: sent now and again whenever a channel is opened or closed
  --keep off    erase it there and send no more

Together with your 24 seed words it brings back the money in channels when this machine is lost: each peer closes its
channel and the money goes to the wallet of the words. It is of no use without the words. It knows the channels of its
day: make a new one after each channel that you open or close.
HELP
}

# seal_channel_backup FILE
seal_channel_backup() {
    local temporary
    [[ -s $LND_CHAIN/channel.backup ]] ||
        die "LND has written no channel backup yet: it does so when it has started up in full (state SERVER_ACTIVE)."
    [[ -s $ETC/recipients ]] || die "The keys of your order are missing on this machine ($ETC/recipients), so nothing can be sealed."
    temporary=$(mktemp "$1.XXXXXX")
    if ! age --encrypt --recipients-file "$ETC/recipients" <"$LND_CHAIN/channel.backup" >"$temporary"; then
        rm -f -- "$temporary"
        die "The backup could not be sealed to the keys of your order ($ETC/recipients)."
    fi
    mv -- "$temporary" "$1"
}

keep_backup() {
    # shellcheck source=../../wire.sh
    . "$KINDLING/wire.sh"
    # shellcheck source=../chores.sh
    . "$KINDLING/full_node/chores.sh"
    case $1 in
    on)
        # The flag comes first: if this sending fails, kindling-watch does it later.
        touch "$STATE/backup-kept"
        [[ -s $LND_CHAIN/channel.backup ]] || {
            printf 'Switched on. LND has written no channel backup yet; it is sent under the order link when there is one.\n'
            return 0
        }
        (upload_backup) || die "Switched on, but the order service did not take the backup now; kindling-watch tries again by itself."
        printf 'The sealed channel backup is kept under your order link, and sent again whenever it changes.\n'
        ;;
    off)
        rm -f -- "$STATE/backup-kept"
        (erase_backup) || die "No more backups are sent, but the one under the order link could not be erased now. Run this again later."
        printf 'The channel backup under your order link is erased, and no more are sent.\n'
        ;;
    esac
}

run_backup() {
    local out='' keep=''
    while (($# > 0)); do
        case $1 in
        --out)
            out=${2-}
            [[ -n $out ]] || misuse backup "--out needs the name of a file."
            ;;
        --keep)
            keep=${2-}
            [[ $keep =~ ^(on|off)$ ]] || misuse backup "--keep is followed by on or off."
            ;;
        *) misuse backup "\"$1\" is not an option of backup." ;;
        esac
        shift 2
    done
    if [[ -n $keep ]]; then keep_backup "$keep"; fi
    [[ -z $keep || -n $out ]] || return 0
    out=${out:-/root/channel-backup-$(utc_now).age}
    [[ ! -e $out ]] || die "$out is there already and is left as it is."
    [[ -d $(dirname -- "$out") ]] || die "There is no folder $(dirname -- "$out")."
    seal_channel_backup "$out"
    cat <<TEXT
The sealed channel backup is in $out

  bring it home, from your computer:   scp root@THIS-MACHINE:$out .
  open it there with your key:         age -d -i KEY ${out##*/} > channel.backup
  what it is good for:                 ops.sh help backup, ops.sh help restore
TEXT
}
