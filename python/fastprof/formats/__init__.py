"""The formats that a profile can be written in: one module each.

A module has a function `encode`, which makes a file's content of a `Stats` (which
imports this package). It is imported when it is used; but for .prof, which is
`Stats.to_bytes`: at the end a program may have left Python so that nothing can be
imported.
"""

from importlib import import_module

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FORMATS", "check", "encode", "format_of"]

# By name, which is that of a module here: the extensions that choose it.
FORMATS = {
    "prof": (".prof", ".pstats"),
    "speedscope": (".speedscope.json",),
    "collapsed": (".collapsed",),
    "callgrind": (".callgrind",),
    "pprof": (".pprof", ".pb.gz"),
    "hatchet": (".hatchet.json",),
    "json": (".json",),
    "csv": (".csv",),
    "html": (".html",),
}


def format_of(path: str) -> str | None:
    """The name of the format that a path's extension asks for, or None."""
    found = [
        (len(extension), name)
        for name, extensions in FORMATS.items()
        for extension in extensions
        if path.endswith(extension)
    ]
    return max(found)[1] if found else None


def check(name: str | None) -> None:
    """Find out whether this installation can write a format; None: none is asked for.

    Raises:
        MissingExtraError: It cannot; it says what to install.
    """
    if name == "html":
        import_module(f"{__name__}.page").check_page()


def encode(stats: "Any", name: str) -> bytes:
    """A file's content in a format of `FORMATS`, but not prof."""
    module = import_module(f"{__name__}.{name}")
    content: bytes = module.encode(stats)
    return content
