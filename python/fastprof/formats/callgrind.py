"""callgrind's format, which KCachegrind and callgrind_annotate read.

https://valgrind.org/docs/manual/cl-format.html: for each function its own cost, and for
each of its callees the number of calls and what they cost, callees included.
"""

from .frames import NANOSECONDS, as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]


def encode(stats: "Any") -> bytes:
    """Functions, callers and callees, of all threads; paths have no place in it."""
    descriptions, functions, edges = stats.flat_figures()
    callees: dict[int, list[tuple[int, int, int]]] = {}
    for caller, callee, calls, _, cumulative, _ in edges:
        callees.setdefault(caller, []).append((callee, calls, _ticks(cumulative)))
    lines = [
        "# callgrind format",
        "version: 1",
        f"creator: fastprof {stats.info['fastprof']}",
        f"cmd: {_line(' '.join(stats.info['command']))}",
        *([f"desc: Note: {stats.inexact}"] if stats.inexact else []),
        "positions: line",
        "events: ns",
        f"summary: {sum(_ticks(own) for _, own in functions)}",
    ]
    for number, own in functions:
        file, line = descriptions[number][:2]
        lines += ["", f"fl={_line(file)}", f"fn={_name(descriptions, number)}"]
        lines.append(f"{line} {_ticks(own)}")
        for callee, calls, ticks in callees.get(number, ()):
            callee_file, callee_line = descriptions[callee][:2]
            lines.append(f"cfi={_line(callee_file)}")
            lines.append(f"cfn={_name(descriptions, callee)}")
            lines += [f"calls={calls} {callee_line}", f"{line} {ticks}"]
    return as_bytes("\n".join(lines) + "\n")


def _ticks(seconds: float) -> int:
    return round(seconds * NANOSECONDS)


def _line(text: str) -> str:
    """Text that ends with its line."""
    return " ".join(text.split("\n"))


def _name(
    descriptions: "tuple[tuple[str, int, str, str, str | None, int], ...]", number: int
) -> str:
    """With the number, as two functions of a file may have one name."""
    return f"({number + 1}) {_line(descriptions[number][3])}"
