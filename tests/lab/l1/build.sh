#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds what l1.sh boots.
#
#   l1/build.sh ROOT    -> .cache/lab/l1/{kernel,initrd,ROOT.erofs}    ROOT: trixie, sid or bookworm, see roots.sh
#
# kernel is Debian 13's, uncompressed; initrd has its modules that are needed and those of l1/modules; the image is the root
# as it is. Cached: rebuilt when its sources change.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

[ $# -eq 1 ] || bad_use "which root?"
out=$cache_dir/l1
root=$("$lab_dir/roots.sh" --path "$1")
kernel_root=$("$lab_dir/roots.sh" --path kernel)
image=$out/$1.erofs
# what the initramfs loads, what init loads, what makes a guest run, what modules/build makes
modules=(virtio_pci virtio_blk crc32c_generic erofs overlay 9pnet_virtio 9p virtio_console kvm_amd
    vkms sw_sync mbochs mdpy vfio_iommu_type1)

sources="${kernel_root##*/} $(cat "$lab_dir"/l1/{build.sh,initramfs-init,init,agent} "$lab_dir"/l1/modules/* | sha256sum)"
kernel_is_built() { [ "$(cat "$out/kernel.from" 2> /dev/null)" = "$sources" ]; }
image_is_built() { [ "$(cat "$image.from" 2> /dev/null)" = "${root##*/}" ]; }
if kernel_is_built && image_is_built; then exit 0; fi

begin=$(uptime_s)
need mkfs.erofs=erofs-utils cpio=cpio zstd=zstd xz=xz-utils depmod=kmod strip=binutils
"$lab_dir/roots.sh" "$1" &
builder=$!
"$lab_dir/roots.sh" kernel
wait "$builder"

mkdir -p "$out"
exec 9> "$out/.lock"
flock -w 300 9 || die "somebody else has been building $out for five minutes"
rm -rf "$out"/.work.*
work=$(mktemp -d "$out/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

build_image() {
    nice mkfs.erofs --quiet -x-1 -zlz4 "$work/image" "$root" > "$work/mkfs.log" 2>&1 || { cat "$work/mkfs.log" >&2; die "mkfs.erofs failed"; }
    rm -f "$image.from"
    mv "$work/image" "$image"
    echo "${root##*/}" > "$image.from"
}

# the stock kernel with those modules that are named above, and all they need
build_kernel() {
    local release deb all from wanted line file name
    release=$(ls "$kernel_root/usr/lib/modules")
    note "kernel $release"
    deb=$(fetch_deb trixie "linux-image-$release")
    nice "$lab_dir/in-root.sh" kernel "$lab_dir/l1/modules/build" "$release" "$work/built" > "$work/modules.log" 2>&1 &
    builder=$!
    mkdir -p "$work/package" "$work/all/lib"
    nice dpkg-deb -x "$deb" "$work/package"
    all=$(dirname "$(find "$work/package" -name modules.builtin | head -n 1)")
    ln -s "$(dirname "$all")" "$work/all/lib/modules"
    wait "$builder" || { tail -n 30 "$work/modules.log" >&2; die "the modules of l1/modules cannot be built for $release"; }
    mkdir -p "$all/updates"
    mv "$work"/built/*.ko "$all/updates/"
    nice depmod -b "$work/all" "$release"

    mkdir -p "$work/tree/lib/modules/$release"
    from=$work/tree/lib/modules/$release
    for wanted in "${modules[@]}"; do
        line=$(awk -v want="$wanted" '{ n = $1; sub(":", "", n); sub(".*/", "", n); sub("[.]ko.*", "", n); gsub("-", "_", n) } n == want { sub(":", "", $0); print; exit }' "$all/modules.dep")
        [ -n "$line" ] || grep -q "/${wanted//_/[-_]}[.]ko" "$all/modules.builtin" || die "$release has no module $wanted"
        for file in $line; do
            name=$from/${file%.xz}
            [ -e "$name" ] && continue
            mkdir -p "$(dirname "$name")"
            case $file in *.xz) xz -dc "$all/$file" > "$name" ;; *) cp "$all/$file" "$name" ;; esac
            strip --strip-debug "$name"
        done
    done
    cp "$all"/modules.{builtin,builtin.modinfo,order} "$from/"
    depmod -b "$work/tree" "$release"
    bare_kernel "$(find "$work/package/boot" -name 'vmlinuz-*' | head -n 1)" "$work/kernel" || note "unknown compression, the kernel stays as it is"

    mkdir -p "$work/tree/bin" "$work/tree/l1"
    install -m 755 "$kernel_root/bin/busybox" "$work/tree/bin/busybox"
    install -m 755 "$lab_dir/l1/initramfs-init" "$work/tree/init"
    install -m 755 "$lab_dir/l1/init" "$lab_dir/l1/agent" "$work/tree/l1/"
    (cd "$work/tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) > "$work/initrd"
    rm -f "$out/kernel.from"
    mv "$work/kernel" "$work/initrd" "$out/"
    echo "$sources" > "$out/kernel.from"
}

image_is_built || build_image &
imager=$!
kernel_is_built || build_kernel
wait "$imager"
note "kernel $(du -h "$out/kernel" | cut -f1), initrd $(du -h "$out/initrd" | cut -f1), image of $1 $(du -h "$image" | cut -f1), in $(elapsed_since "$begin")"
