# shellcheck shell=bash
# Installs Bitcoin: Knots or Core from the project's own release archive, checked against its signed SHA256SUMS, as a systemd service.
# Sourced by the products' phase "bitcoin", which writes bitcoin.conf.

case $BITCOIN in
knots) version=$KNOTS_VERSION url=$KNOTS_URL key_url=$KNOTS_KEY_URL builders=$KNOTS_BUILDERS ;;
core) version=$CORE_VERSION url=$CORE_URL key_url=$CORE_KEY_URL builders=$CORE_BUILDERS ;;
*) fail "The Bitcoin implementation $BITCOIN is not known to this machine." ;;
esac
archive=bitcoin-$version-x86_64-linux-gnu.tar.gz
download=$STATE/download

fetch() {
    curl --silent --show-error --fail --location --connect-timeout 20 --max-time 1200 --retry 4 --retry-all-errors \
        --output "$download/$2" "$1/$2" || fail "The file $2 could not be downloaded."
}

# One good signature of a pinned builder is needed and no bad one. Signatures of builders who are not pinned count for
# nothing, which is why gpg's own exit code says too little and its status lines are read.
check_signature() {
    local gpg=(gpg --homedir "$download/gnupg" --batch --quiet --no-tty) builder signer
    mkdir -p "$download/gnupg"
    for builder in ${builders//,/ }; do
        fetch "$key_url" "${builder%%:*}.gpg"
        "${gpg[@]}" --import "$download/${builder%%:*}.gpg" 2>/dev/null || log "the key of ${builder%%:*} could not be read"
    done
    "${gpg[@]}" --status-file "$download/status" --verify "$download/SHA256SUMS.asc" "$download/SHA256SUMS" 2>/dev/null || true
    if grep -q '^\[GNUPG:\] BADSIG' "$download/status"; then return 1; fi
    # The last field of VALIDSIG is the primary key's fingerprint. gpg calls a signature valid that a revoked key made, and says
    # so one line before; an expired key's counts, since builders renew theirs later than others copy them.
    while read -r signer; do
        if [[ ,$builders, == *":$signer,"* ]]; then return 0; fi
    done < <(awk '$2 == "NEWSIG" {revoked = 0} $2 == "REVKEYSIG" {revoked = 1} $2 == "VALIDSIG" && !revoked {print $NF}' "$download/status")
    return 1
}

check_archive() {
    awk -v name="$archive" '$2 == name || $2 == "*" name' "$download/SHA256SUMS" >"$download/expected"
    [[ $(wc -l <"$download/expected") == 1 ]] || return 1
    (cd "$download" && sha256sum --check --strict --status expected)
}

install_release() {
    rm -rf -- "$download"
    mkdir -p "$download"
    fetch "$url" SHA256SUMS
    fetch "$url" SHA256SUMS.asc
    check_signature || fail "The signature over Bitcoin's SHA256SUMS could not be verified; nothing was installed."
    fetch "$url" "$archive"
    check_archive || fail "The Bitcoin archive does not match its signed checksum; nothing was installed."
    cut -d ' ' -f 1 "$download/expected" | write_file "$STATE/bitcoin-digest" # for the bill of materials
    tar --extract --gzip --file "$download/$archive" --directory "$download" --strip-components=1 --no-same-owner
    install --mode=755 "$download/bin/bitcoind" "$download/bin/bitcoin-cli" /usr/local/bin/
    sync -- /usr/local/bin/bitcoind /usr/local/bin/bitcoin-cli # else the mark can outlive a power cut and they not
    rm -rf -- "$download"
}

# Once for each release; a cut before the mark does it over.
install_bitcoin() {
    [[ -x /usr/local/bin/bitcoind && -e $STATE/bitcoin-$BITCOIN-$version ]] || install_release
    touch "$STATE/bitcoin-$BITCOIN-$version"
}

# bitcoind stores a salted hash of the password (rpcauth); the password itself goes to those who speak to it, and into the bundle.
rpc_auth() {
    local salt
    salt=$(openssl rand -hex 16)
    printf 'kindling:%s$%s' "$salt" \
        "$(tr -d '\n' <"$SECRETS/bitcoin-rpc-password" | openssl dgst -sha256 -hmac "$salt" -r | cut -d ' ' -f 1)"
}

# Its own user and folder, and the password of its RPC.
bitcoin_folder() {
    local directory=$DATA/bitcoin
    id bitcoin >/dev/null 2>&1 || useradd --system --home-dir "$directory" --no-create-home --shell /usr/sbin/nologin bitcoin
    install --directory --owner=bitcoin --group=bitcoin --mode=700 "$directory"
    random_secret bitcoin-rpc-password
}

start_bitcoin() {
    chown bitcoin:bitcoin "$DATA/bitcoin/bitcoin.conf" # each time: a cut may have come between file and owner
    install --mode=644 "$KINDLING/units/bitcoind.service" /etc/systemd/system/bitcoind.service
    systemctl daemon-reload
    systemctl enable --now bitcoind || fail "Bitcoin could not be started."
    if ! wait_for 300 bitcoin_cli getblockchaininfo; then
        journalctl --unit bitcoind --lines 20 --no-pager >&2 || true # whoever looks into the log sees its reason
        fail "Bitcoin was started but does not answer."
    fi
}
