"""Run one cell of the scaling benchmark, and print what came out as JSON.

Started by ``scaling.py`` in a fresh process: ``scaling_child.py PART SETTINGS``, where
the settings are the part's arguments as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import threading
from array import array
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import TYPE_CHECKING

import scaling_programs as programs
from overhead_child import pin_to_one_cpu

if TYPE_CHECKING:
    import fastprof

MAX_NODES = 2**22
BIG_STACK = 2**29


class MiscountError(Exception):
    """The profile does not have the calls that the program made."""


def new_profiler(**options) -> fastprof.Profiler:
    """A profiler with room for every tree here."""
    import fastprof

    return fastprof.Profiler(max_nodes=MAX_NODES, **options)


def nodes_of(stats: fastprof.Stats) -> int:
    """The paths that were recorded, over all threads."""
    return sum(paths for _, paths, *_ in stats.info["threads"])


def check_calls(stats: fastprof.Stats, expected: int) -> None:
    """Refuse times of a profiler that missed calls, or had to give up paths."""
    counted = sum(
        calls
        for (file, _, _), (_, calls, *_) in stats.stats.items()
        if file == programs.FILE
    )
    if counted != expected or stats.truncated or not stats.complete:
        raise MiscountError(f"{counted} calls recorded, {expected} made")


def seconds_of(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


# What an event costs


def block_times(program: programs.Program) -> list[float]:
    """The seconds of each block, once all paths are there.

    The first block is for warming up, and left out.
    """
    times = []
    for argument in (program.first, *program.blocks):
        began = perf_counter()
        program.visit(argument)
        times.append(perf_counter() - began)
    return times[2:]


def cost(
    make: Callable[..., programs.Program], profiled: bool, **settings
) -> dict[str, object]:
    """The time of a block of visits, profiled or not."""
    program = make(**settings)
    result = {"calls": program.block_calls, "nodes": None}
    if not profiled:
        return {**result, "seconds": min(block_times(program))}
    profiler = new_profiler()
    with profiler:
        times = block_times(program)
    stats = profiler.snapshot()
    made = program.first_calls + len(program.blocks) * program.block_calls
    check_calls(stats, made)
    return {**result, "seconds": min(times), "nodes": nodes_of(stats)}


def in_big_stack(work: Callable[[], dict]) -> dict:
    """The result of work, done where 10^5 calls fit (3.10 needs C stack for each)."""
    results = []
    threading.stack_size(BIG_STACK)
    worker = threading.Thread(target=lambda: results.append(work()))
    worker.start()
    worker.join()
    return results[0]


def depth(depth: int, **settings) -> dict[str, object]:
    """A recursion of a depth."""
    sys.setrecursionlimit(depth + 1000)
    return in_big_stack(lambda: cost(programs.recursion, depth=depth, **settings))


def several(count: int, branches: int, profiled: bool, **settings) -> dict[str, object]:
    """A walk under several profilers at once."""
    with ExitStack() as others:
        for _ in range(count - 1 if profiled else 0):
            others.enter_context(new_profiler())
        return cost(programs.walk, profiled, branches=branches, **settings)


# Switching on and off


def switching(functions: int, times: int) -> dict[str, object]:
    """Enable and disable where so many functions have run, and call them again.

    The interpreter makes each function ready for events when it is called the next
    time, and takes that back when it is called after the end: so what `times` holds is
    the pair alone, and the calls of all functions in three states.
    """
    call_all = programs.many_functions(functions)
    profiler = new_profiler()
    seconds: dict[str, list[float]] = {
        name: [] for name in ("pair", "first", "known", "after", "without")
    }
    call_all()
    for _ in range(times):
        profiler.enable()
        seconds["first"].append(seconds_of(call_all))
        seconds["known"].append(seconds_of(call_all))
        profiler.disable()
        seconds["after"].append(seconds_of(call_all))
        seconds["without"].append(seconds_of(call_all))
        seconds["pair"].append(seconds_of(lambda: switch(profiler)))
    best = {name: min(values[1:]) for name, values in seconds.items()}
    return {"functions": functions, **best}


def switch(profiler: fastprof.Profiler) -> None:
    """On and off."""
    profiler.enable()
    profiler.disable()


# Memory


def memory_now() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def memory_peak() -> int:
    """The most that there ever were."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")


