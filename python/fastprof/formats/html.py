"""The HTML report: one file, with the profile and all that shows it.

The page is made from `web/` when fastprof is built. In it there is a place for a
profile as JSON: columns, with times in nanoseconds, and functions by number.
"""

import json
import os

from ..precision import EXPLAINED, MARKS, PRECISIONS, mark_of_sum
from .frames import NANOSECONDS
from .page import read_page
from .source import sources_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["encode", "encode_difference", "summary"]

PLACE = b"/*data*/"

COUNTS = "calls", "primitive_calls", "resumes", "raised"
TIMES = (
    *("own", "cumulative", "own_cpu", "cumulative_cpu", "suspended"),
    *("own_error", "overhead"),
)
OF_EDGES = "calls", "own", "cumulative"
OF_PATHS = "own", "own_cpu", "own_error"


def encode(stats: "Any") -> bytes:
    """Functions, callers, the call tree of each thread, and source as far as found.

    Raises:
        MissingExtraError: This installation cannot write it.
    """
    # Not of all that are described: the profiler's own are not shown.
    numbers = {one.number: new for new, one in enumerate(stats.functions)}
    return _page(
        [stats.snapshot.functions[number] for number in numbers],
        [_profile(stats, numbers, len(numbers))],
        title=_command(stats) or "A profile",
        head=[summary(stats), *stats.head.splitlines()],
        warnings=stats.warnings,
        hasCpu=stats.info["measures"] == "both",
    )


def encode_difference(before: "Any", after: "Any") -> bytes:
    """Two profiles side by side; functions are the same if module and name are.

    Raises:
        MissingExtraError: This installation cannot write it.
    """
    descriptions = {
        one.full_name: stats.snapshot.functions[one.number]
        for stats in (before, after)
        for one in stats.functions
    }
    new = {name: number for number, name in enumerate(descriptions)}
    profiles, head, warnings = [], [], []
    for stats, word in ((before, "Before"), (after, "After")):
        numbers = {one.number: new[one.full_name] for one in stats.functions}
        profiles.append(_profile(stats, numbers, len(new)))
        said = f"{word}: {_command(stats)}:", summary(stats), stats.head.strip()
        head.append(" ".join(said))
        warnings += [f"{word.lower()}: {warning}" for warning in stats.warnings]
    return _page(
        list(descriptions.values()),
        profiles,
        title="What changed",
        head=head,
        warnings=warnings,
        hasCpu=after.info["measures"] == "both",
    )


def _page(
    descriptions: "Sequence[Any]", profiles: "list[dict[str, Any]]", **said: "Any"
) -> bytes:
    front, _, back = read_page().partition(PLACE)
    files, modules = _Numbers(), _Numbers()
    functions = {
        "file": [files[one[0]] for one in descriptions],
        "line": [one[1] for one in descriptions],
        "name": [one[3] for one in descriptions],
        "module": [modules[one[4]] for one in descriptions],
    }
    own = [
        sum(side["figures"]["own"][number] for side in profiles)
        for number in range(len(descriptions))
    ]
    order = sorted(range(len(descriptions)), key=lambda number: -own[number])
    data = {
        **said,
        "hasTrees": any(side["threads"] for side in profiles),
        "functions": functions,
        "files": list(files),
        "modules": list(modules),
        "precisions": [
            {"mark": MARKS[name], "meaning": EXPLAINED.get(name, "")}
            for name in PRECISIONS
        ],
        "profiles": profiles,
        "sources": sources_of((number, descriptions[number]) for number in order),
    }
    # ASCII, so that lone surrogates stay what they are; and nothing that looks like a
    # tag, which could end the script that it stands in.
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return front + text.encode() + back


class _Numbers(dict):  # type: ignore[type-arg]
    """Numbers for values, from 0 on, in the order in which they are asked for."""

    def __missing__(self, value: "Any") -> int:
        self[value] = number = len(self)
        return number


def _profile(stats: "Any", numbers: "dict[int, int]", size: int) -> "dict[str, Any]":
    """Its figures, for functions of so many new numbers; the busiest thread first."""
    threads = [one for one in stats.threads if one.tree.children]
    threads.sort(key=lambda one: -one.tree.cumulative)
    return {
        "figures": _figures(stats, numbers, size),
        "edges": _edges(stats, numbers),
        "threads": [
            {"name": one.name, "tree": _tree(one.tree.columns, numbers)}
            for one in threads
        ],
    }


def _figures(
    stats: "Any", numbers: "dict[int, int]", size: int
) -> "dict[str, list[int]]":
    """A column for each figure; functions of one number are added up."""
    columns = {name: [0] * size for name in (*COUNTS, *TIMES, "precision")}
    precision = columns["precision"]
    for function in stats.functions:
        at = numbers[function.number]
        precision[at] = max(precision[at], PRECISIONS.index(function.precision))
        for name in COUNTS:
            columns[name][at] += getattr(function, name)
        for name in TIMES:
            columns[name][at] += round((getattr(function, name) or 0.0) * NANOSECONDS)
    return columns


def _edges(stats: "Any", numbers: "dict[int, int]") -> "dict[str, list[int]]":
    columns: dict[str, list[int]] = {
        name: [] for name in ("caller", "callee", *OF_EDGES, "precision")
    }
    for caller, callee, calls, own, cumulative, precision in stats.flat_figures()[2]:
        columns["caller"].append(numbers[caller])
        columns["callee"].append(numbers[callee])
        columns["calls"].append(calls)
        columns["own"].append(round(own * NANOSECONDS))
        columns["cumulative"].append(round(cumulative * NANOSECONDS))
        columns["precision"].append(precision)
    return columns


def _tree(columns: "Any", numbers: "dict[int, int]") -> "dict[str, list[int]]":
    figures = {
        "parent": columns.parent.tolist(),
        # The root has no function.
        "function": [0, *(numbers[one] for one in columns.function[1:])],
        "calls": columns.calls.tolist(),
    }
    for name in OF_PATHS:
        if name != "own_cpu" or columns.has_cpu:
            values = getattr(columns, name)
            figures[name] = [round(value * NANOSECONDS) for value in values]
    return figures


def _command(stats: "Any") -> str:
    """Of the program's path its name only."""
    program, *arguments = stats.info["command"] or [""]
    return " ".join([os.path.basename(program), *arguments])


def summary(stats: "Any") -> str:
    """How much there is in it."""
    calls = sum(function.calls for function in stats.functions)
    own = sum(function.own for function in stats.functions)
    return f"{mark_of_sum(stats.functions)}{calls:,} calls, {own:.3f} seconds."
