#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compositors for tests: start, screenshot, stop; each with a run-time folder of its own.
#
#   compositors.sh up NAME DIR WIDTHxHEIGHT   prints two lines: WAYLAND_DISPLAY=/path/of/socket and PID=compositor's pid
#   compositors.sh again NAME DIR WIDTHxHEIGHT   the same as up once it was killed; a display stays as it is
#   compositors.sh shot NAME DIR OUT.png      what the compositor's output shows
#   compositors.sh tell NAME DIR WORD...      a command for sway, as swaymsg takes it: output HEADLESS-1 scale 2
#   compositors.sh down DIR                   ends it, waits; DIR stays, with its log (compositor.log)
#   compositors.sh list
#   compositors.sh build                      what is preloaded into them (up and shot do it, too)
#
#   weston10      this machine's weston, pixman   Debian 12's is 10: wl_shm only, the portable floor
#   weston14      Debian 13's weston, pixman      from the trixie root
#   weston14-gl   ... with GL (llvmpipe)          has zwp_linux_dmabuf_v1, which takes plain memfds
#   sway          Debian 13's sway, pixman        from the trixie root; wl_shm only
#   sway-gles2    ... with GLES (llvmpipe)        has zwp_linux_dmabuf_v1 if a render node is there
#
# On a display, which L1 has (l1.sh), and with the programs of the root that L1 was booted from:
#   weston-drm    weston on KMS, GL               zwp_linux_dmabuf_v1 version 3
#   sway-drm      sway on KMS, GLES               zwp_linux_dmabuf_v1 version 4; wants vkms without a render node
# A window that covers the output is scanned out by the display if it is a dma-buf. More words, after a + each:
#   overlay       the display has overlay planes: smaller windows may be scanned out, too
#   render        the display has a render node
#   pixman        draws with the CPU: no zwp_linux_dmabuf_v1
#   feedback      (weston) says which device it renders on: zwp_linux_dmabuf_v1 version 5 with feedback
# e.g. weston-drm+overlay+feedback.
#
# Where a window ends up: at (0,0) if it is as big as the output: then the whole screenshot is the picture.
#   weston14*, sway*: whatever its size, a window is told to be fullscreen (kiosk-shell; a rule). A smaller picture all the
#                     same: weston centres it on the background, sway puts it at (0,0) on black.
#                     GS_SHELL=desktop: ordinary windows (desktop-shell without a panel; floating)
#   weston10:         always desktop-shell, for its kiosk-shell shows nothing where there is no seat. A window of the
#                     output's size stands at (0,0), as does one that asks to be fullscreen; a smaller one anywhere
# The background is #204060. weston10 has neither seat nor dma-buf.
#
# GS_REFRESH is the display's refresh rate in Hz (60).
#
# DIR is the XDG_RUNTIME_DIR (mode 700; keep it short: a socket's path has 107 bytes). A compositor is killed after
# GS_LIMIT seconds (600) in any case.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

names=(weston10 weston14 weston14-gl sway sway-gles2 weston-drm sway-drm)

# in_place NAME DIR COMMAND...: on this machine or in the root, with the run-time folder of that compositor. Execs: call it in a subshell
in_place() {
    local name=$1
    export XDG_RUNTIME_DIR=$2
    shift 2
    case $name in
        weston10 | *-drm*) exec "$@" ;;
        *) exec "$lab_dir/in-root.sh" -b "$XDG_RUNTIME_DIR" trixie "$@" ;;
    esac
}

up() {
    local name=$1 dir=$2 size=$3 width height shell renderer command=() launcher pid socket card mode
    width=${size%x*}
    height=${size#*x}
    [[ $width =~ ^[0-9]+$ && $height =~ ^[0-9]+$ ]] || bad_use "size as WIDTHxHEIGHT"
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    chmod 700 "$dir"
    [ ${#dir} -lt 90 ] || die "$dir is too long for a socket's path"
    if running "$dir" > /dev/null; then die "a compositor already runs in $dir"; fi
    rm -f "$dir"/wayland-* "$dir"/gs-wayland* "$dir"/sway-ipc.* "$dir/compositor.log"
    case ${GS_SHELL:-kiosk} in desktop) shell=desktop ;; kiosk) shell=kiosk ;; tiled) shell=tiled ;; *) bad_use "GS_SHELL is kiosk, desktop or tiled" ;; esac
    unset WAYLAND_DISPLAY WAYLAND_SOCKET DISPLAY
    case $name in
        *-drm*)
            load_display "$name"
            # Mesa's software GL draws on in other threads when a program has flushed, and puts no fences into what it draws and reads, as GPUs do: without threads it is done by then
            export LP_NUM_THREADS=0
            # no seat's daemon, no virtual terminal
            export LIBSEAT_BACKEND=builtin SEATD_VTBOUND=0
            # any size can be a mode: some blanking, and a clock that makes the refresh rate of it
            mode="$(awk -v w="$width" -v h="$height" -v hz="${GS_REFRESH:-60}" 'BEGIN { printf "%.3f", (w + 160) * (h + 32) * hz / 1e6 }') \
$width $((width + 48)) $((width + 80)) $((width + 160)) $height $((height + 3)) $((height + 8)) $((height + 32)) +hsync -vsync"
            ;;
    esac

    socket=$dir/gs-wayland
    case $name in
        weston*)
            cat > "$dir/weston.ini" << INI
