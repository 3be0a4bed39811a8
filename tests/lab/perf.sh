#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a guest's frame costs until a desktop shows it: guest-surfaces on each of its rungs beside QEMU's own displays, the same
# guest and the same frames, in one L1 (see l1.sh). The table of docs/performance.md.
#
#   perf.sh OUT [OPTION...]        OUT gets perf.md, perf.json, measures, and a folder of logs for each case and round
#       --rounds N        all cases in turns, so often (default 3)
#       --cases 'NAME...' which (default: direct convert copy gtk egl-headless dbus dbus-gl gtk-gl)
#       --program DIR     a published guest-surfaces (default: published by this script into OUT/program)
#       and any other option of l1/perf.sh: --size, --rate, --warm, --windows, --seconds
#
# In every round each case is measured as l1/perf.sh says; QEMU's own are run once more in the first for their latency. What is interrupted reports what it
# has. Twenty
# minutes a round on a busy machine, a third of that on an idle one. A case that ends with L1 itself gets a fresh L1 and one
# more try; what fails again has no figures, and is said at the end.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] || bad_use "where to?"
out=$1
shift
rounds=3 cases='direct convert copy gtk egl-headless dbus dbus-gl gtk-gl' program='' options=()
while [ $# -gt 0 ]; do
    case $1 in
        --rounds) rounds=$2 ;; --cases) cases=$2 ;; --program) program=$2 ;;
        --*) options+=("$1" "$2") ;;
        *) bad_use "unknown argument $1" ;;
    esac
    shift 2
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
: > "$out/measures"

if [ -z "$program" ]; then
    command -v dotnet > /dev/null || die "the .NET 10 SDK is missing (command dotnet)"
    program=$out/program
    nice dotnet publish "$repo_dir/src/GuestSurfaces.Cli" -c Release --nologo -v quiet -o "$program" >&2
fi
[ -x "$program/guest-surfaces" ] || die "$program has no guest-surfaces"
"$lab_dir/l1.sh" build trixie > /dev/null
"$lab_dir/roots.sh" vmm

# the listener is for the root's library, which every Debian with systemd has; its headers need not be installed here
need gcc=gcc /usr/include/stdlib.h=libc6-dev
root=$("$lab_dir/roots.sh" --path trixie)
headers=$(fetch_deb trixie libsystemd-dev)
machine=$(mktemp -d /tmp/gs-l1.XXXXXX)
trap '"$lab_dir/l1.sh" down "$machine"; rm -rf "$machine"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$machine/headers" "$machine/share/program"
dpkg-deb -x "$headers" "$machine/headers"
gcc -O2 -Wall -Wextra -Werror -I "$machine/headers/usr/include" -o "$machine/share/dbus-listener" "$lab_dir/l1/dbus-listener.c" \
    "$(find "$root/usr/lib" -name libsystemd.so.0)" -Wl,--allow-shlib-undefined
cp "$program"/{guest-surfaces,*.dll,*.json} "$machine/share/program/"

# ---- measuring -----------------------------------------------------------------------------------------------------------

is_up=
failures=()
measure() {
    local folder=$1 try status
    shift
    for try in 1 2; do
        status=0
        if [ -z "$is_up" ]; then
            "$lab_dir/l1.sh" up "$machine" --limit 14000 > /dev/null || return 1
            is_up=1
        fi
        rm -rf "$machine/share/out"
        "$lab_dir/l1.sh" run "$machine" "tests/lab/l1/perf.sh /share/out ${*@Q} ${options[*]@Q}" 600 > "$out/.lines" || status=$?
        rm -rf "${out:?}/$folder"
        if [ -d "$machine/share/out/$1" ]; then cp -r "$machine/share/out/$1" "$out/$folder"; fi
        case $status in
            0) cat "$out/.lines" >> "$out/measures"; cat "$out/.lines" >&2; return ;;
            124 | 125) note "L1 ended or hung (try $try)"; "$lab_dir/l1.sh" down "$machine"; is_up= ;;
            *) break ;;
        esac
    done
    failures+=("$folder")
}

