#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks the guests themselves, without any program of ours: what gsguest says it shows (GS-HOLD) must be what QEMU shows.
#
#   guest/check.sh [--gpu virtio|helper] [6.1|6.12|all] [JOB...]
#
# Default: virtio-gpu-pci, both kernels, the jobs that end with a known picture. Prints one line per run; fails if a picture
# differs or the kernel complains.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

gpu=virtio
if [ "${1:-}" = --gpu ]; then gpu=$2; shift 2; fi
case ${1:-all} in
    all) versions=(6.1 6.12) ;;
    6.1 | 6.12) versions=("$1") ;;
    *) bad_use "which kernel?" ;;
esac
[ $# -eq 0 ] || shift
jobs=("$@")
[ ${#jobs[@]} -gt 0 ] || jobs=(pattern flip damage console heads cursor flood reboot)
# QEMU's helper itself does not outlive a guest's reboot: a second GPU_SET_SOCKET ends it by an assertion
if [ "$gpu" = helper ]; then jobs=("${jobs[@]/reboot/}"); fi

vm=$lab_dir/vm.sh
dir=$(mktemp -d "${TMPDIR:-/tmp}/gs-check.XXXXXX")
trap '"$vm" down "$dir"; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

failures=0
for version in "${versions[@]}"; do
    for job in "${jobs[@]}"; do
        [ -n "$job" ] || continue
        begin=$(uptime_s)
        options=(--gpu "$gpu" --guest "$version" --job "$job" --seed 5 --limit 90)
        heads=1
        last='^GS-DONE'
        case $job in
            heads) heads=2; options+=(--outputs 2 --append video=Virtual-2:1024x768e) ;;
            flood) options+=(--seconds 2) ;;
            reboot) last='^GS-DONE job=reboot frames=2' ;;
        esac
        verdict=
        if "$vm" up "$dir" "${options[@]}" > /dev/null && "$vm" wait "$dir" "$last" 60 > /dev/null; then
            for ((head = 0; head < heads; head++)); do
                said=$(tr -d '\r' < "$dir/serial.log" | sed -n "s/^GS-HOLD .*head=$head .*crc=\([0-9a-f]*\).*/\1/p" | tail -n 1)
                shown=
                # QEMU's display follows the guest's flush within a refresh of its own
                for _ in 1 2 3; do
                    "$vm" shot "$dir" "$dir/head$head.ppm" "$head"
                    shown=$("$vm" crc "$dir/head$head.ppm")
                    [ "$shown" != "$said" ] || break
                done
                if [ -n "$said" ] && [ "$shown" = "$said" ]; then verdict+=" head $head $said"; else verdict+=" head $head DIFFERS (guest $said, QEMU $shown)"; fi
            done
            "$vm" errors "$dir" || verdict+=" KERNEL ERRORS"
        else
            verdict=' FAILED'
        fi
        "$vm" down "$dir"
        case $verdict in *[A-Z][A-Z]*) failures=$((failures + 1)) ;; esac
        printf '%-5s %-8s%s  %s\n' "$version" "$job" "$verdict" "$(elapsed_since "$begin")"
    done
done
[ "$failures" = 0 ] || die "$failures runs failed"
