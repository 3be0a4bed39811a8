#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds what the lab's tests need, before any of them runs and times anything.
#
#   prepare.sh [A|B|C|D]... | all      without arguments: A. See lab.sh for what the tiers are
#
# Afterwards everything is in the cache and the scripts start at once. From nothing on two idle cores: A takes a minute and
# a half, all of it four minutes. Ends with 3 and says what to run when it would need to be root.
#
# Tier C depends on what others do to Debian's sid from day to day. Where it cannot be built, `all` says so and goes on: the
# tests of tier C then fail with the same words, and no others.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

begin=$(uptime_s)
everything=
[ $# -gt 0 ] || set -- A
if [ "$*" = all ]; then everything=1; set -- A B C D; fi
roots=() images=() westons=()
for tier; do
    case $tier in
        A) roots+=(trixie vmm libvirt) westons+=(14) ;;
        B) roots+=(trixie vmm kernel) images+=(trixie) westons+=(14) ;;
        C) roots+=(sid vmm kernel) images+=(sid) westons+=(16) ;;
        D) roots+=(trixie vmm kernel bookworm) images+=(trixie bookworm) ;;
        *) bad_use "there is no tier $tier" ;;
    esac
done

# one installation, not one for each script
more=()
[ ${#images[@]} -eq 0 ] || more=(mkfs.erofs=erofs-utils strip=binutils)
need "${more[@]}" qemu-system-x86_64=qemu-system-x86 weston=weston socat=socat mount=mount mmdebstrap=mmdebstrap gcc=gcc \
    /usr/include/stdlib.h=libc6-dev cpio=cpio zstd=zstd xz=xz-utils depmod=kmod "$debian_keyring=debian-archive-keyring"

declare -A builders=()
for root in "${roots[@]}"; do
    [ -z "${builders[$root]:-}" ] || continue
    "$lab_dir/roots.sh" "$root" &
    builders[$root]=$!
done
trap 'kill "${builders[@]}" 2> /dev/null; wait; exit 130' INT TERM
for version in 6.12 6.1; do "$lab_dir/guest/build.sh" "$version" > /dev/null; done
"$lab_dir/compositors.sh" build
"$lab_dir/accel.sh" > /dev/null
"$lab_dir/protocols.sh" > /dev/null
for root in "${!builders[@]}"; do
    wait "${builders[$root]}" || {
        status=$?
        if [ "$root" != sid ] || [ -z "$everything" ]; then exit "$status"; fi
        note "tier C cannot be built today, its tests will fail: Debian has neither sid nor testing in a state to install"
        images=("${images[@]/sid/}")
    }
done
for major in "${westons[@]}"; do
    "$lab_dir/weston-module.sh" --headers "$major" > /dev/null || {
        status=$?
        if [ "$major" != 16 ] || [ -z "$everything" ]; then exit "$status"; fi
        note "the module for Weston 16 cannot be built today, its tests will fail: Debian has no libweston-16-dev"
    }
done
for version in 6.1 6.12; do
    for image in tools weston; do "$lab_dir/guest/build.sh" "$version" "$image" > /dev/null; done
done
for image in "${images[@]}"; do
    [ -z "$image" ] || "$lab_dir/l1.sh" build "$image" > /dev/null
done
note "ready in $(elapsed_since "$begin")"
