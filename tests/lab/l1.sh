#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# L1: a whole machine inside QEMU that plays a desktop's host: a stock kernel with /dev/udmabuf, a virtual display (vkms),
# fences under a test's control (sw_sync), VFIO devices with a display (mbochs, mdpy) and a KVM that works: QEMU emulates
# AMD's SVM, L1's kernel uses it.
#
#   l1.sh build [ROOT]                 kernel, initramfs and that root's image -> .cache/lab/l1
#   l1.sh up DIR [OPTION...]           boots it (builds first if need be), prints QEMU's pid; DIR gets share/ serial.log qemu.log
#       --root ROOT       what it boots, of roots.sh: trixie (default: weston 14, sway 1.10, QEMU 10.0), sid (the newest) or
#                         bookworm (QEMU 7.2). Debian 13's kernel in any case
#       --share PATH      one more folder to be seen inside, read-only, at the same path; may be repeated
#       --qemu vmm|trixie|host   which QEMU emulates it: 11.1 (default), 10.0 or this machine's. Older ones lose interrupts: what
#                         their VMRUN notes of them isn't atomic beside other threads
#       --memory MIB (4096)  --cpus N (2)  --limit SECONDS (900: then QEMU is killed)
#   l1.sh run DIR 'SHELL COMMAND' [SECONDS]    runs it in bash as root; its output, its exit code
#   l1.sh down DIR                     ends it, waits
#
# Inside: DIR/share at the same path and as /share, writable; this repository, the cache and .NET's runtime at the same
# paths, read-only; everything else is forgotten with the machine (sockets and run-time folders belong in its own /tmp).
# Commands start in the repository with GS_CACHE, GS_ACCEL=kvm and DOTNET_ROOT set: the lab's scripts work there as here,
# with ROOT's programs for this machine's.
#
# run ends with 124 when the SECONDS (300) are over and with 125 when L1 itself has ended or stands still (not one of its
# processes runs for a minute and a half): in an emulated SVM its kernel panics or hangs once in a while when it runs a guest.
# One fresh L1 and one more try are in order then, and only then.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] || bad_use "a command is needed"
command=$1
shift
out=$cache_dir/l1

# build ROOT: and what a guest needs, for inside the cache can only be read
build() {
    local version
    for version in 6.1 6.12; do "$lab_dir/guest/build.sh" "$version" > /dev/null; done
    "$lab_dir/compositors.sh" build
    "$lab_dir/l1/build.sh" "$1"
}

qemu_pid() { cat "$dir/qemu.pid" 2> /dev/null; }
running() { alive_with "$dir/qemu.pid" "$dir/command.sock"; }

