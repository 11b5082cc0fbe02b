#!/usr/bin/env bash
# Makes a Bitcoin release as its project would publish it, signed by a key of its own: archive, SHA256SUMS, SHA256SUMS.asc and
# the builder's key. The release list is the real one with the places and the trusted builder replaced.
#   STAGE        where releases.env is found and releases/ is made       RELEASES_URL   where the machine then finds them
set -euo pipefail
stage=${STAGE:-/run/kindling-test}
releases=$stage/releases
mkdir -p "$releases"
cd "$releases"
export GNUPGHOME=$releases/gnupg
mkdir --mode=700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'Stand-in Builder' ed25519 sign never
fingerprint=$(gpg --batch --with-colons --list-keys | awk -F: '$1 == "fpr" {print $10; exit}')
gpg --batch --quiet --armor --export >builder.gpg
# A second signature, of a builder whom nobody pinned: real releases carry several, and gpg's exit code then says failure.
gpg --batch --quiet --passphrase '' --quick-generate-key 'Stranger' ed25519 sign never

# shellcheck source=/dev/null
. "$stage/releases.env"
# What a machine may be updated to: one release that starts and one that does not.
for version in "$KNOTS_VERSION" "$CORE_VERSION" 29.9.knots20991231 29.9.knots20991231-broken; do
    mkdir -p "build/bitcoin-$version/bin"
    for program in bitcoind bitcoin-cli; do
        # Under a real systemd its unit forbids bitcoind memory that is executable and writable, which node's compiler needs. Without
        # that, a part of node that is not used here fails to load, hence the second option.
        options=''
        if [[ $program == bitcoind && $stage != /run/kindling-test ]]; then options='--jitless --unhandled-rejections=warn'; fi
        # shellcheck disable=SC2016 # "$@" belongs to the written script
        printf '#!/bin/sh\nexec /run/kindling-test/bin/node %s /run/kindling-test/tests/stand-ins/%s.mjs %s "$@"\n' \
            "$options" "$program" "$version" >"build/bitcoin-$version/bin/$program"
        chmod 755 "build/bitcoin-$version/bin/$program"
    done
    tar --create --gzip --file "bitcoin-$version-x86_64-linux-gnu.tar.gz" --directory build "bitcoin-$version"
done
sha256sum -- *.tar.gz >SHA256SUMS
gpg --batch --quiet --armor --detach-sign --local-user 'Stand-in Builder' --local-user 'Stranger' --output SHA256SUMS.asc SHA256SUMS
gpgconf --kill all
rm -rf "$GNUPGHOME" build
sed -E -e 's#^((KNOTS|CORE)(_KEY)?_URL)=.*#\1='"${RELEASES_URL:-http://127.0.0.1:18999}#" \
    -e "s#^((KNOTS|CORE)_BUILDERS)=.*#\\1=builder:$fingerprint#" "$stage/releases.env" >releases.env
