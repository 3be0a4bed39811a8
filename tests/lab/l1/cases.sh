#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Guests' pictures on compositors' screens with KVM, inside an L1 of its own: one case.sh after the other.
#
#   l1/cases.sh OUT [--root ROOT] COMPOSITOR/QEMU/GUEST/JOB... [OPTION...] [-- GUEST-SURFACES-ARGUMENT...]
#
#       --root ROOT       what L1 boots: trixie (default), sid or bookworm
#       --program DIR     a published guest-surfaces (default: published by this script into OUT/program)
#       and every other option of l1/case.sh, for each case
#
# Each case fills OUT/COMPOSITOR-QEMU-GUEST-JOB as case.sh says. Prints for each case its GS-HOLD line and the folder:
#   weston-drm/vmm/6.12/flip GS-HOLD job=flip head=0 mode=1280x800 frame=60 seed=0 crc=9820ccc6 /path/of/OUT/weston-drm-vmm-6.12-flip
# Ends with 0 if all cases did. A case that ends with L1 itself, or by a time-out, gets a fresh L1 and one more try.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

[ $# -ge 1 ] || bad_use "where to?"
out=$1
shift
root=trixie program='' wait=240 cases=() options=()
while [ $# -gt 0 ]; do
    case $1 in
        --root) root=$2; shift ;;
        --program) program=$2; shift ;;
        --wait) wait=$2; shift ;;
        --) options+=("$@"); break ;;
        --*) options+=("$1" "$2"); shift ;;
        */*/*/*) cases+=("$1") ;;
        *) bad_use "unknown argument $1" ;;
    esac
    shift
done
[ ${#cases[@]} -gt 0 ] || bad_use "which cases?"
options=(--wait "$wait" "${options[@]}")
mkdir -p "$out"
out=$(cd "$out" && pwd)
if [ -z "$program" ]; then
    command -v dotnet > /dev/null || die "the .NET 10 SDK is missing (command dotnet)"
    program=$out/program
    nice dotnet publish "$repo_dir/src/GuestSurfaces.Cli" -c Release --nologo -v quiet -o "$program" >&2
fi
[ -x "$program/guest-surfaces" ] || die "$program has no guest-surfaces"

"$lab_dir/l1.sh" build "$root" > /dev/null # before any clock runs
case " ${cases[*]}" in */vmm/*) "$lab_dir/roots.sh" vmm ;; esac
machine=$(mktemp -d /tmp/gs-l1.XXXXXX)
trap '"$lab_dir/l1.sh" down "$machine"; rm -rf "$machine"' EXIT
trap 'exit 130' INT TERM
is_up=

# one_case NAME FOLDER: 124 or 125 as l1.sh run
one_case() {
    local status=0
    if [ -z "$is_up" ]; then
        "$lab_dir/l1.sh" up "$machine" --root "$root" --limit $((1800 + wait)) > /dev/null || return 125
        is_up=1
        mkdir -p "$machine/share/program"
        cp "$program"/{guest-surfaces,*.dll,*.json} "$machine/share/program/"
        for module in "$program"/guest-surfaces-*.so; do
            if [ -e "$module" ]; then cp "$module" "$machine/share/program/"; fi
        done
    fi
    rm -rf "$machine/share/case"
    "$lab_dir/l1.sh" run "$machine" "tests/lab/l1/case.sh /share/case $1 ${options[*]@Q}" $((wait + 90)) || status=$?
    rm -rf "$2"
    if [ -d "$machine/share/case" ]; then cp -r "$machine/share/case" "$2"; fi
    return "$status"
}

failures=0
for name in "${cases[@]}"; do
    folder=$out/${name//\//-}
    for try in 1 2; do
        begin=$(uptime_s)
        status=0
        one_case "$name" "$folder" || status=$?
        case $status in 124 | 125) ;; *) break ;; esac
        # its kernel ends in an emulated SVM once in a while: not the case's fault, once
        cp "$machine/serial.log" "$folder-l1-serial-$try.log" || true
        "$lab_dir/l1.sh" down "$machine"
        is_up=
        note "$name: L1 ended or hung (try $try)"
    done
    hold=$(cat "$folder/serial.log" 2> /dev/null | tr -d '\r' | grep '^GS-HOLD' | tail -n 1 || true)
    if [ "$status" = 0 ] && [ -n "$hold" ]; then echo "$name $hold $folder"; else failures=$((failures + 1)); echo "$name FAILED $folder"; fi
    note "$name: $(elapsed_since "$begin")"
done
[ "$failures" = 0 ] || die "$failures of ${#cases[@]} cases failed"
