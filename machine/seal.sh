# shellcheck shell=bash
# The end of every bring-up: credentials gathered, left in /root/node-credentials.txt, sealed to the customer, delivered. Sourced by the
# products' phase "sealed", which defines make_bundle (into $bundle) and write_credentials.
# The sealed file is made once and kept, since the first delivered bundle is the one that stands; the open one is removed.

# shellcheck disable=SC2034 # write_credentials writes it
credentials=/root/node-credentials.txt
bundle=$STATE/bundle.json
facts=$STATE/facts.json

# Type and key only, since the comment would carry the host's name; the best first.
host_keys() {
    local type file
    for type in ed25519 ecdsa rsa; do
        file=/etc/ssh/ssh_host_${type}_key.pub
        if [[ -e $file ]]; then awk '{print $1 " " $2}' "$file"; fi
    done
}

# tailnet_facts: sets `hostname` and `node_id`, empty where there is no tailnet.
tailnet_facts() {
    hostname='' node_id=''
    if [[ $TAILSCALE == yes ]] && compose exec -T tailscale tailscale status --json >"$STATE/tailscale.json"; then
        hostname=$(jq -r '.Self.DNSName // "" | rtrimstr(".")' "$STATE/tailscale.json")
        node_id=$(jq -r '.Self.ID // ""' "$STATE/tailscale.json")
    fi
}

# write_facts [LNBITS-URL]: what may be known to all, and is sent beside the bundle.
write_facts() {
    local address
    address=$(node_ip) || fail "The machine's public address could not be read."
    host_keys |
        jq -R . | jq -s --arg ip "$address" --arg hostname "$hostname" --arg id "$node_id" --arg url "${1-}" \
        '{nodeIp: $ip, hostKeys: ., tailscaleHostname: ($hostname | if . == "" then null else . end),
          tailscaleNodeId: ($id | if . == "" then null else . end)} + if $url == "" then {} else {lnbitsUrl: $url} end' | write_file "$facts"
}

# What runs here, by name, version and, where there is one, the digest it was pinned by or checked against.
component() {
    jq -n --arg name "$1" --arg version "$2" --arg digest "${3-}" \
        '{name: $name, version: $version} + if $digest == "" then {} else {digest: $digest} end'
}

# bitcoin_component VERSION
bitcoin_component() {
    local name='Bitcoin Knots' digest=''
    if [[ $BITCOIN == core ]]; then name='Bitcoin Core'; fi
    if [[ -s $STATE/bitcoin-digest ]]; then digest=sha256:$(<"$STATE/bitcoin-digest"); fi
    component "$name" "$1" "$digest"
}

# What every machine runs.
base_components() {
    if [[ -s $STATE/tailscale-node ]]; then component Tailscale "$TAILSCALE_VERSION" "${TAILSCALE_IMAGE##*@}"; fi
    component Docker "$(docker version --format '{{.Server.Version}}')"
    component age "$(age --version)"
    component Linux "$(uname -r)"
    component "$(. /etc/os-release && printf '%s' "$NAME")" "$(. /etc/os-release && printf '%s' "${VERSION_ID-unknown}")"
}

seal_bundle() {
    age --encrypt --recipients-file "$ETC/recipients" --output "$STATE/bundle.sealing" "$bundle" ||
        fail "The bundle could not be sealed to the recipients of this order."
    # On the disk before it is delivered: after a power cut another one would be refused.
    sync -- "$STATE/bundle.sealing"
    mv -- "$STATE/bundle.sealing" "$STATE/bundle.age"
    sync -- "$STATE"
}

# The open bundle does not outlive the phase, however that ends.
seal_and_deliver() {
    trap 'rm -f -- "$bundle"' EXIT
    if [[ ! -s $STATE/bundle.age ]]; then
        make_bundle
        write_credentials
        seal_bundle
    fi
    deliver "$STATE/bundle.age" "$facts"
    install --mode=644 "$KINDLING/units/kindling-watch.service" /etc/systemd/system/kindling-watch.service
    systemctl daemon-reload
    systemctl enable --now kindling-watch || fail "The service that watches over this machine could not be started."
}
