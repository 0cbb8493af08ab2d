"""Profiles as text: the table of functions, and the hot paths."""

import os
import sys

from .stats import Function, Stats
from .tree import Node

__all__ = ["SORTS", "cut", "report_page", "tree_page"]

# What a table can be sorted by, and whether the largest comes first.
SORTS = {
    "own": True,
    "cumulative": True,
    "calls": True,
    "raised": True,
    "overhead": True,
    "name": False,
}
NARROWEST = 20  # of the names
INDENT = 2
DEEPEST = 40  # the indentation of what lies deeper, too


def report_page(stats: Stats, sort: str, limit: int | None, width: int) -> str:
    """Head, remarks, and a table of functions.

    Args:
        stats: The profile.
        sort: One of `SORTS`.
        limit: How many functions at most; None: all.
        width: Columns of the page; names are cut where it ends.
    """
    functions = stats.functions
    total = sum(function.own for function in functions)
    attribute = "full_name" if sort == "name" else sort
    functions.sort(key=lambda one: getattr(one, attribute), reverse=SORTS[sort])
    shown = functions[:limit]
    lines = [f"{sum(one.calls for one in functions)} calls, {total:.3f} seconds"]
    lines += stats.head.splitlines()
    lines += [f"Note: {remark}." for remark in stats.warnings]
    has_error = any(one.own_error for one in shown)
    has_cpu = stats.info["measures"] == "both"
    head = f"{'calls':>13} {'own':>9}"
    head += f" {'+-':>7}" * has_error + f" {'%':>5} {'cumulative':>10}"
    head += f" {'own_cpu':>9} {'cumulative_cpu':>14}" * has_cpu
    lines += ["", f"{head}   function"]
    for one in shown:
        row = f"{_calls(one):>13} {one.own:9.3f}"
        row += f" {one.own_error:7.3f}" * has_error
        row += f" {_percent(one.own, total):>5} {one.cumulative:10.3f}"
        if has_cpu:
            row += f" {one.own_cpu:9.3f} {one.cumulative_cpu:14.3f}"
        mark = "*" if one.mostly_overhead else " "
        name = cut(_place(one), max(NARROWEST, width - len(row) - 3))
        lines.append(f"{row} {mark} {name}")
    if any(one.mostly_overhead for one in shown):
        lines += ["", "* most of the own time that was recorded was the profiler's"]
    if len(shown) < len(functions):
        lines += ["", f"{len(functions) - len(shown)} more functions"]
    return "\n".join(lines) + "\n"


def tree_page(root: Node, threshold: float, width: int) -> str:
    """The paths that took at least a share of all, what took longest first.

    Args:
        root: Where to begin.
        threshold: The least share of the root's time; smaller ones are folded.
        width: Columns of the page; names are cut where it ends.
    """
    total = root.cumulative
    lines = [f"{'cumulative':>10} {'%':>5} {'own':>9} {'calls':>11}  path"]
    pending = [(child, 0) for child in reversed(root.children)]
    folded = 0
    while pending:
        node, depth = pending.pop()
        if node.cumulative < threshold * total:
            folded += 1
            continue
        front = (
            f"{node.cumulative:10.3f} {_percent(node.cumulative, total):>5} "
            f"{node.own:9.3f} {node.calls:>11}  {' ' * (INDENT * min(depth, DEEPEST))}"
        )
        name = cut(_place(node), max(NARROWEST, width - len(front)))
        lines.append(front + name)
        pending += [(child, depth + 1) for child in reversed(node.children)]
    if folded:
        lines += [
            "",
            f"{folded} paths of less than {100 * threshold:g} % each are folded, with "
            "all below them",
        ]
    return "\n".join(lines) + "\n"


def _calls(one: Function) -> str:
    if one.calls == one.primitive_calls:
        return str(one.calls)
    return f"{one.calls}/{one.primitive_calls}"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def _place(one: "Function | Node") -> str:
    """Name, file and line, as far as there are such."""
    if one.file == "~":
        return one.name
    name = one.qualname if one.module is None else f"{one.module}:{one.qualname}"
    return f"{name}  {os.path.basename(one.file)}:{one.line}"


def cut(text: str, width: int) -> str:
    """At most so many characters, in one line that stdout can print."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    text = text if len(text) <= width else text[: width - 1] + "…"
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return text.encode(encoding, "replace").decode(encoding)