up() {
    local shares=("$repo_dir") root=trixie qemu=vmm memory=4096 cpus=2 limit=900 dotnet='' in_root=() binds=() exports=() path count=0 launcher begin end
    case $cache_dir/ in "$repo_dir"/*) ;; *) shares+=("$cache_dir") ;; esac
    if dotnet=$(command -v dotnet); then
        dotnet=$(dirname "$(readlink -f "$dotnet")")
        shares+=("$dotnet")
    fi
    while [ $# -gt 0 ]; do
        case $1 in
            --share) [ -d "$2" ] || bad_use "--share wants an existing folder"; shares+=("$(cd "$2" && pwd)") ;;
            --root) root=$2 ;; --qemu) qemu=$2 ;; --memory) memory=$2 ;; --cpus) cpus=$2 ;; --limit) limit=$2 ;;
            *) bad_use "unknown option $1" ;;
        esac
        shift 2
    done
    need socat=socat
    build "$root"
    begin=$(uptime_s)

    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    [ ${#dir} -lt 90 ] || die "$dir is too long for a socket's path"
    if running; then die "an L1 already runs in $dir (pid $(qemu_pid))"; fi
    rm -rf "$dir"/{serial.log,command.sock,qemu.pid,qemu.log} "$dir/share/.l1"
    mkdir -p "$dir/share/.l1/q"
    for path in "${shares[@]}"; do
        binds+=(-b "$path")
        # (a comma in a value of QEMU's is written twice)
        exports+=(-fsdev "local,id=ro$count,path=${path//,/,,},security_model=none,readonly=on,multidevs=remap" -device "virtio-9p-pci,fsdev=ro$count,mount_tag=ro$count")
        echo "ro$count $path"
        count=$((count + 1))
    done > "$dir/share/.l1/mounts"
    echo "share $dir/share" >> "$dir/share/.l1/mounts"
    printf '%s=%q\n' PATH /usr/sbin:/usr/bin:/sbin:/bin HOME /root LANG C.UTF-8 XDG_RUNTIME_DIR /run/user/0 L1_DIRECTORY "$repo_dir" \
        GS_CACHE "$cache_dir" L1_ROOT "$("$lab_dir/roots.sh" --path "$root")" GS_ACCEL kvm DOTNET_ROOT "$dotnet" DOTNET_NOLOGO 1 > "$dir/share/.l1/env"

    case $qemu in
        host) need qemu-system-x86_64=qemu-system-x86 ;;
        trixie | vmm)
            "$lab_dir/roots.sh" "$qemu"
            in_root=("$lab_dir/in-root.sh" -b "$dir" "${binds[@]}" "$qemu")
            ;;
        *) bad_use "--qemu vmm, trixie or host" ;;
    esac
    # shellcheck disable=SC2054 # the commas are QEMU's
    local args=(-nodefaults -no-user-config -display none -machine q35 -accel tcg,thread=multi,tb-size=512 -cpu max,la57=off
        -smp "$cpus" -m "$memory" -no-reboot -kernel "$out/kernel" -initrd "$out/initrd"
        -append "console=ttyS0 quiet loglevel=4 nokaslr mitigations=off tsc=reliable no_timer_check random.trust_cpu=on panic=-1"
        -drive "file=${out//,/,,}/$root.erofs,if=none,id=root,format=raw,readonly=on,aio=threads" -device virtio-blk-pci,drive=root
        -serial "file:$dir/serial.log" -pidfile "$dir/qemu.pid"
        -device virtio-serial-pci -chardev "socket,id=command,path=$dir/command.sock,server=on,wait=off" -device virtserialport,chardev=command,name=gs.l1
        -fsdev "local,id=share,path=${dir//,/,,}/share,security_model=none,multidevs=remap" -device virtio-9p-pci,fsdev=share,mount_tag=share
        "${exports[@]}")
    setsid timeout -k 2 "$limit" "${in_root[@]}" qemu-system-x86_64 "${args[@]}" < /dev/null > "$dir/qemu.log" 2>&1 &
    launcher=$!
    end=$((SECONDS + 90))
    trap 'down; exit 130' INT TERM
    until grep -q '^L1-READY' "$dir/serial.log" 2> /dev/null; do
        if ! alive "$launcher" || grep -q '^L1-FAIL' "$dir/serial.log" 2> /dev/null; then
            cat "$dir/qemu.log" >&2
            tail -n 20 "$dir/serial.log" >&2 || true
            down
            die "L1 did not come up"
        fi
        if [ $SECONDS -ge "$end" ]; then
            tail -n 20 "$dir/serial.log" >&2 || true
            down
            die "L1 was not ready within 90 seconds"
        fi
        rest 0.1
    done
    note "L1 is up after $(elapsed_since "$begin")"
    qemu_pid
}

# One boot in some tens loses a processor's timer in emulation and hangs; the next one comes up.
up_patiently() {
    local attempt status
    for attempt in 1 2 3; do
        status=0
        "$lab_dir/l1.sh" .boot "$dir" "$@" || status=$?
        [ "$status" = 1 ] || return "$status"
        note "boot $attempt of L1 failed"
    done
    return 1
}

run() {
    local text=$1 limit=${2:-300} queue=$dir/share/.l1/q id waiter tails=() status
    running || { note "no L1 runs in $dir"; exit 125; }
    id=$$-$(date +%s%N)
    printf '%s\n' "$text" > "$queue/$id.sh"
    : > "$queue/$id.out"
    : > "$queue/$id.err"
    # lives until there is an exit code, or nothing to wait for any more; the tails live as long
    (
        end=$((SECONDS + limit + 10)) heard=$SECONDS last='' beat=''
        until [ -e "$queue/$id.rc" ] || [ $SECONDS -ge $end ] || ! running || ! alive $$; do
            rest 0.1
            read -r beat 2> /dev/null < "$dir/share/.l1/beat" || true # (once in a while it is just being written)
            if [ "$beat" != "$last" ]; then
                heard=$SECONDS last=$beat
            elif [ $((SECONDS - heard)) -ge 90 ]; then
                : > "$queue/$id.still"
                break
            fi
        done
    ) < /dev/null > /dev/null 2>&1 &
    waiter=$!
    trap 'kill "$waiter" 2> /dev/null; exit 130' INT TERM
    tail -n +1 -f -s 0.1 --pid="$waiter" "$queue/$id.out" &
    tails+=($!)
    tail -n +1 -f -s 0.1 --pid="$waiter" "$queue/$id.err" >&2 &
    tails+=($!)
    (
        flock -w 60 9
        { echo "$id $limit"; until [ -e "$queue/$id.got" ] || ! alive "$waiter"; do rest 0.05; done; } | socat -u - "UNIX-CONNECT:$dir/command.sock"
    ) 9> "$dir/command.lock" || true
    wait "$waiter" "${tails[@]}" || true
    status=$(cat "$queue/$id.rc" 2> /dev/null) || {
        if [ -e "$queue/$id.still" ]; then
            note "L1 stands still: $(tr -d '\r' < "$dir/serial.log" | tail -n 1)"
            status=125
        elif running; then
            note "L1 did not answer within $limit seconds"
            status=124
        else
            note "L1 has ended: $(tr -d '\r' < "$dir/serial.log" | grep -m 1 -E 'panic|BUG|Oops' || tail -n 1 "$dir/qemu.log")"
            status=125
        fi
    }
    rm -f "$queue/$id".*
    exit "$status"
}

down() {
    if running; then stop_pid "$found_pid" 5; fi
    rm -f "$dir/qemu.pid" "$dir/command.sock"
}

case $command in
    build)
        build "${1:-trixie}"
        echo "$out"
        ;;
    up | .boot | run | down) # (.boot: of up alone)
        [ $# -ge 1 ] || bad_use "$command DIR"
        dir=$1
        shift
        if [ "$command" = run ] || [ "$command" = down ]; then
            [ -d "$dir" ] || die "$dir: no such folder"
            dir=$(cd "$dir" && pwd)
        fi
        case $command in run) [ $# -ge 1 ] || bad_use "run DIR 'SHELL COMMAND'" ;; esac
        case $command in up) up_patiently "$@" ;; .boot) up "$@" ;; *) "$command" "$@" ;; esac
        ;;
    *) bad_use "unknown command $command" ;;
esac
