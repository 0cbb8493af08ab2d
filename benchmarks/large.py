"""How long a profile of 10**6 paths takes to read, merge, compare and write.

Each operation has a process of its own, which loads what it needs first; the memory is
the most that the process had. Prints a table for docs/measurements.md.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import fastprof
from fastprof.formats import FORMATS
from scaling_programs import tree_in_order

BRANCHES = 100  # 1,010,100 paths of 300 functions
OPERATIONS = [
    *("load", "load, merge two", "diff", "walk"),
    *FORMATS,
    "prof, tree=exact",
]


def write_profile(path: Path, branches: int) -> None:
    """Each path is called once."""
    once = tree_in_order(branches)
    with fastprof.Profiler() as profiler:
        once()
    profiler.save(path)


def prepared(operation: str, path: Path) -> Callable[[], object]:
    """What is to be measured; the rest is done here."""
    if operation == "load":
        return lambda: fastprof.load(path)
    if operation == "load, merge two":
        return lambda: fastprof.Stats.merge(fastprof.load(path) for _ in range(2))
    stats = fastprof.load(path)
    if operation == "diff":
        other = fastprof.load(path)
        return lambda: fastprof.diff(stats, other).paths
    if operation == "walk":
        return lambda: sum(node.own for node in stats.tree.walk())
    if operation == "prof, tree=exact":
        return lambda: stats.save(path.with_suffix(".exact.prof"), tree="exact")
    return lambda: stats.save(path.with_suffix(".out"), operation)


def measure(operation: str, path: Path) -> str:
    """A row of the table."""
    work = prepared(operation, path)
    before = peak()
    began = time.perf_counter()
    kept = work()
    seconds = time.perf_counter() - began
    del kept
    return f"| {operation} | {seconds:.1f} | {before:.0f} | {peak():.0f} |"


def peak() -> float:
    """The most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure one operation in this process, or each in one of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operations", nargs="*", default=OPERATIONS)
    parser.add_argument("--branches", type=int, default=BRANCHES)
    parser.add_argument("--in", dest="path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.path is not None:
        (operation,) = options.operations
        if operation == "make":
            write_profile(options.path, options.branches)
        else:
            print(measure(operation, options.path))
        return
    print("| | seconds | MB before | MB at most |\n|---|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.prof")
        command = [sys.executable, __file__, "--in", str(path)]
        command += ["--branches", str(options.branches)]
        # This process stays small: others begin with what their parent had at most.
        for operation in ["make", *options.operations]:
            subprocess.run([*command, operation], check=True)


if __name__ == "__main__":
    main()
