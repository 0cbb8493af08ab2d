"""Runs of the garbage collector are calls of their own, but for pstats."""

import gc
import pstats
import sys
import threading

import fastprof
import pytest
from support import run_isolated

BACKENDS = pytest.mark.parametrize(
    "backend", ["setprofile"] + ["monitoring"] * (sys.version_info >= (3, 12))
)
CLOCKS = pytest.mark.parametrize("clock", ["wall", "cpu", "both"])


class Node:
    def __init__(self):
        self.me = self


@pytest.fixture(autouse=True)
def only_when_asked():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def garbage(count):
    for _ in range(count):
        Node()


def innocent():
    """The collector runs in here, and nothing else does."""
    gc.collect()


def named(stats, name):
    found = [function for function in stats.functions if function.name == name]
    return found[0] if found else None


@CLOCKS
@BACKENDS
def test_a_run_is_a_call(backend, clock):
    with fastprof.Profiler(backend=backend, clock=clock) as profiler:
        garbage(20_000)
        innocent()
        innocent()
    for stats in profiler.snapshot(), profiler.snapshot().raw:
        run = named(stats, "<gc>")
        assert (run.calls, run.primitive_calls, run.kind, run.file) == (2, 2, "gc", "~")
        collect = named(stats, "<built-in method gc.collect>")
        # Up to what two readings of the thread's clock may be apart.
        assert 0.0 < run.own < 1.05 * collect.cumulative
        assert collect.own < run.own
        if clock != "wall":
            assert 0.0 < run.own_cpu <= run.own
    assert "The garbage collector ran 2 times" in profiler.snapshot().head_of_table


@BACKENDS
def test_pstats_has_it_as_cprofile_has(backend):
    with fastprof.Profiler(backend=backend, compensate=False) as profiler:
        garbage(20_000)
        innocent()
    stats = profiler.snapshot()
    flat = stats.stats
    assert not [key for key in flat if key[2] == "<gc>"]
    collect = flat["~", 0, "<built-in method gc.collect>"]
    run = named(stats, "<gc>")
    own = named(stats, "<built-in method gc.collect>").own
    assert collect[2] == pytest.approx(own + run.own)
    assert pstats.Stats(stats).total_calls == sum(
        function.calls for function in stats.functions if function.kind != "gc"
    )
    assert [entry.code for entry in profiler.getstats() if "<gc>" == entry.code] == []


@BACKENDS
def test_finalizers_are_called_by_the_function_that_was_running(backend):
    with fastprof.Profiler(backend=backend) as profiler:
        finalized()
    stats = profiler.snapshot()
    ((caller, row),) = [
        (callers, key)
        for key, (*_, callers) in stats.stats.items()
        if key[2] == "__del__"
    ]
    assert row[2] == "__del__"
    assert [key[2] for key in caller] == ["<built-in method gc.collect>"]
    assert named(stats, "__del__").calls == 1
    # What it took is its own, not the collector's.
    assert named(stats, "<gc>").cumulative >= named(stats, "__del__").cumulative


def finalized():
    class Finalized:
        def __init__(self):
            self.me = self

        def __del__(self):
            sum(range(1000))

    Finalized()
    gc.collect()


@BACKENDS
def test_a_run_in_the_middle_of_a_function(backend):
    """As they come about by themselves."""
    gc.enable()
    with fastprof.Profiler(backend=backend) as profiler:
        kept = [[] for _ in range(100_000)]
    gc.disable()
    assert len(kept) == 100_000
    assert named(profiler.snapshot(), "<gc>").calls > 0


@BACKENDS
def test_each_thread_has_its_own(backend):
    def collects():
        gc.collect()

    with fastprof.Profiler(backend=backend) as profiler:
        for _ in range(3):
            thread = threading.Thread(target=collects)
            thread.start()
            thread.join()
    assert named(profiler.snapshot(), "<gc>").calls == 3


def test_several_profilers_see_the_same():
    backends = {"setprofile", "monitoring" if sys.version_info >= (3, 12) else "auto"}
    profilers = [fastprof.Profiler(backend=backend) for backend in backends]
    for profiler in profilers:
        profiler.enable()
    innocent()
    profilers[0].disable()
    innocent()
    profilers[1].disable()
    innocent()
    calls = [named(profiler.snapshot(), "<gc>").calls for profiler in profilers]
    assert calls == [1, 2]


def truncated(max_nodes, program):
    with fastprof.Profiler(max_nodes=max_nodes) as profiler:
        program()
    stats = profiler.snapshot()
    calls = {function.kind for function in stats.functions}
    return stats.truncated, stats.info["threads"][0][1], calls


