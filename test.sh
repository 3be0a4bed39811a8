#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the tests. On a fresh Debian 12 or 13 it installs what they need first (as root; otherwise it says what to install).
#
#   ./test.sh          everything that needs no VM of ours
#   ./test.sh --lab    that, and the tests with real guests in QEMU: an hour on two slow cores
#   ./test.sh --all    that, and the rest of their pairs of kernel, QEMU, compositor and job: twenty minutes more
#   ./test.sh ... -- ARGUMENTS   more arguments for the test program, e.g. -- -class '*Virtqueue*'
#
# The last line is: N passed, N failed, N skipped. Exit code 0 if nothing failed.
set -euo pipefail
cd "$(dirname "$0")"

lab=false
more=() explicit=()
while [ $# -gt 0 ]; do
    case $1 in
        --lab) lab=true ;;
        --all) lab=true explicit=(-explicit on) ;;
        --) shift; more=("$@"); break ;;
        -h | --help) sed -n '3,10p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
        *) echo "test.sh: unknown argument $1 (try --help)" >&2; exit 2 ;;
    esac
    shift
done

./tests/setup.sh $($lab && echo --lab)

echo "test.sh: building" >&2
nice dotnet build GuestSurfaces.sln -c Release --nologo -v quiet
echo "test.sh: checking the format" >&2
nice dotnet format GuestSurfaces.sln --verify-no-changes --no-restore

if $lab; then
    # in the lab's machines as users have it, with the lab's programs beside it: there, compiling takes longer than all the rest
    export GS_LAB=1 GS_PROGRAM=$PWD/artifacts/guest-surfaces
    for project in tests/GuestSurfaces.Lab src/GuestSurfaces.Cli; do
        nice dotnet publish "$project" -c Release --nologo -v quiet -o "$GS_PROGRAM"
    done
    # the newest interface descriptions, not this machine's
    GS_PROTOCOL_ROOT=$(tests/lab/protocols.sh)
    export GS_PROTOCOL_ROOT
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
nice dotnet tests/GuestSurfaces.Tests/bin/Release/net10.0/GuestSurfaces.Tests.dll -noLogo -noColor "${explicit[@]}" "${more[@]}" 2>&1 | tee "$log" || status=$?

# xunit's own summary line: Total: N, Errors: N, Failed: N, Skipped: N, Not Run: N, ... The last are those for --all.
read -r total errors failed skipped others < <(sed -nE 's/.*Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+), Not Run: ([0-9]+).*/\1 \2 \3 \4 \5/p' "$log" | tail -n 1) || true
if [ -z "${total:-}" ]; then
    echo "test.sh: the test program ended without a summary (exit code $status)" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
passed=$((total - errors - failed - skipped - others))
bad=$((errors + failed))
if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
if [ "${CI:-}" = true ] && $lab && [ "$skipped" -gt 0 ]; then
    echo "test.sh: continuous integration has everything that tests need, so a skipped test is a failed one" >&2
    bad=$((bad + skipped))
    skipped=0
fi
echo "$passed passed, $bad failed, $skipped skipped"
[ "$bad" -eq 0 ]
