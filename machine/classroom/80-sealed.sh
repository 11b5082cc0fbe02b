#!/usr/bin/env bash
# Phase "sealed": gathers the cards and credentials, leaves them in /root/node-credentials.txt, seals them to the teacher and delivers.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"
# shellcheck source=../wire.sh
. "$KINDLING/wire.sh"
# shellcheck source=../seal.sh
. "$KINDLING/seal.sh"

components() {
    bitcoin_component "$CORE_VERSION"
    # shellcheck disable=SC2153 # of releases.env
    component 'Core Lightning' "$CLN_VERSION" "${CLN_IMAGE##*@}"
    component nginx "$(nginx -v 2>&1 | sed 's#.*/##; s/ .*//')"
    base_components
}

# Of the certificate that the nodes' ports show now.
fingerprint() { openssl x509 -in "$(jq -r .folder "$CLASS_STATE/certificate.json")/fullchain.pem" -outform DER | sha256sum | cut -d ' ' -f 1; }

make_bundle() {
    local sha256
    sha256=$(fingerprint) || fail "The certificate of the nodes' ports could not be read."
    components | jq -s . >"$STATE/components.json"
    jq --arg order "$ORDER_ID" --arg version "$CORE_VERSION" --arg file "$credentials" --arg sha256 "$sha256" \
        --argjson until "$(<"$CLASS_STATE/runes-until")" --rawfile rpc "$SECRETS/bitcoin-rpc-password" --slurpfile class "$CLASS" \
        --slurpfile keys "$CLASS_STATE/keys.json" --slurpfile runes "$SECRETS/runes.json" --slurpfile certificate "$CLASS_STATE/certificate.json" \
        --slurpfile components "$STATE/components.json" --from-file "$KINDLING/classroom/bundle.jq" "$facts" | write_file "$bundle"
    jq '.classroom.nodes' "$bundle" | write_file "$SECRETS/cards.json" # for ops.sh cards
}

write_credentials() {
    jq -r '"KINDLING CLASSROOM, order \(.orderId)",
        "Keep this file to yourself: it opens every node of the class.", "",
        "Machine          \(.nodeIp)\(if .tailscaleHostname then ", in your tailnet \(.tailscaleHostname)" else "" end)",
        "SSH              ssh root@\(.nodeIp)", "",
        "BITCOIN          \(.bitcoin.implementation) \(.bitcoin.version), \(.bitcoin.network), RPC on 127.0.0.1:18443",
        "  RPC user       \(.bitcoin.rpcUser)",
        "  RPC password   \(.bitcoin.rpcPassword)", "",
        "CERTIFICATE      \(.classroom.certificate.kind), SHA-256 \(.classroom.certificate.sha256)",
        (if .classroom.certificate.kind == "pinned" then
         "  No authority has signed it: each participant opens the address of their node once in the browser and accepts it." else empty end), "",
        (.classroom as $class | .classroom.nodes[] | "\(.name)", "  Node           \(.publicKey)@\($class.host):\(.port)", "  As its owner   \(.adminConnect)", ""),
        "RUNNING HERE", (.components[] | "  \(.name) \(.version)\(if .digest then " (\(.digest))" else "" end)"), "",
        "NEXT",
        "  ops.sh cards     what each participant gets",
        "  ops.sh status    how the class is",
        "  ops.sh help      everything else"' "$bundle" | write_file "$credentials"
}

tailnet_facts
write_facts ''
seal_and_deliver
