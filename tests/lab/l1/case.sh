#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A guest's picture on a compositor's screen, all of it inside L1 (see l1.sh): guest -> QEMU with KVM -> guest-surfaces ->
# compositor.
#
#   l1/case.sh OUT COMPOSITOR/QEMU/GUEST/JOB [OPTION...] [-- GUEST-SURFACES-ARGUMENT...]
#
#   COMPOSITOR, of compositors.sh: weston10, weston-drm, sway-drm+overlay, ...
#   QEMU: host (that of L1's root) or vmm (11.1), of vm.sh; vmm has the device that passes blobs
#   GUEST: 6.1, 6.12 or newest   JOB: of guest/gsguest.c
#       --program DIR     a published guest-surfaces (default: /share/program); one in /tmp is used as it is, others are copied there
#       --backend NAME    attach (default): guest-surfaces attach vhost-user
#                         run             guest-surfaces run, whose windows are another process's; it says what it says in qemu.log
#                         device          guest-surfaces device, isolated, and guest-surfaces present; attach.log is of both
#                         module        guest-surfaces device, and what Weston's module starts for it; weston only
#                         protect:direct  lab-shot of --program, which takes the framebuffers' pages away from its own mapping of
#                                         the guest's RAM while they are shown
#                         protect:copy    its control, which copies from those pages: the case is done when that has killed it
#       --modules DIR     of module: where guest-surfaces-MAJOR.so is for each of Weston's major versions (default: that of --program), itself or in a folder MAJOR
#       --kills P,C       of run and module, with job flip: while the guest flips the presenter is killed P times and the compositor C times,
#                         by lab-shot of --program, which fills kills.log (and kills.png with a screen that wasn't the guest's)
#       --pauses SECONDS  of job flip: while the guest flips the compositor is stopped for so long; sway first shows another workspace, another window over it, and
#                         none, for as long each
#       --append TEXT     more of the guest's kernel command line: gs.trace=1
#       --size WxH        of the compositor's output and of the guest's (default 1280x800)
#       --guest-size WxH  of the guest's alone
#       --shell NAME      kiosk (default: whatever the window asks for, it is full screen) or desktop (a window)
#       --device gpu|test   see vm.sh
#       --frames N        of the job (default 60)
#       --wait SECONDS    for the guest's GS-DONE (default 240)
#
# OUT gets shot.png (the compositor's own; in full screen the guest's picture and nothing else), serial.log, qemu.log,
# attach.log, compositor.log, stats.json (of guest-surfaces alone), status (the back-end's exit code). Ends with 0 if the job
# was done, the guest's kernel did not complain and the back-end ended well. Whether shot.png has the crc of the guest's
# GS-HOLD line is for the caller.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

[ $# -ge 2 ] || bad_use "where to, and what?"
out=$1
IFS=/ read -r compositor qemu guest job more <<< "$2"
{ [ -n "$job" ] && [ -z "$more" ]; } || bad_use "not COMPOSITOR/QEMU/GUEST/JOB: $2"
shift 2
program=/share/program modules='' backend=attach kills='' pauses='' append='' size=1280x800 guest_size='' shell=kiosk device='' frames=60 wait=240
while [ $# -gt 0 ]; do
    case $1 in
        --program) program=$2 ;; --backend) backend=$2 ;; --modules) modules=$2 ;; --kills) kills=$2 ;; --pauses) pauses=$2 ;; --append) append=$2 ;; --size) size=$2 ;; --guest-size) guest_size=$2 ;; --shell) shell=$2 ;;
        --device) device=$2 ;; --frames) frames=$2 ;; --wait) wait=$2 ;;
        --) shift; break ;;
        *) bad_use "unknown option $1" ;;
    esac
    shift 2
done
case $backend in attach | device | module | run | protect:direct | protect:copy) ;; *) bad_use "--backend attach, device, module, run, protect:direct or protect:copy" ;; esac
if [ -n "$kills" ]; then
    case $backend/$job in run/flip | module/flip) ;; *) bad_use "--kills wants --backend run or module, and job flip" ;; esac
    frames=0 # until a key is pressed
