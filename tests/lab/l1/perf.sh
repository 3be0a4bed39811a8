#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What one way to show a guest costs, measured once, inside L1 (see l1.sh); perf.sh of the lab calls it for each in turns.
#
#   l1/perf.sh OUT CASE [OPTION...]
#
#   CASE: direct convert copy                guest-surfaces, and the rung that it is to be on
#         gtk gtk-gl egl-headless dbus dbus-gl   QEMU's own -display, -gl with gl=on; dbus with dbus-listener, which only answers
#       --program DIR     a published guest-surfaces (default: /share/program)
#       --listener FILE   dbus-listener.c, compiled (default: /share/dbus-listener)
#       --size WxH        of the output, which the guest's picture fills (default 1280x800)
#       --rate N          frames a second that the guest makes (default 10)
#       --warm SECONDS    before the measurement (default 5; 16 for guest-surfaces, where .NET compiles what is hot)
#       --windows N --seconds T   measurements, one after the other, and the length of each (default 3 of 5 s)
#       --trace           no CPU times, but when QEMU took each flush and when it committed: what it prints costs time
#
# The guest is Linux 6.12 with KVM and blobs, its job `paced`. CPU times are the kernel's; QEMU is all its threads but its
# virtual processors'. A frame is presented when the display flips to it; where there is none to see, when the guest has
# made it.
#
# Prints lines of words, times in microseconds, "-" for what does not exist:
#   cpu CASE WINDOW-MS FRAMES-MADE FLIPS PRESENTED BRIDGE QEMU COMPOSITOR      for each window
#   latency CASE P50 P99                                                       from the flush to wl_surface.commit
# OUT/CASE gets the logs, the program's statistics, threads-before and -after (pid, ms, name), a screenshot of the end.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

[ $# -ge 2 ] || bad_use "where to, and what?"
out=$1/$2
name=$2
shift 2
program=/share/program listener=/share/dbus-listener size=1280x800 rate=10 warm='' seconds=5 windows=3 trace=
while [ $# -gt 0 ]; do
    case $1 in
        --program) program=$2 ;; --listener) listener=$2 ;; --size) size=$2 ;; --rate) rate=$2 ;; --warm) warm=$2 ;; --seconds) seconds=$2 ;; --windows) windows=$2 ;;
        --trace) trace=1; shift; continue ;;
        *) bad_use "unknown option $1" ;;
    esac
    shift 2
done

tracing=/sys/kernel/debug/tracing
flips=$tracing/events/drm/drm_vblank_event_delivered/enable
compositor=weston-drm+render
desktop=/tmp/gs-desktop # one compositor for all cases: it stays until L1 ends
mkdir -p "$out" "$desktop"
work=$(mktemp -d /tmp/gs.XXXXXX)
attach='' listening=''
cleanup() {
    "$lab_dir/vm.sh" down "$work/v" || true
    if [ -n "$listening" ]; then stop_pid "$listening" 3; fi
    if [ -n "$attach" ]; then stop_pid "$attach" 10; fi
    cp "$work"/v/{serial,qemu}.log "$work"/{attach,listener}.log "$work/stats.json" "$work"/threads-* "$desktop/compositor.log" "$out" 2> /dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 143' INT TERM
mkdir "$work/v"

# ---- what stays ----------------------------------------------------------------------------------------------------------

echo 16384 > /sys/module/udmabuf/parameters/list_limit
echo 127 > /sys/module/udmabuf/parameters/size_limit_mb
if [ "$(cat "$desktop/size" 2> /dev/null)" != "$size" ]; then
    "$lab_dir/compositors.sh" down "$desktop"
    GS_LIMIT=14400 "$lab_dir/compositors.sh" up "$compositor" "$desktop" "$size" > "$desktop/up"
    echo "$size" > "$desktop/size"
    cp -r "$program" /tmp/gs-program # .NET starts faster from memory
fi
WAYLAND_DISPLAY=$(sed -n 's/^WAYLAND_DISPLAY=//p' "$desktop/up")
compositor_pid=$(sed -n 's/^PID=//p' "$desktop/up")
export XDG_RUNTIME_DIR=$desktop WAYLAND_DISPLAY GDK_BACKEND=wayland

# ---- the case ------------------------------------------------------------------------------------------------------------

node=/dev/dri/renderD128
display=none options=(--qemu host --gpu virtio --gpu-args "blob=true,xres=${size%x*},yres=${size#*x}")
case $name in
    direct | convert | copy)
        ours=()
        warm=${warm:-16}
        case $name in direct) ours=(--zero-copy always) ;; convert) ours=(--convert --zero-copy always) ;; copy) ours=(--zero-copy off) ;; esac
        /tmp/gs-program/guest-surfaces attach vhost-user --socket-path "$work/gpu.sock" --once --size "$size" "${ours[@]}" \
            --stats "$work/stats.json" > "$work/attach.log" 2>&1 &
        attach=$!
        until [ -S "$work/gpu.sock" ]; do
            alive "$attach" || { cat "$work/attach.log" >&2; die "guest-surfaces ended"; }
            rest 0.1
        done
        options=(--qemu vmm --device test --gpu "$work/gpu.sock")
        ;;
    gtk) display=gtk,gl=off,full-screen=on,show-menubar=off ;;
    gtk-gl) display=gtk,gl=on,full-screen=on,show-menubar=off ;;
    egl-headless) display="egl-headless,rendernode=$node" ;;
    dbus) display=dbus,p2p=yes ;;
    dbus-gl) display="dbus,p2p=yes,gl=on,rendernode=$node" ;;
    *) bad_use "unknown case $name" ;;
