"""Files that cProfile wrote: calls by function and by caller, without a call tree."""

import io
import marshal

from .errors import ProfileFileError
from .varint import varint

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

__all__ = ["UNREADABLE", "read_stats_dict"]

# What marshal raises.
UNREADABLE = ValueError, EOFError, TypeError, SystemError, MemoryError

NANOSECOND = 1e-9
MOST_SECONDS = 2.0**33  # as ns they fit into a figure
MOST_CALLS = 2**63
# The numbers of the kinds: see tree.py.
PYTHON, BUILTIN, METHOD = 0, 2, 3

NOT_A_PROFILE = (
    "no profile: it has not fastprof's trailer at its end (it may be cut off), and it "
    "is not one dict of pstats' either"
)


def read_stats_dict(data: bytes) -> "dict[str, Any]":
    """The second part of a profile file, made from what pstats reads.

    Raises:
        ProfileFileError: It is not exactly one dict of pstats'.
    """
    stream = io.BytesIO(data)
    try:
        flat = marshal.load(stream)
    except UNREADABLE:
        raise ProfileFileError(NOT_A_PROFILE) from None
    if stream.tell() != len(data) or not _is_flat(flat):
        raise ProfileFileError(NOT_A_PROFILE)
    numbers: dict[tuple[str, int, str], int] = {}
    for key, row in flat.items():
        for one in (key, *row[4]):
            numbers.setdefault(one, len(numbers))
    return {
        "info": _info(),
        "functions": tuple(_description(key) for key in numbers),
        "seconds_per_tick": NANOSECOND,
        "trees": _totals(flat, numbers),
        "costs": None,
    }


def _is_flat(flat: object) -> bool:
    return isinstance(flat, dict) and all(
        _is_key(key)
        and isinstance(row, tuple)
        and len(row) == 5
        and _are_figures(row[:4])
        and isinstance(row[4], dict)
        and all(
            _is_key(caller) and isinstance(figures, tuple) and _are_figures(figures)
            for caller, figures in row[4].items()
        )
        for key, row in flat.items()
    )


def _is_key(key: object) -> bool:
    return (
        isinstance(key, tuple)
        and len(key) == 3
        and isinstance(key[0], str)
        and type(key[1]) is int
        and 0 <= key[1] < 2**31
        and isinstance(key[2], str)
    )


def _are_figures(row: "tuple[Any, ...]") -> bool:
    """Two counts, which are of all calls and of primitive ones, and two times."""
    return (
        len(row) == 4
        and all(type(number) is int and 0 <= number < MOST_CALLS for number in row[:2])
        and all(
            type(number) in (int, float) and 0 <= number < MOST_SECONDS
            for number in row[2:]
        )
    )


def _description(key: "tuple[str, int, str]") -> "tuple[Any, ...]":
    file, line, name = key
    kind = PYTHON
    if file == "~":
        kind = METHOD if name.startswith("<method '") else BUILTIN
    return file, line, name, name, None, kind


def _totals(
    flat: "dict[Any, Any]", numbers: "dict[tuple[str, int, str], int]"
) -> bytes:
    """One thread without a tree: docs/format.md, "Trees"."""
    out = bytearray()

    def put(*values: int) -> None:
        for value in values:
            out.extend(varint(value))

    def put_sum(calls: int, primitive: int, own: float, cumulative: float) -> None:
        ticks = [round(seconds / NANOSECOND) for seconds in (cumulative, own)]
        put(calls, max(0, calls - primitive), 0, 0, 0, 0, *ticks, 0, 0)

    edges = [
        (caller, key, figures)
        for key, row in flat.items()
        for caller, figures in row[4].items()
    ]
    put(1, 0, 0, 0, 1, len(flat))
    for key, (primitive, calls, own, cumulative, _) in flat.items():
        put(numbers[key])
        put_sum(calls, primitive, own, cumulative)
    put(len(edges))
    for caller, key, (calls, primitive, own, cumulative) in edges:
        put(numbers[caller], numbers[key])
        put_sum(calls, primitive, own, cumulative)
    return bytes(out)


def _info() -> "dict[str, Any]":
    """What is not known is not claimed."""
    return {
        "fastprof": "",
        "python": "",
        "command": [],
        "clock": "cProfile",
        "measures": "wall",
        "threads": [(0, 0, "all", None, None)],
        "negative_intervals": 0,
        "subcalls": True,
        "complete": True,
        "hook_lost": False,
        "threads_lost": False,
        "focus": False,
        "clock_unstable": False,
        "compensate": False,
        "calibration": None,
    }
