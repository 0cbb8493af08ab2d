"""The formats that a profile can be written in: one module each.

A module has a function `encode`, which makes a file's content of a `Stats` (which
imports this package). It is imported when it is used.
"""

from importlib import import_module

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FORMATS", "encode", "format_of"]

# By name: the module here, and the extensions that choose it.
FORMATS = {
    "prof": ("prof", (".prof", ".pstats")),
    "speedscope": ("speedscope", (".speedscope.json",)),
    "collapsed": ("collapsed", (".collapsed",)),
    "callgrind": ("callgrind", (".callgrind",)),
    "pprof": ("pprof", (".pprof", ".pb.gz")),
    "json": ("json", (".json",)),
    "csv": ("csv", (".csv",)),
}


def format_of(path: str) -> str | None:
    """The name of the format that a path's extension asks for, or None."""
    found = [
        (len(extension), name)
        for name, (_, extensions) in FORMATS.items()
        for extension in extensions
        if path.endswith(extension)
    ]
    return max(found)[1] if found else None


def encode(stats: "Any", name: str) -> bytes:
    """A file's content in the format of this name, which is in `FORMATS`."""
    module = import_module(f"{__name__}.{FORMATS[name][0]}")
    content: bytes = module.encode(stats)
    return content
