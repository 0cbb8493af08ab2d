"""The event source of Python 3.12 and newer: sys.monitoring."""

import functools
import operator
import sys
import threading
import types

import fastprof
import pytest
from support import (
    PROGRAM_NAMES,
    assert_counts,
    cprofile_counts,
    label,
    record,
    run_isolated,
    warm_program,
)

if sys.version_info < (3, 12):
    pytest.skip("sys.monitoring is there from Python 3.12 on", allow_module_level=True)

monitoring = sys.monitoring
TOOLS = (2, 3, 4)
# The others have a test of their own, in test_exactness.
PROGRAMS = [n for n in PROGRAM_NAMES if n not in ("wrong_self", "bound_builtins")]


def inner():
    return len("abc")


def calls(profile, function):
    profile.snapshot_stats()
    return profile.stats.get(label(function), (0, 0))[1]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_other_source_counts_the_same(name):
    main = warm_program(name).main
    profile = record(fastprof.Profile(backend="setprofile"), main)
    assert_counts(profile, cprofile_counts(main))


@pytest.mark.parametrize("taken", [[], [2], [2, 3]])
def test_the_first_free_tool_is_taken_and_given_back(taken):
    for tool in taken:
        monitoring.use_tool_id(tool, "other")
    try:
        with fastprof.Profiler() as profile:
            names = [monitoring.get_tool(tool) for tool in TOOLS]
            inner()
        expected = ["other"] * len(taken) + ["fastprof"]
        assert names == expected + [None] * (3 - len(expected))
        assert calls(profile, inner) == 1
        assert [monitoring.get_tool(tool) for tool in TOOLS] == (
            ["other"] * len(taken) + [None] * (3 - len(taken))
        )
    finally:
        for tool in taken:
            monitoring.free_tool_id(tool)


def test_that_no_tool_is_free_is_told(foreign_profiler):
    profile = fastprof.Profiler()
    with foreign_profiler():
        with pytest.raises(fastprof.ProfilerConflictError, match="setprofile"):
            profile.enable()
        assert not profile.enabled
        assert monitoring.get_tool(2) == "other"
        with fastprof.Profiler(backend="setprofile") as way_out:
            inner()
    assert calls(way_out, inner) == 1
    profile.runcall(inner)
    assert calls(profile, inner) == 1


@pytest.mark.parametrize("backend", ["", "perf", None, 5])
def test_an_unknown_backend_is_told(backend):
    with pytest.raises(fastprof.BackendError, match="monitoring"):
        fastprof.Profiler(backend=backend)


def test_all_callables_need_monitoring():
    with pytest.raises(fastprof.BackendError, match="all"):
        fastprof.Profiler(backend="setprofile", builtins="all")
    with pytest.raises(ValueError, match="some"):
        fastprof.Profiler(builtins="some")


def test_without_builtins_no_calls_are_asked_for():
    events = monitoring.events
    with fastprof.Profiler(builtins=False):
        asked = monitoring.get_events(2)
    assert not asked & (events.CALL | events.LINE | events.INSTRUCTION)
    assert asked & events.PY_START
    with fastprof.Profiler(builtins=False) as outer, fastprof.Profiler() as both:
        assert monitoring.get_events(2) & events.CALL
        inner()
    assert calls(outer, inner) == calls(both, inner) == 1
    assert calls(both, "<built-in method builtins.len>") == 1
    assert calls(outer, "<built-in method builtins.len>") == 0


class Plain:
    pass


class Called:
    def __call__(self):
        return inner()


def test_all_callables_are_named_as_a_reader_expects():
    cached = functools.lru_cache(inner)
    get = operator.itemgetter(0)
    double = functools.partial(operator.mul, 2)
    with fastprof.Profiler(builtins="all") as profile:
        Plain()
        Called()()
        cached()
        get([1])
        double(3)
        functools.partial(inner)()
        object.__repr__(5)
        [].__len__()
        dict.fromkeys("ab")
        types.MethodType(len, "abc")()
        dict(a=1)
    profile.create_stats()
    counted = {key[2]: entry[1] for key, entry in profile.stats.items()}
    here = __name__
    assert counted == {
        f"<class '{here}.Plain'>": 1,
        f"<class '{here}.Called'>": 1,
        "__call__": 1,
        "inner": 3,
        "<built-in method builtins.len>": 4,
        f"<functools.lru_cache of {here}.inner>": 1,
        "<operator.itemgetter object>": 1,
        "<functools.partial of _operator.mul>": 1,
        "<class 'functools.partial'>": 1,
        f"<functools.partial of {here}.inner>": 1,
        repr(object.__repr__): 1,  # 3.15 does not say whose it is
        "<slot wrapper '__len__' of 'list' objects>": 1,
        "<built-in method fromkeys>": 1,
        "<class 'method'>": 1,
        "<class 'dict'>": 1,
    }


