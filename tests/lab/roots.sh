#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the lab's chroots: other compositors and VMMs than the machine itself has.
#
#   roots.sh trixie        -> .cache/lab/root-trixie   (Debian 13: weston 14, sway 1.10, QEMU 10.0, vhost-user-gpu)
#   roots.sh vmm           -> .cache/lab/root-vmm      (Debian 13 with the QEMU of its backports: 11.1, which has
#                                                      vhost-user-test-device-pci and with it blobs)
#   roots.sh l1            -> .cache/lab/root-l1       (Debian 12: weston 10, QEMU 7.2, vhost-user-gpu; what l1.sh boots)
#   roots.sh --path NAME   prints where it is or would be
#
# Cached: a root whose list of packages is still the wanted one is left alone. Safe to interrupt: it is built beside
# its place and moved there when complete; mounts are made in a private namespace only. Needs root.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

only_path=
if [ "${1:-}" = --path ]; then only_path=1; shift; fi
[ $# -eq 1 ] || bad_use "one root at a time"
name=$1
root=$cache_dir/root-$name
if [ -n "$only_path" ]; then echo "$root"; exit 0; fi

suite=trixie
backports=
case $name in
    trixie)
        packages=(busybox-static
            weston sway grim wtype wayland-utils xkb-data fonts-dejavu-core
            libgl1-mesa-dri libegl-mesa0 libegl1 libgles2 libgbm1
            libwayland-dev wayland-protocols
            libdrm-tests kmod seatd
            qemu-system-x86 libvirglrenderer1 libepoxy0)
        ;;
    vmm)
        backports=trixie-backports
        packages=(busybox-static qemu-system-x86 libvirglrenderer1 libepoxy0 libgbm1 libgl1-mesa-dri)
        ;;
    l1)
        suite=bookworm
        # libstdc++ to libssl: what .NET loads
        packages=(busybox-static kmod procps socat
            weston xkb-data fonts-dejavu-core
            qemu-system-x86 libvirglrenderer1 libepoxy0 libgbm1
            libstdc++6 libgcc-s1 zlib1g libssl3)
        ;;
    *) bad_use "unknown root '$name'" ;;
esac

wanted="$name $(printf '%s\n' "${packages[@]}" qemu-system-gui | sort | sha256sum | cut -c1-16)"
is_current() { [ "$(cat "$root/.gs-root" 2> /dev/null)" = "$wanted" ]; }
is_current && exit 0

[ "$(id -u)" = 0 ] || { note "a chroot is built as root: sudo $0 $name"; exit 3; }
need mmdebstrap=mmdebstrap "$debian_keyring=debian-archive-keyring"

exec 9> "$root.lock"
flock -w 600 9 || die "somebody else has been building $root for ten minutes"
is_current && exit 0

begin=$(uptime_s)
rm -rf "$root".tmp.*
tmp=$root.tmp.$$
builder=
cleanup() {
    if [ -n "$builder" ]; then
        kill -KILL "$builder" 2> /dev/null || true
        wait "$builder" 2> /dev/null || true
    fi
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# apt's own way to the mirror (proxy, validity checks) holds for the root, too
apt_options=()
while read -r line; do apt_options+=(--aptopt="$line"); done < <(
    apt-config dump | grep -iE '^Acquire::(http|https|ftp|Check-|AllowRel|Retries)' | grep -v '::Proxy-Auto-Detect' | sed 's/;$//')

mirror=$(debian_mirror)
note "building the $name root (about a minute)"
sources=("deb [signed-by=$debian_keyring] $mirror $suite main")
if [ -n "$backports" ]; then
    sources+=("deb [signed-by=$debian_keyring] $mirror $backports main")
    apt_options+=(--aptopt="APT::Default-Release \"$backports\"")
fi
# namespaces of its own for mounts and processes, bound to our life: nothing of it stays, whatever happens to us
setpriv --pdeathsig KILL unshare --mount --pid --mount-proc --fork --kill-child timeout 600 nice mmdebstrap --variant=essential --mode=root --quiet \
    --keyring="$debian_keyring" "${apt_options[@]}" \
    --aptopt='Apt::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/icons/*/*' \
    --include="$(IFS=,; echo "${packages[*]}")" \
    "$suite" "$tmp" - < <(printf '%s\n' "${sources[@]}") > "$root.log" 2>&1 9>&- &
builder=$!
wait "$builder" || { builder=''; tail -n 30 "$root.log" >&2; die "mmdebstrap failed; all of it: $root.log"; }
builder=

# vhost-user-gpu alone, without the GTK world its package depends on
gui=$(fetch_deb "${backports:-$suite}" qemu-system-gui)
mkdir -p "$tmp/.gui"
dpkg-deb -x "$gui" "$tmp/.gui"
helper=$(find "$tmp/.gui" -name vhost-user-gpu -type f | head -n 1)
if [ -n "$helper" ]; then install -D -m 755 "$helper" "$tmp/usr/lib/qemu/vhost-user-gpu"; else note "qemu-system-gui of ${backports:-$suite} has no vhost-user-gpu"; fi
rm -rf "$tmp/.gui"

printf '%s\n' "$wanted" > "$tmp/.gs-root"
rm -rf "$root"
mv "$tmp" "$root"
note "$root: $(du -sh "$root" | cut -f1) in $(elapsed_since "$begin")"
