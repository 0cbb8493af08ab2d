"""Assertions on time: they fail only where chance can be ruled out."""

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..profiler import Profiler
from ..stats import Stats
from .clock import unhindered_time
from .profiles import MOST_LINES, find, inexact, label_of, stats_of

if TYPE_CHECKING:
    from ..stats import Function
    from ..tree import Node

__all__ = ["Ratio", "assert_faster", "assert_share", "measure_ratio"]

SHORTEST_SAMPLE = 0.002  # seconds: many times the resolution of the clock
MOST_CALLS = 1_000_000  # in a sample
FIRST_PAIRS, MOST_PAIRS = 20, 160
# How likely it may be that the median is not in the interval, on each side. Asked for
# at most four times (20, 40, 80, 160 pairs).
DOUBT = 1e-5


def assert_share(
    profile: Profiler | Stats,
    function: "Any",
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    of: str = "own",
) -> None:
    """Assert a function's share of all time that was recorded: timed.

    What the profiler added is taken out of the times, as ever, and how far off that may
    be is to the function's favour: so the assertion fails where the share is too large
    even if its error is taken off. Choose limits with a margin: what a share is, varies
    with the machine, and with the Python.

    Record with `Profiler(clock="both")`, as pytest's fixture and marker and unittest's
    mix-in do: then Python code has the time that it was on a CPU, and C functions the
    time that passed, so that sleeping and reading count, and waiting for a CPU on a
    busy machine does not. By the wall clock alone a short profile gives false alarms
    there.

    Args:
        profile: Where it was recorded.
        function: Which one; see `fastprof.testing`.
        at_most: The largest share that is right, from 0 to 1.
        at_least: The smallest.
        of: "own": the time in the function itself; "cumulative": that of all it called,
            too.

    Raises:
        AssertionError: The share is larger, or smaller; the functions that took most
            are shown.
        ValueError: Nothing was recorded that took time, or not all of the function's
            time is known.
    """
    __tracebackhide__ = True  # pytest
    if at_most is at_least is None:
        raise TypeError("say which share is right: at_most or at_least")
    if of not in ("own", "cumulative"):
        raise ValueError(f'of must be "own" or "cumulative", not {of!r}')
    for limit in (at_most, at_least):
        if limit is not None and not 0.0 <= limit <= 1.0:
            raise ValueError(f"a share is from 0 to 1, not {limit!r}")
    stats = stats_of(profile)
    found = find(stats, function)
    if found and found.precision != "exact":
        raise inexact(found)
    functions = stats.functions
    total = sum(map(_own, functions))
    if not total:
        raise ValueError("nothing was recorded that took time")
    seconds, error = _took(stats, found, of)
    share, doubt = seconds / total, error / total
    if (at_most is None or share - doubt <= at_most) and (
        at_least is None or share + doubt >= at_least
    ):
        return
    right = (
        f"at most {at_most:.1%}"
        if at_most is not None and share > at_most
        else f"at least {at_least:.1%}"
    )
    raise AssertionError(
        f"{label_of(function, found)} took {share:.1%} (+- {doubt:.1%}) of the "
        f"{total:.6f} seconds, by its {of} time; {right} is right\n"
        + _hottest(functions, of, total)
    )


def _own(one: "Function | Node") -> float:
    """Own time; of Python code, where that was recorded, only that on a CPU.

    Off the CPU it waits for what others do: for a CPU, or for the interpreter. C
    functions wait on purpose.
    """
    if one.own_cpu is None or one.kind in ("builtin", "method"):
        return one.own
    return one.own_cpu


def _took(stats: Stats, function: "Function | None", of: str) -> tuple[float, float]:
    """A function's time, and how far off it may be."""
    if function is None:
        return 0.0, 0.0
    if of == "own":
        return sum(map(_own, function.parts)), function.own_error
    if stats.truncated or not stats.has_tree:
        return function.cumulative, function.own_error
    numbers = {part.number for part in function.parts}
    seconds = error = 0.0
    pending = [(stats.tree, False)]
    while pending:
        node, inside = pending.pop()
        for child in node.children:
            counts = inside or child.number in numbers
            seconds += _own(child) if counts else 0.0
            error += child.own_error if counts else 0.0
            pending.append((child, counts))
    return seconds, error


def _hottest(functions: "list[Function]", of: str, total: float) -> str:
    times = [(_own(one) if of == "own" else one.cumulative, one) for one in functions]
    times.sort(key=lambda item: -item[0])
    return "\n".join(
        f"{seconds / total:8.1%} {seconds:11.6f} s  {one.full_name}"
        for seconds, one in times[:MOST_LINES]
    )


