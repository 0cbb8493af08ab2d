"""Run each kind of event often and twice as often, in one mode, under callgrind.

Started by ``instructions.py`` in a fresh process: ``instructions_child.py MODE EVENTS
BACKEND FOLDER...``, where the folders hold ``empty_hook``, ``counting`` and fastprof.
Callgrind's dumps are labelled ``KIND EVENTS``.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from itertools import repeat
from types import FunctionType

import overhead_child

CALLEES = 64


def nothing() -> None:
    """A callee."""


def nothing_else() -> None:
    """Another one."""


def with_name(number: int) -> FunctionType:
    """One more callee, with code of its own."""
    return FunctionType(nothing.__code__.replace(co_name=f"callee_{number}"), {})


callees = [with_name(number) for number in range(CALLEES)]


class Plain:
    """Calling it runs no function that a profiler tells of."""


def raising() -> None:
    """A callee that an exception leaves."""
    raise LookupError


def yielding(n: int) -> Iterator[None]:
    """Yield so often."""
    for _ in repeat(None, n):
        yield


def python_call(n: int) -> None:
    """A Python function is called and returns."""
    for _ in repeat(None, n):
        nothing()


def c_call(n: int) -> None:
    """A C function is called and returns."""
    for _ in repeat(None, n):
        len("text")


def generator_resume(n: int) -> None:
    """A generator is resumed and yields."""
    for _ in yielding(n):
        pass


def class_call(n: int) -> None:
    """A class is called: an event for which a profiler records nothing."""
    for _ in repeat(None, n):
        Plain()


def alternating_calls(n: int) -> None:
    """Two functions are called in turn: the next callee can be predicted."""
    for _ in repeat(None, n // 2):
        nothing()
        nothing_else()


def many_callees(n: int) -> None:
    """Many functions are called in turn from one place."""
    for _ in repeat(None, n // CALLEES):
        for callee in callees:
            callee()


def exception_exit(n: int) -> None:
    """A Python function is called, and an exception leaves it."""
    for _ in repeat(None, n):
        try:
            raising()
        except LookupError:
            pass


KINDS = (
    python_call,
    c_call,
    generator_resume,
    class_call,
    alternating_calls,
    many_callees,
    exception_exit,
)
MODES = ("unprofiled", "empty", "empty-clock", "fastprof")


def hook_of(mode: str, backend: str) -> overhead_child.Hook:
    """How to switch a mode on and off, with the event source of a backend."""
    modes = overhead_child.default_modes(sys.version_info[:2])
    if mode == "fastprof":
        # Without the looks how fast the processor is: they come by the clock, which
        # runs fifty times as fast as instructions that callgrind counts.
        return overhead_child.fastprof(backend=backend, compensate=False)
    if backend == "auto" or mode == "unprofiled":
        return modes[mode]()
    if backend == "monitoring":
        return overhead_child.MONITORING_MODES[mode]()
    return overhead_child.SETPROFILE_MODES[mode]()


def count_kinds(count: Callable[..., object], events: int, hook: object) -> None:
    """Count all kinds, each after it has run for a while."""
    gc.disable()
    hook.start()
    for kind in KINDS:
        kind(events)
        for n in (events, 2 * events):
            count(f"{kind.__name__} {n}", kind, n)
    hook.stop()


if __name__ == "__main__":
    chosen_mode, events_text, chosen_backend, *folders = sys.argv[1:]
    sys.path.extend(folders)
    # All of it in each mode: some of the interpreter's caches go by addresses.
    import cProfile  # noqa: F401

    import counting
    import empty_hook  # noqa: F401
    import fastprof  # noqa: F401

    count_kinds(counting.count, int(events_text), hook_of(chosen_mode, chosen_backend))
