#!/usr/bin/env bash
# Makes the test machine's file system and becomes its first process. Run by boot.mjs as root in fresh mount, pid, uts, ipc and
# network namespaces; the machine is an overlay of this host's root whose changes land in memory and vanish with it.
#   WORK      a directory of the host, mounted over here      TESTS     this folder
#   NODE      the node binary                                 VOLUME    name of an attached block volume, or empty
#   FIRST_BOOT  cloud-init, or first-boot.mjs in its place
set -euo pipefail

mount --make-rprivate /
mount -t proc proc /proc # of this pid namespace
mount -t tmpfs -o size=100G,mode=755 machine "$WORK/fs" # the size is a limit: what prune_mib sees as a disk
mkdir "$WORK/fs/upper" "$WORK/fs/work" "$WORK/fs/root"
mount -t overlay machine -o "lowerdir=/,upperdir=$WORK/fs/upper,workdir=$WORK/fs/work" "$WORK/fs/root"
root=$WORK/fs/root

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sys "$root/sys"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 dev "$root/dev"
mkdir -p "$root/dev/pts" "$root/dev/shm" "$root/dev/net" "$root/dev/disk/by-id"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
touch "$root/dev/net/tun"
# A small machine, which wants swap.
printf 'MemTotal:        4012345 kB\n' >"$root/run/meminfo"
mount --bind "$root/run/meminfo" "$root/proc/meminfo"

# A volume is a sparse file: mkfs and blkid, which are the real ones, work on it as on a disk.
if [[ -n $VOLUME ]]; then truncate -s 256M "$root/dev/disk/by-id/scsi-0DO_Volume_$VOLUME"; fi

# The stand-ins come first on PATH. Everything else that the scripts call is the host's own.
stage=$root/run/kindling-test
mkdir -p "$stage/bin" "$stage/tests" "$stage/host" "$stage/containers" "$stage/volumes"
cp -r "$TESTS/." "$stage/tests" # copied, for the machine's own users to read whatever the checkout's permissions are
chmod -R a+rX "$stage/tests"
mount -t tmpfs -o size=100G,mode=755 volumes "$stage/volumes"
mount --bind "$WORK/host" "$stage/host"
touch "$stage/bin/node"
mount --bind "$NODE" "$stage/bin/node"
# Each command here first notes its arguments, which is what `ps` could have shown, and then looks whether the test wants trouble.
install --mode=666 /dev/null "$stage/arguments.log"
command_for() {
    # shellcheck disable=SC2016 # "$*" and "$@" belong to the written script
    printf '#!/bin/sh\nprintf "%%s\\n" "%s $*" >>/run/kindling-test/arguments.log\n[ -s /run/kindling-test/host/faults ] || exec %s "$@"\nexec /run/kindling-test/tests/stand-ins/fault.sh %s %s -- "$@"\n' \
        "$1" "$2" "$1" "$2" >"$stage/bin/$1"
    chmod 755 "$stage/bin/$1"
}
for name in apt-get certbot docker journalctl systemctl; do command_for "$name" "node /run/kindling-test/tests/stand-ins/$name.mjs"; done
for name in blockdev fallocate swapon sysctl; do command_for "$name" "/run/kindling-test/tests/stand-ins/kernel.sh $name"; done
for name in mount sleep sync; do command_for "$name" "/run/kindling-test/tests/stand-ins/$name.sh"; done
touch "$stage/synced" "$stage/synced-files"
# What Core Lightning's image has.
mkdir "$stage/image"
# shellcheck disable=SC2016 # "$@" belongs to the written script
printf '#!/bin/sh\nprintf "%%s\\n" "lightning-cli $*" >>/run/kindling-test/arguments.log\nexec /run/kindling-test/bin/node /run/kindling-test/tests/stand-ins/lightning-cli.mjs "$@"\n' >"$stage/image/lightning-cli"
chmod 755 "$stage/image/lightning-cli"
# These are themselves.
for name in age awk blkid cmp curl cut find gpg grep groupadd install iptables jq mkfs.ext4 mkswap nginx openssl perl sha256sum tr ufw useradd wipefs; do
    command_for "$name" "$(PATH=/usr/sbin:/usr/bin:/sbin:/bin type -P "$name")"
done
# Both products' list, each line once.
cat "$TESTS/../../machine/full_node/releases.env" >"$stage/releases.env"
grep ^CLN_ "$TESTS/../../machine/classroom/releases.env" >>"$stage/releases.env"

# A droplet on its first boot: nothing of this host's own cloud-init, users' keys or node.
rm -rf "$root/var/lib/cloud" "$root/var/log/cloud-init.log" "$root/var/log/cloud-init-output.log" "$root/root/.ssh" \
    "$root/etc/docker" "$root/etc/letsencrypt" "$root/swapfile" \
    "$root/etc/kindling" "$root/opt/kindling" "$root/var/lib/kindling" "$root/srv/kindling" "$root"/etc/ssh/ssh_host_*
printf '# empty\n' >"$root/etc/fstab"
find "$root/etc/systemd/system" -path '*.wants/*' -delete
# UFW as its package installs it.
cp /usr/share/ufw/iptables/user.rules /usr/share/ufw/iptables/user6.rules "$root/etc/ufw/"
cp /usr/share/ufw/ufw.conf "$root/etc/ufw/"
mkdir -p "$root/var/lib/cloud/seed/nocloud" "$root/etc/cloud/cloud.cfg.d"
cp "$WORK/host/user-data" "$WORK/host/meta-data" "$root/var/lib/cloud/seed/nocloud/"
# As on a DigitalOcean droplet, root logs in. Only the modules that user-data can reach run.
cat >"$root/etc/cloud/cloud.cfg.d/99-test.cfg" <<'CFG'
datasource_list: [NoCloud, None]
network: {config: disabled}
disable_root: false
users: [root]
cloud_init_modules: [write-files, users-groups, ssh]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user, final-message]
CFG

ip link set lo up
# The world is a second network, at the other end of a cable.
touch "$stage/outside-net"
unshare --net="$stage/outside-net" true
outside=(nsenter --net="$stage/outside-net")
"${outside[@]}" ip link add world type veth peer name eth0
"${outside[@]}" ip link set eth0 netns $$
"${outside[@]}" ip address add 192.0.2.1/24 dev world
"${outside[@]}" ip link set world up
"${outside[@]}" ip link set lo up
"${outside[@]}" ip address add 169.254.169.254/32 dev lo
ip address add 192.0.2.2/24 dev eth0
ip link set eth0 up
ip route add default via 192.0.2.1
"${outside[@]}" ip address add 2001:db8::1/64 dev world nodad
ip address add 2001:db8::2/64 dev eth0 nodad
ip route add default via 2001:db8::1
hostname kindling-test
exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/run/kindling-test/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    KINDLING_RELEASES=/run/kindling-test/releases/releases.env FIRST_BOOT="$FIRST_BOOT" /bin/bash /run/kindling-test/tests/inside.sh
