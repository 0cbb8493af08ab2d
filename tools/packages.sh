#!/usr/bin/env bash
# Makes sure that the machine has what its arguments name, and installs what is
# missing with apt-get. Without root it says what to install, and fails.
#
#   build    compilers, CMake, Check, uthash, and a Python that can build extensions
#   tests    CPython's own tests, for Debian's Pythons
#   debug    a debug build of a Python, and its tests
#   browser  Chromium, for the screenshot
#   node     Node.js with npm, for the page of the HTML reports
#   viewers  the same, Go and callgrind_annotate, which read what we write
#   fuzz     clang with libFuzzer
#   valgrind valgrind with its headers, for counting instructions
#   sid      what makes a Debian sid in a folder
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()

need() { # PACKAGE COMMAND...: the package is missing when the command fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

has_header() {
    echo "#include <$1>" | gcc ${UTHASH_INCLUDE_DIR:+-I"$UTHASH_INCLUDE_DIR"} -E -
}

can_make_environments() {
    "$1" -c 'import ensurepip, venv'
}

can_build_extensions() {
    "$1" -c 'import os, sysconfig
os.stat(os.path.join(sysconfig.get_path("include"), "Python.h"))'
}

need_build() {
    local version python pythons
    need gcc command -v gcc
    need g++ command -v g++ # for the tests, which build a module with pybind11
    need libc6-dev has_header stdio.h
    need cmake command -v cmake
    need pkg-config command -v pkg-config
    need check pkg-config --exists check
    need uthash-dev has_header uthash.h
    pythons=$(tools/pythons.sh)
    if [ -z "$pythons" ]; then
        missing+=(python3 python3-venv python3-dev)
        return
    fi
    while read -r version python; do
        need "python$version-venv" can_make_environments "$python"
        need "python$version-dev" can_build_extensions "$python"
    done <<<"$pythons"
}

has_tests() {
    "$1" -c 'import importlib.util, sys
sys.exit(importlib.util.find_spec("test.test_grammar") is None)'
}

need_tests() {
    local version python
    while read -r version python; do
        [[ $python != /usr/bin/* ]] || need "libpython$version-testsuite" has_tests "$python"
    done < <(tools/pythons.sh)
}

need_debug() {
    local version python pythons
    pythons=$(FASTPROF_DEBUG=1 tools/pythons.sh)
    if [ -z "$pythons" ]; then
        missing+=(python3-dbg python3-venv) # which version that is, is known then
        return
    fi
    while read -r version python; do
        need "python$version-venv" can_make_environments "$python"
        need "libpython$version-testsuite" has_tests "$python"
    done <<<"$pythons"
}

need_browser() {
    need chromium command -v chromium
    need fonts-dejavu-core test -d /usr/share/fonts/truetype/dejavu
}

need_node() {
    need nodejs command -v node
    need npm command -v npm
}

need_viewers() {
    need_node
    need golang-go command -v go
    need valgrind command -v callgrind_annotate
}

can_fuzz() {
    echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer,address,undefined -x c -o /dev/null -
}

need_fuzz() {
    need clang can_fuzz
    need libclang-rt-14-dev can_fuzz
}

need_valgrind() {
    need valgrind command -v valgrind
    need valgrind has_header valgrind/callgrind.h
}

need_sid() {
    need debootstrap command -v debootstrap
    need debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
}

check() {
    missing=()
    for group in "$@"; do
        "need_$group"
    done
}

check "$@"
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not installed on this machine: ${missing[*]}" >&2
    echo "Install with: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
mkdir -p build
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
install() {
    [ ${#missing[@]} -ne 0 ] || return 0
    echo "Installing: ${missing[*]} (what apt-get says is in build/apt.log)"
    apt-get install -qq -y --no-install-recommends "${missing[@]}" >>build/apt.log
}

install
check "$@" # what goes with a Python that has just come, by its version
install
