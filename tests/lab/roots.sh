#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the lab's roots: other compositors, VMMs and compilers than the machine itself has. To chroot into, or to boot.
#
#   roots.sh trixie        Debian 13: weston 14, sway 1.10, QEMU 10.0, vhost-user-gpu, valgrind
#   roots.sh sid           the same of the newest Debian: weston 16, sway 1.12 or whatever it is today
#   roots.sh bookworm      Debian 12: weston 10, QEMU 7.2, vhost-user-gpu
#   roots.sh vmm           the QEMU of Debian 13's backports: 11.1, which has vhost-user-test-device-pci and with it blobs
#   roots.sh libvirt       Debian 13's libvirt and QEMU
#   roots.sh kernel        what builds modules for Debian 13's kernel: its headers, its sources, a compiler
#   roots.sh --path NAME   prints where it is or would be
#
# On a day when sid cannot be installed, which happens, Debian's testing takes its place. .gs-versions in a root says
# what it holds.
#
# Cached in .cache/lab/root-NAME-HASH, the hash being that of the list of packages. Safe to interrupt: a root is built
# beside its place and moved there when complete; mounts are made in a private namespace only. Needs root.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

only_path=
if [ "${1:-}" = --path ]; then only_path=1; shift; fi
[ $# -eq 1 ] || bad_use "one root at a time"
name=$1

# A machine with a desktop, VMMs and what .NET loads
desktop=(busybox-static kmod mount procps socat xkb-data fonts-dejavu-core
    weston qemu-system-x86 libvirglrenderer1 libepoxy0 libgbm1
    libstdc++6 libgcc-s1 zlib1g)
newer=(sway grim wtype wayland-utils seatd libdrm-tests libwayland-dev wayland-protocols
    libgl1-mesa-dri libegl-mesa0 libegl1 libgles2
    qemu-system-gui qemu-system-modules-opengl dbus-daemon)
gui= # of which vhost-user-gpu alone is taken: without the GTK world it depends on
suites=(trixie)
backports=
case $name in
    trixie) packages=("${desktop[@]}" "${newer[@]}" valgrind) ;;
    sid)
        suites=(sid testing)
        packages=("${desktop[@]}" "${newer[@]}")
        ;;
    bookworm)
        suites=(bookworm)
        packages=("${desktop[@]}")
        gui=qemu-system-gui
        ;;
    vmm)
        backports=trixie-backports
        packages=(busybox-static qemu-system-x86 libvirglrenderer1 libepoxy0 libgbm1 libgl1-mesa-dri)
        gui=qemu-system-gui
        ;;
    libvirt) packages=(busybox-static procps libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 libstdc++6 libgcc-s1 zlib1g) ;;
    kernel)
        packages=(busybox-static make linux-headers-amd64 linux-source-6.12 xz-utils)
        ;;
    *) bad_use "unknown root '$name'" ;;
esac

root=$cache_dir/root-$name-$(printf '%s\n' "${suites[@]}" "$backports" "${packages[@]}" "$gui" | sha256sum | cut -c1-8)
if [ -n "$only_path" ]; then echo "$root"; exit 0; fi
is_current() { [ -e "$root/.gs-versions" ]; }
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

# build_from SUITE: into $tmp
build_from() {
    local suite=$1 sources=("deb [signed-by=$debian_keyring] $mirror $1 main") more=()
    if [ -n "$backports" ]; then
        sources+=("deb [signed-by=$debian_keyring] $mirror $backports main")
        more+=(--aptopt="APT::Default-Release \"$backports\"")
    fi
    # namespaces of its own for mounts and processes, bound to our life: nothing of it stays, whatever happens to us
    setpriv --pdeathsig KILL unshare --mount --pid --mount-proc --fork --kill-child timeout 600 nice mmdebstrap --variant=essential --mode=root \
        --keyring="$debian_keyring" "${apt_options[@]}" "${more[@]}" \
        --aptopt='Apt::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/icons/*/*' --dpkgopt='path-include=/usr/share/icons/*.theme' \
        --include="$(IFS=,; echo "${packages[*]}")" \
        "$suite" "$tmp" - < <(printf '%s\n' "${sources[@]}") > "$root.log" 2>&1 9>&- &
    builder=$!
    wait "$builder" || { builder=''; return 1; }
    builder=
}

for suite in "${suites[@]}" ''; do
    [ -n "$suite" ] || die "the packages of root $name cannot be installed; all of it: $root.log"
    note "building the $name root from $suite (about a minute)"
    if build_from "$suite"; then break; fi
    rm -rf "$tmp"
    note "$suite: $(grep -m 3 -E '^(E|Err|dpkg: error|The following packages have unmet|.* : Depends:)' "$root.log" || tail -n 5 "$root.log")"
done

if [ -n "$gui" ]; then
    deb=$(fetch_deb "${backports:-$suite}" "$gui")
    mkdir -p "$tmp/.gui"
    dpkg-deb -x "$deb" "$tmp/.gui"
    helper=$(find "$tmp/.gui" -name vhost-user-gpu -type f | head -n 1)
    if [ -n "$helper" ]; then install -D -m 755 "$helper" "$tmp/usr/lib/qemu/vhost-user-gpu"; else note "$gui of ${backports:-$suite} has no vhost-user-gpu"; fi
    rm -rf "$tmp/.gui"
fi

{
    echo "suite ${backports:-$suite}"
    # shellcheck disable=SC2016 # dpkg's own variables
    dpkg-query --admindir="$tmp/var/lib/dpkg" -W -f '${Package} ${Version}\n' "${packages[@]}"
} > "$tmp/.gs-versions"
mv "$tmp" "$root"
note "$root: $(du -sh "$root" | cut -f1) in $(elapsed_since "$begin")"
