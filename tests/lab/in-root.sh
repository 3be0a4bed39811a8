#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a command inside one of the lab's roots (see roots.sh), built first if need be. In an L1 that was booted from that
# root there is nothing to enter.
#
#   in-root.sh [-b PATH]... ROOT COMMAND [ARGUMENT...]
#
# The root sees the machine's /proc, /dev, /sys and /tmp, this repository, the cache, $XDG_RUNTIME_DIR and every -b PATH
# at the same paths. All mounts live in a mount namespace of the command's own: they are gone when it ends, however it
# ends. It is exec all the way, so the caller's $! is the command's pid. The working directory is kept if it exists there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

paths=("$repo_dir" "$cache_dir" /tmp)
while [ "${1:-}" = -b ]; do
    [ -d "${2:-}" ] || bad_use "-b wants an existing folder"
    paths+=("$(cd "$2" && pwd)")
    shift 2
done
[ $# -ge 2 ] || bad_use "a root and a command are needed"
name=$1
shift
root=$("$lab_dir/roots.sh" --path "$name")
[ "${L1_ROOT:-}" != "$root" ] || exec "$@"
[ "$(id -u)" = 0 ] || { note "a chroot is entered as root: sudo $0 $name $*"; exit 3; }
need mount=mount
"$lab_dir/roots.sh" "$name"
if [ -d "${XDG_RUNTIME_DIR:-/nonexistent}" ]; then paths+=("$XDG_RUNTIME_DIR"); fi

# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare -m bash -c '
    set -euo pipefail
    root=$1; count=$2; shift 2
    # inside L1 it can only be read: what is written stays in memory, and is gone with the namespace
    if [ ! -w "$root" ]; then
        mount -t tmpfs tmpfs /mnt
        mkdir /mnt/upper /mnt/work
        mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" overlay "$root"
    fi
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    while [ "$count" -gt 0 ]; do
        mkdir -p "$root$1"
        # the paths overlap (the cache lies in the repository): what is already visible needs no second mount
        [ "$1" -ef "$root$1" ] || mount --rbind "$1" "$root$1"
        shift; count=$((count - 1))
    done
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root
    unset LD_LIBRARY_PATH LD_PRELOAD
    # (GNU chroot keeps no working directory; env -C of the root does)
    if [ -d "$root$PWD" ]; then exec chroot "$root" /usr/bin/env -C "$PWD" "$@"; fi
    exec chroot "$root" "$@"
' in-root "$root" ${#paths[@]} "${paths[@]}" "$@"
