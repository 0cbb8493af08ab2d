"""How much longer events take when something else uses the same core, by known work.

``slowness.py [SECONDS]``: for each tenth of a second, pinned to one CPU, what a loop
takes, what recording it adds, and what the core's piece of known work takes; then how
much more recording adds for each part that the work takes more. On a machine where
nothing disturbs it shows nothing: all ratios are 1.
"""

from __future__ import annotations

import sys
from statistics import median
from time import perf_counter

import fastprof
from fastprof import _fastprof
from overhead_child import pin_to_one_cpu

CALLS = 1000
FROM = 1.2  # how much longer the work must take for a tenth to say something


def called(number: int) -> int:
    """A small function."""
    return number + 1


def loop() -> None:
    """Calls of Python and of C."""
    for number in range(CALLS):
        called(number)
        len("a")


def timed() -> float:
    """The seconds of one loop."""
    start = perf_counter()
    loop()
    return perf_counter() - start


def main() -> None:
    """Measure, and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    pin_to_one_cpu()
    profiler = fastprof.Profiler()
    tenths: dict[int, list[tuple[float, float, float]]] = {}
    start = perf_counter()
    while (now := perf_counter() - start) < seconds:
        plain = timed()
        with profiler:
            recorded = timed()
        work = _fastprof.known_work()
        tenths.setdefault(int(now * 10), []).append((plain, recorded - plain, work))
    rows = sorted(
        tuple(map(median, zip(*tenth, strict=True))) for tenth in tenths.values()
    )
    least = [min(column) for column in zip(*rows, strict=True)]
    print("loop  added  work: times the least of all tenths")
    for row in rows:
        print(
            "  ".join(
                f"{it / at_best:.2f}" for it, at_best in zip(row, least, strict=True)
            )
        )
    slow = [
        (added / least[1] - 1) / (work / least[2] - 1)
        for _, added, work in rows
        if work > FROM * least[2]
    ]
    if slow:
        print(f"more added for more work: {median(slow):.2f}, of {len(slow)} tenths")


if __name__ == "__main__":
    main()
