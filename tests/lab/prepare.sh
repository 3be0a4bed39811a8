#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds what the lab's tests need, before any of them runs and times anything.
#
#   prepare.sh            both guests, the trixie root, the accelerator probe (about a minute and a half from nothing)
#   prepare.sh all        also the vmm root, the newest protocol descriptions, the guests' bigger images, and L1 with its root
#
# Afterwards everything is in the cache and the scripts start at once. Ends with 3 and says what to run when it would need
# to be root.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ $# -eq 0 ] || [ "$1" = all ] || bad_use "nothing, or all"

begin=$(uptime_s)
# one installation, not one for each script
more=()
[ $# -eq 0 ] || more=(mkfs.erofs=erofs-utils strip=binutils)
need "${more[@]}" qemu-system-x86_64=qemu-system-x86 weston=weston socat=socat mount=mount mmdebstrap=mmdebstrap gcc=gcc \
    /usr/include/stdlib.h=libc6-dev cpio=cpio zstd=zstd xz=xz-utils depmod=kmod "$debian_keyring=debian-archive-keyring"
"$lab_dir/roots.sh" trixie &
root=$!
"$lab_dir/guest/build.sh" 6.12 > /dev/null
"$lab_dir/guest/build.sh" 6.1 > /dev/null
"$lab_dir/compositors.sh" build
"$lab_dir/accel.sh" > /dev/null
wait "$root"
if [ "${1:-}" = all ]; then
    "$lab_dir/roots.sh" vmm &
    root=$!
    "$lab_dir/l1.sh" build > /dev/null
    "$lab_dir/protocols.sh" > /dev/null
    wait "$root"
    for version in 6.1 6.12; do
        for image in tools weston; do "$lab_dir/guest/build.sh" "$version" "$image" > /dev/null; done
    done
fi
note "ready in $(elapsed_since "$begin")"
