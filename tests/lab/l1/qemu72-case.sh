#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The part of qemu72.sh that runs inside L1: qemu72-case.sh GUEST JOB FRAMES WAIT. Leaves everything in /share/case.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

guest=$1 job=$2 frames=$3 wait=$4
work=$(mktemp -d /tmp/gs.XXXXXX)
attach=
cleanup() {
    "$lab_dir/vm.sh" down "$work/v" || true
    if [ -n "$attach" ]; then stop_pid "$attach" 10; fi
    "$lab_dir/compositors.sh" down "$work/w" || true
    cp "$work"/v/{serial,qemu}.log "$work/w/compositor.log" "$work/attach.log" "$work/stats.json" /share/case/ 2> /dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 143' INT TERM
mkdir "$work/v"

[ -d /tmp/program ] || cp -r /share/program /tmp/program # .NET starts faster from memory
began=$(uptime_s)
"$lab_dir/compositors.sh" up weston10 "$work/w" 1280x800 > "$work/display"
export XDG_RUNTIME_DIR=$work/w WAYLAND_DISPLAY=$work/w/gs-wayland
note "compositor: $(elapsed_since "$began")"

began=$(uptime_s)
/tmp/program/guest-surfaces attach vhost-user --socket-path "$work/gpu.sock" --once --size 1280x800 --stats "$work/stats.json" \
    --note "guest=Linux $guest" --note "vmm=QEMU 7.2" --note "accelerator=kvm" --note "compositor=weston 10, headless" > "$work/attach.log" 2>&1 &
attach=$!
until [ -S "$work/gpu.sock" ]; do
    alive "$attach" || { cat "$work/attach.log" >&2; die "guest-surfaces ended"; }
    rest 0.1
done
note "guest-surfaces: $(elapsed_since "$began")"

began=$(uptime_s)
"$lab_dir/vm.sh" up "$work/v" --qemu host --accel kvm --gpu "$work/gpu.sock" --guest "$guest" --job "$job" --frames "$frames" --limit $((wait + 60)) > /dev/null
"$lab_dir/vm.sh" wait "$work/v" '^GS-DONE' "$wait" > /dev/null || { tail -n 20 "$work/attach.log" >&2; die "no GS-DONE"; }
note "guest: $(elapsed_since "$began")"

# the last picture is on its way through the compositor: two screenshots alike
"$lab_dir/compositors.sh" shot weston10 "$work/w" "$work/a.png"
for _ in 1 2 3 4 5; do
    rest 0.5
    "$lab_dir/compositors.sh" shot weston10 "$work/w" /share/case/shot.png
    ! cmp -s "$work/a.png" /share/case/shot.png || break
    cp /share/case/shot.png "$work/a.png"
done
"$lab_dir/vm.sh" errors "$work/v"

# with its VMM gone it ends by itself, and writes what it has measured
"$lab_dir/vm.sh" down "$work/v"
for _ in $(seq 200); do
    alive "$attach" || break
    rest 0.1
done
! alive "$attach" || die "guest-surfaces has not ended with its VMM"
status=0
wait "$attach" || status=$?
attach=
[ "$status" = 0 ] || { tail -n 20 "$work/attach.log" >&2; die "guest-surfaces ended with $status"; }
[ -s "$work/stats.json" ] || die "guest-surfaces wrote no statistics"
