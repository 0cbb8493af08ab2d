"""What the assertions share: finding functions in a profile, and showing them."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from ..precision import MARKS
from ..profiler import Profiler
from ..stats import Function, Stats

if TYPE_CHECKING:
    from ..tree import Node

__all__ = [
    "callers_of",
    "find",
    "inexact",
    "label_of",
    "path_of",
    "plural",
    "stats_of",
]

MOST_LINES = 12  # of what an assertion shows


def stats_of(profile: "Profiler | Stats", need_tree: bool = False) -> Stats:
    """The figures of a profile.

    Args:
        profile: A profiler, which may be recording, or what it has recorded.
        need_tree: Whether all paths must be there.

    Raises:
        TypeError: It is neither.
        ValueError: It does not have all that was called, so nothing can be asserted.
    """
    stats = profile.snapshot() if isinstance(profile, Profiler) else profile
    if not isinstance(stats, Stats):
        raise TypeError(
            f"a profile must be a fastprof.Profiler or a fastprof.Stats, not "
            f"{type(profile).__name__}"
        )
    if not stats.complete:
        raise ValueError("the profile is not complete: memory ran out")
    if need_tree and (stats.truncated or not stats.has_tree):
        raise ValueError(
            "the profile does not have all paths: record it with fastprof, and with a "
            "larger max_nodes"
        )
    return stats


def find(stats: Stats, what: "Any") -> Function | None:
    """A function's figures; None if it was not called.

    Raises:
        LookupError: It was not called, and there is no function of that name: most
            likely it is misspelt, and an assertion would hold for ever.
        TypeError: It is no function.
    """
    if isinstance(what, type):
        raise TypeError(
            f"{what.__qualname__} is a class: name its __init__, or another function"
        )
    try:
        return stats[what]
    except KeyError as error:
        if isinstance(what, str) and not _exists(what):
            raise LookupError(
                f"{error.args[0]} (nor is there a function of that name: names are "
                "'module:qualified name')"
            ) from None
        return None


def inexact(function: Function) -> ValueError:
    """What to raise where a function's figures are needed, and are not exact."""
    what = function.precision.replace("_", " ")
    return ValueError(
        f"{function.full_name}: its {plural(function.calls, 'call')} and its time are "
        f"not exact, but a{'n' * (what[0] == 'e')} {what}: record it without "
        'builtins="slow" and max_overhead (docs/precision.md)'
    )


def _exists(name: str) -> bool:
    """Whether there is such a function; labels of C functions are believed."""
    module_name, colon, qualname = name.partition(":")
    if name.startswith("<"):
        return True
    if not colon:
        return False
    try:
        found: object = sys.modules.get(module_name) or importlib.import_module(
            module_name
        )
    except ImportError:
        return False
    for part in qualname.split("."):
        if part == "<locals>":
            return True  # it is made when the one around it runs
        found = getattr(found, part, None)
        if found is None:
            return False
    return True


def label_of(what: "Any", function: Function | None = None) -> str:
    """How to name it in a message."""
    if function is not None:
        return function.full_name
    if isinstance(what, str):
        return what
    name = getattr(what, "__qualname__", None) or repr(what)
    module = getattr(what, "__module__", None)
    return f"{module}:{name}" if module else str(name)


def callers_of(stats: Stats, function: Function) -> str:
    """Lines that say who called it how often."""
    edges = sorted(stats.callers(function), key=lambda edge: -edge.calls)
    lines = [
        f"{f'{MARKS[edge.precision]}{edge.calls:,}':>12} x {edge.function.full_name}"
        for edge in edges[:MOST_LINES]
    ]
    if len(edges) > MOST_LINES:
        lines.append(f"{'':14} and {len(edges) - MOST_LINES} more")
    known = sum(edge.calls for edge in edges)
    if known < function.calls:
        lines.append(f"{function.calls - known:12,} x (not from a recorded function)")
    return "called by:\n" + "\n".join(lines)


def path_of(node: "Node") -> str:
    """The functions from the root to a node."""
    return " > ".join(one.full_name for one in node.path)


def plural(count: float, noun: str) -> str:
    """A number and what there is so many of."""
    return f"{count:,} {noun}" + "s" * (count != 1)
