#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Flips for as long as you like, in each way of synchronising, in full screen and in a window, each refresh of the screen checked: see GuestSurfaces.Lab/FlipCheck.cs.
#
#   soak.sh OUT [--flips N] [--only trixie|sid]     N in all (10000), spread over the ways; OUT gets what came of each, a line
#                                                   each. Build tests/GuestSurfaces.Lab beforehand
#
# An hour's work for 30000 on two idle cores. Ends with 1 if any refresh showed two colours.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] || bad_use "where to?"
result=$1
shift
flips=10000 only=''
while [ $# -gt 0 ]; do
    case $1 in
        --flips) flips=$2 ;; --only) only=$2 ;;
        *) bad_use "unknown option $1" ;;
    esac
    shift 2
done

ways=(trixie/weston-drm sid/weston-drm+feedback sid/sway-drm)
each=$((flips / (2 * ${#ways[@]}) + 1))
work=$(mktemp -d /tmp/gs.XXXXXX)
trap '"$lab_dir/l1.sh" down "$work/l1" || true; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM
status=0
: > "$result"
for root in trixie sid; do
    [ -z "$only" ] || [ "$only" = "$root" ] || continue
    "$lab_dir/l1.sh" up "$work/l1" --root "$root" --limit 7200 > /dev/null
    mkdir -p "$work/l1/share/lab"
    cp "$repo_dir"/tests/GuestSurfaces.Lab/bin/Release/net10.0/*.{dll,json} "$work/l1/share/lab"
    for way in "${ways[@]}"; do
        [ "${way%/*}" = "$root" ] || continue
        compositor=${way#*/}
        for shell in kiosk desktop; do
            case $shell in kiosk) window=full ;; desktop) window=200x150 ;; esac
            # shellcheck disable=SC2016 # for the shell inside
            "$lab_dir/l1.sh" run "$work/l1" 'set -e
                GS_SHELL='$shell' GS_LIMIT=7200 tests/lab/compositors.sh up '$compositor' /tmp/w 320x240 > /dev/null
                trap "tests/lab/compositors.sh down /tmp/w" EXIT
                "$DOTNET_ROOT/dotnet" /share/lab/lab-shot.dll flips "$(cat /tmp/w/display)" '"$window $each"' 10000' 3600 > "$work/out" || status=1
            { printf '%s: ' "$compositor of $root"; cat "$work/out"; } | tee -a "$result"
        done
    done
    "$lab_dir/l1.sh" down "$work/l1"
done
exit $status
