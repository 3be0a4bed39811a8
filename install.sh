#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs guest-surfaces with everything that belongs to it: manual pages, completion, desktop file, icon, units, rules.
#
#   ./install.sh [--prefix DIR] [--destdir DIR]
#
#   --prefix DIR     where it is to live (default: /usr/local as root, else ~/.local)
#   --destdir DIR    put before every path: for packages
#
# Wants the .NET 10 SDK to build, and the .NET 10 runtime to run. What it installs it lists; ./install.sh --uninstall with the
# same options removes just that. Rules and units of the system are installed by root only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

prefix='' destdir='' uninstall=false
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?--prefix wants a folder}; shift ;;
        --destdir) destdir=${2:?--destdir wants a folder}; shift ;;
        --uninstall) uninstall=true ;;
        -h | --help) sed -n '3,11p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
        *) echo "install.sh: unknown argument $1 (see ./install.sh --help)" >&2; exit 2 ;;
    esac
    shift
done
is_root=false
[ "$(id -u)" != 0 ] || is_root=true
if [ -z "$prefix" ]; then if $is_root; then prefix=/usr/local; else prefix=$HOME/.local; fi; fi
case $prefix in /*) ;; *) echo "install.sh: --prefix wants an absolute path" >&2; exit 2 ;; esac

list=$prefix/share/guest-surfaces/installed-files
if $uninstall; then
    [ -e "$destdir$list" ] || { echo "install.sh: nothing is installed there: no $destdir$list" >&2; exit 1; }
    while read -r path; do rm -f "$destdir$path"; done < "$destdir$list"
    rm -f "$destdir$list"
    rmdir "$destdir$prefix/lib/guest-surfaces" "$destdir$prefix/share/guest-surfaces" 2> /dev/null || true
    exit 0
fi

command -v dotnet > /dev/null || { echo "install.sh: the .NET 10 SDK is missing (command dotnet)" >&2; exit 1; }
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
echo "building"
nice dotnet publish "$here/src/GuestSurfaces.Cli" -c Release --nologo -v quiet -o "$build/program"
rm -f "$build"/program/*.pdb "$build"/program/*.xml
"$build/program/guest-surfaces" man --output "$build/man1"
for shell in bash zsh fish; do "$build/program/guest-surfaces" completion "$shell" > "$build/$shell"; done

mkdir -p "$destdir$(dirname "$list")"
: > "$destdir$list"
# put MODE FILE TARGET: what names /usr gets the prefix instead
put() {
    install -D -m "$1" "$2" "$destdir$3"
    echo "$3" >> "$destdir$list"
}
put_configured() {
    sed "s|/usr/bin/guest-surfaces|$prefix/bin/guest-surfaces|; s|/usr/libexec/|$prefix/libexec/|; s|^exec guest-surfaces |exec $prefix/bin/guest-surfaces |" "$2" > "$build/configured"
    put "$1" "$build/configured" "$3"
}

for file in "$build"/program/*; do
    if [ -f "$file" ]; then put "$([ -x "$file" ] && echo 755 || echo 644)" "$file" "$prefix/lib/guest-surfaces/$(basename "$file")"; fi
done
mkdir -p "$destdir$prefix/bin"
ln -sf ../lib/guest-surfaces/guest-surfaces "$destdir$prefix/bin/guest-surfaces"
echo "$prefix/bin/guest-surfaces" >> "$destdir$list"

for page in "$build"/man1/*; do put 644 "$page" "$prefix/share/man/man1/$(basename "$page")"; done
put 644 "$build/bash" "$prefix/share/bash-completion/completions/guest-surfaces"
put 644 "$build/zsh" "$prefix/share/zsh/site-functions/_guest-surfaces"
put 644 "$build/fish" "$prefix/share/fish/vendor_completions.d/guest-surfaces.fish"
id=org.guestsurfaces.GuestSurfaces
put 644 "$here/assets/applications/$id.desktop" "$prefix/share/applications/$id.desktop"
put 644 "$here/assets/icons/$id.svg" "$prefix/share/icons/hicolor/scalable/apps/$id.svg"

# (systemd looks in ~/.local/share, and in /usr/local/lib and /usr/lib)
units=$prefix/lib/systemd/user
case $prefix in "${HOME:-/nowhere}"/*) units=$prefix/share/systemd/user ;; esac
for unit in "$here"/assets/systemd/user/*; do put_configured 644 "$unit" "$units/$(basename "$unit")"; done
put_configured 755 "$here/assets/vhost-user/guest-surfaces-gpu" "$prefix/libexec/guest-surfaces-gpu"
if $is_root; then
    # These have one place each, whatever the prefix: /etc is the administrator's.
    etc=/etc
    vhost_user=/etc/qemu/vhost-user
    rules=$etc/udev/rules.d
    if [ "$prefix" = /usr ]; then rules=/usr/lib/udev/rules.d vhost_user=/usr/share/qemu/vhost-user; fi
    put 644 "$here/assets/udev/70-guest-surfaces.rules" "$rules/70-guest-surfaces.rules"
    put_configured 644 "$here/assets/vhost-user/50-guest-surfaces.json" "$vhost_user/50-guest-surfaces.json"
fi

echo "installed $(wc -l < "$destdir$list") files; the list: $destdir$list"
case ":$PATH:" in *":$prefix/bin:"*) ;; *) echo "add $prefix/bin to PATH" ;; esac
if $is_root && [ -z "$destdir" ]; then
    echo "for frames without a copy now: udevadm control --reload && modprobe udmabuf && udevadm trigger --name-match=udmabuf"
else
    echo "see also: guest-surfaces doctor"
fi
