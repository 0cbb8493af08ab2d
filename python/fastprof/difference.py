"""What changed from one profile to another, function by function and path by path."""

import os
from collections.abc import Iterable, Iterator

from ._core import align
from .errors import UnknownFormatError
from .formats import check, format_of
from .output import replace_file
from .stats import Function, Stats
from .tree import Node, full_name

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Change", "Difference", "diff"]

# What rules may ask for, by the names on the command line.
METRICS = {"calls": "calls", "own": "own", "cum": "cumulative"}


class Change:
    """One function, or one path, before and after; times in seconds."""

    __slots__ = ("_above", "_after", "_before", "_own_name")

    def __init__(
        self,
        name: str,
        before: "Function | Node | None",
        after: "Function | Node | None",
        above: "Change | None" = None,
    ) -> None:
        """Made by `diff`."""
        self._own_name = name
        self._above = above
        self._before = before
        self._after = after

    @property
    def name(self) -> str:
        """`module:qualified name`; of a C function its label.

        Of a path those of all functions on it, with ";" between them.
        """
        names = []
        one: Change | None = self
        while one is not None:
            names.append(one._own_name)
            one = one._above
        return ";".join(reversed(names))

    def __repr__(self) -> str:
        """What changed."""
        return f"<{self.name}: {self.own_change:+.6f} s own>"

    @property
    def calls(self) -> "tuple[int, int]":
        """Before and after; 0 where it was not called."""
        return self._pair("calls")

    @property
    def own(self) -> "tuple[float, float]":
        """Likewise."""
        return self._pair("own")

    @property
    def cumulative(self) -> "tuple[float, float]":
        """Likewise."""
        return self._pair("cumulative")

    @property
    def error(self) -> "tuple[float, float]":
        """Likewise: how far off `own` may be."""
        return self._pair("own_error")

    def _pair(self, name: str) -> "tuple[Any, Any]":
        return (
            getattr(self._before, name) if self._before is not None else 0,
            getattr(self._after, name) if self._after is not None else 0,
        )

    @property
    def own_change(self) -> float:
        """Seconds of own time that are more now."""
        return self.own[1] - self.own[0]

    @property
    def by_calls(self) -> float:
        """The part of `own_change` that comes from more or fewer calls.

        The change of the calls times what one call took before; for a function that is
        new, or is gone, all of it.
        """
        before, after = self.calls
        if not before or not after:
            return self.own_change
        return (after - before) * self.own[0] / before

    @property
    def by_time(self) -> float:
        """The part of `own_change` that comes from calls that take more or less."""
        return self.own_change - self.by_calls

    @property
    def is_noise(self) -> bool:
        """Whether the change is less than both profiles' errors."""
        return self.calls[0] == self.calls[1] and (
            abs(self.own_change) <= self.error[0] + self.error[1]
        )


class Difference:
    """Two profiles side by side.

    Attributes:
        before, after: The profiles.
    """

    def __init__(self, before: Stats, after: Stats) -> None:
        """Made by `diff`."""
        self.before = before
        self.after = after

    @property
    def functions(self) -> list[Change]:
        """A `Change` for each function, the largest change of own time first.

        A function is the same if module and qualified name are: it may have moved.
        """
        before = _by_name(self.before.functions)
        after = _by_name(self.after.functions)
        names = dict.fromkeys([*before, *after])
        return _sorted(
            Change(name, before.get(name), after.get(name)) for name in names
        )

    @property
    def paths(self) -> list[Change]:
        """A `Change` for each path of the merged trees, as `functions`.

        Functions of one name below one path are told apart by their order.
        """
        return _sorted(_paths(self.before, self.after))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the HTML report of what changed.

        Args:
            path: Where to, with the extension .html; an existing file is replaced
                whole or not at all.

        Raises:
            UnknownFormatError: It has another extension.
            MissingExtraError: This installation cannot write HTML.
            OSError: The file cannot be written.
        """
        self.check_path(os.fspath(path))
        from .formats.html import encode_difference  # with json and tokenize

        replace_file(path, encode_difference(self.before, self.after))

    @staticmethod
    def check_path(path: str) -> None:
        """Raise what `save` would for a path's extension."""
        if format_of(path) != "html":
            raise UnknownFormatError(f"{path}: a difference is written as .html only")
        check("html")

    def violations(self, rule: str) -> list[Change]:
        """The functions that a rule forbids.

        Args:
            rule: "METRIC>[+]N[%]", where METRIC is "calls", "own" or "cum": with a "+"
                the change must not be larger than N, without one the figure after;
                with a "%" N is a share of the figure before.

        Raises:
            ValueError: That is no rule.
        """
        metric, _, limit = rule.partition(">")
        is_change, is_share = limit[:1] == "+", limit[-1:] == "%"
        number = _number(limit.removeprefix("+").removesuffix("%"))
        attribute = METRICS.get(metric)
        if number is None or attribute is None:
            raise ValueError(
                f"{rule!r} is no rule: METRIC>[+]N[%], where METRIC is one of "
                f"{', '.join(METRICS)}"
            )

        def breaks(change: Change) -> bool:
            before, after = getattr(change, attribute)
            figure = after - before if is_change else after
            return bool(figure > (number / 100 * before if is_share else number))

        return [change for change in self.functions if breaks(change)]


def diff(before: Stats, after: Stats) -> Difference:
    """What changed from one profile to another.

    Raises:
        ValueError: They measure different things, or are compensated and not.
    """
    clocks = before.info["measures"], after.info["measures"]
    if clocks[0] != clocks[1]:
        raise ValueError(
            "these profiles cannot be compared: they measure different things: "
            f"clock={clocks[0]!r} and {clocks[1]!r}"
        )
    if before.compensated != after.compensated:
        raise ValueError(
            "these profiles cannot be compared: what the profiler added is taken out "
            "of the times of one only (Stats.raw leaves it in)"
        )
    return Difference(before, after)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number - number == 0.0 else None  # no infinity, no NaN


def _by_name(functions: Iterable[Function]) -> dict[str, Function]:
    found: dict[str, Function] = {}
    for function in functions:
        name = function.full_name
        found[name] = (
            Function.sum([found[name], function]) if name in found else function
        )
    return found


def _sorted(changes: Iterable[Change]) -> list[Change]:
    return sorted(changes, key=lambda one: -abs(one.own_change))


def _paths(before: Stats, after: Stats) -> Iterator[Change]:
    from array import array  # which cProfile does not import

    numbers: dict[str, int] = {}
    columns = before.tree.columns, after.tree.columns
    sides = [
        (
            side.parent,
            side.function,
            array(
                "I",
                [
                    numbers.setdefault(one, len(numbers))
                    for one in map(full_name, side.functions)
                ],
            ),
        )
        for side in columns
    ]
    found = align(sides[0], sides[1], len(numbers))
    pairs = zip(*(memoryview(column).cast("I")[1:] for column in found), strict=True)
    names = list(numbers)
    changes: list[Change | None] = [None]
    for above, name, *places in pairs:
        change = Change(
            names[name],
            Node(columns[0], places[0]) if places[0] else None,
            Node(columns[1], places[1]) if places[1] else None,
            changes[above],
        )
        changes.append(change)
        yield change