def memory(branches: int) -> dict[str, object]:
    """What a tree needs while it is recorded, and what is left of it afterwards."""
    walk = programs.tree_in_order(branches)
    walk()
    new_profiler()  # imports
    gc.collect()
    before = memory_now()
    profiler = new_profiler()
    profiler.enable()
    walk()
    during = memory_now()
    peak = max(during, memory_peak())  # the kernel counts with some delay
    profiler.disable()
    nodes = nodes_of(profiler.snapshot())
    del profiler
    gc.collect()
    deleted = memory_now()
    with new_profiler():
        walk()
        again = memory_now()
    return {
        "nodes": nodes,
        "recording": during - before,
        "peak": peak - before,
        "deleted": deleted - before,
        "again": again - before,
    }


def empty_profilers(count: int) -> dict[str, object]:
    """What many enabled profilers need that have recorded next to nothing."""
    new_profiler()
    profilers = []
    gc.collect()
    before = memory_now()
    for _ in range(count):
        profilers.append(new_profiler())
        profilers[-1].enable()
    after = memory_now()
    for profiler in reversed(profilers):
        profiler.disable()
    return {"count": count, "bytes": after - before}


# The file


def file(branches: int) -> dict[str, object]:
    """Write and load the profile of a tree."""
    import fastprof

    walk = programs.tree_in_order(branches)
    profiler = new_profiler()
    with profiler:
        walk()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scaling.prof"
        saving = seconds_of(lambda: profiler.save(path))
        loading = seconds_of(lambda: fastprof.load(path))
        loaded = fastprof.load(path)
        size = path.stat().st_size
    check_calls(loaded, programs.paths_of(branches))
    return {
        "nodes": nodes_of(loaded),
        "save": saving,
        "load": loading,
        "bytes": size,
    }


# The longest call


def reported_seconds(profiler: fastprof.Profiler, level: str) -> list[float]:
    """The cumulative times of the functions of one level of the tree, in order."""
    return sorted(
        cumulative
        for (file, _, name), (
            _,
            _,
            _,
            cumulative,
            _,
        ) in profiler.snapshot().stats.items()
        if file == programs.FILE and name.startswith(level)
    )


def growth(branches: int, profiled: bool, times_file: str) -> dict[str, object]:
    """Call each path for the first time, and then the same paths again.

    The times of the single calls of the first pass go to the file. The second pass is
    what the first would be if no path had to be added. The clock is no path of its own:
    so the leaves follow each other in the second pass as in any walk.
    """
    grow, times = programs.timed_tree(branches, perf_counter_ns)
    grow()
    if not profiled:
        first = seconds_of(grow)
        save_times(times, times_file)
        second = seconds_of(grow)
        return {"wall": [first, second], "nodes": None}
    profiler = new_profiler(builtins=False)
    with profiler:
        first = seconds_of(grow)
    save_times(times, times_file)
    callers = reported_seconds(profiler, "twig")
    (reported,) = reported_seconds(profiler, "grow")
    with profiler:
        second = seconds_of(grow)
    (both,) = reported_seconds(profiler, "grow")
    return {
        "wall": [first, second],
        "reported": [reported, both - reported],
        "callers": {"median": callers[len(callers) // 2], "max": callers[-1]},
        "nodes": nodes_of(profiler.snapshot()),
    }


def save_times(times: array, path: str) -> None:
    """Write the times of the calls to a file, as they are in memory."""
    with open(path, "wb") as file:
        times.tofile(file)


PARTS = {
    "walk": lambda **settings: cost(programs.walk, **settings),
    "random": lambda **settings: cost(programs.random_order, **settings),
    "depth": depth,
    "threads": lambda **settings: cost(programs.threads, **settings),
    "profilers": several,
    "switching": switching,
    "memory": memory,
    "empty": empty_profilers,
    "file": file,
    "growth": growth,
}


if __name__ == "__main__":
    pin_to_one_cpu()
    chosen_part, settings_text = sys.argv[1:]
    print(json.dumps(PARTS[chosen_part](**json.loads(settings_text))))
