"""Run one program once, recorded as a setting says; the time and figures go to a file.

Started by ``bounded.py`` in a fresh process: ``bounded_child.py PROGRAM SCALE OPTIONS
FILE``. OPTIONS are those of `fastprof.Profiler` as JSON, or ``null``: no profiler.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import fastprof

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import programs  # noqa: E402
from overhead_child import known_work, pin_to_one_cpu  # noqa: E402


def calls_in_c(stats: fastprof.Stats, function: fastprof.Function) -> int:
    """How many calls of C functions it made."""
    return sum(e.calls for e in stats.callees(function) if e.function.file == "~")


def main() -> None:
    """Run, and write what came out."""
    name, scale, options, target = sys.argv[1:]
    chosen = json.loads(options)
    pin_to_one_cpu()
    program = programs.load(name)
    program(1)
    work = known_work()
    profiler = None
    began = perf_counter()
    if chosen is not None:
        import fastprof

        profiler = fastprof.Profiler(**chosen)
        began = perf_counter()
        profiler.enable()
    program(int(scale))
    if profiler is not None:
        profiler.disable()
    result = {"seconds": perf_counter() - began, "functions": []}
    result["work"] = max(work, known_work())
    if profiler is not None:
        stats = profiler.snapshot()
        result["functions"] = [
            [f.file, f.line, f.name, f.calls, f.cumulative, f.precision]
            + [calls_in_c(stats, f) if options == "{}" else 0]
            for f in stats.functions
        ]
    Path(target).write_text(json.dumps(result), "utf-8")


main()