class Other(Called):
    pass


def test_wrappers_of_one_function_are_told_apart():
    """They were not: a cache of a partial had the key of a partial of a cache.

    And partials of objects with a `__call__` were all one, under the first one's name.
    """
    of_cache = functools.partial(functools.lru_cache(inner))
    of_partial = functools.lru_cache(functools.partial(inner))
    of_called, of_other = functools.partial(Called()), functools.partial(Other())
    of_class = functools.lru_cache(Called)

    def work():
        of_cache()
        of_partial()
        of_partial()
        of_called()
        of_other()
        of_other()
        of_class()

    with fastprof.Profiler(builtins="all") as profile:
        work()
    profile.create_stats()
    here = __name__
    assert {
        key[2]: entry[1]
        for key, entry in profile.stats.items()
        if label(work) in entry[4]
    } == {
        f"<functools.partial of {here}.inner>": 1,
        f"<functools.lru_cache of {here}.inner>": 2,
        f"<functools.partial of {here}.Called object>": 1,
        f"<functools.partial of {here}.Other object>": 2,
        f"<functools.lru_cache of {here}.Called>": 1,
    }


def test_a_wrapper_that_leads_back_to_itself():
    """Its key was looked for until the stack was used up."""
    run_isolated(
        """
import functools, fastprof

@functools.lru_cache
def cached():
    return 1

@functools.lru_cache
def other():
    return 1

loop = functools.partial(print, end="")
loop.__setstate__((loop, (), {}, {}))
cached.__wrapped__ = cached
other.__wrapped__ = loop
with fastprof.Profiler(builtins="all") as profile:
    cached()
    other()
profile.create_stats()
assert profile.stats[("~", 0, "<functools.lru_cache of __main__.cached>")][1] == 1
assert profile.stats[("~", 0, "<functools.lru_cache of __main__.other>")][1] == 1
"""
    )


def test_events_that_an_earlier_owner_switched_off_come_again():
    """They are switched off place by place, and that outlives the owner."""
    start = monitoring.events.PY_START
    monitoring.use_tool_id(2, "earlier")
    monitoring.register_callback(2, start, lambda *event: monitoring.DISABLE)
    monitoring.set_events(2, start)
    inner()
    monitoring.set_events(2, 0)
    monitoring.register_callback(2, start, None)
    monitoring.free_tool_id(2)
    with fastprof.Profiler() as profile:
        inner()
    assert calls(profile, inner) == 1


def test_a_call_that_another_tool_refuses_is_not_its_successors_caller():
    """No C_RETURN comes for it: it seemed to call what its caller called next."""
    call = monitoring.events.CALL
    armed = True

    def refuse(code, offset, callable, arg):
        if armed and callable is len:
            raise RuntimeError("no")

    def helper():
        pass

    def work():
        nonlocal armed
        try:
            len("abc")
        except RuntimeError:
            helper()
        armed = False

    monitoring.use_tool_id(1, "other")
    monitoring.register_callback(1, call, refuse)
    try:
        monitoring.set_events(1, call)
        with fastprof.Profiler() as profile:
            work()
    finally:
        monitoring.set_events(1, 0)
        monitoring.register_callback(1, call, None)
        monitoring.free_tool_id(1)
    profile.create_stats()
    assert list(profile.stats[label(helper)][4]) == [label(work)]


def clean(tool):
    if monitoring.get_tool(tool) is None:
        monitoring.use_tool_id(tool, "cleaner")
    monitoring.set_events(tool, 0)
    monitoring.register_callback(tool, monitoring.events.PY_START, None)
    monitoring.free_tool_id(tool)


@pytest.mark.parametrize(
    "theft",
    [
        "monitoring.set_events(2, 0)",
        "monitoring.register_callback(2, monitoring.events.PY_START, print)",
        "monitoring.set_events(2, 0); monitoring.free_tool_id(2)",
    ],
)
def test_a_program_that_takes_our_place_is_told_of(theft):
    profile = fastprof.Profiler()
    profile.enable()
    exec(theft, {"monitoring": monitoring, "print": lambda *event: None})
    profile.disable()
    assert profile.snapshot().info["hook_lost"]
    clean(2)
    profile.clear()
    profile.runcall(inner)
    assert not profile.snapshot().info["hook_lost"]
    assert calls(profile, inner) == 1


def test_what_was_put_in_our_place_stays():
    own = lambda *event: None  # noqa: E731
    start = monitoring.events.PY_START
    with fastprof.Profiler():
        monitoring.register_callback(2, start, own)
    assert monitoring.get_events(2) == start
    assert monitoring.register_callback(2, start, None) is own
    clean(2)