fi
if [ -n "$pauses" ]; then
    [ "$job" = flip ] || bad_use "--pauses wants job flip"
    frames=0
fi
guest_size=${guest_size:-$size}
if [ -z "$device" ]; then case $qemu in vmm) device=test ;; *) device=gpu ;; esac; fi

mkdir -p "$out"
work=$(mktemp -d /tmp/gs.XXXXXX)
attach='' viewer=''
stop_backend() {
    if [ -n "$attach" ]; then stop_pid "$attach" 10; fi
    if [ -n "$viewer" ]; then stop_pid "$viewer" 10; fi
    attach='' viewer=''
}
cleanup() {
    "$lab_dir/vm.sh" down "$work/v" || true
    stop_backend
    "$lab_dir/compositors.sh" down "$work/w" || true
    cp "$work"/v/{serial,qemu}.log "$work"/w/{compositor.log,kills.png} "$work"/{attach,kills}.log "$work/stats.json" "$out" 2> /dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 143' INT TERM
mkdir "$work/v" "$work/w"

# backend_ends: sets $status
backend_ends() {
    status=0
    wait "$attach" || status=$?
    attach=
    echo "$status" > "$out/status"
}

# version PROGRAM ROOT: the program's version in that root, or in L1's
version() {
    local root=$L1_ROOT package version
    [ "$2" = host ] || root=$("$lab_dir/roots.sh" --path "$2")
    while read -r package version; do
        version=${version#*:}
        [ "$package" != "$1" ] || printf '%s' "${version%%[+~-]*}"
    done < "$root/.gs-versions"
}

case $program in
    /tmp/*) ;;
    *)
        # .NET starts faster from memory
        mkdir "$work/program"
        cp "$program"/{guest-surfaces,*.dll,*.json} "$work/program"
        modules=${modules:-$program}
        program=$work/program
        ;;
esac
began=$(uptime_s)
export GS_SHELL=$shell GS_LIMIT=$((wait + 300))
if [ "$backend" = module ]; then
    major=$(version weston host)
    major=${major%%.*}
    module=guest-surfaces-$major.so
    for path in "${modules:-$program}"{,/"$major"}"/$module"; do
        if [ -e "$path" ]; then break; fi
    done
    [ -e "$path" ] || die "no $module in ${modules:-$program}"
    export GS_WESTON_CORE=modules=$module WESTON_MODULE_MAP=$module=$path PATH=$program:$PATH
    export GS_WESTON_MORE="[guest-surface]
name=guest
link=$work/gpu.link
placement=fullscreen
output=Virtual-1"
fi
"$lab_dir/compositors.sh" up "$compositor" "$work/w" "$size" > "$work/display"
export XDG_RUNTIME_DIR=$work/w WAYLAND_DISPLAY
WAYLAND_DISPLAY=$(sed -n 's/^WAYLAND_DISPLAY=//p' "$work/display")
note "compositor: $(elapsed_since "$began")"

desktop=${compositor%%[-+0-9]*}
options=(--size "$guest_size" --stats "$work/stats.json"
    --note "guest=Linux $guest" --note "vmm=QEMU $(version qemu-system-x86 "$qemu")" --note "accelerator=kvm"
    --note "compositor=$compositor, $desktop $(version "$desktop" host)" "$@")
gpu=(--device "$device" --gpu "$work/gpu.sock")
log=$work/attach.log
case $backend in
    attach) command=("$program/guest-surfaces" attach vhost-user --socket-path "$work/gpu.sock" --once "${options[@]}") ;;
    device | module) command=("$program/guest-surfaces" device --socket-path "$work/gpu.sock" --link "$work/gpu.link" "${options[@]}") ;;
    run)
        command=()
        case $device in test) options+=(--device generic) ;; *) options+=(--device "$device") ;; esac
        log=$work/v/qemu.log
        gpu=()
        for word in "$program/guest-surfaces" run "${options[@]}" --; do gpu+=(--under "$word"); done
        ;;
    protect:*) command=("$DOTNET_ROOT/dotnet" "$program/lab-shot.dll" protect "$work/gpu.sock" "$WAYLAND_DISPLAY" "${backend#*:}") ;;
esac

start_backend() {
    began=$(uptime_s)
    "${command[@]}" >> "$work/attach.log" 2>&1 &
    attach=$!
    until [ -S "$work/gpu.sock" ]; do
        alive "$attach" || { cat "$work/attach.log" >&2; die "the back-end ended"; }
        rest 0.1
    done
    if [ "$backend" = device ]; then
        "$program/guest-surfaces" present "$work/gpu.link" --grace 0 >> "$work/attach.log" 2>&1 &
        viewer=$!
        until [[ $(< "$work/attach.log") = *"has connected"* ]]; do # or a guest that is quick would have drawn for nobody
            alive "$viewer" || { cat "$work/attach.log" >&2; die "the viewer ended"; }
            rest 0.2
        done
    fi
    if [ "$backend" = module ]; then
        until [[ $(< "$work/attach.log") = *"has connected"* ]]; do
            alive "$attach" || { cat "$work/attach.log" >&2; die "the device ended"; }
            rest 0.2
        done
    fi
    note "back-end: $(elapsed_since "$began")"
}

# boot: the back-end, and the guest up to its user space, which knows nothing of graphics until then
boot() {
    if [ ${#command[@]} -gt 0 ]; then start_backend; fi
    began=$(uptime_s)
    "$lab_dir/vm.sh" up "$work/v" --qemu "$qemu" "${gpu[@]}" --accel kvm --guest "$guest" --job "$job" --frames "$frames" --append "$append" --limit "$GS_LIMIT" > /dev/null
    "$lab_dir/vm.sh" wait "$work/v" '^GS-BOOT' $((wait < 120 ? wait : 120)) > /dev/null
}

# stands: the guest's kernel doesn't run any more, not even what has nothing to do with graphics, and isn't kept busy either
stands() {
    local clock log=$work/v/serial.log places
    clock=$(grep -c '^GS-CLOCK' "$log") || return 1
    rest 25
    places=$("$lab_dir/vm.sh" where "$work/v")
    printf '%s\n' "$places" >&2
    [ "$(grep -c '^GS-CLOCK' "$log")" = "$clock" ] && [ "$(grep -c 'HLT=1' <<< "$places")" = 3 ]
}

give_up() {
    if stands; then
        note "the guest's processor has halted and its clock stands still: the emulated SVM has lost an interrupt"
        exit 125
    fi
    die "$1"
}

if ! boot; then
    if [ ! -e "$work/v/qemu.status" ]; then
        # Only this kernel, without a driver yet, can stand still: its QEMU answers, so it doesn't wait for us.
        places=$("$lab_dir/vm.sh" where "$work/v" || true)
        printf '%s\n' "$places" >&2
        if [[ $places = *'"status": "running"'* ]] && ! grep -q '^GS-' "$work/v/serial.log"; then
            note "the guest's kernel hangs in the emulated SVM, before it has a driver"
            exit 125
        fi
    fi
    # (the exit code of a QEMU whose guest has reset itself)
    { [ "$(cat "$work/v/qemu.status" 2> /dev/null)" = 0 ] && ! grep -q '^GS-' "$work/v/serial.log"; } || die "the guest did not boot"
    note "the guest's kernel ended in the emulated SVM, before it had a driver; once more"
    cp "$work/v/serial.log" "$out/ended.log"
    "$lab_dir/vm.sh" down "$work/v"
    stop_backend
    rm -f "$work/gpu.sock"
    boot || die "the guest did not boot"
fi
if [ "$backend" = protect:copy ]; then
    end=$((SECONDS + wait))
    while alive "$attach" && [ $SECONDS -lt $end ]; do rest 0.1; done
    ! alive "$attach" || die "the control has survived"
    backend_ends
    exit 0
fi
if [ -n "$kills" ]; then
    "$lab_dir/vm.sh" wait "$work/v" '^GS-READY' "$wait" > /dev/null
    "$DOTNET_ROOT/dotnet" "$program/lab-shot.dll" kills "$work/w" "${kills%,*}" "${kills#*,}" \
        "$lab_dir/compositors.sh" again "$compositor" "$work/w" "$size" > "$work/kills.log" || { cat "$work/kills.log" "$log" "$work/w/compositor.log" >&2; give_up "what was killed has not come back"; }
    cat "$work/kills.log"
    "$lab_dir/vm.sh" press "$work/v"
fi
if [ -n "$pauses" ]; then
    "$lab_dir/vm.sh" wait "$work/v" '^GS-READY' "$wait" > /dev/null
    rest "$pauses"
    case $compositor in
        sway*)
            tell() { "$lab_dir/compositors.sh" tell "$compositor" "$work/w" "$@" > /dev/null; }
            window='[con_mark="guest"]'
            tell '[app_id=".*"] mark guest'
            for way in 'workspace 2:workspace 1' "$window move scratchpad:$window scratchpad show, fullscreen enable"; do
                tell "${way%%:*}"
                rest "$pauses"
                tell "${way#*:}"
                rest "$pauses"
            done
            "$program/guest-surfaces" fake-guest solid --frames 1 --name neighbour >> "$work/attach.log" 2>&1 &
            neighbour=$!
            rest "$((pauses + 5))" # (it takes its time to start)
            stop_pid "$neighbour" 10
            tell "$window fullscreen enable"
            rest "$pauses"
            ;;
    esac
    pid=$(sed -n 's/^PID=//p' "$work/display")
    kill -STOP "$pid"
    rest "$pauses"
    kill -CONT "$pid"
    rest "$pauses"
    "$lab_dir/vm.sh" press "$work/v"
fi
if ! "$lab_dir/vm.sh" wait "$work/v" '^GS-DONE' "$wait" > /dev/null; then
    tail -n 20 "$log" >&2
    give_up "no GS-DONE"
fi
note "guest: $(elapsed_since "$began")"

# the back-end may have to draw the last picture, in software: it is done when it hardly uses its processor any more
used=0
for _ in $(seq 60); do
    [ -n "$attach" ] || break # (run has nothing to draw)
    before=$used
    read -r words < "/proc/$attach/stat" || break
    read -ra words <<< "${words##*) }"
    used=$((words[11] + words[12]))
    [ $((used - before)) -gt 5 ] || break
    rest 1
done

# the last picture is on its way through the compositor: two screenshots alike
"$lab_dir/compositors.sh" shot "$compositor" "$work/w" "$work/a.png"
for _ in 1 2 3 4 5; do
    rest 0.5
    "$lab_dir/compositors.sh" shot "$compositor" "$work/w" "$out/shot.png"
    ! cmp -s "$work/a.png" "$out/shot.png" || break
    cp "$out/shot.png" "$work/a.png"
done
"$lab_dir/vm.sh" errors "$work/v"

# with its VMM gone it ends by itself, and writes what it has measured
"$lab_dir/vm.sh" down "$work/v"
for _ in $(seq 200); do
    if [ -n "$attach" ]; then alive "$attach" || break; elif [ -s "$work/stats.json" ]; then break; fi
    rest 0.1
done
if [ -n "$attach" ]; then
    ! alive "$attach" || die "the back-end has not ended with its VMM"
    backend_ends
    if [ -n "$viewer" ]; then
        wait "$viewer" || die "the viewer ended with $?"
        viewer=
    fi
    [ "$status" = 0 ] || { tail -n 20 "$log" >&2; die "the back-end ended with $status"; }
fi
[[ $backend = protect* ]] || [ -s "$work/stats.json" ] || { tail -n 20 "$log" >&2; die "guest-surfaces wrote no statistics"; }
