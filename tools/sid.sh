#!/usr/bin/env bash
# Runs a target of make, `test` if none is named, in Debian sid, on CPythons that are
# newer than the supported ones. What `bench` has measured is brought back.
#
# Sid is a folder, made once with debootstrap in a minute or two, which needs root:
# $FASTPROF_SID, or fastprof/sid in the user's cache. For a newer sid, remove it. The
# tree is copied into it, as git sees it; all mounts and processes end with the run.
set -euo pipefail
cd "$(dirname "$0")/.."

MINORS="14 15"
sid=${FASTPROF_SID:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/fastprof/sid}
packages=(gcc g++ libc6-dev uthash-dev check cmake make pkg-config)
for minor in $MINORS; do
    packages+=("python3.$minor-dev" "python3.$minor-dbg" "python3.$minor-venv")
    packages+=("libpython3.$minor-testsuite")
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
learn_pip_settings() {
    local place='^(global|:env:)\.' setting='(index-url|proxy|trusted-host|cert)'
    local name value
    while read -r name value; do
        name=${name^^}
        export "PIP_${name//-/_}=$value"
    done < <(python3 -m pip config list 2>/dev/null | sort --reverse |
        sed -nE "s/$place$setting='(.*)'\$/\2 \3/p")
}

# What the network of this machine needs: names of hosts, and certificates.
copy_network() {
    local certificates=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
    unset PIP_CERT
    cp --remove-destination --dereference /etc/hosts /etc/resolv.conf "$sid/etc"
    if [ -f "$certificates" ]; then
        cp --dereference "$certificates" "$sid/srv/certificates.crt"
        export PIP_CERT=/srv/certificates.crt
    fi
}

# Leaves in the environment only what sid should know of this machine.
forget_machine() {
    local name
    for name in $(compgen -e); do
        case $name in
        PIP_INDEX_URL | PIP_PROXY | PIP_TRUSTED_HOST | PIP_CERT) ;;
        *_proxy | *_PROXY | TERM | CI) ;;
        FASTPROF_REVISION | FASTPROF_DEV | FASTPROF_SANITIZE | FASTPROF_COVERAGE) ;;
        *) unset -v "$name" ;;
        esac
    done
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/srv LANG=C.UTF-8
}

run_in_sid() { # COMMAND...
    (
        forget_machine
        export FASTPROF_MINORS=$MINORS
        # unshare and make ignore signals there; this ends them with us.
        exec setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child bash -euc '
            mount -t proc proc "$1/proc"
            mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
            mount --bind /sys "$1/sys" # where the clock finds if the TSC is trusted
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
learn_pip_settings
copy_network
target=${1:-test}
FASTPROF_REVISION=$(git rev-parse --short=12 HEAD)
export FASTPROF_REVISION
results=$sid/srv/fastprof/build/results$([ "$target" = test ] || echo "-$target")
rm -f "$results/summary.txt"
status=0
run_in_sid make -C /srv/fastprof "$target" ${BENCH_OPTIONS:+BENCH_OPTIONS="$BENCH_OPTIONS"} ||
    status=$?
if [ "$target" = bench ]; then
    cp "$sid"/srv/fastprof/benchmarks/{RESULTS.md,results.json} benchmarks/
elif [ -f "$results/summary.txt" ]; then
    cat "$results/summary.txt"
else
    echo "0 passed, 1 failed, 0 skipped"
fi
exit "$status"
