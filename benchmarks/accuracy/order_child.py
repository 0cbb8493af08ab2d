"""Own times of a program's Python functions, as one profiler says, as JSON.

Started in a fresh process: ``order_child.py PROFILER PROGRAM SECONDS``. The profiler
"alone" is none: the program runs again and again for so long, for py-spy to look at.
C functions are charged to their callers, since py-spy does not see them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import programs  # noqa: E402
from overhead_child import pin_to_one_cpu  # noqa: E402

Own = list[tuple[str, str, float]]


def of_fastprof(main: Callable[[int], object], scale: int, compensate: bool) -> Own:
    """What fastprof says."""
    import fastprof

    profiler = fastprof.Profiler(builtins=False, compensate=compensate)
    profiler.enable()
    main(scale)
    profiler.disable()
    return [(f.name, f.file, f.own) for f in profiler.snapshot().functions]


def of_cprofile(main: Callable[[int], object], scale: int) -> Own:
    """What cProfile says."""
    import cProfile

    profiler = cProfile.Profile(builtins=False)
    profiler.enable()
    main(scale)
    profiler.disable()
    profiler.create_stats()
    table = profiler.stats  # type: ignore[attr-defined]
    return [(name, file, entry[2]) for (file, _, name), entry in table.items()]


def run(profiler: str, name: str, seconds: float) -> Own:
    """As the arguments say."""
    main = programs.load(name)
    main(1)
    if profiler == "alone":
        end = perf_counter() + seconds
        while perf_counter() < end:
            main(1)
        return []
    if profiler == "cProfile":
        return of_cprofile(main, programs.SCALES[name])
    return of_fastprof(main, programs.SCALES[name], profiler == "fastprof")


if __name__ == "__main__":
    pin_to_one_cpu()
    with redirect_stdout(sys.stderr):  # whatever the program prints
        result = run(sys.argv[1], sys.argv[2], float(sys.argv[3]))
    print(json.dumps(result))
