"""The program may run inside our own calls, and do anything to the profiler there.

Each of these crashed, or went on recording, once.
"""

import sys

import fastprof
import pytest
from support import run_isolated

AUDITED = """
import sys, _thread, gc, fastprof

profiler = fastprof.Profiler(backend="setprofile")
armed = False

def hook(event, arguments):
    global armed
    if armed and event == "sys.setprofile":
        armed = False
        {action}

sys.addaudithook(hook)

def work():
    len("abc")

done = _thread.allocate_lock()
done.acquire()
"""

START_A_THREAD = """
profiler.enable()
armed = True
_thread.start_new_thread(done.release, ())
done.acquire()
assert not profiler.enabled
assert sys.getprofile() is None
before = len(profiler.getstats())
work()
assert len(profiler.getstats()) == before
del profiler
gc.collect()
for _ in range(1000):
    work()
print("well")
"""


@pytest.mark.parametrize(
    "action", ["profiler.disable()", "profiler.disable(); profiler.clear()"]
)
def test_an_audit_hook_disables_while_a_new_thread_gets_its_hook(action):
    run_isolated(AUDITED.format(action=action) + START_A_THREAD, stdout="well\n")


def test_an_audit_hook_disables_and_refuses():
    """The recorder was unlinked from a thread that it was no longer linked to."""
    action = "profiler.disable(); raise RuntimeError('no')"
    source = """
profiler.enable()
armed = True
_thread.start_new_thread(done.release, ())
done.acquire()
profiler.disable()
print("well")
"""
    run_isolated(AUDITED.format(action=action) + source, stdout="well\n")


@pytest.mark.parametrize(
    "action",
    [
        "raise RuntimeError('no')",
        "profiler.disable(); raise RuntimeError('no')",
        "profiler.disable(); profiler.clear(); raise RuntimeError('no')",
    ],
)
def test_an_audit_hook_refuses_the_first_hook(action):
    source = """
armed = True
try:
    profiler.enable()
except RuntimeError:
    print("refused")
assert not profiler.enabled
assert sys.getprofile() is None
assert not profiler.snapshot().info["hook_lost"]
with profiler:
    work()
assert any(key[2] == "work" for key in profiler.snapshot().stats)
"""
    run_isolated(AUDITED.format(action=action) + source, stdout="refused\n")


def test_the_collector_clears_a_profile_while_it_is_read():
    """A finalizer may run wherever we make an object."""
    source = """
import fastprof, gc, sys

sys.unraisablehook = lambda event: None
profiler = fastprof.Profiler()

class Clears:
    def __del__(self):
        profiler.clear()

def work():
    import json
    json.loads(json.dumps([1, {"a": 2}] * 10))

for threshold in range(1, 60):
    with profiler:
        work()
    gc.set_threshold(100000)
    cycle = Clears()
    cycle.itself = cycle
    del cycle
    gc.set_threshold(threshold)
    profiler.getstats()
    gc.set_threshold(700)
    gc.collect()
print("well")
"""
    run_isolated(source, stdout="well\n")


@pytest.mark.parametrize("max_nodes", [1, 1000])
def test_the_naming_of_a_function_disables(max_nodes):
    """What was to be hidden then was not open any more; hiding wrote below the stack.

    A C function is named by the repr of what its type has under its name.
    """
    source = f"""
import fastprof

armed = False

class Named:
    def __repr__(self):
        if armed:
            fastprof.Profiler.disable(profiler)
        return "named"

class Odd(fastprof.Profiler):
    take_snapshot = Named()

profiler = Odd(max_nodes={max_nodes})

def work():
    global armed
    [].append(1)
    armed = True
    fastprof.Profiler.take_snapshot(profiler)

fastprof.Profiler.enable(profiler)
work()
armed = False
assert not profiler.enabled
assert "work" in [getattr(e.code, "co_name", "") for e in profiler.getstats()]
print("well")
"""
    run_isolated(source, stdout="well\n")


@pytest.mark.parametrize("max_nodes", [1, 1000])
def test_the_name_of_a_thread_takes_the_hook_away(max_nodes):
    """A generator that went on was looked for in a stack that was given back."""
    source = f"""
import sys, threading, fastprof

class Odd:
    @property
    def _name(self):
        sys.setprofile(None)
        return "odd"

def numbers():
    yield 1
    yield 2

going = numbers()
next(going)
profiler = fastprof.Profiler(
    backend="setprofile", builtins=False, max_nodes={max_nodes})
profiler.enable()
threading._active[threading.get_ident()] = Odd()
next(going)
profiler.disable()
print("well")
"""
    run_isolated(source, stdout="well\n")


def test_the_name_of_a_thread_drops_the_profiler_in_a_collection():
    """The list of those that record led on through what was freed."""
    source = """
import fastprof, gc, threading

class Odd:
    @property
    def _name(self):
        global profiler
        profiler = None
        return "odd"

threading._active[threading.get_ident()] = Odd()
for _ in range(5):
    other = fastprof.Profiler(builtins=False)
    profiler = fastprof.Profiler(builtins=False)
    profiler.enable()
    other.enable()
    gc.collect()
    assert profiler is None
    other.disable()
print("well")
"""
    run_isolated(source, stdout="well\n", PYTHONMALLOC="debug")


@pytest.mark.skipif(
    sys.version_info >= (3, 12),
    reason="no collection there from 3.12 on; runs up to 3.11",
)
def test_threads_end_while_a_snapshot_lists_them():
    """One that moved to the ended threads was listed twice, and others not at all."""
    source = """
import fastprof, gc, threading

def call():
    pass

def work(go, is_ready):
    call()
    is_ready.set()
    go.wait()

def start():
    go, is_ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=work, args=(go, is_ready))
    thread.start()
    is_ready.wait()
    return thread, go

class Ends:
    def __del__(self):
        end(threads[1:4])

def end(some):
    for thread, go in some:
        go.set()
        thread.join()

for threshold in range(2, 30):
    profiler = fastprof.Profiler(backend="setprofile")
    with profiler:
        threads = [start() for _ in range(6)]
        gc.disable()
        gc.collect()
        cycle = Ends()
        cycle.itself = cycle
        del cycle
        gc.set_threshold(threshold, 1000, 1000)
        gc.enable()
        snapshot = profiler.snapshot()
        gc.set_threshold(700, 10, 10)
        end(threads)
    assert snapshot[call].calls == 6, (threshold, snapshot[call].calls)
    assert len(snapshot.threads) == 7
    gc.collect()
print("well")
"""
    run_isolated(source, stdout="well\n")


def test_what_a_snapshot_tells_of_functions_cannot_be_changed():
    """Its length says how many functions there are figures for."""
    profile = fastprof.Profile()
    profile.runcall(len, "abc")
    assert isinstance(profile.take_snapshot().functions, tuple)


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="an error from 3.12 on; runs up to 3.11"
)
def test_builtins_are_switched_off_while_one_is_open():
    """The call of enable itself stayed open, and took the time of its caller."""
    now = 0

    def work():
        nonlocal now
        profile.enable(builtins=False)
        now += 100
        len("abc")

    profile = fastprof.Profile(timer=lambda: now, timeunit=1.0)
    profile.enable()
    work()
    profile.disable()
    profile.create_stats()
    (own,) = [v[2] for k, v in profile.stats.items() if k[2] == "work"]
    assert own == 100
