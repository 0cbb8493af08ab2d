"""Run one workload once in one mode, and print the time and the calls as JSON.

Started by ``overhead.py`` in a fresh process, with the interpreter to be measured:
``overhead_child.py MODE WORKLOAD DIVISOR FOLDER``, where a divisor above 1 makes the
run that much shorter, and the folder holds the ``empty_hook`` built for this Python.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple


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


def fastprof() -> Hook:
    """Ours, as it comes."""
    import fastprof

    profiler = fastprof.Profiler()
    return Hook(profiler.enable, profiler.disable, profiler)


def empty() -> Hook:
    """A callback that does nothing."""
    import empty_hook

    return Hook(empty_hook.install, empty_hook.uninstall)


def empty_clock() -> Hook:
    """A callback that only reads the time stamp counter."""
    import empty_hook

    return Hook(empty_hook.install_clock, empty_hook.uninstall)


MODES = {
    "unprofiled": unprofiled,
    "cProfile": cprofile,
    "fastprof": fastprof,
    "empty": empty,
    "empty-clock": empty_clock,
}


def pin_to_one_cpu() -> None:
    """Stay on the last CPU we may use, where the system can be told to."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


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


def run(mode: str, name: str, divisor: int) -> dict[str, object]:
    """Warm the workload up, then measure it."""
    workload = importlib.import_module(f"workloads.{name}")
    workload.main(1)
    hook = MODES[mode]()
    seconds = timed(hook, workload.main, max(1, workload.SCALE // divisor))
    return {"seconds": round(seconds, 6), "calls": recorded_calls(hook.profile)}


if __name__ == "__main__":
    pin_to_one_cpu()
    chosen_mode, chosen_workload, divisor_text, hook_folder = sys.argv[1:]
    sys.path.append(hook_folder)
    print(json.dumps(run(chosen_mode, chosen_workload, int(divisor_text))))
