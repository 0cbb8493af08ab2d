"""Who watches a case, and what each says of its two blocks, in seconds.

An observer takes a function without arguments, calls it, and answers what the blocks
took, all that they call included.
"""

from __future__ import annotations

import json
import pstats
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

BLOCKS = ("called", "inlined")

Observer = Callable[[Callable[[], None]], dict[str, float]]


def blocks_of(named: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The sums for the two blocks, from all names and seconds."""
    sums = dict.fromkeys(BLOCKS, 0.0)
    for name, seconds in named:
        if name in sums:
            sums[name] += seconds
    return sums


def of_pstats(profile: object) -> dict[str, float]:
    """What pstats says of a profiler."""
    table = pstats.Stats(profile).stats  # type: ignore[arg-type, attr-defined]
    return blocks_of((key[2], entry[3]) for key, entry in table.items())


def fastprof(**options: object) -> Observer:
    """Ours, with options."""

    def observe(call: Callable[[], None]) -> dict[str, float]:
        import fastprof

        with fastprof.Profiler(**options) as profiler:
            call()
        stats = profiler.snapshot()
        return blocks_of((f.name, f.cumulative) for f in stats.functions)

    return observe


def cprofile(call: Callable[[], None]) -> dict[str, float]:
    """The standard library's."""
    import cProfile

    profile = cProfile.Profile()
    profile.runcall(call)
    return of_pstats(profile)


def profile(call: Callable[[], None]) -> dict[str, float]:
    """The standard library's in Python."""
    import profile

    profiler = profile.Profile()
    profiler.runcall(call)
    return of_pstats(profiler)


def yappi(call: Callable[[], None]) -> dict[str, float]:
    """Yappi with the wall clock."""
    import yappi

    yappi.clear_stats()  # of an earlier run
    yappi.set_clock_type("wall")
    yappi.start()
    call()
    yappi.stop()
    return blocks_of((f.name, f.ttot) for f in yappi.get_func_stats())


def viztracer(call: Callable[[], None]) -> dict[str, float]:
    """The durations in viztracer's trace."""
    from viztracer import VizTracer

    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.json")
        tracer = VizTracer(tracer_entries=5_000_000, output_file=str(trace), verbose=0)
        tracer.start()
        call()
        tracer.stop()
        tracer.save()
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    return blocks_of(
        (event["name"].partition(" ")[0], event["dur"] / 1e6)
        for event in events
        if "dur" in event
    )


def pyinstrument(call: Callable[[], None]) -> dict[str, float]:
    """A sample each millisecond."""
    from pyinstrument import Profiler

    profiler = Profiler(interval=0.001)
    profiler.start()
    call()
    profiler.stop()
    session = profiler.last_session
    assert session is not None
    named: list[tuple[str, float]] = []
    frames = [session.root_frame()]
    while frames:
        frame = frames.pop()
        if frame is not None:
            named.append((frame.function or "", frame.time))
            frames.extend(frame.children)
    return blocks_of(named)


def of_collapsed_stacks(text: str) -> dict[str, float]:
    """The samples of py-spy, a stack and a count in each line."""
    named = []
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        names = {frame.partition(" ")[0] for frame in stack.split(";")}
        named.extend((name, float(count)) for name in names & set(BLOCKS))
    return blocks_of(named)


# Of those that sample, a run has to be longer: see accuracy.py.
SAMPLING = ("pyinstrument", "py-spy")
OBSERVERS: dict[str, Observer] = {
    "fastprof": fastprof(),
    "fastprof, not compensated": fastprof(compensate=False),
    "cProfile": cprofile,
    "profile": profile,
    "yappi": yappi,
    "viztracer": viztracer,
    "pyinstrument": pyinstrument,
}
