"""What changed from one profile to another, function by function and path by path."""

import os
from collections.abc import Iterable, Iterator, Sequence

from ._core import align
from .errors import UnknownFormatError
from .formats import check, format_of
from .output import replace_file
from .precision import WORDS, least_precise
from .stats import Function, Stats
from .tree import Columns, Node, full_name

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .precision import Precision

__all__ = ["Change", "Difference", "diff"]

# What rules may ask for, by the names on the command line.
METRICS = {"calls": "calls", "own": "own", "cum": "cumulative"}


class Repeated:
    """The figures of one function, or one path, in several runs: their means."""

    def __init__(self, runs: "list[Function | Node | None]") -> None:
        """Made by `diff`; None: it was not called in that run."""
        self._runs = runs

    def __getattr__(self, name: str) -> "Any":
        """The mean of a figure."""
        return sum(self.all(name)) / len(self._runs)

    @property
    def precision(self) -> "Precision":
        """That of the least precise run."""
        return least_precise(one.precision for one in self._runs if one is not None)

    def all(self, name: str) -> "list[Any]":
        """A figure in each run."""
        return [0 if one is None else getattr(one, name) for one in self._runs]


class Change:
    """One function, or one path, before and after; times in seconds.

    Where there are several runs, figures are their means.
    """

    __slots__ = ("_above", "_after", "_before", "_own_name")

    def __init__(
        self,
        name: str,
        before: "Function | Node | Repeated | None",
        after: "Function | Node | Repeated | None",
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
    def calls(self) -> "tuple[float, float]":
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

    @property
    def precision(self) -> "tuple[Precision, Precision]":
        """Before and after, as `Function.precision`; of runs the least precise."""
        sides = (self._before, self._after)
        before, after = ("exact" if one is None else one.precision for one in sides)
        return before, after

    @property
    def caveat(self) -> str:
        """That the counts are not exact, and what they are; empty where they are."""
        if set(self.precision) == {"exact"}:
            return ""
        before, after = (
            f"{WORDS[precision]}{calls:.10g}"
            for precision, calls in zip(self.precision, self.calls, strict=True)
        )
        return f"not exact: called {before} times before, {after} after"

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
        """Whether the change may be chance.

        Of single runs: whether it is less than both profiles' errors, with as many
        calls. Where a side has several: whether the own times of the two overlap, and
        the calls do.
        """
        if isinstance(self._before, Repeated) or isinstance(self._after, Repeated):
            return all(
                _overlap(_all(self._before, name), _all(self._after, name))
                for name in ("calls", "own")
            )
        return self.calls[0] == self.calls[1] and (
            abs(self.own_change) <= self.error[0] + self.error[1]
        )


def _all(side: "Function | Node | Repeated | None", name: str) -> "list[Any]":
    """What a figure may be: in each run, or of one, within its error."""
    if isinstance(side, Repeated):
        return side.all(name)
    figure = 0 if side is None else getattr(side, name)
    error = side.own_error if side is not None and name == "own" else 0
    return [figure - error, figure + error]


def _overlap(some: "list[Any]", others: "list[Any]") -> bool:
    return bool(min(some) <= max(others) and min(others) <= max(some))


class Difference:
    """Two profiles side by side.

    Attributes:
        before, after: The profiles; where there are several runs, their sums.
        runs: Those, of each side.
    """

    def __init__(self, before: list[Stats], after: list[Stats]) -> None:
        """Made by `diff`."""
        self.runs = before, after
        self.before, self.after = (
            side[0] if len(side) == 1 else Stats.merge(side) for side in self.runs
        )

    @property
    def functions(self) -> list[Change]:
        """A `Change` for each function, the largest change of own time first.

        A function is the same if module and qualified name are: it may have moved.
        """
        sides = [[_by_name(run.functions) for run in runs] for runs in self.runs]
        names = dict.fromkeys(name for runs in sides for run in runs for name in run)
        return _sorted(
            Change(
                name,
                _figures([run.get(name) for run in sides[0]]),
                _figures([run.get(name) for run in sides[1]]),
            )
            for name in names
        )

    @property
    def paths(self) -> list[Change]:
        """A `Change` for each path of the merged trees, as `functions`.

        Functions of one name below one path are told apart by their order.
        """
        columns = self.before.tree.columns, self.after.tree.columns
        finders = [
            _finder(all_columns, runs)
            for all_columns, runs in zip(columns, self.runs, strict=True)
        ]
        return _sorted(_paths(columns, finders))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the HTML report of what changed.

        Of several runs the sums are compared.

        Args:
            path: Where to, with the extension .html; an existing file is replaced
                whole or not at all.

        Raises:
            UnknownFormatError: It has another extension.
            MissingExtraError: This installation cannot write HTML.
            ValueError: There are more runs of one side than of the other.
            OSError: The file cannot be written.
        """
        self.check_path(os.fspath(path))
        if len(self.runs[0]) != len(self.runs[1]):
            raise ValueError(
                f"{path}: the report compares sums: both sides must have as many runs"
            )
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
                with a "%" N is a share of the figure before. Where there are several
                runs, what may be chance breaks none. A function whose figures are not
                exact (`Change.caveat`) is judged by those that there are.

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

        is_repeated = any(len(side) > 1 for side in self.runs)

        def breaks(change: Change) -> bool:
            if is_repeated and change.is_noise:
                return False
            before, after = getattr(change, attribute)
            figure = after - before if is_change else after
            return bool(figure > (number / 100 * before if is_share else number))

        return [change for change in self.functions if breaks(change)]


def diff(before: Stats | Sequence[Stats], after: Stats | Sequence[Stats]) -> Difference:
    """What changed from one profile to another.

    Args:
        before: A profile; or several, of runs of the same program: what then varies
            from run to run is told from what changed (`Change.is_noise`).
        after: Likewise.

    Raises:
        ValueError: They measure different things, or are compensated and not; or there
            is none.
    """
    sides = [
        [side] if isinstance(side, Stats) else list(side) for side in (before, after)
    ]
    if not all(sides):
        raise ValueError("there is no profile to compare")
    first = sides[0][0]
    for other in (*sides[0], *sides[1]):
        clocks = first.info["measures"], other.info["measures"]
        if clocks[0] != clocks[1]:
            raise ValueError(
                "these profiles cannot be compared: they measure different things: "
                f"clock={clocks[0]!r} and {clocks[1]!r}"
            )
        if first.compensated != other.compensated:
            raise ValueError(
                "these profiles cannot be compared: what the profiler added is taken "
                "out of the times of one only (Stats.raw leaves it in)"
            )
    return Difference(*sides)


def _figures(runs: "list[Function | None]") -> "Function | Repeated | None":
    if len(runs) == 1:
        return runs[0]
    return Repeated(list(runs)) if any(runs) else None


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


def _finder(
    all_columns: Columns, runs: list[Stats]
) -> "Callable[[int], Node | Repeated | None]":
    """What stands at a place of the tree of all runs, with the figures of each."""
    if len(runs) == 1:
        return lambda place: Node(all_columns, place) if place else None
    trees = [run.tree.columns for run in runs]
    places = []
    for columns in trees:
        _, aligned = _align(all_columns, columns)
        in_run = [0] * len(all_columns.parent)
        for _, _, at, there in aligned:
            in_run[at] = there
        places.append(in_run)

    def find(place: int) -> "Repeated | None":
        if not place:
            return None
        return Repeated(
            [
                Node(columns, in_run[place]) if in_run[place] else None
                for columns, in_run in zip(trees, places, strict=True)
            ]
        )

    return find


def _align(one: Columns, other: Columns) -> "tuple[list[str], Iterator[Any]]":
    """Names, and where each path is that is in one of two trees.

    Of each: the place (from 1) of the path above it, its name's, and its places in the
    two trees (0: it is not there).
    """
    from array import array  # which cProfile does not import

    numbers: dict[str, int] = {}
    sides = [
        (
            side.parent,
            side.function,
            array(
                "I",
                [
                    numbers.setdefault(name, len(numbers))
                    for name in map(full_name, side.functions)
                ],
            ),
        )
        for side in (one, other)
    ]
    found = align(sides[0], sides[1], len(numbers))
    columns = (memoryview(column).cast("I")[1:] for column in found)
    return list(numbers), zip(*columns, strict=True)


def _paths(
    columns: "tuple[Columns, Columns]",
    find: "list[Callable[[int], Node | Repeated | None]]",
) -> Iterator[Change]:
    names, aligned = _align(*columns)
    changes: list[Change | None] = [None]
    for above, name, *places in aligned:
        change = Change(
            names[name], find[0](places[0]), find[1](places[1]), changes[above]
        )
        changes.append(change)
        yield change
