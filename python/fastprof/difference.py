"""What changed from one profile to another, function by function and path by path."""

import os
from collections.abc import Iterable, Iterator

from .errors import UnknownFormatError
from .formats import check, format_of
from .output import replace_file
from .stats import Function, Stats
from .tree import Node

__all__ = ["Change", "Difference", "diff"]

# What rules may ask for, by the names on the command line.
METRICS = {"calls": "calls", "own": "own", "cum": "cumulative"}


class Change:
    """One function, or one path, before and after; times in seconds.

    Attributes:
        calls, own, cumulative: (before, after); 0 where it was not called.
    """

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
        self.calls = _pair(before, after, "calls")
        self.own = _pair(before, after, "own")
        self.cumulative = _pair(before, after, "cumulative")
        self.error = _pair(before, after, "own_error")

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
        """A `Change` for each path of the merged trees, as `functions`."""
        return _sorted(_paths(self.before.tree, self.after.tree))

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


def _pair(before: object, after: object, name: str) -> "tuple[float, float]":
    return (
        getattr(before, name) if before is not None else 0,
        getattr(after, name) if after is not None else 0,
    )


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


def _paths(before: Node, after: Node) -> Iterator[Change]:
    pending: list[tuple[Change | None, Node | None, Node | None]] = [
        (None, before, after)
    ]
    while pending:
        above, *sides = pending.pop()
        children: dict[tuple[str, int], list[Node | None]] = {}
        for side, node in enumerate(sides):
            seen: dict[str, int] = {}
            for child in node.children if node is not None else ():
                # Functions of one name below one caller are told apart by their order.
                name = child.full_name
                seen[name] = seen.get(name, 0) + 1
                pair = children.setdefault((name, seen[name]), [None, None])
                pair[side] = child
        for (name, _), pair in children.items():
            change = Change(name, pair[0], pair[1], above)
            yield change
            pending.append((change, pair[0], pair[1]))
