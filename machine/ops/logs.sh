# shellcheck shell=bash
# ops.sh logs: where each log is. Sourced by ops.sh.

summarise logs 'the last 100 log lines of a service; with -f, follow'

help_logs() {
    cat <<'HELP'
ops.sh logs SERVICE [-f] [-n LINES]

SERVICE is one of
  bitcoin     bitcoind
  lnd         LND
  lnbits      LNbits
  tailscale   Tailscale
  watch       kindling-watch, which tells the order page how the machine is
  snapshot    the download of a snapshot of the chain's state, if your order has one
  bringup     the first setup of this machine
-f follows the log until Ctrl-C; -n shows that many of its last lines instead of 100.
HELP
}

# service_log SERVICE LINES [follow]
service_log() {
    case $1 in
    bitcoin) journalctl --no-pager --unit bitcoind --lines "$2" ${3:+--follow} ;;
    watch | snapshot) journalctl --no-pager --unit "kindling-$1" --lines "$2" ${3:+--follow} ;;
    lnd | lnbits | tailscale) compose --profile tailscale logs --tail "$2" ${3:+--follow} "$1" ;;
    # The first boot's part is cloud-init's log; what a restart continued is its unit's.
    bringup)
        journalctl --no-pager --unit kindling-bringup --lines "$2" 2>/dev/null || true
        tail --lines "$2" ${3:+--follow} /var/log/cloud-init-output.log
        ;;
    esac
}

run_logs() {
    local service=${1-} follow='' lines=100
    [[ $service =~ ^(bitcoin|lnd|lnbits|tailscale|watch|snapshot|bringup)$ ]] || misuse logs "Which log? \"$service\" is none of them."
    shift
    while (($# > 0)); do
        case $1 in
        -f | --follow) follow=yes ;;
        -n)
            [[ ${2-} =~ ^[0-9]{1,6}$ ]] || misuse logs "-n is followed by a number of lines."
            lines=$2
            shift
            ;;
        *) misuse logs "\"$1\" is not an option of logs." ;;
        esac
        shift
    done
    service_log "$service" "$lines" "$follow" || die "The log of $service could not be read."
}
