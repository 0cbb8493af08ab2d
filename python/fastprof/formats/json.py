"""Everything as JSON; docs/format.md has the schema."""

import json

from ..tree import COLUMNS, Thread
from .frames import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]

SCHEMA = "fastprof-1"


def encode(stats: "Any") -> bytes:
    """Run information, functions, callers, and the call trees of the threads."""
    head = {
        "schema": SCHEMA,
        "info": stats.info,
        "functions": [
            {field: getattr(function, field) for field in ("number", *FIELDS)}
            for function in stats.functions
        ],
    }
    threads = ",".join(map(_thread, stats.threads))
    return f'{_open(head)},"threads":[{threads}]}}'.encode()


def _thread(thread: Thread) -> str:
    columns = ",".join(
        f'"{name}":{_dump(getattr(thread.tree.columns, name).tolist())}'
        for name in COLUMNS
    )
    head = {"ident": thread.ident, "name": thread.name}
    return f'{_open(head)},"tree":{{{columns}}}}}'


def _open(content: "dict[str, object]") -> str:
    """An object that more can be added to. One column is dumped at a time: all need much memory."""
    return _dump(content)[:-1]


def _dump(content: object) -> str:
    return json.dumps(content, separators=(",", ":"), default=str)
