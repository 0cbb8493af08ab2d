"""Collapsed stacks, as flamegraph.pl and inferno read them.

A line for each path that has time of its own: its functions, from the outermost on,
with semicolons between them, and the nanoseconds.
"""

from ..tree import full_name
from .frames import NANOSECONDS, as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]

# What would end a frame, or a line.
FORBIDDEN = str.maketrans({";": ":", "\n": " ", "\r": " "})


def encode(stats: "Any") -> bytes:
    """One stack a line, of all threads merged."""
    lines = []
    stacks = {0: ""}
    columns = stats.tree.columns
    labels = [full_name(one).translate(FORBIDDEN) for one in columns.functions]
    for at in range(1, len(columns.parent)):
        above = stacks[columns.parent[at]]
        label = labels[columns.function[at]]
        stack = f"{above};{label}" if above else label
        if columns.first_child[at]:
            stacks[at] = stack
        own = round(columns.own[at] * NANOSECONDS)
        if own > 0:
            lines.append(f"{stack} {own}\n")
    return as_bytes("".join(lines))
