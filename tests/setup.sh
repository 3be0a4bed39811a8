#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the tests need and this machine lacks, and builds the lab's caches. Called by test.sh.
#
#   setup.sh          what ./test.sh needs
#   setup.sh --lab    and what ./test.sh --lab needs: guest images, roots, the machines of tests/lab
set -euo pipefail
. "$(dirname "$0")/lab/lib.sh"

command -v dotnet > /dev/null || die "the .NET 10 SDK is missing (command dotnet): install it first"
need gcc=gcc /usr/include/stdio.h=libc6-dev pkg-config=pkgconf weston=weston qemu-system-x86_64=qemu-system-x86 \
    /usr/lib/qemu/vhost-user-gpu=qemu-system-gui /usr/share/wayland/wayland.xml=libwayland-dev \
    /usr/share/wayland-protocols/stable/xdg-shell/xdg-shell.xml=wayland-protocols \
    /usr/include/EGL/eglext.h=libegl-dev /usr/include/GLES2/gl2ext.h=libgles-dev /usr/include/libdrm/drm.h=libdrm-dev

if [ "${1:-}" = --lab ]; then
    "$lab_dir/prepare.sh" all
fi
