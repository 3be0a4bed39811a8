#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Shows a real guest's screen as a native window: an unmodified Debian kernel in an unmodified QEMU, its virtio-gpu served by
# guest-surfaces. Installs what is missing (as root; otherwise it says what to install), builds, boots, shows.
#
#   ./demo.sh [--headless] [--seconds N] [--screenshot F.png] [--stats F.json]
#
#   --headless        don't use the session's compositor: start a headless Weston (also when there is no session)
#   --seconds N       how long to show it (default: 20 headless; else until the window is closed or Ctrl-C)
#   --screenshot F    where to put a screenshot, taken by the headless compositor itself (default there: demo.png)
#   --stats F         write what was measured as JSON
#
# Whichever way it ends, nothing is left running.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tests/lab/lib.sh"

headless=false seconds='' screenshot='' stats=''
while [ $# -gt 0 ]; do
    case $1 in
        --headless) headless=true ;;
        --seconds) seconds=${2:?--seconds wants a number}; shift ;;
        --screenshot) screenshot=${2:?--screenshot wants a file}; shift ;;
        --stats) stats=${2:?--stats wants a file}; shift ;;
        -h | --help) sed -n '3,14p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
        *) bad_use "unknown argument $1" ;;
    esac
    shift
done
[ -n "${WAYLAND_DISPLAY:-}" ] || headless=true
if $headless; then
    seconds=${seconds:-20}
    screenshot=${screenshot:-demo.png}
elif [ -n "$screenshot" ]; then
    die "a screenshot needs --headless: a session's compositor doesn't hand its picture out"
fi
[[ ${seconds:-1} =~ ^[0-9]+$ ]] || bad_use "--seconds wants a whole number"
case $screenshot in '' | /*) ;; *) screenshot=$PWD/$screenshot ;; esac
case $stats in '' | /*) ;; *) stats=$PWD/$stats ;; esac

step() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

cd "$here"
command -v dotnet > /dev/null || die "the .NET 10 SDK is missing (command dotnet): install it first"
step "building guest-surfaces"
nice dotnet publish src/GuestSurfaces.Cli -c Release --nologo -v quiet -o artifacts/guest-surfaces >&2
gs=$here/artifacts/guest-surfaces/guest-surfaces
if $headless; then nice dotnet build tests/GuestSurfaces.Lab -c Release --nologo -v quiet >&2; fi

step "fetching Debian's kernel and making the guest (cached after the first time)"
need qemu-system-x86_64=qemu-system-x86
kernel_dir=$(tests/lab/guest/build.sh 6.12)
kernel_name=$(basename "$(echo "$kernel_dir"/linux-image-*)")

work=$(mktemp -d /tmp/gs-demo.XXXXXX)
bridge=
cleanup() {
    trap - EXIT INT TERM
    if [ -n "$bridge" ]; then stop_pid "$bridge" 10; fi
    if [ -d "$work/run" ]; then tests/lab/compositors.sh down "$work/run" || true; fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step "choosing an accelerator"
accelerator=$(tests/lab/accel.sh 2> "$work/accel")
reason=$(sed -n '$s/^[^:]*: [a-z]*: //p' "$work/accel")
note "$accelerator: $reason"
qemu=(qemu-system-x86_64)
version=$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
if [ "$accelerator" = tcg ] && [ "${version%%.*}" -lt 8 ]; then
    step "QEMU $version has vhost-user devices with KVM only: taking Debian 13's from a chroot"
    qemu=(tests/lab/in-root.sh -b "$work" trixie qemu-system-x86_64)
    version=$("${qemu[@]}" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
fi
if [ "$accelerator" = kvm ]; then machine=(-accel kvm -cpu host); else machine=(-accel "tcg,thread=multi,tb-size=256" -cpu "max,la57=off"); fi

compositor="session ${WAYLAND_DISPLAY:-}"
if $headless; then
    step "starting a headless Weston"
    need weston=weston
    mkdir -m 700 "$work/run"
    tests/lab/compositors.sh up weston10 "$work/run" 1280x800 > "$work/compositor"
    compositor="$(weston --version), headless"
    export XDG_RUNTIME_DIR=$work/run
    WAYLAND_DISPLAY=$(sed -n 's/^WAYLAND_DISPLAY=//p' "$work/compositor")
    export WAYLAND_DISPLAY
fi

step "booting the guest: $kernel_name in QEMU $version ($accelerator) on $compositor"
frames=$(( ${seconds:-3600} * 60 ))
"$gs" run --name demo ${stats:+--stats "$stats"} \
    --note "guest=$kernel_name" --note "vmm=QEMU $version" --note "accelerator=$accelerator" --note "accelerator_reason=$reason" --note "compositor=$compositor" \
    -- "${qemu[@]}" -nodefaults -no-user-config -machine q35 "${machine[@]}" -m 512 -no-reboot \
    -kernel "$kernel_dir/kernel" -initrd "$kernel_dir/initrd" -serial "file:$work/serial" \
    -append "console=ttyS0 quiet loglevel=4 nokaslr mitigations=off tsc=reliable no_timer_check random.trust_cpu=on panic=-1 gs.job=flip gs.frames=$frames" &
bridge=$!

for _ in $(seq 600); do
    grep -q '^GS-READY' "$work/serial" 2> /dev/null && break
    alive "$bridge" || die "guest-surfaces ended before the guest showed anything"
    sleep 0.1
done
grep -q '^GS-READY' "$work/serial" || die "the guest showed nothing within a minute; its log: $(tail -n 3 "$work/serial")"
step "the guest is on the screen"

if [ -n "$seconds" ]; then
    for _ in $(seq "$((seconds * 10))"); do
        alive "$bridge" || break
        sleep 0.1
    done
else
    wait "$bridge" || true
fi

if $headless; then
    alive "$bridge" || die "guest-surfaces ended early"
    dotnet tests/GuestSurfaces.Lab/bin/Release/net10.0/lab-shot.dll "$WAYLAND_DISPLAY" "$screenshot" >&2
    step "screenshot of the compositor: $screenshot"
fi
stop_pid "$bridge" 10
wait "$bridge" 2> /dev/null || true
bridge=
if [ -n "$stats" ]; then
    [ -s "$stats" ] || die "no statistics were written"
    step "statistics: $stats"
fi
