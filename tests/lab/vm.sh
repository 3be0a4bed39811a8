#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a lab guest in QEMU, with our backend or QEMU's own display device.
#
#   vm.sh up DIR [OPTION...] [-- QEMU-ARGUMENT...]   starts it, prints QEMU's pid; DIR gets serial.log qmp.sock qemu.pid qemu.log,
#                                                    and in the end qemu.status, its exit code (0: also when the guest reset itself)
#       --gpu SOCKET      vhost-user-gpu-pci on this socket (default: none)
#       --gpu virtio      QEMU's own virtio-gpu-pci, for comparison       --gpu helper   QEMU's vhost-user-gpu program
#       --device gpu|test for a SOCKET or helper: vhost-user-gpu-pci (default), or the generic vhost-user-test-device-pci of
#                         QEMU 11.1, which lets every feature bit of the backend through: blobs. Takes --qemu vmm
#       --gpu-args TEXT   more properties of that device, e.g. "xres=1024,yres=768"
#       --outputs N       heads the device may have (default 1)
#       --input SOCKET    vhost-user-input-pci on this socket; may be repeated
#       --under WORD      QEMU is started by this command, to which its own is appended; once for each word of it. It is
#                         guest-surfaces run, which adds the GPU; what it says goes to qemu.log
#       --qemu host|trixie|vmm   this machine's (Debian 12: 7.2), 10.0 in the trixie root, or 11.1 in the vmm root. Default: host,
#                         but trixie where host cannot: QEMU before 8.0 has vhost-user devices with KVM only ("requires kvm")
#       --guest 6.1|6.12|newest   kernel (default 6.12)        --image tools|weston   a bigger initramfs
#       --job NAME --frames N --seed S --mode WxH --seconds T --hold T     see guest/gsguest.c
#       --append TEXT     more kernel command line
#       --memory MIB (512)  --cpus N (1)  --accel auto|tcg|kvm (auto)  --limit SECONDS (120: then QEMU is killed)
#   vm.sh wait DIR REGEX [SECONDS]   waits (60) for a line of serial.log, prints it; fails early on GS-FAIL or when QEMU ended
#   vm.sh qmp DIR JSON...            sends QMP commands, prints the answers
#   vm.sh where DIR                  where its processor is, three times: one that hangs in emulation stays there
#   vm.sh press DIR                  presses the space bar of the guest's keyboard: a job that goes on until then ends
#   vm.sh shot DIR OUT.ppm [HEAD]    QEMU's own view of a head (virtio, helper)
#   vm.sh crc FILE.ppm               the crc of GS-HOLD over a picture
#   vm.sh errors DIR                 prints kernel messages of level error on serial.log; fails if there are any
#   vm.sh down DIR                   ends it, waits
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -ge 2 ] || bad_use "a command and its arguments are needed"
command=$1
dir=$2
shift 2

qemu_pid() { cat "$dir/qemu.pid" 2> /dev/null; }
running() { alive_with "$dir/qemu.pid" "$dir/qmp.sock"; }

# vhost-user devices without KVM: from QEMU 8.0
host_has_vhost_user() {
    local major
    need qemu-system-x86_64=qemu-system-x86
    major=$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9]*\).*/\1/p')
    [ "${major:-0}" -ge 8 ]
}

