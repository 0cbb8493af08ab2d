"""What a notebook shows of a profile: a table of the hottest functions, and the report.

Names are escaped, and the report is in a frame of its own that reaches nothing outside
it. A notebook file keeps what it shows, so a large profile comes without the report.
"""

import os
from html import escape

from ..errors import MissingExtraError
from ..precision import counted, explained
from .html import encode, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["card"]

MOST_ROWS = 15
LONGEST_NAME = 100
MOST_PATHS = 50_000
# Its scripts run, but they have neither the notebook's origin nor its cookies.
FRAME = (
    '<details{open}><summary>Report</summary><iframe sandbox="allow-scripts" '
    'title="fastprof" style="width:100%;height:720px;border:0;resize:vertical" '
    'srcdoc="{page}"></iframe></details>'
)
TOO_LARGE = "<p>The report is too large for a notebook: save it as an .html file.</p>"
MARKED = "<p>* most of the own time that was recorded was the profiler's</p>"
LEFT = ' style="text-align:left"'


def card(stats: "Any", report_first: bool = False) -> str:
    """Head, remarks, a table, and below it the report, folded.

    Args:
        stats: The profile.
        report_first: Show nothing but the report, if it is to be had.
    """
    report = _report(stats, report_first)
    if report_first and report.startswith("<details"):
        return report
    lines = [summary(stats), *stats.head.splitlines()]
    lines += [f"Note: {remark}." for remark in stats.warnings]
    head = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return head + _table(stats) + report


def _report(stats: "Any", is_open: bool) -> str:
    if sum(thread[1] for thread in stats.info["threads"]) > MOST_PATHS:
        return TOO_LARGE
    try:
        page = encode(stats).decode()
    except MissingExtraError as error:
        return f"<p>{escape(str(error))}</p>"
    return FRAME.format(open=" open" if is_open else "", page=escape(page))


def _table(stats: "Any") -> str:
    functions = sorted(stats.functions, key=lambda one: -one.own)
    total = sum(one.own for one in functions)
    columns = _columns(stats, total)
    heads = "".join(f"<th>{title}</th>" for title, _ in columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{show(one)}</td>' for _, show in columns)}"
        f"<td{LEFT}>{_name(one)}</td></tr>"
        for one in functions[:MOST_ROWS]
    )
    left_out = len(functions) - MOST_ROWS
    marks = explained(one.precision for one in functions[:MOST_ROWS])
    return (
        f"<table><thead><tr>{heads}<th{LEFT}>function</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        + (MARKED if any(one.mostly_overhead for one in functions[:MOST_ROWS]) else "")
        + "".join(f"<p>{mark}</p>" for mark in marks)
        + (f"<p>{left_out} more functions</p>" if left_out > 0 else "")
    )


def _columns(stats: "Any", total: float) -> "list[tuple[str, Callable[[Any], str]]]":
    columns: list[tuple[str, Callable[[Any], str]]] = [
        ("calls", counted),
        ("own ms", lambda one: f"{1000 * one.own:.3f}"),
        ("± ms", lambda one: f"{1000 * one.own_error:.3f}"),
        ("%", lambda one: f"{100 * one.own / total:.1f}" if total else "-"),
        ("cumulative ms", lambda one: f"{1000 * one.cumulative:.3f}"),
    ]
    if stats.info["measures"] == "both":
        columns += [
            ("own CPU ms", lambda one: f"{1000 * one.own_cpu:.3f}"),
            ("cumulative CPU ms", lambda one: f"{1000 * one.cumulative_cpu:.3f}"),
        ]
    return columns


def _name(one: "Any") -> str:
    """With its file and line, where it has such; a `*` marks what was mostly ours."""
    text = one.full_name
    if len(text) > LONGEST_NAME:
        text = f"{text[:LONGEST_NAME]}…"
    if one.file != "~":
        text += f"  {os.path.basename(one.file)}:{one.line}"
    # A notebook has no place for lone surrogates.
    text = text.encode(errors="backslashreplace").decode()
    return escape(("* " if one.mostly_overhead else "") + text)
