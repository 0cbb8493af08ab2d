"""Run one program once under one profiler; the time and the memory go to a file.

Started by ``table.py`` in a fresh process, if need be by the profiler:
``table_child.py PROFILER PROGRAM SCALE FOLDER``, where the folder takes the result,
``result.json``, and BENCHMARK_EMPTY_HOOK names the one that holds ``empty_hook``.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import FunctionType

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import programs  # noqa: E402
import table_profilers  # noqa: E402
from overhead_child import pin_to_one_cpu  # noqa: E402


def load(name: str) -> Callable[[int], object]:
    """A real program, or by "workloads.NAME" one of the small ones."""
    if "." in name:
        return importlib.import_module(name).main
    return programs.load(name)


def known_functions() -> dict[FunctionType, str]:
    """All functions in Python that there are, and the files that they are from."""
    return {
        thing: thing.__code__.co_filename
        for thing in gc.get_objects()
        if type(thing) is FunctionType
    }


def peak_kib() -> int:
    """The most memory that this process has had."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Unlike ru_maxrss, without what the process had before exec().
    lines = (line.split() for line in status.splitlines())
    return next(int(words[1]) for words in lines if words[0] == "VmHWM:")


def run(profiler: table_profilers.Profiler, name: str, scale: int) -> dict:
    """Warm the program up, then measure it."""
    files = set(known_functions().values())
    main = load(name)
    main(1)
    measured = {}

    def timed() -> None:
        began = perf_counter()
        main(scale)
        measured["seconds"] = perf_counter() - began

    if profiler.make is None:
        timed()
    else:
        own = (fn for fn, file in known_functions().items() if file not in files)
        profiler.make(own)(timed)
    return measured | {"peak_kib": peak_kib()}


def result_of(profiler: str, name: str, scale: int) -> dict:
    """What was measured, or the error that it ended with."""
    try:
        return run(table_profilers.BY_NAME[profiler], name, scale)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Do as the arguments say."""
    pin_to_one_cpu()
    profiler, name, scale, folder = sys.argv[1:]
    sys.path.append(os.environ.get("BENCHMARK_EMPTY_HOOK", ""))
    result = result_of(profiler, name, int(scale))
    (Path(folder) / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