[core]
idle-time=0
require-input=false
xwayland=false
${GS_WESTON_CORE:-}
[shell]
locking=false
panel-position=none
background-type=solid
background-color=0xff204060
startup-animation=none
close-animation=none
focus-animation=none
[screen-share]
start-on-startup=false
[output]
name=Virtual-1
mode=${mode:-${width}x$height}
${GS_WESTON_MORE:-}
INI
            command=(weston -c "$dir/weston.ini" --socket=gs-wayland --debug --idle-time=0)
            case $name in *-drm*) ;; *) command+=(--width="$width" --height="$height") ;; esac
            ;;&
        weston10)
            need weston=weston
            # kiosk-shell 10 shows a window only once a seat has activated it, and a headless weston 10 has no seat
            case $(weston --version) in
                "weston 10."* | "weston 9."*) command+=(--backend=headless-backend.so --use-pixman --shell=desktop-shell.so) ;;
                *) command+=(--backend=headless --renderer=pixman --shell=desktop-shell.so) ;; # a newer Debian's
            esac
            ;;
        weston14) command+=(--backend=headless --renderer=pixman --shell="$shell") ;;
        weston14-gl) command+=(--backend=headless --renderer=gl --shell="$shell") ;;
        weston-drm*)
            case $name in *+pixman*) renderer=pixman ;; *) renderer=gl ;; esac
            command+=(--backend=drm --drm-device="${card##*/}" --renderer="$renderer" --shell="$shell" --continue-without-input)
            case $name in *+feedback*) command=(env LD_PRELOAD="$(preloaded egl-device)" EGL_DEVICE_NODE="$card" "${command[@]}") ;; esac
            ;;
        sway*)
            [ "$name" != sway-gles2 ] || [ -d /dev/dri ] || die "sway's GLES renderer wants a DRM device, and this machine has none: take sway, or a VM that has one"
            {
                if [ -n "${mode:-}" ]; then echo "output * modeline $mode"; else echo "output * mode --custom ${width}x$height@60Hz"; fi
                echo 'output * position 0 0 bg #204060 solid_color'
                echo 'xwayland disable'
                echo 'default_border none'
                echo 'default_floating_border none'
                echo 'focus_follows_mouse no'
                case $shell in
                    kiosk) echo 'for_window [app_id=".*"] fullscreen enable' ;;
                    desktop) echo 'for_window [app_id=".*"] floating enable' ;;
                esac
            } > "$dir/sway.conf"
            export WLR_LIBINPUT_NO_DEVICES=1 WLR_RENDERER_ALLOW_SOFTWARE=1
            if [ -n "${card:-}" ]; then export WLR_BACKENDS=drm WLR_DRM_DEVICES=$card; else export WLR_BACKENDS=headless WLR_HEADLESS_OUTPUTS=1 LIBSEAT_BACKEND=noop; fi
            case $name in sway | *+pixman*) export WLR_RENDERER=pixman ;; *) export WLR_RENDERER=gles2 ;; esac
            command=(sway -d -c "$dir/sway.conf")
            ;;
        *) bad_use "unknown compositor $name" ;;
    esac

    case $name in weston10 | *-drm*) ;; *) "$lab_dir/roots.sh" trixie ;; esac # before the clock starts
    setsid timeout -k 2 "${GS_LIMIT:-600}" "$lab_dir/compositors.sh" .exec "$name" "$dir" "${command[@]}" < /dev/null > "$dir/compositor.log" 2>&1 &
    launcher=$!
    echo "$launcher" > "$dir/launcher.pid"
    for _ in $(seq 1200); do
        case $name in
            sway*)
                # sway picks the first free name itself
                for socket in "$dir"/wayland-[0-9]; do [ -S "$socket" ] && break 2; done
                ;;
            *) [ -S "$socket" ] && break ;;
        esac
        alive "$launcher" || break
        rest 0.05
    done
    if ! { [ -S "$socket" ] && pid=$(running "$dir"); }; then
        tail -n 30 "$dir/compositor.log" >&2
        down "$dir"
        die "$name did not come up in $dir"
    fi
    echo "$socket" > "$dir/display"
    echo "WAYLAND_DISPLAY=$socket"
    echo "PID=$pid"
}

# The compositor's pid: the only child of its time limit
running() {
    local launcher
    launcher=$(cat "$1/launcher.pid" 2> /dev/null) && alive "$launcher" && grep -qz -- "$1" "/proc/$launcher/cmdline" 2> /dev/null || return 1
    awk '{ print $1 }' "/proc/$launcher/task/$launcher/children" 2> /dev/null | grep . || return 1
}

