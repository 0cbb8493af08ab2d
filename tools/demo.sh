#!/usr/bin/env bash
# Profiles a real program: yapf, a pure-Python formatter, at work on five packages of
# the standard library; into demo.prof.
#
#   tools/demo.sh VENV
set -euo pipefail
cd "$(dirname "$0")/.."

python=$1/bin/python
formatted=build/demo/formatted.txt
packages=(asyncio email http json logging)

library=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
mkdir -p "$(dirname "$formatted")"
echo "Profiling yapf, which formats ${packages[*]} of the standard library"
"$python" -m fastprof -o demo.prof "$1/bin/yapf" --no-local-style --recursive \
    "${packages[@]/#/$library/}" >"$formatted"
test -s "$formatted"

"$python" - <<'PYTHON'
import pstats

stats = pstats.Stats("demo.prof")
print(f"{len(stats.stats)} functions; those with the most time of their own:")
stats.sort_stats("tottime").print_stats(15)
PYTHON
echo "All of it is in demo.prof. To look at it: $1/bin/snakeviz demo.prof"
