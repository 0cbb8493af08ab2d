#!/usr/bin/env bash
# Profiles a real program: yapf, a pure-Python formatter, at work on five packages of
# the standard library; into demo.prof.
#
#   tools/demo.sh VENV
set -euo pipefail
cd "$(dirname "$0")/.."

bin=$PWD/$1/bin
python=$bin/python
formatted=$PWD/build/demo/formatted.txt
packages=(asyncio email http json logging)

library=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
mkdir -p "$(dirname "$formatted")"
echo "Profiling yapf, which formats ${packages[*]} of the standard library"
profile=$PWD/demo.prof
(cd "$library" && "$python" -m fastprof -o "$profile" "$bin/yapf" --no-local-style \
    --recursive "${packages[@]}" >"$formatted")
test -s "$formatted"

"$python" - <<'PYTHON'
import pstats

stats = pstats.Stats("demo.prof")
print(f"{len(stats.stats)} functions; those with the most time of their own:")
stats.sort_stats("tottime").print_stats(15)
PYTHON
echo "All of it is in demo.prof. To look at it: $1/bin/fastprof view demo.prof"
echo "Or, in another viewer: $1/bin/snakeviz demo.prof"
if [ -e python/fastprof/assets/report.html ]; then
    "$bin/fastprof" export demo.prof -o demo.html
    echo "The HTML report is demo.html."
fi
