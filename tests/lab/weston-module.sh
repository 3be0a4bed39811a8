#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the module that Weston loads (meson-shim), for this machine's Weston or for that of one of the lab's roots.
#
#   weston-module.sh 10 DIR    for libweston 10, whose headers this machine has (libweston-10-dev)
#   weston-module.sh 14 DIR    for Debian 13's, as in the trixie root: its headers are fetched
#   weston-module.sh 16 DIR    for that of the sid root
#
#   weston-module.sh --asan 10 DIR     with AddressSanitizer: for a Weston under LD_PRELOAD=libasan.so
#   weston-module.sh --headers 14|16   only fetches the headers, and prints their folder
#
# Builds in DIR and prints the module's path. What is there already is built again only where it changed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

only_headers=
if [ "${1:-}" = --headers ]; then only_headers=1; shift; set -- "${1:-}" -; fi
asan=
if [ "${1:-}" = --asan ]; then asan=-asan; shift; fi
[ $# -eq 2 ] || bad_use "a major version and a folder are needed"
major=$1
case $major in
    10) suite= ;;
    14) suite=trixie ;;
    16) suite=sid ;;
    *) bad_use "no Weston $major here" ;;
esac
need gcc=gcc meson=meson ninja=ninja-build pkg-config=pkgconf wayland-scanner=libwayland-bin

# headers SUITE: prints the folder that has the headers of its libweston
headers() {
    local root=$cache_dir/headers-weston-$major tmp package deb
    if [ ! -e "$root/.complete" ]; then
        tmp=$(mktemp -d "$cache_dir/.headers.XXXXXX")
        for package in "libweston-$major-dev" libwayland-dev libpixman-1-dev libxkbcommon-dev libffi-dev; do
            deb=$(fetch_deb "$1" "$package")
            dpkg-deb -x "$deb" "$tmp"
            basename "$deb" >> "$tmp/.complete"
        done
        chmod 755 "$tmp"
        rm -rf "$root"
        mv "$tmp" "$root"
    fi
    echo "$root"
}

if [ -n "$suite" ]; then
    root=$(headers "$suite")
    if [ -n "$only_headers" ]; then echo "$root"; exit 0; fi
    libdir=usr/lib/$(gcc -dumpmachine)
    # headers only: the module is linked with nothing
    export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/$libdir/pkgconfig:$root/usr/share/pkgconfig
else
    need /usr/include/libweston-10/libweston/libweston.h=libweston-10-dev /usr/include/pixman-1/pixman.h=libpixman-1-dev \
        /usr/include/wayland-server-core.h=libwayland-dev
fi
build=$2/$major$asan
mkdir -p "$build"
[ -e "$build/build.ninja" ] || meson setup "$build" "$repo_dir/meson-shim" -Dlibweston="$major" ${asan:+-Db_sanitize=address -Db_lundef=false} > "$build.log" 2>&1 || { cat "$build.log" >&2; die "meson failed"; }
nice ninja -C "$build" > "$build.log" 2>&1 || { cat "$build.log" >&2; die "the module for Weston $major doesn't build"; }
echo "$build/guest-surfaces-$major.so"
