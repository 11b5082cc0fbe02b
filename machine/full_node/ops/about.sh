# shellcheck shell=bash
# What is a full node's own in ops.sh. Sourced by it.

# shellcheck disable=SC2034 # ops.sh and its commands read these
COMMANDS=(status sync logs backup restore update unlock pair support-bundle)
# shellcheck disable=SC2034
UNITS=(bitcoind kindling-watch kindling-snapshot)
# shellcheck disable=SC2034
declare -A NOT_HERE=([cards]="Cards are what a classroom hands out; this machine is a full node.")
LOGS=(
    'bitcoin     bitcoind'
    'lnd         LND'
    'lnbits      LNbits'
    'tailscale   Tailscale'
    'watch       kindling-watch, which tells the order page how the machine is'
    "snapshot    the download of a snapshot of the chain's state, if your order has one"
    'bringup     the first setup of this machine'
)

log_names() { printf '%s ' "${LOGS[@]%% *}"; }

about() {
    cat <<'TEXT'
The download of the chain takes one to two weeks on a small machine; nothing needs to be watched meanwhile.
All passwords and the seed words: /root/node-credentials.txt
LNbits from your computer:  ssh -L 5000:127.0.0.1:5000 root@THIS-MACHINE  then http://127.0.0.1:5000
TEXT
}

status_product() {
    local info kept=no
    # shellcheck source=../chores.sh
    . "$KINDLING/full_node/chores.sh"
    heading LND
    line state "$(lnd_state_or_silence)"
    line backend "$(lnd_backend 2>/dev/null || true)"
    if info=$(lnd_admin /v1/getinfo 2>/dev/null); then
        jq -r '"  version          \(.version)",
            "  chain            \(if .synced_to_chain then "in sync" else "not in sync yet" end), block \(.block_height // 0)",
            "  peers            \(.num_peers // 0)",
            "  channels         \(.num_active_channels // 0) active, \(.num_inactive_channels // 0) inactive, \(.num_pending_channels // 0) pending"' <<<"$info"
    fi
    if restore_pending; then line restore 'not finished yet; say: ops.sh restore --seed'; fi
    heading LNBITS
    line LNbits "$(lnbits_answers && printf answers || printf silent)"
    if [[ -e $STATE/backup-kept ]]; then kept='yes, under the order link'; fi
    line 'backups kept' "$kept"
}

# What the support bundle must not hold, beside what every machine keeps secret.
product_secrets() {
    local file
    for file in "$DATA"/lnd*/tls.key; do [[ ! -f $file ]] || grep -av -e '^-----' "$file" || true; done
    while IFS= read -r -d '' file; do
        od -An -v -tx1 <"$file" | tr -d ' \n' && printf '\n'
        od -An -v -tx1 <"$file" | tr -d ' \n' | tr a-f A-F && printf '\n'
        openssl base64 -A -in "$file" && printf '\n'
        openssl base64 -A -in "$file" | tr '+/' '-_' && printf '\n'
    done < <(find "$DATA"/lnd* -name '*.macaroon' -print0 2>/dev/null)
}

product_settings() { printf '%s\n' "$DATA/lnd/lnd.conf" "$COMPOSE_FILE"; }
