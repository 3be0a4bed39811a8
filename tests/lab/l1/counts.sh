#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a client that flips two dma-bufs costs Weston, in instructions: callgrind's, of Weston's own process, for some frames and nothing else. Inside L1 (see l1.sh).
#
#   l1/counts.sh OUT CASE MODULE CLIENT [OPTION...]
#
#   CASE: bare     without our module: an ordinary client
#         client   with our module and no guest: an ordinary client
#         guest    the same client as a guest, let in by the module's host, in its frame
#   MODULE: guest-surfaces-14.so   CLIENT: tests/native/weston-presenter.c, compiled, which stands for the host, too
#       --size WxH        of the output (default 640x480); the client's window has 400x300
#       --frames N        that are counted (default 30), after ten that aren't
#
# Weston is headless and draws with GL, as its pixman renderer takes no dma-bufs; GL is Mesa's llvmpipe, in Weston's own thread. A minute and a half for a case, as
# callgrind is emulated: most of it is Weston's start, which isn't counted.
#
# Prints a line of words: counts CASE FRAMES REPAINTS ALL MODULE WESTON GL ODD. MODULE is all of its instructions, ALL, WESTON and GL are the median repaint's: a
# desktop draws something else, too, once in a while. ODD is how many repaints took more than a fiftieth more than the median.
# WESTON is its program, libraries and plug-ins, libwayland and pixman; GL is Mesa and what it compiles; the rest (libc, for both) is in ALL alone.
# OUT/CASE gets a profile for each repaint, from the end of the one before to its own; repaints.tsv, a line of REPAINTS ALL MODULE WESTON GL for each
# (the last is of what came after them, and has none); and the logs.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

[ $# -ge 4 ] || bad_use "where to, and what?"
out=$1/$2
name=$2
module=$3
presenter=$4
shift 4
size=640x480 frames=30 warm=10 repainted=weston_output_finish_frame_from_timer
while [ $# -gt 0 ]; do
    case $1 in
        --size) size=$2 ;; --frames) frames=$2 ;;
        *) bad_use "unknown option $1" ;;
    esac
    shift 2
done
case $name in bare) modules='' ;; client | guest) modules=guest-surfaces-14.so ;; *) bad_use "unknown case $name" ;; esac

work=$(mktemp -d /tmp/gs.XXXXXX)
chmod 700 "$work"
weston='' client=''
cleanup() {
    if [ -n "$client" ]; then stop_pid "$client" 3; fi
    if [ -n "$weston" ]; then stop_pid "$weston" 60; fi
    mkdir -p "$out"
    cp "$work"/{output,weston.log,valgrind.log,repaints.tsv} "$work"/profile* "$out" 2> /dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 143' INT TERM

# await WHAT TEXT TIMES: so many lines with it were printed
await() {
    local lines line seen end=$((SECONDS + 800))
    while true; do
        mapfile -t lines < "$work/output"
        seen=0
        for line in "${lines[@]}"; do [[ $line != *"$2"* ]] || seen=$((seen + 1)); done
        [ "$seen" -lt "$3" ] || return 0
        alive "$weston" || { cat "$work"/{output,valgrind.log} >&2; die "Weston ended"; }
        [ $SECONDS -lt $end ] || { cat "$work/output" >&2; die "$1 has not come"; }
        rest 0.5
    done
}

# ---- a desktop -----------------------------------------------------------------------------------------------------------

mkdir "$work/bin"
mkfifo "$work/fifo"
exec {commands}<> "$work/fifo"
: > "$work/output"
flips="exec $presenter draw-dmabufs $work/fifo"
case $name in guest) guests="\"0 $flips\"" ;; *) guests='' ;; esac
printf '#!/bin/sh\nexec %s serve %s\n' "$presenter" "$guests" > "$work/bin/guest-surfaces"
chmod 755 "$work/bin/guest-surfaces"
cat > "$work/weston.ini" << INI
[core]
modules=$modules
idle-time=0
[shell]
locking=false
panel-position=none
background-type=solid
background-color=0xff204060
startup-animation=none
close-animation=none
focus-animation=none
animation=none
INI
export PATH=$work/bin:$PATH XDG_RUNTIME_DIR=$work WESTON_MODULE_MAP=guest-surfaces-14.so=$module LP_NUM_THREADS=0
valgrind --tool=callgrind --instr-atstart=no "--dump-after=$repainted" --compress-strings=no --compress-pos=no --child-silent-after-fork=yes \
    --log-file="$work/valgrind.log" --callgrind-out-file="$work/profile" \
    weston --config="$work/weston.ini" --backend=headless --renderer=gl --shell=desktop --socket=gs-wayland --log="$work/weston.log" \
    --width="${size%x*}" --height="${size#*x}" < /dev/null >> "$work/output" 2>&1 &
weston=$!
began=$(uptime_s)
until [ -S "$work/gs-wayland" ]; do
    alive "$weston" || { cat "$work"/{output,valgrind.log} >&2; die "Weston ended"; }
    rest 0.2
done
case $name in bare) ;; *) await "the module's host" "sees the host's" 1 ;; esac
case $name in
    guest) ;;
    *)
        WAYLAND_DISPLAY=gs-wayland sh -c "$flips" >> "$work/output" 2>&1 &
        client=$!
        ;;
esac

# ---- its frames ----------------------------------------------------------------------------------------------------------

echo "$warm" >&"$commands"
await "the first frame" drawn 1
note "$name: ready after $(elapsed_since "$began")"
vgdb --pid="$weston" instrumentation on > "$work/vgdb.log" 2>&1 || { cat "$work/vgdb.log" >&2; die "callgrind does not answer"; }
echo "$frames" >&"$commands"
await "the last frame" drawn 2
vgdb --pid="$weston" dump >> "$work/vgdb.log" 2>&1
note "$name: counted after $(elapsed_since "$began")"

# Callgrind writes the profile anew after each repaint; the last one, by hand, is of what came after them.
mapfile -t profiles < <(printf '%s\n' "$work"/profile.* | sort -V)
awk -v repainted="$repainted" '
FNR == 1 { finish() }
/^ob=/ { object = substr($0, 4); next }
/^cfn=/ { callee = substr($0, 5); next }
/^calls=/ { split($1, v, "="); if (callee == repainted) repaints += v[2]; getline; next } # the next line is what the callee cost
/^[0-9]/ { cost[object] += $2 }
function finish(    all, module, weston, gl) {
    for (object in cost) {
        all += cost[object]
        if (object ~ /guest-surfaces/) module += cost[object]
        else if (object ~ /weston|-renderer|-backend|-shell|libwayland|pixman/) weston += cost[object]
        else if (object ~ /gallium|libEGL|libGL|LLVM|libdrm|libgbm/ || object == "" || object == "???") gl += cost[object]
    }
    if (all > 0) printf "%d\t%d\t%d\t%d\t%d\n", repaints, all, module, weston, gl
    split("", cost)
    repaints = 0
}
END { finish() }' "${profiles[@]}" > "$work/repaints.tsv"

column() { awk -v column="$1" '$1 > 0 { print $column }' "$work/repaints.tsv"; }
sum() { cut -f "$1" "$work/repaints.tsv" | awk '{ all += $1 } END { print all + 0 }'; }
median() { column "$1" | sort -n | awk '{ figure[NR] = $1 } END { print figure[int((NR + 1) / 2)] }'; }
all=$(median 2)
odd=$(column 2 | awk -v median="$all" '$1 > 1.02 * median { odd++ } END { print odd + 0 }')
echo "counts $name $frames $(sum 1) $all $(sum 3) $(median 4) $(median 5) $odd"
