"""How calls and time grow with the size of the input."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..profiler import Profiler
from ..stats import Stats
from .clock import unhindered_time
from .profiles import MOST_LINES

if TYPE_CHECKING:
    from ..stats import Function

__all__ = ["ORDERS", "assert_scales"]

# Orders of growth, the slowest first.
ORDERS: dict[str, Callable[[float], float]] = {
    "1": lambda n: 1.0,
    "log n": lambda n: math.log(n),
    "n": lambda n: n,
    "n log n": lambda n: n * math.log(n),
    "n^2": lambda n: n**2,
    "n^2 log n": lambda n: n**2 * math.log(n),
    "n^3": lambda n: n**3,
    "2^n": lambda n: 2.0 ** min(n, 1000.0),
}
SPELLINGS = {"n**2": "n^2", "n**3": "n^3", "2**n": "2^n", "nlogn": "n log n"}
# How much more than the order says there may be at the largest size.
TOLERANCES = {"calls": 0.1, "time": 0.6}
TRIALS = {"calls": 1, "time": 3}  # all must fail
# Of what may be called most anywhere, functions with less than this share are not
# named.
LEAST_SHARE = 0.01
ROUNDS = 5  # of time
SHORTEST = 0.0005  # seconds that a size must take to be timed


def assert_scales(
    function: Callable[["Any"], object],
    sizes: Sequence[int],
    order: str,
    *,
    make: "Callable[[int], Any] | None" = None,
    by: str = "calls",
    tolerance: float | None = None,
) -> None:
    """Assert that the work grows no faster than an order of growth.

    By calls (deterministic): the function is called under a profiler with each size,
    and the calls of all functions, written in Python and in C, are counted. By time
    (timed): without a profiler, the least of five rounds over all sizes; it must fail
    three times. It is called once before that, with the smallest size.

    Of the figures but the last, `a + b * order(n)` is fitted, by least squares of the
    relative errors, with `a` and `b` not below 0 (so a constant part does not count).
    At the largest size there may be as much as that foretells, and `tolerance` times as
    much again. Where there is more, the functions whose calls (or own time, profiled)
    grow fastest are named.

    Two orders must differ by more than the tolerance for a difference to be seen: "n"
    and "n log n" do by calls, over sizes from 100 to 10,000 say; by time they do not.

    Args:
        function: What is asserted; called with a size, or with what `make` made of it.
        sizes: At least three, from small to large; the largest at least four times the
            smallest.
        order: "1", "log n", "n", "n log n", "n^2", "n^2 log n", "n^3" or "2^n".
        make: Makes the input of a size; its calls and time do not count.
        by: "calls" or "time".
        tolerance: How much more there may be at the largest size; left out, 0.1 of the
            calls, and 0.6 of the time.

    Raises:
        AssertionError: It grows faster; the figures, and who grows, are shown.
        ValueError: There is no such order, or the sizes do not tell.
    """
    __tracebackhide__ = True  # pytest
    growth = _order(order)
    sizes = _checked(sizes)
    if by not in TOLERANCES:
        raise ValueError(f'by must be "calls" or "time", not {by!r}')
    tolerance = TOLERANCES[by] if tolerance is None else tolerance
    function(sizes[0] if make is None else make(sizes[0]))  # what is done only once
    for _ in range(TRIALS[by]):
        profiles = [_profile(function, make, size) for size in sizes]
        figures = (
            [float(_all_calls(stats)) for stats in profiles]
            if by == "calls"
            else _times(function, make, sizes)
        )
        expected = _foretold(growth, sizes, figures)
        if figures[-1] <= expected * (1.0 + tolerance):
            return
    name = getattr(function, "__qualname__", repr(function))
    raise AssertionError(
        f"{name} does not grow by {order}, but more like {_nearest(sizes, figures)}:\n"
        + _table(sizes, figures, expected, by)
        + "\n"
        + _fastest(sizes, profiles, by)
    )


def _order(name: str) -> Callable[[float], float]:
    spelt = SPELLINGS.get(name, name)
    if spelt not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {name!r}")
    return ORDERS[spelt]


def _checked(sizes: Sequence[int]) -> list[int]:
    ordered = list(sizes)
    if len(ordered) < 3 or sorted(set(ordered)) != ordered:
        raise ValueError(f"sizes must be at least three, from small to large: {sizes}")
    if ordered[0] < 2 or ordered[-1] < 4 * ordered[0]:
        raise ValueError(
            f"the smallest size must be 2 or more, and the largest four times it: "
            f"{sizes}"
        )
    return ordered


def _profile(
    function: Callable[["Any"], object],
    make: "Callable[[int], Any] | None",
    size: int,
) -> Stats:
    argument = size if make is None else make(size)
    with Profiler(threads="current") as profiler:
        function(argument)
    return profiler.snapshot()


def _all_calls(stats: Stats) -> int:
    """Resumes are work, too; collections of garbage come by chance."""
    return sum(one.calls + one.resumes for one in stats.functions if one.kind != "gc")


def _times(
    function: Callable[["Any"], object],
    make: "Callable[[int], Any] | None",
    sizes: Sequence[int],
) -> list[float]:
    """The shortest of some rounds for each size, in seconds."""
    best = [math.inf] * len(sizes)
    clock = unhindered_time
    for _ in range(ROUNDS):
        for place, size in enumerate(sizes):
            count, took = 0, 0.0
            while took < SHORTEST:
                argument = size if make is None else make(size)
                begin = clock()
                function(argument)
                took += clock() - begin
                count += 1
            best[place] = min(best[place], took / count)
    return best


def _fit(
    growth: Callable[[float], float], sizes: Sequence[int], figures: Sequence[float]
) -> tuple[float, float]:
    """The least squares of relative errors of a + b * growth(n); neither below 0.

    With the weights 1 / y²: the normal equations of two unknowns; where one of them
    comes out below 0, the best has it at 0 (Lawson and Hanson, Solving Least Squares
    Problems, ch. 23).
    """
    rows = [
        (1.0 / max(figure, 1e-12), growth(size) / max(figure, 1e-12))
        for size, figure in zip(sizes, figures, strict=True)
    ]
    aa = sum(one * one for one, _ in rows)
    ab = sum(one * other for one, other in rows)
    bb = sum(other * other for _, other in rows)
    a1, b1 = sum(one for one, _ in rows), sum(other for _, other in rows)
    determinant = aa * bb - ab * ab
    if determinant > 1e-9 * aa * bb:
        a = (a1 * bb - b1 * ab) / determinant
        b = (b1 * aa - a1 * ab) / determinant
        if a >= 0.0 and b >= 0.0:
            return a, b
        if a >= 0.0:
            return a1 / aa, 0.0
    return 0.0, b1 / bb


def _foretold(
    growth: Callable[[float], float], sizes: Sequence[int], figures: Sequence[float]
) -> float:
    """What there should be at the last size, by those before it."""
    a, b = _fit(growth, sizes[:-1], figures[:-1])
    return a + b * growth(sizes[-1])


def _nearest(sizes: Sequence[int], figures: Sequence[float]) -> str:
    """The order that foretells the last figure best."""
    return min(
        ORDERS,
        key=lambda name: abs(
            math.log(
                max(_foretold(ORDERS[name], sizes, figures), 1e-300)
                / max(figures[-1], 1e-300)
            )
        ),
    )


def _table(
    sizes: Sequence[int], figures: Sequence[float], expected: float, by: str
) -> str:
    def show(figure: float) -> str:
        return f"{figure:,.0f} calls" if by == "calls" else f"{figure:.6f} s"

    lines = [
        f"{size:>12,}: {show(figure):>20}"
        for size, figure in zip(sizes, figures, strict=True)
    ]
    lines[-1] += f", where {show(expected)} were foretold"
    return "\n".join(lines)


def _fastest(sizes: Sequence[int], profiles: list[Stats], by: str) -> str:
    """The functions of some weight, the one that grows fastest first."""

    def weight(one: "Function | None") -> float:
        if one is None:
            return 0.0
        return float(one.calls + one.resumes) if by == "calls" else one.own

    first, last = (
        {(one.key, one.qualname): one for one in profile.functions if one.kind != "gc"}
        for profile in (profiles[-2], profiles[-1])
    )
    least = LEAST_SHARE * max(weight(one) for one in last.values())
    ratio = math.log(sizes[-1] / sizes[-2])
    grown = []
    for key, one in last.items():
        now, before = weight(one), weight(first.get(key))
        if now >= least and now > before:
            exponent = math.log(now / before) / ratio if before else math.inf
            grown.append((exponent, now, before, one))
    grown.sort(key=lambda item: item[:2], reverse=True)
    unit = "calls" if by == "calls" else "s own"
    form = ",.0f" if by == "calls" else ".6f"
    lines = [
        f"    {one.full_name}: {before:{form}} -> {now:{form}} {unit}"
        + (f", like n^{exponent:.2f}" if before else ", new")
        for exponent, now, before, one in grown[:MOST_LINES]
    ]
    head = f"Growing fastest, from size {sizes[-2]:,} to {sizes[-1]:,}:"
    return "\n".join([head, *lines])