def test_paths_and_budget_are_those_of_calls():
    """When the tree is full does not depend on when the collector runs."""

    def quiet():
        garbage(100)

    def collected():
        gc.set_threshold(1)
        gc.enable()
        garbage(100)
        gc.disable()

    threshold = gc.get_threshold()
    try:
        for program in quiet, collected:
            few = 1
            while truncated(few, program)[0]:
                few += 1
            _, paths, kinds = truncated(few, program)
            assert ("gc" in kinds) is (program is collected)
            calls = 3 if program is quiet else 3 + 3
            # The program's, and two of our own: the end of the with.
            assert (few, paths) == (calls + 2, calls)
    finally:
        gc.set_threshold(*threshold)


def test_when_there_is_no_tree_it_is_the_functions():
    with fastprof.Profiler(max_nodes=1) as profiler:
        garbage(20_000)
        innocent()
    stats = profiler.snapshot()
    assert stats.truncated
    assert named(stats, "<gc>") is None
    assert named(stats, "<built-in method gc.collect>").own > 0.0


def test_a_timer_is_not_asked():
    asked = []

    def timer():
        asked.append(1)
        return float(len(asked))

    profiler = fastprof.Profiler(timer=timer)
    with profiler:
        innocent()
    assert named(profiler.snapshot(), "<gc>") is None
    assert named(profiler.snapshot(), "<built-in method gc.collect>").own == 1.0


def test_a_file_keeps_it(tmp_path):
    with fastprof.Profiler() as profiler:
        innocent()
    profiler.save(tmp_path / "out.prof")
    loaded = fastprof.load(tmp_path / "out.prof")
    assert vars(named(loaded, "<gc>")) == vars(named(profiler.snapshot(), "<gc>"))
    assert loaded.stats == profiler.snapshot().stats
    assert not [
        key for key in pstats.Stats(str(tmp_path / "out.prof")).stats if "gc>" in key[2]
    ]


def test_nothing_is_left_in_the_program():
    before = list(gc.callbacks)
    profiler, other = fastprof.Profiler(), fastprof.Profiler()
    profiler.enable()
    other.enable()
    assert len(gc.callbacks) == len(before) + 1
    profiler.disable()
    assert len(gc.callbacks) == len(before) + 1
    del other
    gc.collect()
    profiler.enable()
    del profiler
    gc.collect()
    assert gc.callbacks == before


def test_the_program_takes_it_out():
    profiler = fastprof.Profiler()
    with profiler:
        before, gc.callbacks[:] = list(gc.callbacks), []
        innocent()
    assert gc.callbacks == []
    assert named(profiler.snapshot(), "<gc>") is None
    assert named(profiler.snapshot(), "innocent").calls == 1
    gc.callbacks[:] = before[:-1]


def test_the_program_ends_recording_while_it_is_told():
    """One of its own callbacks does; the collector goes on."""
    profiler = fastprof.Profiler()
    told = []

    def callback(phase, info):
        told.append(phase)
        profiler.disable()

    gc.callbacks.append(callback)
    try:
        with profiler:
            innocent()
    finally:
        gc.callbacks.remove(callback)
    assert "start" in told
    assert named(profiler.snapshot(), "innocent").calls == 1


def test_other_callbacks_are_all_told():
    """The collector goes through them by number."""
    told = []

    def ends(phase, info):
        told.append(("ends", phase))
        if phase == "start":
            profiler.disable()

    def listens(phase, info):
        told.append(("listens", phase))

    before = list(gc.callbacks)
    profiler = fastprof.Profiler()
    profiler.enable()
    gc.callbacks += [ends, listens]
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(ends)
        gc.callbacks.remove(listens)
    assert told == [
        *(("ends", "start"), ("listens", "start")),
        *(("ends", "stop"), ("listens", "stop")),
    ]
    with profiler:
        pass
    assert gc.callbacks == before


@BACKENDS
def test_a_finalizer_ends_recording_at_any_allocation(backend):
    """Also between the interpreter's look for a hook and its call (3.11)."""
    run_isolated(
        f"""
import gc, fastprof

class Finalized:
    def __init__(self):
        self.me = self

    def __del__(self):
        profiler.disable()

def leaf():
    len(())

def program(depth):
    leaf()
    leaf()
    if depth:
        program(depth - 1)

profiler = fastprof.Profiler(backend={backend!r}, compensate=False)
for allocations in range(1, 200):
    gc.collect()
    Finalized()
    gc.set_threshold(allocations)
    profiler.enable()
    program(60)
    profiler.disable()
    gc.set_threshold(0)
""",
        PYTHONMALLOC="debug",
    )


def test_the_import_of_gc_is_the_programs():
    run_isolated(
        """
import sys
import fastprof
assert "gc" not in sys.modules
with fastprof.Profiler() as profiler:
    import gc
    gc.collect()
names = {f.name for f in profiler.snapshot().functions}
assert "_find_and_load" in names and "<gc>" in names, names
"""
    )
