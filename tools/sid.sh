#!/usr/bin/env bash
# Runs `make test` in Debian sid, on CPythons that are newer than the supported ones.
#
# Sid is a folder, made once with debootstrap in a minute or two, which needs root:
# $FASTPROF_SID, or fastprof/sid in the user's cache. For a newer sid, remove it. The
# tree is copied into it, as git sees it; all mounts and processes end with the run.
set -euo pipefail
cd "$(dirname "$0")/.."

MINORS="14 15"
sid=${FASTPROF_SID:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/fastprof/sid}
packages=(gcc libc6-dev uthash-dev check cmake make pkg-config)
for minor in $MINORS; do
    packages+=("python3.$minor-dev" "python3.$minor-venv")
done

# A Debian archive that this machine's apt uses.
archive() {
    apt-get indextargets --format '$(REPO_URI)' | grep -m 1 -E '/debian/?$' ||
        echo http://deb.debian.org/debian
}

# What debootstrap mounts is seen by nobody else, so that no half-made folder can lead
# out of itself.
make_sid() {
    local list
    [ -d "$sid" ] && return
    echo "Making Debian sid in $sid (what debootstrap says is in build/sid.log)"
    list=$(IFS=, && echo "${packages[*]}")
    mkdir -p build "$(dirname "$sid")"
    rm -rf --one-file-system "$sid.partial"
    unshare --mount debootstrap --variant=minbase --include="$list" \
        sid "$sid.partial" "$(archive)" >build/sid.log
    mv "$sid.partial" "$sid"
}

files() {
    git ls-files --cached --others --exclude-standard -z |
        while IFS= read -r -d '' file; do
            [ ! -e "$file" ] || printf '%s\0' "$file"
        done
}

# What an earlier run built stays: make and environments.sh know what it is good for.
copy_tree() {
    mkdir -p "$sid/srv/fastprof"
    find "$sid/srv/fastprof" -mindepth 1 -maxdepth 1 -not -name .venv -not -name build \
        -exec rm -rf --one-file-system {} +
    files | tar --create --null --files-from=- |
        tar --extract --no-same-owner --directory="$sid/srv/fastprof"
}

# How pip gets at its index here, from its files and its environment, as variables.
pip_settings() {
    local place='^(global|:env:)\.' setting='(index-url|proxy|trusted-host|cert)'
    python3 -m pip config list 2>/dev/null | sort --reverse |
        sed -nE "s/$place$setting='(.*)'\$/\2 \3/p"
}

# Leaves only what sid should know of this machine in the environment, which is the
# caller's subshell.
take_network() {
    local name value cert=/etc/ssl/certs/ca-certificates.crt
    while read -r name value; do
        name=${name^^}
        export "PIP_${name//-/_}=$value"
    done < <(pip_settings)
    for name in $(compgen -e); do
        case $name in
        PIP_INDEX_URL | PIP_PROXY | PIP_TRUSTED_HOST | PIP_CERT) ;;
        *_proxy | *_PROXY | FASTPROF_* | TERM | CI) ;;
        *) unset -v "$name" ;;
        esac
    done
    cert=${PIP_CERT:-$cert}
    unset PIP_CERT
    if [ -f "$cert" ]; then
        cp --remove-destination --dereference "$cert" "$sid/srv/certificates.crt"
        export PIP_CERT=/srv/certificates.crt
    fi
    for name in hosts resolv.conf; do
        cp --remove-destination --dereference "/etc/$name" "$sid/etc/$name"
    done
}

run_in_sid() { # COMMAND...
    (
        PATH=/usr/sbin:/usr/bin:/sbin:/bin
        take_network
        export PATH HOME=/srv LANG=C.UTF-8 FASTPROF_MINORS=$MINORS
        unset FASTPROF_SID
        unshare --mount --pid --fork --kill-child bash -euc '
            mount -t proc proc "$1/proc"
            mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
            exec chroot "$@"' bash "$sid" "$@"
    )
}

if [ "$(id -u)" -ne 0 ]; then
    echo "Debian sid is made and entered as root: sudo make test-sid" >&2
    exit 1
fi
tools/packages.sh sid
mkdir -p "$(dirname "$sid")"
exec {lock}>"$sid.lock"
flock "$lock"
make_sid
copy_tree
summary=$sid/srv/fastprof/build/results/summary.txt
rm -f "$summary"
status=0
run_in_sid make -C /srv/fastprof test || status=$?
if [ -f "$summary" ]; then
    cat "$summary"
else
    echo "0 passed, 1 failed, 0 skipped"
fi
exit "$status"
