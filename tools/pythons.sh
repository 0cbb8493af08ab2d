#!/usr/bin/env bash
# The supported CPythons of this machine, oldest first: one line "3.N PATH" each,
# the newest patch release where there are several.
#
# FASTPROF_MINORS names others ("14 15"); they need not be final releases.
# FASTPROF_DEBUG asks for debug builds instead, python3.N-dbg on PATH.
set -euo pipefail

read -ra MINORS <<<"${FASTPROF_MINORS:-10 11 12 13}"

candidates() {
    local root minor
    root=$(pyenv root 2>/dev/null || echo "${PYENV_ROOT:-${HOME:-}/.pyenv}")
    for minor in "${MINORS[@]}"; do
        if [ -n "${FASTPROF_DEBUG:-}" ]; then
            type -ap "python3.$minor-dbg" || true
            continue
        fi
        compgen -G "$root/versions/3.$minor.*/bin/python" || true
        type -ap "python3.$minor" || true
    done
}

# Prints "MINOR PATCH PATH" for a released CPython with a GIL. A shim that leads
# nowhere prints nothing; a virtual environment counts as what it was made from.
describe() {
    "$1" -I - 2>/dev/null <<'PYTHON' || true
import os
import sys
import sysconfig

if (
    sys.implementation.name == "cpython"
    and (sys.version_info.releaselevel == "final" or "FASTPROF_MINORS" in os.environ)
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
):
    print(sys.version_info.minor, sys.version_info.micro, sys._base_executable)
PYTHON
}

candidates | while read -r python; do
    describe "$python" </dev/null
done | sort -k1,1n -k2,2nr --stable | awk '!seen[$1]++ { print "3." $1, $3 }'
