"""The source of functions, as it is when a report is written."""

import inspect
import linecache
import os
import re
import tokenize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..tree import Description

__all__ = ["sources_of"]

MOST_LINES = 300  # of a function
MOST_CHARACTERS = 2_000_000  # of all functions together
LONGEST_LINE = 500
# Of files that a profile names, what is not source is left alone.
EXTENSIONS = ".py", ".pyw", ".pyx"


def sources_of(
    functions: "Iterable[tuple[int, Description]]",
) -> "dict[int, dict[str, Any]]":
    """By their numbers: the lines of functions, and how many are left out.

    Args:
        functions: Numbers and descriptions; those that come first have the room.
    """
    found: dict[int, dict[str, Any]] = {}
    files: dict[str, list[str]] = {}
    room = MOST_CHARACTERS
    for number, (file, line, name, *_) in functions:
        if file not in files:
            files[file] = _lines(file)
        block = _block(files[file], line, name)
        lines = [text.rstrip("\n")[:LONGEST_LINE] for text in block[:MOST_LINES]]
        room -= sum(map(len, lines))
        if room < 0:
            break
        if lines:
            found[number] = {"lines": lines, "left_out": len(block) - len(lines)}
    return found


def _lines(file: str) -> list[str]:
    """Of a file, or of what an interactive session has kept; none, if not to be had."""
    if file in linecache.cache or (file.endswith(EXTENSIONS) and os.path.isfile(file)):
        return linecache.getlines(file)
    return []


def _block(lines: list[str], first: int, name: str) -> list[str]:
    """From a function's first line to its last; of a module all.

    None, if it is another one that is there now.
    """
    if name == "<module>":
        return lines
    # A file that has become shorter has no such line any more.
    rest = lines[max(first, 1) - 1 :]
    try:
        block = inspect.getblock(rest) if rest else []
    except (SyntaxError, tokenize.TokenError):
        return []
    definition = rf"\b(def|class)\s+{re.escape(name)}\b"
    if name.startswith("<") or re.search(definition, "".join(block)):
        return block
    return []
