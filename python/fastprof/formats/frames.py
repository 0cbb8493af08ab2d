"""What several formats share."""

import json
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..tree import Columns

__all__ = [
    "FIELDS",
    "NANOSECONDS",
    "as_bytes",
    "children",
    "dump",
    "numbers",
    "open_object",
]

NANOSECONDS = 1e9

# Of a Function.
FIELDS = (
    "file",
    "line",
    "name",
    "qualname",
    "module",
    "kind",
    "calls",
    "primitive_calls",
    "raised",
    "own",
    "cumulative",
    "own_cpu",
    "cumulative_cpu",
    "own_error",
    "overhead",
)


def as_bytes(text: str) -> bytes:
    """UTF-8; what has no place in it (of the name of a file, say) as an escape."""
    return text.encode("utf-8", "backslashreplace")


def dump(content: object) -> str:
    """JSON without spaces."""
    return json.dumps(content, separators=(",", ":"), default=str)


def open_object(content: "dict[str, object]") -> str:
    """JSON of an object, to which more can be added before its end.

    What there is for each path is added as text: a million objects need a gigabyte.
    """
    return dump(content)[:-1]


def numbers(column: "memoryview[float]") -> str:
    """JSON of a column. Most of its times stand there many times."""
    text = lru_cache(2**16)(repr)
    return f"[{','.join(map(text, column))}]"


def children(columns: "Columns", at: int) -> list[int]:
    """The places of a path's children, the one that took longest first."""
    found = []
    child = columns.first_child[at]
    while child:
        found.append(child)
        child = columns.next_sibling[child]
    return found
