#!/usr/bin/env bash
# Makes the disk of a fresh droplet for `cargo xtask machine`, as root, from Debian's mirror alone. Debian stands in for Ubuntu 24.04:
# systemd, cloud-init, UFW and Docker are of about the same age in this release, which the one before would not give.
#   OUT    gets root.img (the disk), vmlinuz and initrd.img (its kernel), runtime.tar (what the containers' images are made of)
#   NODE   a node binary: it runs the stand-ins, on the machine and in its containers
set -euo pipefail

readonly SUITE=trixie MIRROR=http://deb.debian.org/debian SIZE=8G
# What a droplet has on it before anybody asked for anything; libstdc++6 is node's.
readonly DROPLET=(ca-certificates cloud-init cron curl dbus e2fsprogs gnupg initramfs-tools iproute2 iptables kmod less
    libpam-systemd libstdc++6 linux-image-cloud-amd64 logrotate netplan.io openssh-server openssl procps systemd-resolved
    systemd-sysv systemd-timesyncd udev ufw unattended-upgrades zstd)

if [[ ${1-} != inside ]]; then
    # In namespaces of its own: whatever is mounted or started for this ends with it.
    exec unshare --mount --pid --fork --kill-child --mount-proc "${BASH_SOURCE[0]}" inside
fi
umask 022
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
work=$OUT/image.work
root=$work/root
rm -rf -- "$work"
mkdir -p "$work"

in_root() {
    env -i DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"
}
apt_get() { in_root apt-get --quiet --yes --no-install-recommends -o DPkg::Options::=--force-unsafe-io "$@"; }

install_system() {
    debootstrap --variant=minbase "$SUITE" "$root" "$MIRROR"
    mount -t proc proc "$root/proc"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no service starts in here
    chmod 755 "$root/usr/sbin/policy-rc.d"
    apt_get update
    apt_get install "${DROPLET[@]}"
}

# The packages that the bring-up installs come with the disk as a repository of their own, so that the real apt installs them
# without a network. Ubuntu's docker-compose-v2 has another name in Debian, which an empty package of that name stands for.
stock_packages() {
    local wanted deb
    mkdir -p "$root/opt/packages/partial" "$work/compose/DEBIAN"
    wanted=$(tr '\n' ' ' <"$here/../../../machine/base/10-packages.sh" | grep -oP 'PACKAGES=\(\K[^)]*')
    # shellcheck disable=SC2086 # a list of names
    apt_get install --download-only -o Dir::Cache::archives=/opt/packages ${wanted/docker-compose-v2/docker-cli docker-compose}
    rm -rf -- "$root/opt/packages/partial" "$root/opt/packages/lock"
    printf '%s\n' 'Package: docker-compose-v2' 'Version: 1' 'Architecture: all' 'Depends: docker-cli, docker-compose' \
        'Maintainer: none <none@invalid>' 'Description: Ubuntu name of docker-compose' >"$work/compose/DEBIAN/control"
    dpkg-deb --build "$work/compose" "$root/opt/packages/docker-compose-v2_1_all.deb"
    for deb in "$root"/opt/packages/*.deb; do
        dpkg-deb --field "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$(basename "$deb")" "$(stat --format=%s "$deb")" \
            "$(sha256sum "$deb" | cut -d ' ' -f 1)"
    done >"$root/opt/packages/Packages"
    rm -rf -- "$root"/etc/apt/sources.list* "$root"/var/lib/apt/lists/*
    mkdir "$root/etc/apt/sources.list.d"
    printf 'deb [trusted=yes] file:/opt/packages ./\n' >"$root/etc/apt/sources.list.d/packages.list"
}

# What Docker's stand-in images hold besides the stand-ins: node, openssl, a shell, and the libraries of these.
make_runtime() {
    local runtime=$work/runtime file
    install -D --mode=755 "$NODE" "$root/usr/local/bin/node"
    mkdir -p "$runtime"/{usr/bin,usr/lib64,etc/ssl,tmp,root}
    ln -s usr/bin "$runtime/bin"
    ln -s usr/lib "$runtime/lib"
    ln -s usr/lib64 "$runtime/lib64"
    while read -r file; do
        install -D --mode=755 "$(readlink -f "$root$file")" "$runtime$(sed -E 's#^/(lib|lib64)/#/usr/\1/#' <<<"$file")"
    done < <(printf '%s\n' /usr/local/bin/node /usr/bin/openssl /usr/bin/dash
        in_root ldd /usr/local/bin/node /usr/bin/openssl /usr/bin/dash | grep -oE '/[^ :]+' | sort -u | grep -E '^/(usr/)?lib')
    ln -s dash "$runtime/usr/bin/sh"
    cp "$root/etc/ssl/openssl.cnf" "$runtime/etc/ssl/"
    tar --create --file "$OUT/runtime.tar" --owner=0 --group=0 --numeric-owner --sort=name --mtime=@0 --directory "$runtime" .
}

configure() {
    mkdir "$root/var/lib/kindling-test" # where tests leave a word for the stand-ins
    printf 'LABEL=root / ext4 defaults 0 1\nLABEL=cidata /run/kindling-test iso9660 ro,nofail 0 0\n' >"$root/etc/fstab"
    # As on a droplet, root logs in, with a key.
    cat >"$root/etc/cloud/cloud.cfg.d/99-droplet.cfg" <<'CFG'
datasource_list: [NoCloud, None]
disable_root: false
users: [root]
ssh_pwauth: false
CFG
    # All services and logins know the release list of the stand-ins; Docker may pull from the test's registry, which has no TLS.
    mkdir -p "$root/etc/systemd/system.conf.d"
    cat >"$root/etc/systemd/system.conf.d/kindling-test.conf" <<'CONF'
[Manager]
DefaultEnvironment="KINDLING_RELEASES=/run/kindling-test/releases.env" "DOCKER_OPTS=--insecure-registry=10.0.2.0/24"
CONF
    printf 'KINDLING_RELEASES=/run/kindling-test/releases.env\n' >>"$root/etc/environment"
    in_root systemctl enable systemd-networkd systemd-resolved ssh
    ln -sf /run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
    rm -f -- "$root/usr/sbin/policy-rc.d" "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
    printf 'uninitialized\n' >"$root/etc/machine-id" # systemd's word for a first boot
    rm -rf -- "$root"/var/cache/apt/archives/*.deb
}

install_system
stock_packages
make_runtime
configure
umount "$root/proc"
cp --dereference "$root/vmlinuz" "$root/initrd.img" "$OUT/"
rm -f -- "$OUT/root.img"
truncate --size="$SIZE" "$OUT/root.img"
mkfs.ext4 -q -L root -d "$root" "$OUT/root.img"
rm -rf -- "$work"
