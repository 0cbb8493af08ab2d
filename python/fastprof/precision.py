"""Which numbers of calls are exact, lower bounds, or estimates; docs/precision.md."""

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    Precision = Literal["exact", "lower_bound", "estimate"]

__all__ = [
    "EXPLAINED",
    "MARKS",
    "PRECISIONS",
    "WORDS",
    "counted",
    "explained",
    "least_precise",
    "mark_of_sum",
    "precision_of_edges",
    "remark",
]

# By the numbers that the engine has for them: what is less precise has a larger one.
PRECISIONS: "tuple[Precision, ...]" = ("exact", "lower_bound", "estimate")

# What stands in front of a number of calls, and what that means; and in plain words.
MARKS = {"exact": "", "lower_bound": "≥ ", "estimate": "~ "}
WORDS = {"exact": "", "lower_bound": "at least ", "estimate": "about "}
EXPLAINED = {
    "lower_bound": "before a number of calls: at least so many; the time of those that "
    "went unseen is in that of their callers",
    "estimate": "before a number of calls: an estimate; the time of those that went "
    "unseen is in that of their callers",
}


def least_precise(some: "Iterable[Precision]") -> "Precision":
    """What can be said of a sum of such numbers."""
    return max(some, key=PRECISIONS.index, default="exact")


def mark_of_sum(functions: "Iterable[Any]") -> str:
    """What stands in front of the sum of the calls of some functions."""
    return MARKS[least_precise(one.precision for one in functions)]


def counted(one: "Any") -> str:
    """The calls of a function, marked; and those not recursive, where any was."""
    calls = f"{MARKS[one.precision]}{one.calls}"
    return (
        calls if one.calls == one.primitive_calls else f"{calls}/{one.primitive_calls}"
    )


def remark(some: "Iterable[Precision]") -> str:
    """For the head of a profile: of how many functions the calls are not exact."""
    precisions = list(some)
    inexact = len(precisions) - precisions.count("exact")
    if not inexact:
        return ""
    bounds = precisions.count("lower_bound")
    return (
        f"Functions with calls that are not exact: {inexact} (lower bounds: {bounds}, "
        f"estimates: {inexact - bounds}; docs/precision.md)."
    )


def explained(some: "Iterable[Precision]") -> list[str]:
    """A line for each mark that is shown: the mark, and what it means."""
    shown = set(some)
    return [f"{MARKS[one]}{text}" for one, text in EXPLAINED.items() if one in shown]


def precision_of_edges(functions: bytes, edges: "list[Any]") -> bytes:
    """Numbers of `PRECISIONS`, for each (caller, callee, …).

    An edge is no more precise than the two functions. It is an estimate where calls of
    it may have been made by a function that went unseen, and that the caller called.

    Args:
        functions: Numbers of `PRECISIONS`, by the functions' own.
        edges: All that there are.
    """
    if not any(functions):
        return bytes(len(edges))
    bridged = _bridged(functions, edges)
    estimate = PRECISIONS.index("estimate")
    return bytes(
        estimate if edge[:2] in bridged else max(functions[edge[0]], functions[edge[1]])
        for edge in edges
    )


def _bridged(functions: bytes, edges: "list[Any]") -> set[tuple[int, int]]:
    """Callers and callees with nothing but inexact functions between them."""
    callees: dict[int, list[int]] = {}
    for caller, callee, *_ in edges:
        callees.setdefault(caller, []).append(callee)
    beyond = {
        number: _beyond(number, functions, callees)
        for number, precision in enumerate(functions)
        if precision
    }
    return {
        (caller, callee)
        for caller, called in callees.items()
        for between in called
        if functions[between]
        for callee in beyond[between]
    }


def _beyond(number: int, functions: bytes, callees: dict[int, list[int]]) -> set[int]:
    """What a function called, and what inexact ones did that it called."""
    found: set[int] = set()
    pending = [number]
    while pending:
        for callee in callees.get(pending.pop(), ()):
            if callee not in found and functions[callee]:
                pending.append(callee)
            found.add(callee)
    return found
