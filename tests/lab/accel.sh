#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Which accelerator runs a stock guest on this machine?
#
#   accel.sh [--again]    prints kvm or tcg; the reason goes to standard error
#
# /dev/kvm may be there, open, create a VM, and still hang every stock kernel early in its boot. So one is booted, for six
# seconds at most, and must print its first line. The answer is kept in the cache until the machine boots again. GS_ACCEL
# in the environment overrides it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

if [ -n "${GS_ACCEL:-}" ]; then
    note "$GS_ACCEL: GS_ACCEL says so"
    echo "$GS_ACCEL"
    exit 0
fi
answer=$cache_dir/accel
boot_id=$(cat /proc/sys/kernel/random/boot_id)
exec 9> "$answer.lock"
flock -w 60 9 || die "somebody else has been probing for a minute"
if [ "${1:-}" != --again ] && [ "$(sed -n 1p "$answer" 2> /dev/null)" = "$boot_id" ]; then
    note "$(sed -n 3p "$answer")"
    sed -n 2p "$answer"
    exit 0
fi

settle() {
    printf '%s\n' "$boot_id" "$1" "$1: $2" > "$answer.tmp"
    mv "$answer.tmp" "$answer"
    note "$1: $2"
    echo "$1"
    exit 0
}

[ -e /dev/kvm ] || settle tcg "there is no /dev/kvm"
if ! { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }; then settle tcg "/dev/kvm may not be opened by this user"; fi
need qemu-system-x86_64=qemu-system-x86
guest=$("$lab_dir/guest/build.sh" "${GS_PROBE_GUEST:-6.12}" 2> /dev/null) || settle tcg "no guest could be built to try /dev/kvm with"

work=$(mktemp -d "$cache_dir/.accel.XXXXXX")
begin=$(uptime_s)
# (the inner shell keeps the outer one from commenting on QEMU's possible abort)
(
    trap 'kill $! 2> /dev/null; exit 143' TERM
    timeout -k 1 6 qemu-system-x86_64 -nodefaults -no-user-config -display none -machine q35 -accel kvm -cpu host -m 256 -no-reboot \
        -kernel "$guest/kernel" -initrd "$guest/initrd" -append "console=ttyS0 quiet loglevel=4 panic=-1" \
        -serial "file:$work/serial" < /dev/null > "$work/qemu.log" 2>&1 &
    wait $!
) 2> /dev/null 9>&- &
pid=$!
trap 'kill $pid 2> /dev/null || true; rm -rf "$work"' EXIT
while alive $pid; do
    if grep -q '^GS-BOOT' "$work/serial" 2> /dev/null; then
        seen=$(elapsed_since "$begin")
        settle kvm "a stock guest came up on it in $seen"
    fi
    sleep 0.05
done
status=0
wait $pid || status=$?
case $status in
    124 | 137) settle tcg "/dev/kvm is there, but a stock guest hangs on it (nothing within six seconds)" ;;
    *) settle tcg "QEMU cannot use /dev/kvm: $(head -n 1 "$work/qemu.log")" ;;
esac
