#!/usr/bin/env bash
# Brings the virtual environments .venv/3.N up to date: fastprof installed from this
# tree as users have it (not editable), and the tools of the groups that are named.
#
#   tools/environments.sh all|newest|3.N,... GROUP...
#
# A GROUP is tools/requirements/GROUP.txt. Of Pythons that are named one by one, those
# that are not found are passed over. $FASTPROF_VENVS is another folder than .venv.
#
# What is already right is left alone: each step leaves a stamp that says what it was
# made from, and is done again when that has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

venvs=${FASTPROF_VENVS:-.venv}
export PIP_DISABLE_PIP_VERSION_CHECK=1
export FASTPROF_DEV=${FASTPROF_DEV-1}
export PYTHONWARNINGS=ignore::ResourceWarning # which a debug build tells of pip
unset PYTHONPATH PYTHONHOME

digest() {
    sha256sum | cut -d' ' -f1
}

# Everything that the installed package depends on: sources, build files and switches.
package_state() {
    {
        env | grep -E '^(FASTPROF_|UTHASH_|CC=|CFLAGS=|LDFLAGS=)' | sort || true
        find setup.py pyproject.toml MANIFEST.in README.md LICENSE csrc python \
            -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*' -print0 |
            sort -z | xargs -0 sha256sum
    } | digest
}

is_done() { # STAMP STATE
    [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

make_environment() { # VENV PYTHON
    local state
    state=$("$2" -VV | cat - <(echo "$2"))
    is_done "$1/stamp-python" "$state" && return
    rm -rf "$1"
    "$2" -m venv "$1"
    echo "$state" >"$1/stamp-python"
}

install_tools() { # VENV GROUP
    local requirements=tools/requirements/$2.txt state
    state=$(digest <"$requirements")
    is_done "$1/stamp-$2" "$state" && return
    "$1/bin/python" -m pip install --quiet --requirement "$requirements"
    echo "$state" >"$1/stamp-$2"
}

install_package() { # VENV STATE
    is_done "$1/stamp-package" "$2" && return
    # setuptools would pack a module that is gone from python/ from its leftovers.
    rm -rf build/lib.* build/bdist.* python/fastprof.egg-info
    "$1/bin/python" -m pip install --quiet --force-reinstall --no-deps \
        --no-build-isolation .
    echo "$2" >"$1/stamp-package"
}

which=$1
shift
pythons=$(tools/pythons.sh)
if [ -z "$pythons" ]; then
    echo "No supported CPython was found, neither in pyenv nor on PATH." >&2
    exit 1
fi
case $which in
all) ;;
newest) pythons=$(tail -n 1 <<<"$pythons") ;;
*) pythons=$(grep -E "^(${which//,/|}) " <<<"$pythons") || exit 0 ;;
esac
state=$(package_state)
while read -r version python; do
    echo "Python $version ($python)"
    make_environment "$venvs/$version" "$python"
    for group in build "$@"; do
        install_tools "$venvs/$version" "$group"
    done
    install_package "$venvs/$version" "$state"
done <<<"$pythons"