class Ratio:
    """How many times as long the second of two callables takes as the first.

    Attributes:
        median: Of the pairs of samples.
        low, high: Where the true median is, but for one time in 50,000.
        pairs: How many there were.
        seconds: What a call of each takes, by the shortest sample.
    """

    def __init__(self, ratios: list[float], seconds: tuple[float, float]) -> None:
        """Of the ratios of pairs of samples."""
        ordered = sorted(ratios)
        self.pairs = len(ordered)
        self.median = (ordered[(self.pairs - 1) // 2] + ordered[self.pairs // 2]) / 2.0
        rank = _rank(self.pairs)
        self.low, self.high = ordered[rank], ordered[self.pairs - 1 - rank]
        self.seconds = seconds

    def __str__(self) -> str:
        """The figures, for a message."""
        return (
            f"{self.median:.3f} times ({self.low:.3f} to {self.high:.3f}, "
            f"{self.pairs} pairs of samples)"
        )


def _rank(pairs: int) -> int:
    """The place of the interval's end: by the sign test, without a distribution.

    Each pair is above the true median or not, by chance; so the number of those below
    is binomial. The largest place for which it is likely enough that the median is
    between it and its mirror image (H. A. David, Order Statistics, 7.1).
    """
    below, ways, rank = 0.0, 1.0, 0
    while True:
        below += ways
        if below / 2.0**pairs > DOUBT:
            return max(0, rank - 1)
        rank += 1
        ways *= (pairs - rank + 1) / rank


def assert_faster(
    faster: Callable[[], object],
    slower: Callable[[], object],
    *,
    by: float = 1.0,
) -> None:
    """Assert that one callable is faster than another: timed.

    Both are called in turns, in samples of at least 2 ms, so that what else the machine
    does falls on both; without a profiler, and what the loop costs is taken out. From
    the ratios of neighbouring samples comes an interval for the median ratio, by the
    sign test. Where the interval has `by` inside it, more samples are taken; where it
    still has after 160 pairs, it cannot be told, and the assertion holds. So it fails
    by chance about once in 25,000 times if the two are equal, and less often otherwise.

    Args:
        faster: A callable without arguments; what it returns is thrown away.
        slower: Another one.
        by: How many times as fast it must be; below 1: how much slower it may be.

    Raises:
        AssertionError: It is not; with the ratio and its interval.
    """
    __tracebackhide__ = True  # pytest
    if not by > 0.0:
        raise ValueError(f"by must be above 0, not {by!r}")
    ratio = measure_ratio(faster, slower, decisive=by)
    if ratio.high < by:
        one, other = (seconds * 1e6 for seconds in ratio.seconds)
        raise AssertionError(
            f"{label_of(faster)} is not {by:g} times as fast as {label_of(slower)}, "
            f"but {ratio}: {one:,.3f} and {other:,.3f} microseconds a call"
        )


def measure_ratio(
    one: Callable[[], object], other: Callable[[], object], decisive: float = 1.0
) -> Ratio:
    """How many times as long `other` takes as `one`.

    Args:
        one: A callable without arguments.
        other: Another one.
        decisive: More samples are taken while the interval has this inside it.
    """
    counts = _count_for(one), _count_for(other)
    ratios: list[float] = []
    best = [float("inf"), float("inf")]
    wanted = FIRST_PAIRS
    while True:
        while len(ratios) < wanted:
            turns = (0, 1) if len(ratios) % 2 else (1, 0)
            took = [0.0, 0.0]
            for turn in turns:
                took[turn] = _sample((one, other)[turn], counts[turn])
                best[turn] = min(best[turn], took[turn])
            ratios.append(took[1] / took[0])
        ratio = Ratio(ratios, (best[0], best[1]))
        if ratio.low >= decisive or ratio.high < decisive or wanted >= MOST_PAIRS:
            return ratio
        wanted *= 2


def _count_for(function: Callable[[], object]) -> int:
    """How many calls make a sample."""
    count = 1
    while count < MOST_CALLS:
        took = _time(function, count)
        if took >= SHORTEST_SAMPLE:
            break
        count *= 2 if took > SHORTEST_SAMPLE / 4 else 4
    return count


def _sample(function: Callable[[], object], count: int) -> float:
    """Seconds that a call takes, without those that the loop does."""
    clock = unhindered_time
    took = _time(function, count)
    begin = clock()
    for _ in range(count):
        pass
    loop = clock() - begin
    return max(took - loop, took / 100) / count


def _time(function: Callable[[], object], count: int) -> float:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        clock = unhindered_time
        begin = clock()
        for _ in range(count):
            function()
        return clock() - begin
    finally:
        if was_enabled:
            gc.enable()