def test_a_tool_that_shares_our_number_keeps_it():
    lines = []
    line = monitoring.events.LINE
    profile = fastprof.Profiler()
    profile.enable()
    # As line_profiler does when it comes second.
    monitoring.register_callback(2, line, lambda code, number: lines.append(code))
    monitoring.set_events(2, monitoring.get_events(2) | line)
    inner()
    with fastprof.Profiler(builtins=False):
        inner()
    profile.disable()
    assert monitoring.get_events(2) == line
    lines.clear()
    inner()
    assert inner.__code__ in lines
    assert calls(profile, inner) == 2
    monitoring.register_callback(2, line, None)
    clean(2)


@pytest.mark.parametrize("action", ["", "profiler.disable(); "])
def test_an_audit_hook_refuses_a_callback(action):
    run_isolated(
        f"""
import sys, fastprof

profiler = fastprof.Profiler()
armed = False

def hook(event, arguments):
    global armed
    if armed and event == "sys.monitoring.register_callback":
        armed = False
        {action}raise RuntimeError("no")

sys.addaudithook(hook)

def work():
    len("abc")

armed = True
try:
    profiler.enable()
except RuntimeError:
    print("refused")
assert not profiler.enabled
assert sys.monitoring.get_tool(2) is None
with profiler:
    work()
assert any(key[2] == "work" for key in profiler.snapshot().stats)
""",
        stdout="refused\n",
    )


def test_threads_take_turns():
    """The recorder at hand is that of the thread whose event was last."""
    turns, counts = 200, {}
    barrier = threading.Barrier(3)

    def work(name):
        for _ in range(turns):
            inner()
            if _ % 20 == 0:
                barrier.wait()

    with fastprof.Profiler() as profile:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    profile.create_stats()
    counts = profile.stats[label(inner)]
    assert counts[:2] == (3 * turns, 3 * turns)
    assert counts[4][label(work)][:2] == (3 * turns, 3 * turns)


def test_a_foreign_profile_function_is_undisturbed():
    seen = []
    sys.setprofile(lambda frame, event, arg: seen.append(event))
    try:
        with fastprof.Profiler() as profile:
            inner()
    finally:
        sys.setprofile(None)
    assert calls(profile, inner) == 1
    assert "call" in seen


ONE_AFTER_THE_OTHER = """
import _thread, contextvars, time
import fastprof

begun = []

def leaf():
    begun.append(None)

class Last:
    def __del__(self):
        leaf()

def other():
    leaf()

variable = contextvars.ContextVar("variable")
start, sleep = _thread.start_new_thread, time.sleep
last = [Last() for _ in range(10)]
profiler = fastprof.Profiler(builtins=False)
profiler.enable()
while last:
    start(variable.set, (last.pop(),))
    while len(begun) % 2 == 0:
        sleep(0.001)
    sleep(0.01)
    start(other, ())
    while len(begun) % 2 == 1:
        sleep(0.001)
    sleep(0.01)
profiler.disable()
snapshot = profiler.snapshot()
calls = {key[2]: row[1] for key, row in snapshot.stats.items()}
print(len(snapshot.info["threads"]), sorted(calls.items()))
"""


def test_threads_at_the_same_address_are_told_apart():
    """What starts them has no events in between, so the last event was the dead one's.

    Each first one calls a Python function only while it is torn down. The longer sleeps
    let the address become free; without that the test passes, and shows less.
    """
    run_isolated(
        ONE_AFTER_THE_OTHER,
        stdout="21 [('__del__', 10), ('leaf', 20), ('other', 10)]\n",
    )


@pytest.mark.parametrize("options", [{}, {"exclude": ["nothing.such"]}])
def test_a_class_may_end_the_profile_when_it_is_looked_into(options):
    """A key of its namespace that is like ``__init__`` compares as it likes."""
    run_isolated(
        f"""
import fastprof, gc, warnings
warnings.simplefilter("ignore")  # Python's own, of such keys
class Key:
    def __hash__(self):
        return hash("__init__")
    def __eq__(self, other):
        if profilers and armed:
            profilers.pop().disable()
            gc.collect()
        return False
def make():
    return Made()
profilers, armed = [], []
for _ in range(50):
    Made = type("Made", (), {{Key(): 1, "__init__": lambda self: None}})
    make()
    Made.other = 1  # what is remembered of it is forgotten
    profilers.append(fastprof.Profiler(**{options!r}))
    profilers[0].enable()
    armed.append(1)
    make()
    armed.clear()
    assert not profilers, "nobody compared"
"""
    )
