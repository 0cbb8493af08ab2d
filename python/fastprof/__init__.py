"""A fast deterministic profiler: every call, on every thread, in its full context.

Example:
    with Profiler() as p:
        work()
    p.print_stats("cumulative")

PYTEST_DONT_REWRITE: pytest, which the entry point of our plugin leads here, would warn
that it comes too late for our asserts when it is itself profiled.
"""

from ._core import measure
from ._version import __version__
from .as_cprofile import install_as_cprofile
from .difference import Change, Difference, diff
from .errors import (
    BackendError,
    FastprofError,
    MissingExtraError,
    ProfileFileError,
    ProfilerConflictError,
    UnknownFormatError,
)
from .holders import Holder, who
from .profiler import Profile, Profiler, run, runctx
from .stats import Edge, Function, Stats, load
from .tree import Node, Thread

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

    from .decorating import profile

__all__ = [
    "BackendError",
    "Change",
    "Difference",
    "Edge",
    "FastprofError",
    "Function",
    "Holder",
    "MissingExtraError",
    "Node",
    "Profile",
    "ProfileFileError",
    "Profiler",
    "ProfilerConflictError",
    "Stats",
    "Thread",
    "UnknownFormatError",
    "__version__",
    "diff",
    "install_as_cprofile",
    "load",
    "measure",
    "profile",
    "run",
    "runctx",
    "who",
]


def load_ipython_extension(shell: "Any") -> None:
    """What `%load_ext fastprof` calls: adds `%fastprof` and `%%fastprof`."""
    from . import notebook

    notebook.load(shell)


def unload_ipython_extension(shell: "Any") -> None:
    """What `%unload_ext fastprof` calls."""
    from . import notebook

    notebook.unload(shell)


if not TYPE_CHECKING:

    def __getattr__(name):
        """`profile`, which needs more modules than cProfile has."""
        if name != "profile":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .decorating import profile

        return profile
