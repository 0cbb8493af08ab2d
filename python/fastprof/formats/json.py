"""Everything as JSON; docs/format.md has the schema."""

import json

from ..tree import COLUMNS
from .frames import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]

SCHEMA = "fastprof-1"


def encode(stats: "Any") -> bytes:
    """Run information, functions, callers, and the call trees of the threads."""
    document = {
        "schema": SCHEMA,
        "info": stats.info,
        "functions": [
            {field: getattr(function, field) for field in ("number", *FIELDS)}
            for function in stats.functions
        ],
        "threads": [
            {
                "ident": thread.ident,
                "name": thread.name,
                "began": thread.began,
                "ended": thread.ended,
                "tree": {
                    name: getattr(thread.tree.columns, name).tolist()
                    for name in COLUMNS
                },
            }
            for thread in stats.threads
        ],
    }
    return json.dumps(document, separators=(",", ":"), default=str).encode()
