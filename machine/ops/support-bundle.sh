# shellcheck shell=bash
# ops.sh support-bundle: what somebody who helps needs to see, without what nobody may see. Sourced by ops.sh.
#
# Every secret that the machine knows is listed first, and each collected text passes through its removal. Then the result is searched
# once more, in another way (case and line breaks do not count): what is still found there means that no archive is written.

summarise support-bundle 'an archive of logs and states for somebody who helps you, without secrets'

help_support_bundle() {
    cat <<'HELP'
ops.sh support-bundle [--private]

Writes /root/kindling-support-TIME.tar.gz: versions, settings, states, the last 500 lines of each log, disk, memory,
containers and firewall. Passwords, seed words, keys and tokens become [redacted].
  --private     IP addresses and the order's number, too
Look at it before you send it. Logs also tell of your peers, channels and payments.
HELP
}

# A line shorter than eight characters would hide half of a log.
list_secrets() {
    local file
    for file in "$SECRETS"/* "$STATE"/machine.key* "$ETC"/pair-token "$STATE"/tailscale/auth-key "$DATA"/bitcoin/.cookie "$DATA"/bitcoin/*/.cookie; do
        [[ -f $file ]] || continue
        case $file in
        *.json) jq -r 'if type == "object" then del(.cipher_seed_mnemonic) else . end | .. | strings' "$file" ;;
        *.env) sed -nE 's/^[A-Z_]*(SECRET|TOKEN|PASSWORD|PASS)[A-Z_]*=//p' "$file" ;;
        *.cookie) cut -d : -f 2- "$file" && cat "$file" ;;
        *) grep -av -e '^-----' "$file" || true ;;
        esac
        printf '\n'
    done
    sed -nE 's/^ *(rpcauth=[^:]*:|rpcpassword=)//p' "$DATA/bitcoin/bitcoin.conf" 2>/dev/null || true
    # Node, machine and auth keys of Tailscale's daemon: strings, some of them JSON in base64.
    if [[ -s $STATE/tailscale/tailscaled.state ]]; then
        jq -r '.. | strings | ., (try @base64d catch empty)' "$STATE/tailscale/tailscaled.state" 2>/dev/null | grep -aoE 'privkey:[0-9a-f]+|[A-Za-z0-9+/=_-]{24,}' || true
    fi
    product_secrets
}

# Three words of a seed in a row, whatever stands between them: one word alone is a word of the language.
list_word_runs() {
    local file
    for file in "$SECRETS"/*seed*.json; do
        [[ -f $file ]] || continue
        jq -r '.cipher_seed_mnemonic as $w | range(($w | length) - 2) | "\($w[.]) \($w[. + 1]) \($w[. + 2])"' "$file"
    done
}

redact() {
    jq -Rrs --rawfile secrets "$1" --rawfile runs "$2" --arg private "$3" '
        reduce ($secrets | split("\n")[] | select(length >= 8)) as $s (.; split($s) | join("[redacted]")) |
        reduce ($runs | split("\n")[] | select(length > 0)) as $run (.;
            gsub("(?<![A-Za-z])" + ($run | gsub(" "; "[^A-Za-z]+")) + "(?![A-Za-z])"; "[redacted]"; "i")) |
        gsub("(?<k>(rpcauth|rpcpass|rpcpassword|usr|wal|api[-_]?key|access_token|token|password|macaroon)=)[^&\\s\"]+"; "\(.k)[redacted]"; "i") |
        gsub("tskey-[A-Za-z0-9-]+|AGE-SECRET-KEY-1[0-9A-Z]+|privkey:[0-9a-f]+"; "[redacted]") |
        gsub("-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----"; "[redacted]") |
        if $private == "" then . else
            split($private) | join("[order]") |
            gsub("(?<![0-9.])([0-9]{1,3}\\.){3}[0-9]{1,3}(?![0-9.])"; "[address]") |
            gsub("(?<![0-9A-Za-z:])([0-9a-f]{1,4}:){3,7}[0-9a-f:]*[0-9a-f]{1,4}(?![0-9A-Za-z:])"; "[address]"; "i")
        end'
}

# still_there TEXT-FOLDER SECRETS RUNS: names the files in which a secret is still found.
still_there() {
    local file text
    for file in "$1"/*; do
        text=$(tr -d '[:space:]\0' <"$file" | tr '[:upper:]' '[:lower:]')
        if grep -aqF -f <(tr -d ' \t\r' <"$2" | tr '[:upper:]' '[:lower:]') <<<"$text"; then
            printf '%s\n' "${file##*/}"
            continue
        fi
        text=$(tr '[:upper:]' '[:lower:]' <"$file" | tr -cs '[:lower:]' ' ')
        if [[ -s $3 ]] && grep -aqwF -f "$3" <<<"$text"; then printf '%s\n' "${file##*/}"; fi
    done
}

