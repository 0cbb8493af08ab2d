"""One run of one program, alone or under fastprof, and what is said of its total time.

Started in a fresh process: ``totals_child.py alone|recorded SET NAME DIVISOR``, with
the sets, names and divisors of ``overhead_child.py``.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fastprof  # noqa: E402
from overhead_child import known_work, load, pin_to_one_cpu  # noqa: E402


def measure(mode: str, of_set: str, name: str, divisor: int) -> dict[str, float]:
    """The seconds that the program takes, or what the profile adds up to."""
    main, scale = load(of_set, name)
    scale = max(1, scale // divisor)
    main(1)
    if mode == "alone":
        start = perf_counter()
        main(scale)
        return {"seconds": perf_counter() - start}
    profiler = fastprof.Profiler()
    profiler.enable()
    main(scale)
    profiler.disable()
    stats = profiler.snapshot()
    return {
        "seconds": sum(function.own for function in stats.raw.functions),
        "compensated": sum(function.own for function in stats.functions),
    }


if __name__ == "__main__":
    pin_to_one_cpu()
    with redirect_stdout(sys.stderr):  # whatever the program prints
        before = known_work()
        result = measure(*sys.argv[1:4], int(sys.argv[4]))
        result["work"] = max(before, known_work())
    print(json.dumps(result))
