#!/usr/bin/env bash
# The firewall: the world reaches the ports in /etc/kindling/open-ports and no others, whether a program listens on them or
# Docker publishes them past UFW; and the cloud's metadata address, where user-data is read, answers to root alone.
#
# Runs at each boot before Docker starts, and on `systemctl reload kindling-firewall`. Each run replaces what the last one set.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

readonly PORTS_FILE=$ETC/open-ports
readonly APPLIED=$STATE/open-ports # what UFW was told last, to take back what has left the file
readonly METADATA=${METADATA_URL#http://}

write_ports_file() {
    [[ ! -e $PORTS_FILE ]] || return 0
    write_file "$PORTS_FILE" <<CONF
# What the world may reach on this machine: one PORT/tcp or PORT/udp a line, or FIRST:LAST/tcp. It holds for programs and for ports
# that Docker publishes. After a change: systemctl reload kindling-firewall
22/tcp    # SSH; without it only the cloud's console lets you in
$(product_ports)
CONF
    chmod 644 "$PORTS_FILE"
}

open_ports() {
    local line
    while read -r line; do
        if [[ $line =~ ^([1-9][0-9]{0,4})(:([1-9][0-9]{0,4}))?/(tcp|udp)$ ]] &&
            ((BASH_REMATCH[1] < 65536 && ${BASH_REMATCH[3]:-65535} < 65536 && BASH_REMATCH[1] <= ${BASH_REMATCH[3]:-65535})); then
            printf '%s\n' "$line"
        else
            log "$PORTS_FILE: not a port and left out: $line"
        fi
    done < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$PORTS_FILE") | sort -u
}

# Where the default routes leave: behind these is the world.
outside() {
    { ip -4 route show default && ip -6 route show default; } |
        awk '{for (i = 1; i < NF; i++) if ($i == "dev") print $(i + 1)}' | sort -u
}

# Forwarded packets, which are those of containers. A published port has become the container's own by now: the connection's
# first destination tells which one was called. A private network beside the default route is no less outside, hence DNAT.
container_rules() {
    local port interface
    printf '%s\n' ':KINDLING-CONTAINERS - [0:0]'
    [[ $1 == ip6tables ]] || printf '%s\n' "-A KINDLING-CONTAINERS -d $METADATA -j REJECT"
    printf '%s\n' '-A KINDLING-CONTAINERS -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN'
    for interface in lo docker0 br-+; do
        printf '%s\n' "-A KINDLING-CONTAINERS -i $interface -j RETURN"
    done
    for port in "${PORTS[@]}"; do
        printf '%s\n' "-A KINDLING-CONTAINERS -p ${port#*/} -m conntrack --ctorigdstport ${port%/*} -j RETURN"
    done
    for interface in $(outside); do
        printf '%s\n' "-A KINDLING-CONTAINERS -i $interface -j DROP"
    done
    printf '%s\n' '-A KINDLING-CONTAINERS -m conntrack --ctstate DNAT -j DROP'
}

# Containers that share the host's network and run as root carry the group, and are not root here.
metadata_rules() {
    printf '%s\n' ':KINDLING-METADATA - [0:0]' \
        '-A KINDLING-METADATA -m owner --gid-owner kindling --suppl-groups -j REJECT' \
        '-A KINDLING-METADATA -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN' \
        '-A KINDLING-METADATA -m owner ! --uid-owner 0 -j REJECT'
}

# jump TOOL CHAIN RULE...: as the chain's first rule, once.
jump() {
    local tool=$1 chain=$2
    shift 2
    "$tool" --wait -C "$chain" "$@" 2>/dev/null || "$tool" --wait -I "$chain" "$@"
}

# A restore without flush replaces just the chains it names, all at once; what else is there, such as the owner's own rules
# in DOCKER-USER, stays. Docker takes DOCKER-USER as it finds it, so that no published port is ever open for a moment.
filter() {
    local tool=$1
    "$tool" --wait -N DOCKER-USER 2>/dev/null || true
    {
        printf '*filter\n'
        container_rules "$tool"
        [[ $tool == ip6tables ]] || metadata_rules
        printf 'COMMIT\n'
    } | "$tool-restore" --wait --noflush
    jump "$tool" DOCKER-USER -j KINDLING-CONTAINERS
    jump "$tool" FORWARD -j DOCKER-USER
    [[ $tool == ip6tables ]] || jump "$tool" OUTPUT -d "$METADATA" -j KINDLING-METADATA
}

# UFW keeps its rules over a reboot, and each word to it takes seconds: it is told only what is new. The open ports, and what the
# product's containers may reach of this host, are allowed before the firewall is on: a cut must not lock the owner out.
host_firewall() {
    local rule words active=no applied=() wanted=("${PORTS[@]}" "${HOST_RULES[@]}")
    if [[ $(LC_ALL=C ufw status) == "Status: active"* ]]; then active=yes; fi
    if [[ -e $APPLIED ]]; then mapfile -t applied <"$APPLIED"; fi
    if [[ $active == yes && "${applied[*]}" == "${wanted[*]}" ]]; then return 0; fi
    for rule in "${wanted[@]}"; do
        read -ra words <<<"$rule"
        [[ $active == yes && " ${applied[*]} " == *" $rule "* ]] || ufw allow "${words[@]}" || return 1
    done
    for rule in "${applied[@]}"; do
        read -ra words <<<"$rule"
        [[ -z $rule || " ${wanted[*]} " == *" $rule "* ]] || ufw delete allow "${words[@]}" || return 1
    done
    if [[ $active == no ]]; then
        { ufw default deny incoming && ufw default allow outgoing && ufw --force enable; } || return 1
    fi
    printf '%s\n' "${wanted[@]}" | write_file "$APPLIED"
}

write_ports_file
mapfile -t PORTS < <(open_ports)
filter iptables || fail "The packet filter could not be set up."
if [[ -e /proc/net/if_inet6 ]]; then filter ip6tables || fail "The packet filter for IPv6 could not be set up."; fi
host_firewall || fail "The firewall UFW could not be set up."
