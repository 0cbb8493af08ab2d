"""Everything as JSON; docs/format.md has the schema."""

from ..tree import COLUMNS, Thread
from .as_json import numbers, open_object
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
    return f'{open_object(head)},"threads":[{threads}]}}'.encode()


def _thread(thread: Thread) -> str:
    columns = ",".join(
        f'"{name}":{numbers(getattr(thread.tree.columns, name))}' for name in COLUMNS
    )
    head = {name: getattr(thread, name) for name in ("ident", "name", "began", "ended")}
    return f'{open_object(head)},"tree":{{{columns}}}}}'
