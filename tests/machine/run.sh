#!/usr/bin/env bash
# Makes the test machine's file system and becomes its first process. Run by boot.mjs as root in fresh mount, pid, uts, ipc and
# network namespaces; the machine is an overlay of this host's root whose changes land in memory and vanish with it.
#   WORK      a directory of the host, mounted over here      TESTS     this folder
#   NODE      the node binary                                 VOLUME    name of an attached block volume, or empty
set -euo pipefail

mount --make-rprivate /
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
for name in apt-get docker journalctl systemctl ufw; do
    # shellcheck disable=SC2016 # "$*" and "$@" belong to the written script
    printf '#!/bin/sh\nprintf "%%s\\n" "%s $*" >>/run/kindling-test/arguments.log\nexec node /run/kindling-test/tests/stand-ins/%s.mjs "$@"\n' \
        "$name" "$name" >"$stage/bin/$name"
    chmod 755 "$stage/bin/$name"
done
install --mode=755 "$TESTS/stand-ins/mount.sh" "$stage/bin/mount"
# These stay themselves but note their arguments first: what `ps` could have shown.
install --mode=666 /dev/null "$stage/arguments.log"
for name in age awk curl cut gpg grep install jq openssl sha256sum tr useradd; do
    # shellcheck disable=SC2016 # "$*" and "$@" belong to the written script
    printf '#!/bin/sh\nprintf "%%s\\n" "%s $*" >>/run/kindling-test/arguments.log\nexec %s "$@"\n' \
        "$name" "$(PATH=/usr/sbin:/usr/bin type -P "$name")" >"$stage/bin/$name"
    chmod 755 "$stage/bin/$name"
done
cp "$TESTS/../../machine/full_node/releases.env" "$stage/releases.env"

# A droplet on its first boot: nothing of this host's own cloud-init, users' keys or node.
rm -rf "$root/var/lib/cloud" "$root/var/log/cloud-init.log" "$root/var/log/cloud-init-output.log" "$root/root/.ssh" \
    "$root/etc/kindling" "$root/opt/kindling" "$root/var/lib/kindling" "$root/srv/kindling" "$root"/etc/ssh/ssh_host_*
printf '# empty\n' >"$root/etc/fstab"
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
ip address add 169.254.169.254/32 dev lo
hostname kindling-test
exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/run/kindling-test/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    KINDLING_RELEASES=/run/kindling-test/releases/releases.env /bin/bash /run/kindling-test/tests/inside.sh
