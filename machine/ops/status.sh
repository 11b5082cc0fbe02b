# shellcheck shell=bash
# ops.sh status: everything at one look. Sourced by ops.sh. What does not answer is said to be silent; nothing here fails.

summarise status 'what runs and how it is'

help_status() {
    cat <<'HELP'
ops.sh status

Shows what runs and how it is: the services, the chain and the rules it is checked by, the Lightning nodes, Tailscale, disk and
memory, whether Ubuntu wants a restart, and when the order service was last reached.
HELP
}

heading() { printf '\n%s\n' "$1"; }
line() { printf '  %-16s %s\n' "$1" "$2"; }

# ago UNIX-SECONDS
ago() { printf '%s ago' "$(span $(($(date +%s) - $1)))"; }

status_services() {
    local unit
    printf 'SERVICES\n'
    for unit in "${UNITS[@]}"; do
        [[ -e /etc/systemd/system/$unit.service ]] || continue
        line "$unit" "$(systemctl is-active "$unit" 2>/dev/null || true)"
    done
    docker ps --all --filter name=kindling- --format '{{.Names}}\t{{.Status}}\t{{.Image}}' 2>/dev/null |
        while IFS=$'\t' read -r name condition image; do
            name=${name#kindling-}
            line "${name%-1}" "$condition (${image%@*})"
        done
}

status_bitcoin() {
    local info best
    heading BITCOIN
    if ! info=$(bitcoin_cli getblockchaininfo 2>/dev/null); then
        line bitcoind 'does not answer yet'
        return 0
    fi
    line software "$(bitcoin_cli getnetworkinfo 2>/dev/null | jq -r .subversion || true)"
    printf '  '
    chain_line || printf 'chain: bitcoind is busy\n'
    best=$(jq -r '.time // 0' <<<"$info")
    line 'best block' "$(jq -r .bestblockhash <<<"$info")"
    line '' "of $(date -u -d "@$best" '+%F %H:%M UTC'), $(ago "$best")"
    bitcoin_cli getdeploymentinfo 2>/dev/null | jq -r '[.deployments | to_entries[] | {key, active: .value.active}] |
        "  rules in force   \([.[] | select(.active) | .key] | join(", "))",
        ([.[] | select(.active | not) | .key] | if length > 0 then "  not in force     \(join(", "))" else empty end)' || true
}

status_rest() {
    local heard
    heading OTHER
    if [[ $TAILSCALE == yes ]]; then
        line Tailscale "$(compose exec -T tailscale tailscale status --json 2>/dev/null |
            jq -r '"\(.BackendState), \(.Self.DNSName // "" | rtrimstr("."))"' 2>/dev/null || printf silent)"
    else
        line Tailscale 'not part of this order'
    fi
    line disk "$(df --human-readable --output=avail,size,pcent "$DATA" | awk 'NR == 2 {print $1 " free of " $2 " (" $3 " used)"}')"
    line memory "$(awk '/^MemTotal/ {t = $2} /^MemAvailable/ {a = $2} END {printf "%d MB free of %d MB", a / 1024, t / 1024}' /proc/meminfo)"
    if [[ -e /var/run/reboot-required ]]; then line restart 'Ubuntu asks for a restart of the machine: reboot'; fi
    heard=$(last_heard)
    line 'order service' "$(if [[ -n $heard ]]; then printf 'last reached %s' "$(ago "$heard")"; else printf 'not reached yet'; fi)"
}

# Each of these files is an answer of the order service, written when it came.
last_heard() {
    { stat --format %Y /run/kindling-watch/heartbeat.answer "$STATE"/{report,deliver}.answer 2>/dev/null || true; } | sort --numeric-sort | tail -n 1
}

run_status() {
    (($# == 0)) || misuse status "status takes no arguments."
    status_services
    status_bitcoin
    status_product
    status_rest
}