# load_display NAME: the virtual display, afresh unless there are windows that wait for it. It is the only DRM device: a
# compositor could take another one for its own. Sets card
load_display() {
    local options=()
    [ -n "${L1_ROOT:-}" ] || die "$1 wants a virtual display: run it in L1 (l1.sh)"
    [ -z "$again" ] || { find_card; return; }
    case $1 in *+overlay*) options+=(enable_overlay=1) ;; esac
    case $1 in *+render*) options+=(render=1) ;; esac
    # when a compositor ends, the console takes the screen back, and the compositor's last picture goes: a moment later
    for _ in $(seq 100); do
        if modprobe -r vkms 2> /dev/null; then break; fi
        rest 0.05
    done
    [ ! -d /sys/module/vkms ] || die "the display is in use"
    modprobe vkms "${options[@]}" || die "no virtual display"
    find_card
}

find_card() {
    for card in /dev/dri/card*; do :; done
    [ -c "$card" ] || die "vkms has made no /dev/dri/card*"
}

# preloaded NAME: prints the path of the library made of NAME.c
preloaded() {
    local library=$cache_dir/$1.so source=$lab_dir/$1.c tmp
    if ! cmp -s "$library.from" "$source" && [ -w "$cache_dir" ]; then
        need gcc=gcc /usr/include/stdlib.h=libc6-dev
        tmp=$(mktemp "$cache_dir/.$1.XXXXXX")
        gcc -shared -fPIC -O2 -Wall -Wextra -Werror -o "$tmp" "$source" -ldl
        chmod 755 "$tmp"
        mv "$tmp" "$library"
        cp "$source" "$library.from"
    fi
    echo "$library"
}

shot() {
    local name=$1 dir=$2 out=$3 socket work
    dir=$(cd "$dir" && pwd)
    out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
    socket=$(cat "$dir/display")
    work=$(mktemp -d "$dir/shot.XXXXXX")
    export WAYLAND_DISPLAY=$socket
    case $name in
        weston*) (cd "$work" && in_place "$name" "$dir" timeout 20 env LD_PRELOAD="$(preloaded opaque-shot)" weston-screenshooter) > "$work/log" 2>&1 || { cat "$work/log" >&2; rm -rf "$work"; die "weston-screenshooter failed"; } ;;
        sway*) (cd "$work" && in_place "$name" "$dir" timeout 20 grim -t png -l 1 "$work/wayland-screenshot.png") > "$work/log" 2>&1 || { cat "$work/log" >&2; rm -rf "$work"; die "grim failed"; } ;;
        *) bad_use "unknown compositor $name" ;;
    esac
    mv "$work"/wayland-screenshot*.png "$out"
    rm -rf "$work"
}

tell() {
    local name=$1 dir=$2 pid
    shift 2
    dir=$(cd "$dir" && pwd)
    pid=$(running "$dir") || die "no compositor runs in $dir"
    case $name in sway*) ;; *) die "$name takes no commands" ;; esac
    for SWAYSOCK in "$dir"/sway-ipc.*.sock; do :; done
    [ -S "$SWAYSOCK" ] || die "sway (pid $pid) has no command socket in $dir"
    export SWAYSOCK
    (in_place "$name" "$dir" timeout 20 swaymsg -- "$*")
}

down() {
    local dir pid launcher
    dir=$(cd "$1" && pwd)
    if pid=$(running "$dir"); then
        # a compositor that a test has stopped must first hear of its end
        kill -CONT "$pid" 2> /dev/null || true
        stop_pid "$pid" 3
    fi
    launcher=$(cat "$dir/launcher.pid" 2> /dev/null || true)
    if [ -n "$launcher" ] && grep -qz -- "$dir" "/proc/$launcher/cmdline" 2> /dev/null; then stop_pid "$launcher" 2; fi
    rm -f "$dir/launcher.pid" "$dir/display" "$dir"/gs-wayland* "$dir"/wayland-* "$dir"/sway-ipc.*
}

again=
case ${1:-} in
    up | again)
        [ $# -eq 4 ] || bad_use "$1 NAME DIR WIDTHxHEIGHT"
        case $1 in again) again=1 ;; esac
        up "$2" "$3" "$4"
        ;;
    shot) [ $# -eq 4 ] || bad_use "shot NAME DIR OUT.png"; shot "$2" "$3" "$4" ;;
    tell) [ $# -ge 4 ] || bad_use "tell NAME DIR WORD..."; tell "${@:2}" ;;
    down) [ $# -eq 2 ] || bad_use "down DIR"; [ ! -d "$2" ] || down "$2" ;;
    list) printf '%s\n' "${names[@]}" ;;
    build) for library in opaque-shot egl-device; do preloaded $library > /dev/null; done ;;
    .exec) shift; in_place "$@" ;; # of up alone
    *) bad_use "unknown command ${1:-}" ;;
esac
