"""Run one program once, recorded as a setting says; the time and figures go to a file.

Started by ``bounded.py`` in a fresh process: ``bounded_child.py PROGRAM SCALE OPTIONS
FILE [PROGRESS]``. OPTIONS are those of `fastprof.Profiler` as JSON, or ``null``: no
profiler. PROGRESS is a companion's file: then the time is measured beside it, else the
figures are kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import fastprof

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import programs  # noqa: E402
from companion import open_progress, progress  # noqa: E402
from overhead_child import pin_to_one_cpu  # noqa: E402


def calls_in_c(stats: fastprof.Stats, function: fastprof.Function) -> int:
    """How many calls of C functions it made."""
    return sum(e.calls for e in stats.callees(function) if e.function.file == "~")


class Meter:
    """CPU seconds, and how many units of a companion's work take as long meanwhile."""

    def __init__(self, path: str) -> None:
        """Read both."""
        self._shared = open_progress(path)
        self._before = progress(self._shared)
        self._began = process_time()

    def read(self) -> dict[str, float]:
        """What has been used since."""
        seconds = process_time() - self._began
        units, taken = (
            now - then
            for now, then in zip(progress(self._shared), self._before, strict=True)
        )
        return {"seconds": seconds, "units": seconds / (taken / units)}


def main() -> None:
    """Run, and write what came out."""
    name, scale, options, target, *path = sys.argv[1:]
    chosen = json.loads(options)
    pin_to_one_cpu()
    program = programs.load(name)
    program(1)
    profiler = None
    if chosen is not None:
        import fastprof

        profiler = fastprof.Profiler(**chosen)
    meter = Meter(path[0]) if path else None
    if profiler is not None:
        profiler.enable()
    program(int(scale))
    if profiler is not None:
        profiler.disable()
    result: dict[str, object] = {}
    if meter is not None:
        result.update(meter.read())
    elif profiler is not None:
        stats = profiler.snapshot()
        result["functions"] = [
            [f.file, f.line, f.name, f.calls, f.cumulative, f.precision]
            + [calls_in_c(stats, f) if options == "{}" else 0]
            for f in stats.functions
        ]
    Path(target).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
