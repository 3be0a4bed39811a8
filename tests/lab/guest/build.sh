#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds a tiny guest out of one of Debian's stock kernels and gsguest.c.
#
#   guest/build.sh 6.1|6.12|newest [tools|weston]   -> .cache/lab/guest/VERSION/{kernel,initrd[,initrd-tools][,initrd-weston]}
#
#   6.1     Debian 12's kernel        tools    adds libdrm's modetest        (job modetest)
#   6.12    Debian 13's kernel        weston   adds weston on KMS, pixman    (job weston)
#   newest  Debian sid's kernel
#
# kernel is the uncompressed vmlinux (QEMU starts it by its PVH entry; an emulated CPU need not unpack it), initrd the
# modules of a virtio display with their order in /m/order, busybox, and gsguest as /init. Prints the folder.
# Cached: rebuilt when its sources change. The bigger images come from the trixie root.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

version=${1:-}
variant=${2:-}
case $version in
    6.1) suite=bookworm ;;
    6.12) suite=trixie ;;
    newest) suite=sid ;;
    *) bad_use "which kernel: 6.1, 6.12 or newest?" ;;
esac
case $variant in '' | tools | weston) ;; *) bad_use "unknown image '$variant'" ;; esac

source_file=$lab_dir/guest/gsguest.c
out=$cache_dir/guest/$version
mkdir -p "$out"

initrd=$out/initrd${variant:+-$variant}
sources=$(cat "$source_file" "$lab_dir"/guest/{build.sh,weston-job.sh} | sha256sum)
up_to_date() { [ -s "$out/kernel" ] && [ "$(cat "$initrd.from" 2> /dev/null)" = "$sources" ]; }
if up_to_date; then echo "$out"; exit 0; fi

need gcc=gcc /usr/include/stdlib.h=libc6-dev cpio=cpio zstd=zstd xz=xz-utils depmod=kmod "$debian_keyring=debian-archive-keyring"

exec 9> "$out/.lock"
flock -w 300 9 || die "somebody else has been building $out for five minutes"
if up_to_date; then echo "$out"; exit 0; fi

