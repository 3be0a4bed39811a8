#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The lab's front door.
#
#   lab.sh build [TIER...]             what the tiers need, beforehand; without TIER all of them. See prepare.sh
#   lab.sh up TIER DIR [OPTION...]     boots the machine of tier B, C or D in folder DIR. Options, and what there is inside: l1.sh
#   lab.sh run DIR 'SHELL COMMAND' [SECONDS]   runs it in there
#   lab.sh down DIR                    ends it
#   lab.sh test [TIER...]              builds and runs the tests of the tiers
#
#   A   no machine of ours: a guest in QEMU's own emulation, guest-surfaces, a headless compositor (vm.sh, compositors.sh)
#   B   L1, a desktop's machine with udmabuf and a display: Debian 13's weston 14 and sway 1.10 on KMS
#   C   L1 with the newest weston and sway
#   D   a guest inside L1, by KVM: QEMU 7.2, 10.0 and 11.1 (l1/case.sh, l1/cases.sh)
set -euo pipefail
. "$(dirname "$0")/lib.sh"

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
    build)
        [ $# -gt 0 ] || set -- all
        exec "$lab_dir/prepare.sh" "$@"
        ;;
    up)
        [ $# -ge 2 ] || bad_use "up TIER DIR"
        case $1 in B | D) root=trixie ;; C) root=sid ;; *) bad_use "tier $1 has no machine to boot" ;; esac
        dir=$2
        shift 2
        exec "$lab_dir/l1.sh" up "$dir" --root "$root" "$@"
        ;;
    run | down) exec "$lab_dir/l1.sh" "$command" "$@" ;;
    test)
        [ $# -gt 0 ] || set -- A B C D
        traits=()
        for tier; do
            case $tier in A | B | C | D) traits+=(-trait "Tier=$tier") ;; *) bad_use "there is no tier $tier" ;; esac
        done
        "$lab_dir/prepare.sh" "$@"
        nice dotnet build "$repo_dir/tests/GuestSurfaces.Tests" -c Release --nologo -v quiet
        export GS_LAB=1 GS_PROGRAM=$repo_dir/artifacts/guest-surfaces
        for project in tests/GuestSurfaces.Lab src/GuestSurfaces.Cli; do
            nice dotnet publish "$repo_dir/$project" -c Release --nologo -v quiet -o "$GS_PROGRAM"
        done
        GS_PROTOCOL_ROOT=$("$lab_dir/protocols.sh")
        export GS_PROTOCOL_ROOT
        exec nice dotnet "$repo_dir/tests/GuestSurfaces.Tests/bin/Release/net10.0/GuestSurfaces.Tests.dll" -noLogo -noColor "${traits[@]}"
        ;;
    *) bad_use "unknown command '$command'" ;;
esac
