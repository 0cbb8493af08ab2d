"""A look at what profiling costs, now and then: for `max_overhead`.

The looks of the profiler itself come with the events of the program. Where all that a
program calls has been switched off there are none, and nobody would see that it does
something else by now.
"""

from weakref import ref

from . import _core
from .aside import Aside

__all__ = ["begin"]

INTERVAL = 0.05  # seconds


def begin(profiler: _core.Profiler, number: int) -> None:
    """Look until the profiler is disabled.

    Args:
        profiler: It is kept by nothing here.
        number: Which heartbeat it is: a forked child begins another.

    Raises:
        RuntimeError: No thread can be started; there are the program's events.
    """
    watched = ref(profiler)

    def look() -> float | None:
        profiler = watched()
        return INTERVAL if profiler is not None and profiler.look(number) else None

    Aside(look, INTERVAL)
