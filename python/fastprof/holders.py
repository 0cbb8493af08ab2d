"""Who listens to the interpreter's calls at the moment."""

import sys

from . import _core
from .errors import FastprofError

__all__ = ["Holder", "who"]

# sys.monitoring has room for so many tools.
TOOLS = range(6)
OUR_TOOL = "fastprof"
OUR_MODULE = _core.Profiler.__module__


class Holder:
    """Somebody who gets events of the interpreter.

    Attributes:
        name: What it is called.
        place: Where the events come from, or where a profiler of ours was enabled.
        profiler: The profiler, if it is one of ours; else None.
    """

    def __init__(
        self, name: str, place: str, profiler: _core.Profiler | None = None
    ) -> None:
        """As the attributes say."""
        self.name = name
        self.place = place
        self.profiler = profiler

    def __repr__(self) -> str:
        """In words: `Profiler, enabled at app.py:12`."""
        return f"<{self.name}, {self.place}>"

    def end(self) -> None:
        """Disable the profiler, wherever it was enabled. It keeps what it recorded.

        Raises:
            FastprofError: It is none of ours; nothing was changed.
        """
        if self.profiler is None:
            raise FastprofError(
                f"{self.name} ({self.place}) is no profiler of fastprof"
            )
        self.profiler.disable()


def who() -> list[Holder]:
    """All who get events of the calling thread's calls, or of all threads' calls.

    Profilers of ours come first, the last one that was enabled before the others; then
    the tools of `sys.monitoring` (Python 3.12 and newer), and the profile and trace
    functions of the calling thread. Those of other threads cannot be seen.
    """
    holders = [ours(profiler) for profiler in _core.active_profilers()]
    if sys.version_info >= (3, 12):
        for tool in TOOLS:
            name = sys.monitoring.get_tool(tool)
            if name is not None and name != OUR_TOOL:
                holders.append(Holder(name, f"tool {tool} of sys.monitoring"))
    for function, place in (
        (sys.getprofile(), "profile function of this thread"),
        (sys.gettrace(), "trace function of this thread"),
    ):
        if function is not None and type(function).__module__ != OUR_MODULE:
            holders.append(Holder(repr(function), place))
    return holders


def ours(profiler: _core.Profiler) -> Holder:
    """An active profiler, and where it was enabled."""
    place = profiler.enabled_at
    where = "{}:{}".format(*place) if place is not None else "an unknown place"
    return Holder(type(profiler).__name__, f"enabled at {where}", profiler)
