#!/usr/bin/env bash
# Phase "packages": the distribution's packages that the other phases call.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

readonly PACKAGES=(
    age ca-certificates curl docker-compose-v2 docker.io e2fsprogs gnupg iproute2 iptables jq openssl perl-base
    systemd-timesyncd ufw unattended-upgrades
    "${PRODUCT_PACKAGES[@]}"
)

# A fresh droplet runs apt by itself for its first minutes: wait for its lock instead of failing on it.
# The lists and packages are for everyone to read, unlike all else that is written here.
apt_get() (
    umask 022
    DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
)

# After a power cut amid an installation apt installs nothing until dpkg has ended it. Nothing is to be ended while another apt
# holds dpkg's lock; then this fails, and apt waits for the lock.
install_packages() {
    (umask 022 && DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a) || true
    apt_get install --no-install-recommends "${PACKAGES[@]}"
}

# The first boot's own `apt-get update` holds a lock that apt does not wait for: two minutes of patience.
retry 7 apt_get update || fail "The package lists could not be downloaded."
retry 4 install_packages || fail "The packages could not be installed."
ln -sfn "$KINDLING/ops.sh" /usr/local/sbin/ops.sh
