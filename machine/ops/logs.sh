# shellcheck shell=bash
# ops.sh logs: where each log is. Sourced by ops.sh.

summarise logs 'the last 100 log lines of a service; with -f, follow'

help_logs() {
    cat <<HELP
ops.sh logs SERVICE [-f] [-n LINES]

SERVICE is one of
$(for service in "${LOGS[@]}"; do printf '  %s\n' "$service"; done)
-f follows the log until Ctrl-C; -n shows that many of its last lines instead of 100.
HELP
}

# service_log SERVICE LINES [follow]: a unit of systemd's, the first setup, or else a container.
service_log() {
    case $1 in
    bitcoin) journalctl --no-pager --unit bitcoind --lines "$2" ${3:+--follow} ;;
    watch | snapshot | blocks) journalctl --no-pager --unit "kindling-$1" --lines "$2" ${3:+--follow} ;;
    nginx) tail --lines "$2" ${3:+--follow} /var/log/nginx/error.log ;;
    # The first boot's part is cloud-init's log; what a restart continued is its unit's.
    bringup)
        journalctl --no-pager --unit kindling-bringup --lines "$2" 2>/dev/null || true
        tail --lines "$2" ${3:+--follow} /var/log/cloud-init-output.log
        ;;
    *) compose --profile tailscale logs --tail "$2" ${3:+--follow} "$1" ;;
    esac
}

run_logs() {
    local service=${1-} follow='' lines=100
    [[ -n $service && " $(log_names) " == *" $service "* ]] || misuse logs "Which log? \"$service\" is none of them."
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
