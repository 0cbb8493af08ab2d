"""pprof's protocol buffer, compressed with gzip.

https://github.com/google/pprof/blob/main/proto/profile.proto: a sample for each path,
with its calls and its own time; pprof sums up. Few messages of one kind each, so they
are written here: a field is its number and wire type, then a number or a length and
content.
"""

import gzip
from functools import lru_cache

from ..tree import full_name
from ..varint import varint as make_varint
from .frames import NANOSECONDS, as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]

VARINT, BYTES = 0, 2
# As good as gzip's own choice, to a few per cent, and thirteen times as fast.
LEVEL = 6

varint = lru_cache(2**14)(make_varint)


def encode(stats: "Any") -> bytes:
    """All threads merged; `pprof -sample_index=` chooses between calls and times."""
    return gzip.compress(_profile(stats), LEVEL, mtime=0)


def _profile(stats: "Any") -> bytes:
    columns = stats.tree.columns
    strings: dict[str, int] = {"": 0}

    def text(value: str) -> int:
        return strings.setdefault(value, len(strings))

    values = [("calls", "count"), ("time", "nanoseconds")]
    if columns.has_cpu:
        values.append(("cpu", "nanoseconds"))
    fields = [
        _message(1, _number(1, text(kind)) + _number(2, text(unit)))
        for kind, unit in values
    ]
    stacks = {0: b""}
    for at in range(1, len(columns.parent)):
        # The innermost comes first.
        stack = varint(columns.function[at] + 1) + stacks[columns.parent[at]]
        if columns.first_child[at]:
            stacks[at] = stack
        figures = varint(columns.calls[at])
        figures += varint(round(columns.own[at] * NANOSECONDS))
        if columns.has_cpu:
            figures += varint(round(columns.own_cpu[at] * NANOSECONDS))
        fields.append(_message(2, _message(1, stack) + _message(2, figures)))
    for number, description in enumerate(columns.functions, 1):
        file, line = description[:2]
        label = text(full_name(description))
        place = _number(1, number) + _number(2, line)
        fields.append(_message(4, _number(1, number) + _message(4, place)))
        # Without a system name, or pprof would take "<...>" in a name for C++.
        function = _number(1, number) + _number(2, label)
        function += _number(4, text(file)) + _number(5, line)
        fields.append(_message(5, function))
    time = text("time")
    fields.append(_message(11, _number(1, time) + _number(2, text("nanoseconds"))))
    fields.append(_number(12, 1))
    fields.append(_number(14, time))
    if stats.inexact:
        fields.append(_number(13, text(stats.inexact)))
    fields += [_message(6, as_bytes(value)) for value in strings]
    return b"".join(fields)


def _number(field: int, value: int) -> bytes:
    return varint(field << 3 | VARINT) + varint(value)


def _message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | BYTES) + varint(len(content)) + content