# ---- the table -----------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # awk's
table='
function median(list, count, i, j, v, t) {
    count = split(list, v, " ")
    for (i = 2; i <= count; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    low = v[1]; high = v[count]
    return count % 2 ? v[(count + 1) / 2] : (v[count / 2] + v[count / 2 + 1]) / 2
}
$1 == "cpu" && $6 > 0 {
    if (!($2 in rows)) { order[++n] = $2; rows[$2] = 0 }
    rows[$2]++
    made[$2] = made[$2] " " $4 * 1000 / $3
    rate[$2] = rate[$2] " " $6 * 1000 / $3
    if ($7 != "-") bridge[$2] = bridge[$2] " " $7 / $6 / 1000
    qemu[$2] = qemu[$2] " " $8 / $6 / 1000
    if ($2 !~ /^(egl|dbus)/) shown[$2] = shown[$2] " " $9 / $6 / 1000
    all = ($7 == "-" ? 0 : $7) + $8 + ($2 !~ /^(egl|dbus)/ ? $9 : 0)
    sum[$2] = sum[$2] " " all / $6 / 1000
    load[$2] = load[$2] " " all / $3
}
$1 == "latency" { p50[$2] = p50[$2] " " $3 / 1000; p99[$2] = p99[$2] " " $4 / 1000 }
function cell(list) { return list == "" ? (json ? "null" : "–") : sprintf("%.1f", median(list)) }
END {
    if (json) print "["
    else {
        print "| | windows | frames a second made, shown | bridge | QEMU | compositor | sum (lowest to highest) | sum of a second | flush to commit, p50, p99 |"
        print "|---|---|---|---|---|---|---|---|---|"
    }
    for (i = 1; i <= n; i++) {
        name = order[i]
        total = sprintf("%.1f", median(sum[name])); from = sprintf("%.1f", low); to = sprintf("%.1f", high)
        if (json)
            printf "  {\"case\":\"%s\",\"windows\":%d,\"made_fps\":%s,\"shown_fps\":%s,\"bridge_ms\":%s,\"qemu_ms\":%s,\"compositor_ms\":%s,\"sum_ms\":%s,\"sum_min_ms\":%s,\"sum_max_ms\":%s,\"sum_of_a_second_ms\":%s,\"latency_p50_ms\":%s,\"latency_p99_ms\":%s}%s\n",
                name, rows[name], cell(made[name]), cell(rate[name]), cell(bridge[name]), cell(qemu[name]), cell(shown[name]), total, from, to, cell(load[name]), cell(p50[name]), cell(p99[name]), i < n ? "," : ""
        else
            printf "| `%s` | %d | %s, %s | %s | %s | %s | %s (%s to %s) | %s | %s, %s |\n",
                name, rows[name], cell(made[name]), cell(rate[name]), cell(bridge[name]), cell(qemu[name]), cell(shown[name]), total, from, to, cell(load[name]), cell(p50[name]), cell(p99[name])
    }
    if (json) { print "]"; exit }
    best = ""
    for (i = 1; i <= n; i++) if (order[i] ~ /^gtk/ && (best == "" || median(sum[order[i]]) < median(sum[best]))) best = order[i]
    if (best != "" && "direct" in rows) printf "\nSum of direct to that of %s, the best of QEMU'"'"'s that show a picture: %.3f.\n", best, median(sum["direct"]) / median(sum[best])
}'
report() {
    awk "$table" "$out/measures" > "$out/perf.md"
    awk -v json=1 "$table" "$out/measures" > "$out/perf.json"
    cat "$out/perf.md"
}

# ---- all of it -----------------------------------------------------------------------------------------------------------

trap 'note interrupted; report; exit 130' INT TERM
for round in $(seq "$rounds"); do
    for name in $cases; do
        note "round $round of $rounds: $name"
        measure "$name-$round" "$name"
    done
    [ "$round" = 1 ] || continue
    for name in $cases; do
        case $name in
            gtk* | dbus*)
                note "latency of $name"
                measure "$name-trace" "$name" --trace
                ;;
        esac
    done
done
rm -f "$out/.lines"
report
[ ${#failures[@]} -eq 0 ] || die "no figures: ${failures[*]}"
