"""What tests called, as figures that can be stored and compared."""

import gc
import json
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..output import replace_file
from ..stats import Stats
from ..tree import KINDS, full_name
from .profiles import MOST_LINES, find

if TYPE_CHECKING:
    from ..tree import Columns

__all__ = [
    "BaselineError",
    "figures_of",
    "load_baseline",
    "more_calls",
    "save_baseline",
]

SCHEMA = "fastprof-baseline-1"
PYTHON = ".".join(platform.python_version_tuple()[:2])
LEAST_SHARE = 0.01  # of all calls that a function must have to be stored
# What is more than that, both, has grown: one call more is no regression.
MOST_GROWTH, MOST_CALLS_MORE = 0.1, 10
GC = KINDS.index("gc")
OUTSIDE, INSIDE, LEFT_OUT = 0, 1, 2

# Of a test: calls, seconds, and the calls of functions.
Figures = dict[str, "Any"]


class BaselineError(ValueError):
    """A file of stored figures cannot be used."""


def figures_of(stats: Stats, function: "Any") -> Figures:
    """What a function called, however deep, on its thread: for calls, deterministic.

    Left out, with all below, are imports, which only the first who needs a module pays
    for, and what the garbage collector runs, and the functions in `gc.callbacks`, which
    come by chance.

    Args:
        stats: The profile.
        function: The one that called; if it was not called by that name, or is None:
            all that was recorded.
    """
    columns = stats.tree.columns
    found = None if function is None else find(stats, function)
    numbers = {part.number for part in found.parts} if found else set()
    callbacks = {_key_of(callback) for callback in gc.callbacks}
    left_out = {
        number
        for number, one in enumerate(columns.functions)
        if one[5] == GC
        or one[0].startswith("<frozen importlib")
        or one[:3] in callbacks
    }
    calls: dict[int, int] = {}
    seconds = 0.0
    states = [OUTSIDE if numbers else INSIDE]
    for at in range(1, len(columns.parent)):
        number, above = columns.function[at], states[columns.parent[at]]
        state = above
        if number in left_out:
            state = LEFT_OUT
        elif above == OUTSIDE and number in numbers:
            state, seconds = INSIDE, seconds + columns.cumulative[at]
        elif above == INSIDE:
            calls[number] = calls.get(number, 0) + columns.calls[at]
        states.append(state)
    return {
        "calls": sum(calls.values()),
        "seconds": seconds or stats.tree.cumulative,
        "functions": _by_name(columns, calls),
    }


def _key_of(function: "Any") -> "tuple[str, int, str] | None":
    """The key in pstats of a function that is written in Python."""
    code = getattr(function, "__code__", None)
    return (
        None if code is None else (code.co_filename, code.co_firstlineno, code.co_name)
    )


def _by_name(columns: "Columns", calls: dict[int, int]) -> dict[str, int]:
    """The calls of the functions with some weight, the most called one first."""
    least = LEAST_SHARE * sum(calls.values())
    named: dict[str, int] = {}
    for number, count in sorted(calls.items(), key=lambda item: -item[1]):
        if count >= least:
            name = full_name(columns.functions[number])
            named[name] = named.get(name, 0) + count
    return named


def load_baseline(path: Path) -> dict[str, Figures]:
    """The figures of tests, by the names of the tests.

    Raises:
        BaselineError: There is no such file, or it is of another Python, or none of
            these.
    """
    how = "pytest --fastprof-update writes it"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        schema, python, tests = (
            document["schema"],
            document["python"],
            document["tests"],
        )
        for figures in tests.values():
            figures["calls"] + figures["seconds"], figures["functions"].items()
    except FileNotFoundError:
        raise BaselineError(f"{path}: there is no such baseline yet; {how}") from None
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BaselineError(
            f"{path}: this is no baseline of fastprof's; {how} anew if you remove it"
        ) from None
    if schema != SCHEMA:
        raise BaselineError(f"{path}: {schema!r} is not {SCHEMA!r}; {how} anew")
    if python != PYTHON:
        raise BaselineError(
            f"{path}: it is of Python {python}, and this is {PYTHON}: calls differ "
            "from one to the other, so keep a file for each"
        )
    return dict(tests)


def save_baseline(path: Path, tests: dict[str, Figures]) -> None:
    """Write the figures of tests.

    Raises:
        OSError: The file cannot be written; the old one is as it was.
    """
    document = {
        "schema": SCHEMA,
        "python": PYTHON,
        "tests": dict(sorted(tests.items())),
    }
    text = json.dumps(document, indent=1) + "\n"
    replace_file(os.fspath(path), text.encode())


def more_calls(before: Figures, now: Figures) -> str | None:
    """What has grown, in words; None if a test makes no more calls than is right."""
    more = now["calls"] - before["calls"]
    if more <= MOST_CALLS_MORE or more <= MOST_GROWTH * before["calls"]:
        return None
    lines = [f"{before['calls']:,} -> {now['calls']:,} calls"]
    changes = [
        (count - before["functions"].get(name, 0), name)
        for name, count in now["functions"].items()
    ]
    changes.sort(reverse=True)
    for change, name in changes[:MOST_LINES]:
        if change > 0:
            old = before["functions"].get(name)
            was = f"under {LEAST_SHARE:.0%}" if old is None else f"{old:,}"
            lines.append(f"    {was} -> {now['functions'][name]:,} x {name}")
    return "\n".join(lines)
