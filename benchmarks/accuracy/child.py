"""One run of one case, and what one observer says of its blocks, as JSON.

Started by ``accuracy.py`` in a fresh process:
``child.py OBSERVER CASE CALLS TURNS REPEATS``. The observer "truth" is the clock,
around each block, and nobody else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from cases import CASES, Case, program  # noqa: E402
from observers import OBSERVERS, SAMPLING  # noqa: E402
from overhead_child import pin_to_one_cpu  # noqa: E402

WARM_UP = 200
MOST_SECONDS = 0.5  # for the runs of those profilers that take long


def truth(case: Case, calls: int, turns: int, repeats: int) -> dict[str, float]:
    """The least that each block takes."""
    called = inlined = float("inf")
    for _ in range(repeats):
        # A profiler does not count the making of the lists to the blocks either.
        lists = [5] * calls, [5] * turns
        start = perf_counter()
        case.called(lists[0])
        between = perf_counter()
        case.inlined(lists[1])
        called = min(called, between - start)
        inlined = min(inlined, perf_counter() - between)
    return {"called": called, "inlined": inlined}


def main() -> None:
    """Do as the arguments say."""
    pin_to_one_cpu()
    observer, name, *numbers = sys.argv[1:]
    calls, turns, repeats = map(int, numbers)
    case = CASES[name]
    program(case, min(calls, WARM_UP), min(turns, WARM_UP))
    if observer == "truth":
        print(json.dumps(truth(case, calls, turns, repeats)))
        return

    took: list[float] = []

    def call() -> None:
        start = perf_counter()
        for _ in range(repeats if observer in SAMPLING else 1):
            program(case, calls, turns)
        took.append(perf_counter() - start)

    if observer in SAMPLING:
        said = OBSERVERS[observer](call)
        print(json.dumps({block: seconds / repeats for block, seconds in said.items()}))
        return
    # Each run a profile of its own. The one that took least counts, whatever it says:
    # what comes between makes only longer.
    end = perf_counter() + MOST_SECONDS
    runs = [OBSERVERS[observer](call)]
    while len(runs) < repeats and perf_counter() < end:
        runs.append(OBSERVERS[observer](call))
    print(json.dumps(runs[took.index(min(took))]))


if __name__ == "__main__":
    main()
