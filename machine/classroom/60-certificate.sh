#!/usr/bin/env bash
# Phase "certificate": the nodes' ports, open to websockets over TLS. The certificate is a public one where the class has a domain under
# which every address has a name, and the authority can be convinced; else the machine signs its own, which each browser is once made to
# accept. What was decided stays, since the cards name the host.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"

readonly TLS=$ETC/tls # of a certificate of the machine's own

# nginx_with FOLDER NAME
nginx_with() {
    rm -f -- /etc/nginx/sites-enabled/default
    jq -r --arg folder "$1" --arg name "$2" --from-file "$KINDLING/classroom/nginx.jq" "$CLASS" | write_file /etc/nginx/conf.d/kindling.conf
    chmod 644 /etc/nginx/conf.d/kindling.conf
    { nginx -t && systemctl enable nginx && systemctl restart nginx; } || fail "The nodes' ports could not be opened to websockets."
}

own_certificate() {
    install --directory --mode=700 "$TLS"
    if [[ ! -s $TLS/fullchain.pem ]]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=$1" -addext "subjectAltName=IP:$1" \
            -keyout "$TLS/privkey.pem" -out "$TLS/fullchain.new" 2>/dev/null || return 1
        sync -- "$TLS/privkey.pem" "$TLS/fullchain.new"
        mv -- "$TLS/fullchain.new" "$TLS/fullchain.pem"
    fi
}

# certbot's own timer renews what is once made, by the same way.
public_certificate() {
    install --directory --mode=755 /var/www/kindling
    timeout 300 certbot certonly --non-interactive --agree-tos --register-unsafely-without-email --keep-until-expiring \
        --webroot --webroot-path /var/www/kindling --deploy-hook 'systemctl reload nginx' --domain "$1" >&2
}

address=$(node_ip) || fail "The machine's public address could not be read."
domain=$(class -r .domain) || domain=
name=''
[[ -z $domain ]] || name=${address//./-}.$domain
if [[ ! -s $CLASS_STATE/certificate.json ]]; then
    kind=pinned host=$address folder=$TLS
    if [[ -n $name ]]; then
        nginx_with '' "$name"
        if retry 2 public_certificate "$name"; then
            kind=public host=$name folder=/etc/letsencrypt/live/$name
        else
            log "there is no public certificate for $name; this machine signs its own"
        fi
    fi
    if [[ $kind == pinned ]]; then own_certificate "$address" || fail "The machine's own certificate could not be made."; fi
    jq -n --arg kind "$kind" --arg host "$host" --arg folder "$folder" '{kind: $kind, host: $host, folder: $folder}' |
        write_file "$CLASS_STATE/certificate.json"
fi
nginx_with "$(jq -r .folder "$CLASS_STATE/certificate.json")" "$name"