# gather NAME COMMAND...: what the command prints, its complaints included; one that fails is itself worth seeing.
gather() {
    local name=$1
    shift
    { timeout --kill-after=5 60 "$@" 2>&1 || printf '(exit %d)\n' $?; } | redact "$work/secrets" "$work/runs" "$private" >"$work/$folder/$name"
}

versions() {
    cat /etc/os-release
    uname -a
    uptime
    docker --version || true
    cat "$RELEASES"
}

settings() {
    local file files
    mapfile -t files < <(product_settings)
    for file in "$ETC/config" "$DATA/bitcoin/bitcoin.conf" "${files[@]}" /etc/systemd/system/bitcoind.service /etc/systemd/system/kindling*.service; do
        [[ ! -f $file ]] || { printf '==> %s\n' "$file" && cat "$file"; }
    done
    printf '==> %s\n' "$STATE"
    ls -l --time-style=full-iso "$STATE" "$STATE/phases"
}

run_support_bundle() {
    local private='' archive found service work folder
    case "$#:${1-}" in
    0:) ;;
    1:--private) private=$ORDER_ID ;;
    *) misuse support-bundle "\"$*\" is not an option of support-bundle." ;;
    esac
    archive=/root/kindling-support-$(utc_now)
    folder=${archive##*/}
    work=$(mktemp -d "$STATE/support.XXXXXX")
    # shellcheck disable=SC2064 # the name as it is now
    trap "rm -rf -- '$work'" EXIT
    mkdir "$work/$folder"
    list_secrets | sort -u | grep -aE '.{8}' >"$work/secrets" || die "The secrets of this machine could not be listed, so nothing is collected."
    list_word_runs >"$work/runs"
    printf 'Collecting ...\n'
    versions 2>&1 | redact "$work/secrets" "$work/runs" "$private" >"$work/$folder/versions"
    settings 2>&1 | redact "$work/secrets" "$work/runs" "$private" >"$work/$folder/settings"
    gather status "$KINDLING/ops.sh" status
    gather systemctl systemctl status --no-pager --full --lines 20 bitcoind kindling-watch docker
    gather disk df --human-readable
    gather memory free --mebi
    gather containers docker ps --all
    gather firewall ufw status
    gather firewall-rules iptables --list-rules
    for service in $(log_names); do
        gather "log-$service" "$KINDLING/ops.sh" logs "$service" -n 500
    done
    found=$(still_there "$work/$folder" "$work/secrets" "$work/runs")
    [[ -z $found ]] || die "A secret was still found in: ${found//$'\n'/, }. No archive was written."
    tar --create --gzip --file "$work/archive" --directory "$work" "$folder"
    mv -- "$work/archive" "$archive.tar.gz"
    cat <<TEXT
$archive.tar.gz

Passwords, seed words, keys and tokens are taken out. Look at it before you send it to anybody:
  tar --extract --gzip --to-stdout --file $archive.tar.gz | less
TEXT
}
