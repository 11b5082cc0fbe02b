#!/usr/bin/env bash
# Phase "sealed": gathers all credentials, leaves them in /root/node-credentials.txt, seals them to the customer and delivers.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../lib.sh"
# shellcheck source=../wire.sh
. "$KINDLING/wire.sh"
# shellcheck source=../seal.sh
. "$KINDLING/seal.sh"

gather_facts() {
    local hostname node_id url=http://127.0.0.1:5000
    tailnet_facts
    # Serving needs HTTPS switched on in the tailnet and would wait for that; without it the SSH tunnel remains.
    if [[ -n $hostname ]] &&
        timeout 60 "${COMPOSE[@]}" exec -T tailscale tailscale serve --bg 5000 >/dev/null 2>&1; then
        url=https://$hostname
    fi
    write_facts "$url"
}

components() {
    bitcoin_component "$1"
    component LND "$LND_VERSION" "${LND_IMAGE##*@}"
    component LNbits "$LNBITS_VERSION" "${LNBITS_IMAGE##*@}"
    base_components
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

gather_facts
seal_and_deliver