up() {
    local gpu='' gpu_args='' outputs=1 inputs=() under=() qemu='' guest=6.12 image='' append='' device=gpu memory=512 cpus=1 accel=auto limit=120 job=pattern words=()
    while [ $# -gt 0 ]; do
        case $1 in
            --gpu) gpu=$2 ;; --device) device=$2 ;; --gpu-args) gpu_args=$2 ;; --outputs) outputs=$2 ;; --input) inputs+=("$2") ;; --under) under+=("$2") ;;
            --qemu) qemu=$2 ;; --guest) guest=$2 ;; --image) image=$2 ;; --append) append=$2 ;;
            --memory) memory=$2 ;; --cpus) cpus=$2 ;; --accel) accel=$2 ;; --limit) limit=$2 ;;
            --job) job=$2; words+=("gs.job=$2") ;;
            --frames | --seed | --mode | --seconds | --hold) words+=("gs.${1#--}=$2") ;;
            --) shift; break ;;
            *) bad_use "unknown option $1" ;;
        esac
        shift 2
    done

    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    if running; then die "a VM already runs in $dir (pid $(qemu_pid))"; fi
    rm -f "$dir"/{serial.log,qmp.sock,qemu.pid,qemu.log,qemu.status,helper.sock,helper.pid}

    [ "$accel" != auto ] || accel=$("$lab_dir/accel.sh" 2> /dev/null)
    case $device in gpu) ;; test) qemu=${qemu:-vmm} ;; *) bad_use "--device gpu or test" ;; esac
    if [ -z "$qemu" ]; then
        qemu=host
        case $gpu$accel in virtiotcg | tcg) [ ${#inputs[@]} -eq 0 ] || host_has_vhost_user || qemu=trixie ;; *tcg) host_has_vhost_user || qemu=trixie ;; esac
    fi
    local in_root=() kernel_dir
    case $qemu in
        host) need qemu-system-x86_64=qemu-system-x86 ;;
        trixie | vmm)
            "$lab_dir/roots.sh" "$qemu" # before any clock runs
            in_root=("$lab_dir/in-root.sh" -b "$dir" "$qemu")
            ;;
        *) bad_use "--qemu host, trixie or vmm" ;;
    esac
    [ -z "$image" ] && case $job in modetest) image=tools ;; weston) image=weston ;; esac
    kernel_dir=$("$lab_dir/guest/build.sh" "$guest" ${image:+"$image"})

    # shellcheck disable=SC2054 # the commas are QEMU's
    # a program above QEMU chooses its display
    local display=(-display none)
    [ ${#under[@]} -eq 0 ] || display=()
    local args=(-nodefaults -no-user-config "${display[@]}" -smp "$cpus" -m "$memory"
        -object "memory-backend-memfd,id=mem,size=${memory}M,share=on" -machine q35,memory-backend=mem
        -kernel "$kernel_dir/kernel" -initrd "$kernel_dir/initrd${image:+-$image}"
        -append "console=ttyS0 quiet loglevel=4 nokaslr mitigations=off tsc=reliable no_timer_check random.trust_cpu=on panic=-1 pci=lastbus=0 ${words[*]} $append"
        -serial "file:$dir/serial.log" -qmp "unix:$dir/qmp.sock,server=on,wait=off" -pidfile "$dir/qemu.pid")
    # shellcheck disable=SC2054
    if [ "$accel" = kvm ]; then args+=(-accel kvm -cpu host); else args+=(-accel tcg,thread=multi,tb-size=256 -cpu max,la57=off); fi
    [ "$job" = reboot ] || args+=(-no-reboot)

    local properties=",max_outputs=$outputs${gpu_args:+,$gpu_args}" input
    case $gpu in
        '') ;;
        virtio) args+=(-device "virtio-gpu-pci,id=gs-gpu$properties") ;;
        helper)
            if [ "$qemu" = host ]; then start_helper "$limit"; else start_helper "$limit" "${in_root[@]}"; fi
            gpu=$dir/helper.sock
            ;;&
        *)
            args+=(-chardev "socket,id=gpu,path=$gpu")
            case $device in
                gpu) args+=(-device "vhost-user-gpu-pci,id=gs-gpu,chardev=gpu$properties") ;;
                test) args+=(-device "vhost-user-test-device-pci,id=gs-gpu,chardev=gpu,virtio-id=16,num_vqs=2,vq_size=256,config_size=16${gpu_args:+,$gpu_args}") ;;
            esac
            ;;
    esac
    for input in "${inputs[@]}"; do
        args+=(-chardev "socket,id=input${#args[@]},path=$input" -device "vhost-user-input-pci,chardev=input${#args[@]}") # one count: expanded before it grows
    done

    printf '%q ' qemu-system-x86_64 "${args[@]}" "$@" > "$dir/qemu.args"
    # shellcheck disable=SC2016 # the inner shell's
    setsid bash -c 'status=0; "$@" || status=$?; echo "$status" > "$0"' "$dir/qemu.status" \
        timeout -k 2 "$limit" "${under[@]}" "${in_root[@]}" qemu-system-x86_64 "${args[@]}" "$@" < /dev/null > "$dir/qemu.log" 2>&1 &
    local launcher=$!
    for _ in $(seq 1200); do
        running && [ -S "$dir/qmp.sock" ] && break
        alive "$launcher" || { cat "$dir/qemu.log" >&2; down; die "QEMU did not start"; }
        rest 0.05
    done
    running || { down; die "QEMU did not start within a minute"; }
    qemu_pid
}

