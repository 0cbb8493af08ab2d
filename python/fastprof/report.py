"""Profiles as text: the table of functions, and the hot paths."""

import os
from collections.abc import Callable

from .precision import MARKS, counted, explained, mark_of_sum
from .stats import Function, Stats
from .terminal import Line, heat, shorten
from .tree import Node

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .precision import Precision

__all__ = ["SORTS", "cut", "placed", "report_page", "tree_page"]

# What a table can be sorted by, and whether the largest comes first.
SORTS = {
    "own": True,
    "own_error": True,
    "cumulative": True,
    "own_cpu": True,
    "cumulative_cpu": True,
    "calls": True,
    "primitive_calls": True,
    "raised": True,
    "overhead": True,
    "name": False,
    "file": False,
}
# How SORTS order, where that is not the attribute of a function.
ORDERS: "dict[str, Callable[[Function], object]]" = {
    "name": lambda one: one.full_name,
    "file": lambda one: (one.file, one.line),
}
NARROWEST = 20  # of the names
INDENT = 2
DEEPEST = 40  # the indentation of what lies deeper, too
MARK = "magenta"
FAINT = "dim"
HEAD = "bold"

# A column's title, its width, and what stands there for a function.
Column = tuple[str, int, "Callable[[Function], str]"]


def report_page(stats: Stats, sort: str, limit: int | None, width: int) -> list[Line]:
    """Head, remarks, and a table of functions.

    Args:
        stats: The profile.
        sort: One of `SORTS`, of what the profile has.
        limit: How many functions at most; None: all.
        width: Columns of the page; names are shortened where it ends.
    """
    functions = stats.functions
    total = sum(function.own for function in functions)
    order = ORDERS.get(sort, lambda one: getattr(one, sort))
    functions.sort(key=order, reverse=SORTS[sort])
    shown = functions[:limit]
    calls = sum(one.calls for one in functions)
    calls_of_all = f"{mark_of_sum(functions)}{calls} calls"
    lines: list[Line] = [[(f"{calls_of_all}, {total:.3f} seconds", HEAD)]]
    lines += [[(text, "")] for text in stats.head.splitlines()]
    lines += [[(f"Note: {remark}.", MARK)] for remark in stats.warnings]
    columns = _columns(stats, sort, total, any(one.own_error for one in shown))
    head = " ".join(f"{title:>{size}}" for title, size, _ in columns)
    lines += [[], [(f"{head}   function", HEAD)]]
    for one in shown:
        row = " ".join(f"{show(one):>{size}}" for _, size, show in columns)
        style = heat(one.own / total if total else 0.0)
        mark = "*" if one.mostly_overhead else " "
        place = placed(one, max(NARROWEST, width - len(row) - 3), style)
        lines.append([(row, style), (f" {mark} ", MARK), *place])
    if any(one.mostly_overhead for one in shown):
        text = "most of the own time that was recorded was the profiler's"
        lines += [[], [("*", MARK), (f" {text}", "")]]
    lines += _legend(one.precision for one in shown)
    if len(shown) < len(functions):
        lines += [[], [(f"{len(functions) - len(shown)} more functions", "")]]
    return lines


def _columns(stats: Stats, sort: str, total: float, has_error: bool) -> list[Column]:
    columns: list[Column] = [
        ("calls", 13, counted),
        ("own", 9, lambda one: f"{one.own:.3f}"),
        ("%", 5, lambda one: _percent(one.own, total)),
        ("cumulative", 10, lambda one: f"{one.cumulative:.3f}"),
    ]
    if has_error:
        columns.insert(2, ("+-", 7, lambda one: f"{one.own_error:.3f}"))
    if stats.info["measures"] == "both":
        columns.append(("own_cpu", 9, lambda one: f"{one.own_cpu:.3f}"))
        columns.append(("cumulative_cpu", 14, lambda one: f"{one.cumulative_cpu:.3f}"))
    if sort == "raised":
        columns.append(("raised", 9, lambda one: str(one.raised)))
    elif sort == "overhead":
        columns.append(("overhead", 9, lambda one: f"{one.overhead:.3f}"))
    return columns


def tree_page(root: Node, threshold: float, width: int) -> list[Line]:
    """The paths that took at least a share of all, what took longest first.

    Args:
        root: Where to begin.
        threshold: The least share of the root's time; smaller ones are folded.
        width: Columns of the page; names are shortened where it ends.
    """
    total = root.cumulative
    head = f"{'cumulative':>10} {'%':>5} {'own':>9} {'calls':>11}  path"
    lines: list[Line] = [[(head, HEAD)]]
    pending = [(child, 0) for child in reversed(root.children)]
    folded = 0
    shown = []
    while pending:
        node, depth = pending.pop()
        if node.cumulative < threshold * total:
            folded += 1
            continue
        shown.append(node.precision)
        calls = f"{MARKS[node.precision]}{node.calls}"
        front = (
            f"{node.cumulative:10.3f} {_percent(node.cumulative, total):>5} "
            f"{node.own:9.3f} {calls:>11}  {' ' * (INDENT * min(depth, DEEPEST))}"
        )
        style = heat(node.own / total if total else 0.0)
        place = placed(node, max(NARROWEST, width - len(front)), style)
        lines.append([(front, style), *place])
        pending += [(child, depth + 1) for child in reversed(node.children)]
    if folded:
        remark = f"{folded} paths of less than {100 * threshold:g} % each are folded, "
        lines += [[], [(f"{remark}with all below them", FAINT)]]
    return lines + _legend(shown)


def _legend(shown: "Iterable[Precision]") -> list[Line]:
    lines: list[Line] = [[(text, "")] for text in explained(shown)]
    return [[], *lines] if lines else []


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def placed(one: "Function | Node", width: int, style: str) -> Line:
    """Name, file and line, as far as there are such.

    Both are what tells functions apart: the name is shortened first, and the file goes
    when there is no room beside it for a name.
    """
    if one.kind == "method":  # `<method 'append' of 'list' objects>`
        return [(cut(one.name, width, 1.0), style)]
    if one.file == "~":
        return [(cut(one.name, width), style)]
    name = one.qualname if one.module is None else f"{one.module}:{one.qualname}"
    file = f"  {os.path.basename(one.file)}:{one.line}"
    room = width - len(file)
    if room < min(len(name), NARROWEST):
        return [(cut(name, width), style)]
    return [(cut(name, room), style), (cut(file, width), FAINT)]


def cut(text: str, width: int, front: float = 1 / 3) -> str:
    """As `shorten`, in one line."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shorten(text, width, front)
