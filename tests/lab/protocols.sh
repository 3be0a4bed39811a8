#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fetches the newest Wayland protocol descriptions that Debian has (suite sid), for comparison with protocol-xml/.
#
#   protocols.sh      prints the folder that has usr/share/wayland and usr/share/wayland-protocols
set -euo pipefail
. "$(dirname "$0")/lib.sh"

root=$cache_dir/protocols
if [ ! -e "$root/.complete" ]; then
    tmp=$(mktemp -d "$cache_dir/.protocols.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    for package in libwayland-dev wayland-protocols; do
        deb=$(fetch_deb sid "$package")
        dpkg-deb -x "$deb" "$tmp"
        basename "$deb" >> "$tmp/.complete"
    done
    rm -rf "$root"
    mv "$tmp" "$root"
fi
note "$(tr '\n' ' ' < "$root/.complete")"
echo "$root"