esac
warm=${warm:-5}
more=()
if [ -n "$trace" ]; then
    more=(-trace virtio_gpu_cmd_res_flush -msg timestamp=on)
    export WAYLAND_DEBUG=client
fi
[ -z "$trace" ] || windows=1
total=$((warm + 2 * windows * seconds + 6)) # what a busy machine makes of it
"$lab_dir/vm.sh" up "$work/v" --accel kvm "${options[@]}" --guest 6.12 --job paced --frames $((rate * total)) --seconds "$total" --memory 256 \
    --append drm_kms_helper.fbdev_emulation=0 --limit 900 -- -name guest,debug-threads=on -display "$display" "${more[@]}" > /dev/null
unset WAYLAND_DEBUG
qemu_pid=$(cat "$work/v/qemu.pid")
case $name in
    dbus*)
        "$listener" "$work/v/qmp.sock" ${trace:+trace} > "$work/listener.log" 2>&1 &
        listening=$!
        ;;
esac
"$lab_dir/vm.sh" wait "$work/v" '^GS-READY' 300 > /dev/null

# ---- the measurement -----------------------------------------------------------------------------------------------------

# cpu PID: microseconds of all its threads but virtual processors, in $cpu. Those that have ended are in the process's own
# figure, which has a resolution of 10 ms
cpu() {
    local words task thread ns rest
    read -r words < "/proc/$1/stat"
    read -ra words <<< "${words##*) }"
    cpu=$(((words[11] + words[12]) * 10000))
    for task in /proc/"$1"/task/*; do
        { read -r thread < "$task/comm" && read -r ns rest < "$task/schedstat"; } 2> /dev/null || continue
        case $thread in CPU*KVM) cpu=$((cpu - ns / 1000)) ;; esac
    done
}

# sample: in $now (ms) $bridge $qemu $shown
sample() {
    local up rest
    read -r up rest < /proc/uptime
    now=$((10#${up/./} * 10))
    bridge=0
    if [ -n "$attach$listening" ]; then cpu "$attach$listening"; bridge=$cpu; fi
    cpu "$qemu_pid"
    qemu=$cpu
    cpu "$compositor_pid"
    shown=$cpu
}

# threads: what each of them has used, in ms, for whoever wants to know where the time goes
threads() {
    local pid task thread ns rest
    for pid in $attach $listening "$qemu_pid" "$compositor_pid"; do
        for task in /proc/"$pid"/task/*; do
            { read -r thread < "$task/comm" && read -r ns rest < "$task/schedstat"; } 2> /dev/null || continue
            echo "$pid $((ns / 1000000)) $thread"
        done
    done
}

rest "$warm"
measured=()
threads > "$work/threads-before"
echo 1 > $flips
sample
for _ in $(seq "$windows"); do
    : > $tracing/trace
    from=("$now" "$bridge" "$qemu" "$shown")
    rest "$seconds"
    sample
    presented=$(grep -c 'drm_vblank_event_delivered:' $tracing/trace) || presented=0
    measured+=("$((now - from[0])) $presented $((bridge - from[1])) $((qemu - from[2])) $((shown - from[3]))")
    sample
done
echo 0 > $flips
threads > "$work/threads-after"
! grep -q '^GS-DONE' "$work/v/serial.log" || die "the guest had finished before the measurement did"

made=$("$lab_dir/vm.sh" wait "$work/v" '^GS-DONE .*seconds=[0-9]+[.][0-9]{3}' 300)
"$lab_dir/vm.sh" errors "$work/v"
fps=$(awk '{ split($3, f, "="); split($4, s, "="); printf "%.2f", f[2] / s[2] }' <<< "$made")
"$lab_dir/compositors.sh" shot weston-drm "$desktop" "$out/shot.png"

# with its VMM gone it ends by itself, and writes what it has measured
"$lab_dir/vm.sh" down "$work/v"
p50=- p99=-
case $name in
    direct | convert | copy)
        for _ in $(seq 200); do
            alive "$attach" || break
            rest 0.1
        done
        attach=
        grep -q "\"rung\": \"$name\"" "$work/stats.json" || { cat "$work/stats.json" >&2; die "not on rung $name"; }
        read -r p50 p99 < <(awk '/flush_to_commit_us/ { in_it = 1 } in_it && /p50/ { a = $2 } in_it && /p99/ { b = $2; in_it = 0 } END { print a + 0, b + 0 }' "$work/stats.json")
        ;;
esac
if [ -n "$trace" ]; then
    # QEMU's own lines have the real time in seconds, libwayland's in ms, after 32 bits of microseconds from the start again;
    # the listener's as QEMU's. A commit belongs to the last flush before it; the first seconds do not count
    read -r p50 p99 < <(cat "$work/v/qemu.log" "$work/listener.log" 2> /dev/null | awk '
        function put(us, what) { at[n] = us; kind[n++] = what }
        match($0, /@[0-9]+[.][0-9]+:virtio_gpu_cmd_res_flush/) { split(substr($0, RSTART + 1), t, ":"); put((t[1] * 1000000) % 4294967296, 1); next }
        /^\[ *[0-9]+[.][0-9]+\].*wl_surface[@#][0-9]+[.]commit/ { split($0, t, /[][]/); put(t[2] * 1000, 2); next }
        /^[0-9]+[.][0-9]+ (Scanout|Update|UpdateMap|UpdateDMABUF)$/ { put(($1 * 1000000) % 4294967296, 2) }
        END { for (i = 0; i < n; i++) printf "%.0f %d\n", at[i], kind[i] }' | sort -n | tail -n $((rate * seconds * 2)) | awk '
        $2 == 1 { flush = $1 }
        $2 == 2 && flush { print $1 - flush; flush = 0 }' | sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.5)]; else print "- -" }')
    echo "latency $name $p50 $p99"
    exit 0
fi
for line in "${measured[@]}"; do
    read -r window flipped bridge qemu shown <<< "$line"
    frames=$(awk "BEGIN { printf \"%.0f\", $fps * $window / 1000 }")
    # a compositor may flip more than once for a frame, not less; what shows nothing, nobody flips for
    case $name in direct | convert | copy | gtk*) presented=$((flipped < frames ? flipped : frames)) ;; *) presented=$frames ;; esac
    case $name in direct | convert | copy | dbus*) ;; *) bridge=- ;; esac
    echo "cpu $name $window $frames $flipped $presented $bridge $qemu $shown"
done
case $name in direct | convert | copy) echo "latency $name $p50 $p99" ;; esac
