#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Debian 12's QEMU 7.2 as the front-end of our back-end: guest -> KVM -> vhost-user-gpu-pci -> guest-surfaces -> weston 10,
# all of it inside L1 (see l1.sh), because that QEMU refuses vhost-user devices without KVM.
#
#   l1/qemu72.sh OUT [OPTION...] [GUEST/JOB...]     default: 6.1/flip
#       --program DIR     a published guest-surfaces (default: published by this script into OUT/program)
#       --frames N        of each job (default 60)
#       --wait SECONDS    for a guest's GS-DONE (default 240)
#
# Each case fills OUT/GUEST-JOB: shot.png (the compositor's own, 1280x800: the guest's picture and nothing else), serial.log,
# qemu.log, attach.log, compositor.log, stats.json. Prints for each case its GS-HOLD line and the folder:
#   6.1/flip GS-HOLD job=flip head=0 mode=1280x800 frame=60 seed=0 crc=9820ccc6 /path/of/OUT/6.1-flip
# Ends with 0 if every case got that far and no guest's kernel complained. Whether shot.png has that crc is for the caller.
# A case that ends with L1 itself, or by a time-out, gets a fresh L1 and one more try.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

[ $# -ge 1 ] || bad_use "where to?"
out=$1
shift
program='' frames=60 wait=240 cases=()
while [ $# -gt 0 ]; do
    case $1 in
        --program) program=$2; shift ;;
        --frames) frames=$2; shift ;;
        --wait) wait=$2; shift ;;
        6.1/* | 6.12/*) cases+=("$1") ;;
        *) bad_use "unknown argument $1" ;;
    esac
    shift
done
[ ${#cases[@]} -gt 0 ] || cases=(6.1/flip)
mkdir -p "$out"
out=$(cd "$out" && pwd)
if [ -z "$program" ]; then
    command -v dotnet > /dev/null || die "the .NET 10 SDK is missing (command dotnet)"
    program=$out/program
    nice dotnet publish "$repo_dir/src/GuestSurfaces.Cli" -c Release --nologo -v quiet -o "$program" >&2
fi
[ -x "$program/guest-surfaces" ] || die "$program has no guest-surfaces"

"$lab_dir/l1.sh" build > /dev/null # before any clock runs
machine=$(mktemp -d /tmp/gs-l1.XXXXXX)
trap '"$lab_dir/l1.sh" down "$machine"; rm -rf "$machine"' EXIT
trap 'exit 130' INT TERM
is_up=

# one_case GUEST JOB: 124 or 125 as l1.sh run
one_case() {
    local status=0
    if [ -z "$is_up" ]; then
        "$lab_dir/l1.sh" up "$machine" --limit 1800 > /dev/null || return 125
        is_up=1
        mkdir -p "$machine/share/program"
        cp "$program"/{guest-surfaces,*.dll,*.json} "$machine/share/program/"
    fi
    rm -rf "$machine/share/case"
    mkdir "$machine/share/case"
    "$lab_dir/l1.sh" run "$machine" "tests/lab/l1/qemu72-case.sh $1 $2 $frames $wait" $((wait + 90)) || status=$?
    rm -rf "$out/$1-$2"
    cp -r "$machine/share/case" "$out/$1-$2"
    return "$status"
}

failures=0
for name in "${cases[@]}"; do
    guest=${name%/*} job=${name#*/}
    for try in 1 2; do
        begin=$(uptime_s)
        status=0
        one_case "$guest" "$job" || status=$?
        case $status in 124 | 125) ;; *) break ;; esac
        # its kernel ends in an emulated SVM once in a while: not the case's fault, once
        cp "$machine/serial.log" "$out/l1-serial-$guest-$job-$try.log" || true
        "$lab_dir/l1.sh" down "$machine"
        is_up=
        note "$name: L1 ended or hung (try $try)"
    done
    hold=$(tr -d '\r' < "$out/$guest-$job/serial.log" 2> /dev/null | grep '^GS-HOLD' | tail -n 1 || true)
    if [ "$status" = 0 ] && [ -n "$hold" ]; then echo "$name $hold $out/$guest-$job"; else failures=$((failures + 1)); echo "$name FAILED $out/$guest-$job"; fi
    note "$name: $(elapsed_since "$begin")"
done
[ "$failures" = 0 ] || die "$failures of ${#cases[@]} cases failed"
