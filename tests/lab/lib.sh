# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the lab's scripts share: sourced, never run. Needs bash 5 and Debian's apt.
#
#   GS_CACHE   scratch and cache folder (default: .cache/lab in the repository root)
#
# Exit codes used throughout: 0 done · 1 failed · 2 wrong use · 3 needs packages that only root can install

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo_dir=$(cd "$lab_dir/../.." && pwd)
cache_dir=${GS_CACHE:-$repo_dir/.cache/lab}
mkdir -p "$cache_dir"
cache_dir=$(cd "$cache_dir" && pwd)

debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

trap 'echo "${0##*/}: line $LINENO: \"$BASH_COMMAND\" ended with $?" >&2' ERR

note() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { note "$*"; exit 1; }
bad_use() { note "$*"; sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# seconds since boot with two decimals: for progress lines and for time limits
uptime_s() { local up rest; read -r up rest < /proc/uptime; printf '%s' "$up"; }
elapsed_since() { awk -v a="$1" -v b="$(uptime_s)" 'BEGIN { printf "%.1f s", b - a }'; }

# need COMMAND-OR-FILE=PACKAGE...: installs the packages whose command (or absolute path) is missing
need() {
    local pair missing=() what
    for pair; do
        what=${pair%%=*}
        case $what in
            /*) [ -e "$what" ] || missing+=("${pair#*=}") ;;
            *) command -v "$what" > /dev/null || missing+=("${pair#*=}") ;;
        esac
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ ! -w "$cache_dir" ]; then
        note "${missing[*]}: missing here inside L1; roots.sh must put it into the root that L1 boots"
        exit 3
    fi
    if [ "$(id -u)" != 0 ]; then
        note "these Debian packages are missing; install them and run this again:"
        note "    sudo apt-get install -y --no-install-recommends ${missing[*]}"
        exit 3
    fi
    note "installing ${missing[*]}"
    install_packages "${missing[@]}"
}

install_packages() {
    local log=$cache_dir/apt-install.log
    exec 7> "$cache_dir/apt-install.lock"
    flock -w 300 7 || die "another apt-get install keeps $cache_dir/apt-install.lock"
    if ! apt_install "$@" > "$log" 2>&1; then
        # a machine fresh from its image has no package lists, or stale ones; an earlier installation may have been cut off
        dpkg --configure -a < /dev/null >> "$log" 2>&1 || true
        apt-get -q -o DPkg::Lock::Timeout=120 update >> "$log" 2>&1 || true
        apt_install "$@" >> "$log" 2>&1 || { tail -n 20 "$log" >&2; die "apt-get could not install $*"; }
    fi
    exec 7>&-
}

# (to be interrupted half-way would leave the machine's dpkg in pieces: the signals that end us wait for it)
apt_install() (
    trap '' TERM INT HUP
    DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@" < /dev/null
)

# The mirror this machine's own apt reads Debian from: the first one, which is not a security archive.
debian_mirror() {
    local uri
    # shellcheck disable=SC2016 # apt's own variables
    uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk '$3 == "main" && $2 !~ /security|updates|backports/ && $1 ~ /debian/ { print $1; exit }')
    [ -n "$uri" ] || die "this machine's apt configuration names no Debian mirror with component main"
    printf '%s' "${uri%/}"
}

# private_apt SUITE apt-command...: runs it on an apt state of our own that knows that suite alone; the system's stays untouched
private_apt() {
    local suite=$1 command=$2 state mirror
    shift 2
    state=$cache_dir/apt-$suite
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    [ -e "$state/status" ] || : > "$state/status"
    local options=(-q -o "Dir::State=$state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state"
        -o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "APT::Sandbox::User=$(id -un)" -o Acquire::Languages=none -o APT::Architecture="$(dpkg --print-architecture)")
    exec 8> "$state/lock"
    flock -w 300 8 || die "another script keeps $state/lock"
    if [ ! -e "$state/updated" ]; then
        mirror=$(debian_mirror)
        printf 'deb [signed-by=%s] %s %s main\n' "$debian_keyring" "$mirror" "$suite" > "$state/sources.list"
        note "reading the package lists of $suite"
        apt-get "${options[@]}" update > "$state/update.log" 2>&1 || { cat "$state/update.log" >&2; die "no package lists of $suite"; }
        touch "$state/updated"
    fi
    exec 8>&-
    "apt-$command" "${options[@]}" "$@"
}

# fetch_deb SUITE PACKAGE: prints the path of the package's file, fetched and checked by apt
fetch_deb() {
    local suite=$1 package=$2 debs=$cache_dir/debs/$1 uri file
    mkdir -p "$debs"
    uri=$(private_apt "$suite" get download --print-uris "$package" | awk '/^\x27/ { print $2; exit }')
    [ -n "$uri" ] || die "suite $suite has no package $package"
    file=$debs/$uri
    if [ ! -e "$file" ]; then
        local tmp
        tmp=$(mktemp -d "$debs/.fetch.XXXXXX")
        if ! (cd "$tmp" && private_apt "$suite" get download "$package" > log 2>&1); then
            # the lists may be older than the mirror
            rm -f "$cache_dir/apt-$suite/updated"
            (cd "$tmp" && private_apt "$suite" get download "$package" > log 2>&1) || { cat "$tmp/log" >&2; rm -rf "$tmp"; die "cannot fetch $package of $suite"; }
            uri=$(cd "$tmp" && ls -- *.deb)
            file=$debs/$uri
        fi
        mv "$tmp"/*.deb "$file"
        rm -rf "$tmp"
    fi
    printf '%s' "$file"
}

# dependency of a meta package: meta_target SUITE linux-image-amd64 -> linux-image-6.1.0-NN-amd64
meta_target() {
    private_apt "$1" cache depends "$2" | awk '/Depends: linux-image-[0-9]/ { print $2; exit }'
}

# bare_kernel BZIMAGE OUT: the vmlinux inside; fails and copies it as it is if its compression is unknown
bare_kernel() {
    local payload=$2.payload at size status=0
    at=$((($(number_at "$1" $((0x1f1)) 1) + 1) * 512 + $(number_at "$1" $((0x248)) 4)))
    size=$(($(number_at "$1" $((0x24c)) 4) - 4)) # without the size of the unpacked image at its end
    dd if="$1" of="$payload" iflag=skip_bytes,count_bytes skip="$at" count="$size" bs=1M status=none
    case $(od -An -N 4 -tx1 "$payload" | tr -d ' ') in
        28b52ffd) zstd -dqc "$payload" > "$2" ;;
        fd377a58) xz -dc "$payload" > "$2" ;;
        1f8b*) gzip -dc "$payload" > "$2" ;;
        *) cp "$1" "$2"; status=1 ;;
    esac
    rm -f "$payload"
    return "$status"
}

# number_at FILE OFFSET BYTES: a little-endian number
number_at() { od -An -j "$2" -N "$3" "-tu$3" "$1" | tr -d ' '; }

# What is called in loops below starts no process: inside L1 (see l1.sh) each costs tens of milliseconds.

# rest SECONDS: sleeps
rest() {
    [ -n "${rest_fd:-}" ] || exec {rest_fd}<> <(:)
    read -r -t "$1" -u "$rest_fd" || true
}

# alive PID: is it running (and not a zombie)?
alive() {
    local stat
    { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
    case ${stat##*) } in Z* | X*) return 1 ;; esac
}

# alive_with PIDFILE TEXT: is the process of that file alive, with the text on its command line? Its pid is in $found_pid
alive_with() {
    local words
    { read -r found_pid < "$1" && mapfile -d '' words < "/proc/$found_pid/cmdline"; } 2> /dev/null && alive "$found_pid" && [[ ${words[*]} == *"$2"* ]]
}

# stop_pid PID [SECONDS]: TERM, wait, KILL
stop_pid() {
    local pid=$1 tries=$((${2:-3} * 20))
    kill "$pid" 2> /dev/null || return 0
    while alive "$pid" && [ $((tries--)) -gt 0 ]; do rest 0.05; done
    if alive "$pid"; then kill -KILL "$pid" 2> /dev/null || true; fi
}
