#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A VM that libvirt starts: docs/examples/libvirt-domain.xml, with assets/vhost-user and assets/tmpfiles.d as install.sh lays them
# down, in a root of its own (roots.sh libvirt). Of the domain only that is changed which the lab needs: emulation instead of KVM,
# less RAM, the lab's kernel and initramfs instead of a disk and a network, and a serial line.
#
#   libvirt.sh PROGRAM DIR JOB [SECONDS]     PROGRAM: a folder with guest-surfaces. JOB: of guest/gsguest.c
#
# Runs libvirtd and the VM in the foreground, for SECONDS (120) or until DIR/stop is there; prints what virsh and QEMU said. DIR
# gets serial.log, libvirtd.log and run/, which is the root's /run/guest-surfaces: run/PID.link is the device's.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -ge 3 ] || bad_use "which program, where, and what is the guest to do?"
program=$(cd "$1" && pwd)
job=$3
limit=${4:-120}
mkdir -p "$2/run" "$2/etc"
dir=$(cd "$2" && pwd)
[ -x "$program/guest-surfaces" ] || die "$program has no guest-surfaces"
kernel_dir=$("$lab_dir/guest/build.sh" 6.12)
"$lab_dir/roots.sh" libvirt
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
rm -f "$dir"/{serial.log,stop} "$dir"/run/*
chmod 2770 "$dir/run" # as assets/tmpfiles.d has it

sed -e 's/<domain type="kvm">/<domain type="qemu">/' \
    -e 's|<memory unit="GiB">4</memory>|<memory unit="MiB">512</memory>|' -e 's|<vcpu>4</vcpu>|<vcpu>1</vcpu>|' \
    -e 's/host-passthrough/maximum/' -e '/<disk /,/<\/disk>/d' -e '/<interface /,/<\/interface>/d' \
    -e "s|<type .*</type>|&<kernel>$kernel_dir/kernel</kernel><initrd>$kernel_dir/initrd</initrd><cmdline>console=ttyS0 quiet loglevel=4 nokaslr mitigations=off tsc=reliable no_timer_check random.trust_cpu=on panic=-1 gs.job=$job</cmdline>|" \
    -e "s|<console type=\"pty\"/>|<serial type=\"file\"><source path=\"$dir/serial.log\"/></serial>|" \
    "$repo_dir/docs/examples/libvirt-domain.xml" > "$dir/domain.xml"
# everything as the one user there is, and without what a chroot has not: cgroups, security modules, a log daemon
printf '%s\n' 'user = "root"' 'group = "root"' 'dynamic_ownership = 0' 'remember_owner = 0' 'security_driver = "none"' 'namespaces = [ ]' \
    'cgroup_controllers = [ ]' 'stdio_handler = "file"' > "$dir/etc/qemu.conf"

# all processes in a namespace of their own: none of them is left. The inner shell is its first, which buries those that daemons leave
# shellcheck disable=SC2016 # expanded by the inner shells
exec timeout -k 5 "$((limit + 60))" setpriv --pdeathsig KILL unshare --pid --fork --kill-child "$lab_dir/in-root.sh" -b "$program" -b "$dir" -b "$dotnet" libvirt \
    bash -c '
    set -euo pipefail
    program=$1 repo=$2 dir=$3 dotnet=$4 limit=$5
    for folder in /run /etc/qemu /etc/dotnet /etc/libvirt /var/log /var/lib/libvirt /var/cache /usr/libexec; do
        mkdir -p "$folder"
        mount -t tmpfs tmpfs "$folder"
    done
    mkdir -p /run/guest-surfaces /run/libvirt /etc/qemu/vhost-user /var/log/libvirt/qemu
    mount --bind "$dir/run" /run/guest-surfaces
    cp "$dir/etc/qemu.conf" /etc/libvirt/
    cp "$repo/assets/vhost-user/50-guest-surfaces.json" /etc/qemu/vhost-user/
    install -m 755 "$repo/assets/vhost-user/guest-surfaces-gpu" /usr/libexec/
    echo "$dotnet" > /etc/dotnet/install_location
    export PATH="$program:$PATH"
    unset XDG_RUNTIME_DIR WAYLAND_DISPLAY
    libvirtd > "$dir/libvirtd.log" 2>&1 &
    daemon=$!
    until [ -S /run/libvirt/libvirt-sock ]; do kill -0 "$daemon"; sleep 0.1; done
    status=0
    virsh -c qemu:///system define "$dir/domain.xml" && virsh -c qemu:///system start work || status=$?
    for ((tenths = 0; status == 0 && tenths < limit * 10; tenths++)); do
        [ ! -e "$dir/stop" ] || break
        sleep 0.1
    done
    timeout 20 virsh -c qemu:///system destroy work || true
    kill "$daemon"
    wait "$daemon" || true
    cat /var/log/libvirt/qemu/work.log
    exit "$status"
' libvirt "$program" "$repo_dir" "$dir" "$dotnet" "$limit"
