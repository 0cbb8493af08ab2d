"""The benchmark of large profiles does all that it lists."""

import subprocess
import sys
from pathlib import Path

from fastprof.formats import FORMATS

LARGE = Path(__file__).resolve().parents[2] / "benchmarks" / "large.py"


def test_each_operation_has_a_row():
    words = [sys.executable, str(LARGE), "--branches", "4"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines()[2:]]
    names = [name.strip() for name, *_ in rows]
    assert names == [
        *("load", "load, merge two", "diff", "walk"),
        *FORMATS,
        "prof, tree=exact",
    ]
    for _, seconds, before, most in rows:
        assert float(seconds) >= 0.0 and 0.0 < float(before) <= float(most)
