"""Assertions on the number of calls. All are deterministic."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..precision import WORDS
from ..profiler import Profiler
from ..stats import Stats
from ..tree import Node
from .profiles import (
    MOST_LINES,
    callers_of,
    find,
    inexact,
    label_of,
    path_of,
    plural,
    stats_of,
)

if TYPE_CHECKING:
    from ..precision import Precision
    from ..stats import Function

__all__ = ["assert_calls", "assert_calls_per", "assert_not_called_from"]


class Limits:
    """How many calls are right."""

    def __init__(
        self, exactly: int | None, at_least: int | None, at_most: int | None
    ) -> None:
        """At least one of them must be there."""
        if exactly is not None and (at_least is not None or at_most is not None):
            raise TypeError(
                "say either how many calls exactly, or at least and at most"
            )
        if exactly is at_least is at_most is None:
            raise TypeError("say how many calls: exactly, at_least or at_most")
        self.least = exactly if exactly is not None else at_least or 0
        self.most = exactly if exactly is not None else at_most

    def hold(self, calls: int, times: int = 1) -> bool:
        """Whether so many are right, for so many times as many."""
        return self.least * times <= calls and (
            self.most is None or calls <= self.most * times
        )

    def is_certain(self, calls: int, precision: "Precision", times: int = 1) -> bool:
        """Whether `hold` is right although there may have been more calls."""
        if precision != "lower_bound":
            return precision == "exact"
        if self.most is None:
            return self.least * times <= calls
        return calls > self.most * times

    def __str__(self) -> str:
        """What is right."""
        if self.least == self.most:
            return f"{self.most:,}"
        if self.most is None:
            return f"at least {self.least:,}"
        if not self.least:
            return f"at most {self.most:,}"
        return f"{self.least:,} to {self.most:,}"


def assert_calls(
    profile: Profiler | Stats,
    function: "Any",
    exactly: int | None = None,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
) -> None:
    """Assert how often a function was called: deterministic.

    Of a generator or coroutine it counts how often it was begun.

    Args:
        profile: Where it was recorded.
        function: Which one; see `fastprof.testing`.
        exactly: So many calls; 0: none.
        at_least: No fewer.
        at_most: No more.

    Raises:
        AssertionError: It was called more often, or less; the callers are named.
        LookupError: There is no function of that name.
        ValueError: How often it was called is not known exactly, and what is known does
            not decide.
    """
    __tracebackhide__ = True  # pytest
    limits = Limits(exactly, at_least, at_most)
    stats = stats_of(profile)
    found = find(stats, function)
    calls = found.calls if found else 0
    if found and not limits.is_certain(calls, found.precision):
        raise inexact(found)
    if limits.hold(calls):
        return
    message = f"{label_of(function, found)} was called {_times(calls, found)}, not "
    message += str(limits)
    if found is not None:
        message += "\n" + callers_of(stats, found)
    raise AssertionError(message)


def _times(calls: int, function: "Function | None") -> str:
    times = {0: "never", 1: "once"}.get(calls) or plural(calls, "time")
    return times if function is None else WORDS[function.precision] + times


def assert_calls_per(
    profile: Profiler | Stats,
    function: "Any",
    per: "Any",
    exactly: int | None = None,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
) -> None:
    """Assert how often a function is called per call of another: deterministic.

    The test for N+1 queries: `assert_calls_per(p, db.query, per=render, at_most=1)`.
    Calls count wherever they are below `per`, however deep; where that calls itself,
    for the innermost call. It is asserted for each path on which `per` was called, on
    the average of the calls on that path: 10 calls of `per` may have 10 of the
    function, be it that one of them has all. `tripwire` looks at single calls.

    Args:
        profile: Where it was recorded, with all paths.
        function: What is counted; see `fastprof.testing`.
        per: For each call of which.
        exactly: So many calls; 0: none.
        at_least: No fewer.
        at_most: No more.

    Raises:
        AssertionError: There are more calls on a path, or fewer; each is shown. Or
            `per` was not called.
        LookupError: There is no function of that name.
        ValueError: The profile does not have all paths; or how often one of the two was
            called is not known exactly, and what is known does not decide.
    """
    __tracebackhide__ = True  # pytest
    limits = Limits(exactly, at_least, at_most)
    stats = stats_of(profile, need_tree=True)
    counted, around = find(stats, function), find(stats, per)
    if around is None:
        raise AssertionError(f"{label_of(per)} was not called")
    if around.precision != "exact":
        raise inexact(around)
    calls = _calls_below(stats.tree, around, counted)
    precision = counted.precision if counted else "exact"
    certain = [
        (node, count)
        for node, count in calls
        if limits.is_certain(count, precision, node.calls)
    ]
    broken = [
        (node, count) for node, count in certain if not limits.hold(count, node.calls)
    ]
    if not broken:
        if counted and len(certain) < len(calls):
            raise inexact(counted)
        return
    lines = [
        f"{label_of(function, counted)} was called {_times(count, counted)} in "
        f"{plural(node.calls, 'call')} of {around.full_name}, not {limits} in each\n"
        f"    where: {path_of(node)}" + _what_is_between(node, counted)
        for node, count in broken[:MOST_LINES]
    ]
    if len(broken) > MOST_LINES:
        lines.append(f"and on {len(broken) - MOST_LINES} more paths")
    raise AssertionError("\n".join(lines))


def _numbers(function: "Function | None") -> set[int]:
    return {part.number for part in function.parts} if function else set()


def _calls_below(
    root: Node, around: "Function", counted: "Function | None"
) -> list[tuple[Node, int]]:
    """Each node of a function, with the calls that have it as the nearest one above."""
    columns = root.columns
    above, wanted = _numbers(around), _numbers(counted)
    nearest = [0] * len(columns.parent)  # 0: none
    counts: dict[int, int] = {}
    for at in range(1, len(nearest)):
        function = columns.function[at]
        nearest[at] = nearest[columns.parent[at]]
        if nearest[at] and function in wanted:
            counts[nearest[at]] += columns.calls[at]
        if function in above:
            nearest[at] = at
            counts[at] = 0
    return [(Node(columns, at), count) for at, count in counts.items()]


def _what_is_between(node: Node, counted: "Function | None") -> str:
    """The paths from a node to the function, the one with the most calls first."""
    wanted = _numbers(counted)
    depth = len(node.path)
    found = [below for below in node.walk() if below != node and below.number in wanted]
    found.sort(key=lambda one: -one.calls)
    return "".join(
        f"\n    {below.calls:12,} x "
        + " > ".join(one.full_name for one in below.path[depth:])
        for below in found[:MOST_LINES]
    )


def assert_not_called_from(profile: Profiler | Stats, *modules: str) -> None:
    """Assert that nothing of some modules was called: deterministic.

    `assert_not_called_from(p, "socket", "_socket", "urllib3")`: no function in these
    modules, or in modules inside of these packages, was called. C functions count as
    their module's, as far as that is known.

    Args:
        profile: Where calls were recorded.
        *modules: Names of modules or packages.

    Raises:
        AssertionError: Functions of theirs were called; how it came to that is shown.
    """
    __tracebackhide__ = True  # pytest
    if not modules or not all(isinstance(name, str) for name in modules):
        raise TypeError("name the modules that nothing may be called from")
    stats = stats_of(profile)
    found = [one for name in modules for one in stats.select(module=name) if one.calls]
    if not found:
        return
    lines = [
        f"{plural(len(found), 'function')} of {', '.join(modules)} were called:",
        *(
            f"{one.calls:12,} x {one.full_name}"
            for one in sorted(found, key=lambda one: -one.calls)[:MOST_LINES]
        ),
    ]
    entries = list(_entries(stats.tree, _numbers_of(found)))
    if entries:
        lines.append("by these paths:")
        lines += [f"    {path_of(node)}" for node in entries[:MOST_LINES]]
    raise AssertionError("\n".join(lines))


def _numbers_of(functions: "list[Function]") -> set[int]:
    return {number for one in functions for number in _numbers(one)}


def _entries(root: Node, forbidden: set[int]) -> Iterator[Node]:
    """The nodes of these functions that are called by others."""
    columns = root.columns
    for at in range(1, len(columns.parent)):
        parent = columns.parent[at]
        if columns.function[at] in forbidden and (
            not parent or columns.function[parent] not in forbidden
        ):
            yield Node(columns, at)
