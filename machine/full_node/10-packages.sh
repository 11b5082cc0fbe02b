#!/usr/bin/env bash
# Phase "packages": the distribution's packages, the firewall, Docker, and Tailscale when the order has it.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

readonly PACKAGES=(age ca-certificates curl docker-compose-v2 docker.io e2fsprogs gnupg jq openssl ufw)

# A fresh droplet runs apt by itself for its first minutes: wait for its lock instead of failing on it.
# The lists and packages are for everyone to read, unlike all else that is written here.
apt_get() (
    umask 022
    DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
)

# Only SSH and Lightning's peer port are reachable. SSH is allowed before the firewall is on: a cut must not lock the owner out.
firewall() {
    ufw allow 22/tcp &&
        ufw allow 9735/tcp &&
        ufw default deny incoming &&
        ufw default allow outgoing &&
        ufw --force enable
}

join_tailnet() {
    [[ $TAILSCALE == yes ]] || return 0
    local directory=$STATE/tailscale
    mkdir -p "$directory"
    jq -r '.tailscaleAuthKey // empty' "$STATE/paired" >"$directory/auth-key"
    if [[ ! -s $directory/auth-key ]]; then
        log "no Tailscale key came with the pairing; LNbits is reached through SSH"
        return 0
    fi
    # The key's file stands in the one directory that the container sees, for as long as joining takes.
    retry 4 compose --profile tailscale up --detach --quiet-pull tailscale ||
        fail "Tailscale could not be started."
    retry 4 compose exec -T tailscale tailscale up --auth-key=file:/var/lib/tailscale/auth-key \
        --hostname="kindling-${ORDER_ID}" --timeout=60s ||
        fail "The machine could not join the tailnet: the auth key may have expired or lack its tag."
    rm -f -- "$directory/auth-key"
    # What the machine is called there, for the reports.
    compose exec -T tailscale tailscale status --json | jq -r '.Self.ID // ""' | write_file "$STATE/tailscale-node"
}

# The first boot's own `apt-get update` holds a lock that apt does not wait for: two minutes of patience.
retry 7 apt_get update || fail "The package lists could not be downloaded."
retry 4 apt_get install --no-install-recommends "${PACKAGES[@]}" || fail "The packages could not be installed."
firewall || fail "The firewall could not be set up."
systemctl enable --now docker || fail "Docker could not be started."
# docker compose loads the env_file of every service for any command on one of them, and refuses when one is missing.
[[ -e $SECRETS/lnbits.env ]] || write_file "$SECRETS/lnbits.env" </dev/null
join_tailnet
# The one-shot auth key is spent; only the fact of being paired is kept.
printf '{}\n' | write_file "$STATE/paired"
ln -sfn "$KINDLING/ops.sh" /usr/local/sbin/ops.sh
