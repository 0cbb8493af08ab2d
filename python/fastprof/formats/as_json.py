"""JSON of what there is for each path, as text at once."""

import json
from functools import lru_cache

__all__ = ["dump", "numbers", "open_object"]


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