# QEMU's own backend, the yardstick
start_helper() {
    local limit=$1
    shift
    [ $# -gt 0 ] || need /usr/lib/qemu/vhost-user-gpu=qemu-system-gui
    setsid timeout -k 2 "$limit" "$@" /usr/lib/qemu/vhost-user-gpu -s "$dir/helper.sock" < /dev/null > "$dir/helper.log" 2>&1 &
    echo $! > "$dir/helper.pid"
    for _ in $(seq 100); do
        [ -S "$dir/helper.sock" ] && return
        rest 0.05
    done
    cat "$dir/helper.log" >&2
    down
    die "vhost-user-gpu did not start"
}

wait_line() {
    local pattern=$1 end=$((SECONDS + ${2:-60})) lines line ended=
    while :; do
        running || ended=1
        lines=()
        { mapfile -t lines < "$dir/serial.log"; } 2> /dev/null || true
        for line in "${lines[@]%$'\r'}"; do
            if [[ $line =~ $pattern ]]; then printf '%s\n' "$line"; return; fi
        done
        for line in "${lines[@]}"; do
            [[ $line != GS-FAIL* ]] || { printf '%s\n' "$line" >&2; die "the guest failed while '$pattern' was awaited"; }
        done
        if [ -n "$ended" ]; then for _ in $(seq 20); do [ ! -e "$dir/qemu.status" ] || break; rest 0.1; done; fi # (written when it is gone)
        [ -z "$ended" ] || { tail -n 5 "$dir/serial.log" "$dir/qemu.log" >&2 || true; die "QEMU ended (exit code $(cat "$dir/qemu.status" 2> /dev/null || echo unknown)) before '$pattern' was seen"; }
        [ $SECONDS -lt $end ] || { tail -n 5 "$dir/serial.log" >&2; die "no line '$pattern' in time"; }
        rest 0.1
    done
}

# One connection per call. QMP answers every command with one line (events apart); quit may close before it does.
qmp() {
    need socat=socat
    { printf '%s\n' '{"execute":"qmp_capabilities"}' "$@"; sleep "${QMP_LINGER:-0.3}"; } | timeout 20 socat -t 5 - "UNIX-CONNECT:$dir/qmp.sock" | tr -d '\r' | tail -n +3
}

press() {
    local answer
    answer=$(qmp '{"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"spc"}]}}')
    case $answer in *'"error"'*) die "send-key: $answer" ;; esac
}

# Where the guest's processor is, three times within two seconds. One that is at work moves. One that has lost an interrupt in
# emulation stays for good: at its halt (HLT=1) with interrupts allowed and one still in service (ISR), which bars all others;
# Linux never halts while it serves one.
where() {
    local answer sample='{"execute":"human-monitor-command","arguments":{"command-line":"info'
    for _ in 1 2 3; do
        answer=$(qmp '{"execute":"query-status"}' "$sample registers\"}}" "$sample lapic\"}}")
        grep -oE '"status": "[a-z-]+"|RIP=[0-9a-f]+|RFL=[0-9a-f]+|HLT=[0-9]|I[SR]R\\t [^\\]+' <<< "$answer" | sed 's/\\t//' | paste -sd ' ' -
        rest 0.5
    done
}

shot() {
    local out=$1 device='' answer
    out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
    [ -z "${2:-}" ] || device=",\"device\":\"gs-gpu\",\"head\":$2"
    answer=$(QMP_LINGER=1 qmp "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"$out\"$device}}")
    case $answer in *'"error"'*) die "screendump: $answer" ;; esac
}

crc() {
    # P6, width height, 255: three lines, then the pixels; a gzip file ends with the crc and the length of what it holds
    tail -n +4 "$1" | gzip -1c | tail -c 8 | od -An -N 4 -tx4 | tr -d ' '
}

# Kernel messages carry a time stamp; at loglevel=4 only errors and worse get to the serial line.
errors() {
    ! tr -d '\r' < "$dir/serial.log" | grep -E '^\[ *[0-9]+\.[0-9]+\]' | grep -vE "${GS_KNOWN_MESSAGES:-reboot: }"
}

down() {
    if running; then stop_pid "$found_pid" 3; fi
    if alive_with "$dir/helper.pid" "$dir/helper.sock"; then stop_pid "$found_pid" 3; fi
    rm -f "$dir/qemu.pid" "$dir/qmp.sock" "$dir/helper.pid" "$dir/helper.sock"
}

case $command in
    up) up "$@" ;;
    crc) crc "$dir" ;;
    wait | qmp | press | where | shot | errors | down)
        [ -d "$dir" ] || die "$dir: no such folder"
        dir=$(cd "$dir" && pwd)
        case $command in wait) wait_line "$@" ;; *) "$command" "$@" ;; esac
        ;;
    *) bad_use "unknown command $command" ;;
esac
