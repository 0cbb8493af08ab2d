"""Run one program once in one mode, and print the time and the calls as JSON.

Started by ``overhead.py`` in a fresh process, with the interpreter to be measured:
``overhead_child.py MODE SET NAME DIVISOR FOLDER``, where the set is ``workloads`` or
``programs``, a divisor above 1 makes the run that much shorter, and the folder holds
the ``empty_hook`` built for this Python.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from statistics import median
from time import perf_counter
from typing import NamedTuple

WORKS = 1001


class Hook(NamedTuple):
    """What to do before and after a run; `profile` has recorded it, if anyone has."""

    start: Callable[[], object]
    stop: Callable[[], object]
    profile: object = None


def unprofiled() -> Hook:
    """Nobody is watching."""
    return Hook(lambda: None, lambda: None)


def cprofile() -> Hook:
    """The standard library's profiler, as it comes."""
    import cProfile

    profile = cProfile.Profile()
    return Hook(profile.enable, profile.disable, profile)


def fastprof(**options: object) -> Hook:
    """Ours, as it comes but for the options."""
    import fastprof

    profiler = fastprof.Profiler(**options)
    return Hook(profiler.enable, profiler.disable, profiler)


def yappi_cpu() -> Hook:
    """Yappi with the clock of CPU time."""
    import yappi

    yappi.set_clock_type("cpu")
    return Hook(yappi.start, yappi.stop)


def empty_setprofile(*, clock: bool = False) -> Hook:
    """A callback of PyEval_SetProfile that does nothing, or only reads a clock."""
    import empty_hook

    start = empty_hook.install_clock if clock else empty_hook.install
    return Hook(start, empty_hook.uninstall)


def empty_monitoring(*, clock: bool = False, c_functions: bool = True) -> Hook:
    """Callbacks of sys.monitoring that do nothing, or only read a clock."""
    import empty_hook

    start = partial(empty_hook.install_monitoring, clock, c_functions)
    return Hook(start, empty_hook.uninstall_monitoring)


COMMON_MODES = {"unprofiled": unprofiled, "cProfile": cprofile, "fastprof": fastprof}
SETPROFILE_MODES = COMMON_MODES | {
    "empty": empty_setprofile,
    "empty-clock": partial(empty_setprofile, clock=True),
}
MONITORING_MODES = COMMON_MODES | {
    "fastprof-python": partial(fastprof, builtins=False),
    "empty": empty_monitoring,
    "empty-clock": partial(empty_monitoring, clock=True),
    "empty-python": partial(empty_monitoring, c_functions=False),
    "empty-python-clock": partial(empty_monitoring, clock=True, c_functions=False),
}
# Run only when they are named.
CPU_MODES = {"fastprof-cpu": partial(fastprof, clock="cpu"), "yappi-cpu": yappi_cpu}
EXTRA_MODES = {
    "fastprof-setprofile": partial(fastprof, backend="setprofile"),
    "empty-setprofile": empty_setprofile,
}


def default_modes(
    version: tuple[int, ...], of_set: str = "workloads"
) -> dict[str, Callable[[], Hook]]:
    """The modes of a Python; the empty ones use the event source of its fastprof.

    Those without C functions are left out of the programs, which take long as it is.
    """
    modes = MONITORING_MODES if version >= (3, 12) else SETPROFILE_MODES
    if of_set == "programs":
        return {mode: hook for mode, hook in modes.items() if mode in SETPROFILE_MODES}
    return modes


def all_modes(version: tuple[int, ...]) -> dict[str, Callable[[], Hook]]:
    """The modes of a Python, and those that it runs only when they are named."""
    extra = EXTRA_MODES if version >= (3, 12) else {}
    return default_modes(version) | CPU_MODES | extra


def pin_to_one_cpu() -> None:
    """Stay on the last CPU we may use, where the system can be told to."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def known_work() -> float:
    """What the core's piece of known work takes now, in seconds: the median of some."""
    from fastprof import _fastprof

    return median(_fastprof.known_work() for _ in range(WORKS))


def timed(hook: Hook, main: Callable[[int], object], scale: int) -> float:
    """The seconds that main takes while the hook is on."""
    hook.start()
    began = perf_counter()
    main(scale)
    elapsed = perf_counter() - began
    hook.stop()
    return elapsed


def recorded_calls(profile: object) -> int | None:
    """How many calls a profiler counted; None when there was no profiler."""
    if profile is None:
        return None
    return sum(entry.callcount for entry in profile.getstats())


def load(of_set: str, name: str) -> tuple[Callable[[int], object], int]:
    """What to call with a scale, and the scale to measure."""
    if of_set == "programs":
        programs = importlib.import_module("programs")
        return programs.load(name), programs.SCALES[name]
    workload = importlib.import_module(f"workloads.{name}")
    return workload.main, workload.SCALE


def run(mode: str, of_set: str, name: str, divisor: int) -> dict[str, object]:
    """Warm the program up, then measure it."""
    main, scale = load(of_set, name)
    main(1)
    hook = all_modes(sys.version_info[:2])[mode]()
    seconds = timed(hook, main, max(1, scale // divisor))
    return {"seconds": round(seconds, 6), "calls": recorded_calls(hook.profile)}


if __name__ == "__main__":
    pin_to_one_cpu()
    chosen_mode, chosen_set, chosen_name, divisor_text, hook_folder = sys.argv[1:]
    sys.path.append(hook_folder)
    with redirect_stdout(sys.stderr):  # whatever the program prints
        result = run(chosen_mode, chosen_set, chosen_name, int(divisor_text))
    print(json.dumps(result))
