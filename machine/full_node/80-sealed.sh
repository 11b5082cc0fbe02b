#!/usr/bin/env bash
# Phase "sealed": gathers all credentials, leaves them in /root/node-credentials.txt, seals them to the customer and delivers.
# The sealed file is made once and kept, since the first delivered bundle is the one that stands; the open one is removed.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"
# shellcheck source=../wire.sh
. "$KINDLING/wire.sh"

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

# facts.json: what may be known to all, and is sent beside the bundle.
gather_facts() {
    local address hostname='' node_id='' url=http://127.0.0.1:5000
    address=$(node_ip) || fail "The machine's public address could not be read."
    if [[ $TAILSCALE == yes ]] && compose exec -T tailscale tailscale status --json >"$STATE/tailscale.json"; then
        hostname=$(jq -r '.Self.DNSName // "" | rtrimstr(".")' "$STATE/tailscale.json")
        node_id=$(jq -r '.Self.ID // ""' "$STATE/tailscale.json")
        # Serving needs HTTPS switched on in the tailnet and would wait for that; without it the SSH tunnel remains.
        if [[ -n $hostname ]] &&
            timeout 60 "${COMPOSE[@]}" exec -T tailscale tailscale serve --bg 5000 >/dev/null 2>&1; then
            url=https://$hostname
        fi
    fi
    host_keys |
        jq -R . | jq -s --arg ip "$address" --arg hostname "$hostname" --arg id "$node_id" --arg url "$url" \
        '{nodeIp: $ip, hostKeys: ., tailscaleHostname: ($hostname | if . == "" then null else . end),
          tailscaleNodeId: ($id | if . == "" then null else . end), lnbitsUrl: $url}' | write_file "$facts"
}

# What runs here, by name, version and, where there is one, the digest it was pinned by or checked against.
component() {
    jq -n --arg name "$1" --arg version "$2" --arg digest "${3-}" \
        '{name: $name, version: $version} + if $digest == "" then {} else {digest: $digest} end'
}

components() {
    local name='Bitcoin Knots' version=$1 digest=''
    if [[ $BITCOIN == core ]]; then name='Bitcoin Core'; fi
    if [[ -s $STATE/bitcoin-digest ]]; then digest=sha256:$(<"$STATE/bitcoin-digest"); fi
    component "$name" "$version" "$digest"
    component LND "$LND_VERSION" "${LND_IMAGE##*@}"
    component LNbits "$LNBITS_VERSION" "${LNBITS_IMAGE##*@}"
    if [[ -s $STATE/tailscale-node ]]; then component Tailscale "$TAILSCALE_VERSION" "${TAILSCALE_IMAGE##*@}"; fi
    component Docker "$(docker version --format '{{.Server.Version}}')"
    component age "$(age --version)"
    component Linux "$(uname -r)"
    component "$(. /etc/os-release && printf '%s' "$NAME")" "$(. /etc/os-release && printf '%s' "${VERSION_ID-unknown}")"
}

# Null while LND does not tell, as before its RPC is active.
identity_key() { lnd_admin /v1/getinfo --max-time 10 2>/dev/null | jq '.identity_pubkey // null' || echo null; }

make_bundle() {
    local version=$KNOTS_VERSION
    if [[ $BITCOIN == core ]]; then version=$CORE_VERSION; fi
    components "$version" | jq -s . >"$STATE/components.json"
    identity_key >"$STATE/identity.json"
    jq --arg order "$ORDER_ID" --arg bitcoin "$BITCOIN" --arg version "$version" --arg network "$NETWORK" \
        --arg lnd "$LND_VERSION" --arg lnbits "$LNBITS_VERSION" --arg file "$credentials" \
        --rawfile rpc "$SECRETS/bitcoin-rpc-password" --rawfile wallet "$SECRETS/lnd-wallet-password" \
        --rawfile password "$SECRETS/lnbits-password" --slurpfile seed "$SECRETS/lnd-seed.json" \
        --slurpfile components "$STATE/components.json" --slurpfile identity "$STATE/identity.json" \
        'def line: rtrimstr("\n");
         {version: 1, orderId: $order, product: "full_node", fake: false, nodeIp, tailscaleHostname,
          ssh: {user: "root", port: 22, hostKeys},
          bitcoin: {implementation: $bitcoin, version: $version, network: $network, rpcUser: "kindling", rpcPassword: ($rpc | line)},
          lnd: {version: $lnd, identityKey: $identity[0], seedWords: $seed[0].cipher_seed_mnemonic, walletPassword: ($wallet | line)},
          lnbits: {url: .lnbitsUrl, version: $lnbits, superUser: "admin", password: ($password | line)},
          components: $components[0], credentialsFile: $file}' "$facts" | write_file "$bundle"
}

write_credentials() {
    jq -r --arg neutrino "$NEUTRINO" '"KINDLING FULL NODE, order \(.orderId)",
        "Keep this file to yourself: it opens everything on this machine.", "",
        "Machine          \(.nodeIp)\(if .tailscaleHostname then ", in your tailnet \(.tailscaleHostname)" else "" end)",
        "SSH              ssh root@\(.nodeIp)", "",
        "BITCOIN          \(.bitcoin.implementation) \(.bitcoin.version), \(.bitcoin.network), RPC on 127.0.0.1:8332",
        "  RPC user       \(.bitcoin.rpcUser)",
        "  RPC password   \(.bitcoin.rpcPassword)", "",
        "LND              \(.lnd.version), \(.bitcoin.network), peers on \(.nodeIp):9735, REST on 127.0.0.1:8080, gRPC on 127.0.0.1:10009",
        (if .lnd.identityKey then "  Node           \(.lnd.identityKey)@\(.nodeIp):9735" else empty end),
        "  Wallet password  \(.lnd.walletPassword)",
        "  Seed words (write them down on paper; they restore the on-chain funds):",
        (.lnd.seedWords | to_entries[] | "    \(.key + 1 | if . < 10 then " \(.)" else "\(.)" end). \(.value)"), "",
        "LNBITS           \(.lnbits.version), \(.lnbits.url)",
        "  From your computer: ssh -L 5000:127.0.0.1:5000 root@\(.nodeIp), then open http://127.0.0.1:5000",
        "  User           \(.lnbits.superUser)",
        "  Password       \(.lnbits.password)", "",
        "RUNNING HERE", (.components[] | "  \(.name) \(.version)\(if .digest then " (\(.digest))" else "" end)"), "",
        "NEXT",
        (if $neutrino == "yes" then "  LND works with its light client at once; it moves to this machine'"'"'s Bitcoin node by itself."
         else "  The chain downloads by itself; LND opens, and LNbits is connected to it, as soon as it is complete." end),
        "  ops.sh status    how far it is",
        "  ops.sh help      everything else"' "$bundle" | write_file "$credentials"
}

seal_bundle() {
    age --encrypt --recipients-file "$ETC/recipients" --output "$STATE/bundle.sealing" "$bundle" ||
        fail "The bundle could not be sealed to the recipients of this order."
    mv -- "$STATE/bundle.sealing" "$STATE/bundle.age"
}

trap 'rm -f -- "$bundle"' EXIT # the open bundle does not outlive this phase, however that ends
gather_facts
if [[ ! -s $STATE/bundle.age ]]; then
    make_bundle
    write_credentials
    seal_bundle
fi
deliver "$STATE/bundle.age" "$facts"
install --mode=644 "$KINDLING/units/kindling-watch.service" /etc/systemd/system/kindling-watch.service
systemctl daemon-reload
systemctl enable --now kindling-watch || fail "The service that watches over the node could not be started."
