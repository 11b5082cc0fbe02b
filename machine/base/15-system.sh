#!/usr/bin/env bash
# Phase "system": what the kernel, the journal and the package manager are told once and for all, so that the machine looks
# after itself: it comes back from a crash, keeps its time, takes security updates and does not fill its disk with logs.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

# The settings hold no secret, and apt reads its own as another user.
setting() {
    install --directory --mode=755 "$(dirname "$1")"
    write_file "$1"
    chmod 644 "$1"
}

kernel() {
    setting /etc/sysctl.d/60-kindling.conf <<'CONF'
# After a kernel panic the machine comes back by itself.
kernel.panic = 10
# Swap is for emergencies: databases in memory are worth more than cached files.
vm.swappiness = 10
# This machine is no router: nobody tells it other ways, and it tells nobody.
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.all.accept_source_route = 0
# "-": IPv6 may be off.
-net.ipv6.conf.all.accept_redirects = 0
-net.ipv6.conf.all.accept_source_route = 0
CONF
    sysctl --quiet --load=/etc/sysctl.d/60-kindling.conf || fail "The kernel's settings were refused."
}

# bitcoind, LND and LNbits together outgrow a small machine's memory for moments. Swap that is there already is enough.
swap() {
    local file=/swapfile memory_kib
    memory_kib=$(awk '$1 == "MemTotal:" {print $2}' /proc/meminfo)
    if ((memory_kib >= 6 * 1024 * 1024)) || [[ $(wc -l </proc/swaps) -gt 1 ]]; then return 0; fi
    # It takes its name when it is complete, so that a cut never leaves a half-made one.
    if [[ ! -e $file ]]; then
        rm -f -- "$file.making"
        { fallocate --length 2GiB "$file.making" && mkswap "$file.making" && mv -- "$file.making" "$file"; } || return 1
    fi
    grep -q "^$file " /etc/fstab || printf '%s none swap sw 0 0\n' "$file" >>/etc/fstab
    swapon "$file"
}

journal() {
    setting /etc/systemd/journald.conf.d/kindling.conf <<'CONF'
[Journal]
SystemMaxUse=500M
CONF
    systemctl restart systemd-journald
}

# Security updates each day, and the reboot they may ask for at night: everything here starts again by itself.
updates() {
    setting /etc/apt/apt.conf.d/60kindling-updates <<'CONF'
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
#clear Unattended-Upgrade::Allowed-Origins;
Unattended-Upgrade::Allowed-Origins {
    "${distro_id}:${distro_codename}-security";
    "${distro_id}ESMApps:${distro_codename}-apps-security";
    "${distro_id}ESM:${distro_codename}-infra-security";
};
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-WithUsers "true";
Unattended-Upgrade::Automatic-Reboot-Time "04:00";
CONF
    systemctl enable --now unattended-upgrades.service
}

# Containers that share the host's network run with this group, which the firewall keeps from the metadata address.
getent group kindling >/dev/null || groupadd --system kindling || fail "The group kindling could not be made."
kernel
swap || fail "The swap file could not be made."
journal || fail "The journal could not be bounded."
updates || fail "Security updates could not be switched on."
# LND refuses peers' and its own certificates when the clock is wrong.
systemctl enable --now systemd-timesyncd.service || fail "The clock could not be set to follow the network's time."