begin=$(uptime_s)
work=$(mktemp -d "$out/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# ---- stock packages, unpacked once ----------------------------------------------------------------------------------------

image=$(meta_target "$suite" linux-image-amd64)
[ -n "$image" ] || die "linux-image-amd64 of $suite depends on no kernel"
unpacked=$out/$image
if [ ! -d "$unpacked" ]; then
    note "$version: fetching $image"
    deb=$(fetch_deb "$suite" "$image")
    # newer ones have their files in other packages
    parts=("$deb")
    for part in $(dpkg-deb -f "$deb" Depends | grep -oE 'linux-(base|binary|modules)-[0-9][^ ,]*' || true); do parts+=("$(fetch_deb "$suite" "$part")"); done
    mkdir "$work/image"
    for deb in "${parts[@]}"; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/image" --wildcards './boot/vmlinuz*' './*lib/modules/*/kernel/drivers/virtio' \
            './*lib/modules/*/kernel/drivers/gpu/drm' './*lib/modules/*/kernel/drivers/input' './*lib/modules/*/kernel/lib' \
            './*lib/modules/*/kernel/drivers/dma-buf' './*lib/modules/*/kernel/drivers/video' './*lib/modules/*/modules.*' './*lib/modules/*/vmlinuz' 2> /dev/null || true # (not all of it is in each)
    done
    [ -n "$(find "$work/image" -name 'virtio-gpu.ko*')" ] || die "$image is not laid out as expected"
    rm -rf "$out"/linux-image-*
    mv "$work/image" "$unpacked"
fi
busybox_deb=$(fetch_deb "$suite" busybox-static)
headers_deb=$(fetch_deb "$suite" libdrm-dev)
mkdir "$work/debs"
dpkg-deb -x "$busybox_deb" "$work/debs"
dpkg-deb -x "$headers_deb" "$work/debs"
busybox=$(find "$work/debs" -path "*/bin/busybox" -type f | head -n 1)

# ---- kernel: the payload of the bzImage -----------------------------------------------------------------------------------

bzimage=$(find "$unpacked" -name 'vmlinuz*' -type f | head -n 1)
bare_kernel "$bzimage" "$work/kernel" || note "$version: unknown compression, the kernel stays as it is"

# ---- initramfs ------------------------------------------------------------------------------------------------------------

tree=$work/tree
mkdir -p "$tree/m" "$tree/bin"
nice gcc -static -O2 -Wall -Wextra -Werror -I "$work/debs/usr/include/libdrm" -o "$tree/init" "$source_file"
strip "$tree/init"
install -m 755 "$busybox" "$tree/bin/busybox"

modules=$(dirname "$(find "$unpacked" -name modules.builtin | head -n 1)")
release=${modules##*/}
if [ ! -s "$modules/modules.dep" ]; then
    base=${modules%/lib/modules/*}
    depmod -b "$base" "$release" 2> /dev/null || { mkdir -p "$work/lib"; ln -s "$(dirname "$modules")" "$work/lib/modules"; depmod -b "$work" "$release"; }
fi
# what each module needs, itself last; modules.dep lists dependencies so that the last one must go in first
for wanted in virtio_pci virtio_gpu virtio_input evdev; do
    line=$(awk -v want="$wanted" '{ n = $1; sub(":", "", n); sub(".*/", "", n); sub("[.]ko.*", "", n); gsub("-", "_", n) } n == want { sub(":", "", $0); print; exit }' "$modules/modules.dep")
    if [ -z "$line" ]; then
        grep -q "/${wanted//_/[-_]}[.]ko" "$modules/modules.builtin" || die "$release has no module $wanted"
        continue
    fi
    for file in $(tr ' ' '\n' <<< "$line" | tac); do
        name=${file##*/}
        name=${name%%.ko*}.ko
        [ -e "$tree/m/$name" ] && continue
        [ -e "$modules/$file" ] || die "$wanted needs $file, which was not unpacked"
        case $file in
            *.xz) xz -dc "$modules/$file" > "$tree/m/$name" ;;
            *.zst) zstd -dqc "$modules/$file" > "$tree/m/$name" ;;
            *) cp "$modules/$file" "$tree/m/$name" ;;
        esac
        strip --strip-debug "$tree/m/$name"
        echo "$name" >> "$tree/m/order"
    done
done

# ---- the bigger images: programs of the trixie root with all they load ------------------------------------------------------

# add_programs PATH...: files of the trixie root into the tree, each with its shared libraries
add_programs() {
    # shellcheck disable=SC2016 # for the shell inside
    "$lab_dir/in-root.sh" trixie sh -c 'for f; do echo "$f"; ldd "$f" 2>/dev/null | sed -n "s/.* => \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p"; done' sh "$@" | sort -u |
        while read -r file; do
            mkdir -p "$tree${file%/*}"
            cp -L "$root$file" "$tree$file"
        done
}
if [ -n "$variant" ]; then
    "$lab_dir/roots.sh" trixie
    root=$("$lab_dir/roots.sh" --path trixie)
    mkdir -p "$tree/usr/lib" "$tree/usr/lib64"
    ln -s usr/lib "$tree/lib"
    ln -s usr/lib64 "$tree/lib64"
    case $variant in
        tools) add_programs /usr/bin/modetest ;;
        weston)
            mapfile -t plugins < <(cd "$root" && find usr/lib/x86_64-linux-gnu/libweston-14 usr/lib/x86_64-linux-gnu/weston -name '*.so' \
                \( -name drm-backend.so -o -name desktop-shell.so -o -name kiosk-shell.so -o -name libexec_weston.so\* \) | sed 's,^,/,')
            add_programs /usr/bin/weston /usr/libexec/weston-desktop-shell /usr/bin/weston-simple-shm "${plugins[@]}"
            mkdir -p "$tree/usr/share" "$tree/gs" "$tree/run"
            cp -a "$root/usr/share/X11" "$root/usr/share/weston" "$tree/usr/share/"
            install -m 755 "$lab_dir/guest/weston-job.sh" "$tree/gs/weston"
            ;;
    esac
fi

(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) > "$work/initrd"
if [ -n "$variant" ]; then zstd -q -3 --rm "$work/initrd" -o "$work/initrd.zst" && mv "$work/initrd.zst" "$work/initrd"; fi
rm -f "$initrd.from"
mv "$work/kernel" "$out/kernel"
mv "$work/initrd" "$initrd"
echo "$sources" > "$initrd.from"
note "$version${variant:+ $variant}: $release, kernel $(du -h "$out/kernel" | cut -f1), initrd $(du -h "$initrd" | cut -f1), in $(elapsed_since "$begin")"
echo "$out"
