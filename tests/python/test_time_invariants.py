"""Times add up: exactly with a clock of the test, to rounding with the real one.

Own time is never negative and never above the cumulative time; the own times of all
functions add up to the time of the call that started everything.
"""

import cProfile
import functools
import math
import sys
from types import SimpleNamespace

import fastprof
import pytest
from support import PROGRAM_NAMES, label, record, times_of_entries, warm_program

WHOLE_TREE = 2**20
BUDGETS = pytest.mark.parametrize("max_nodes", [WHOLE_TREE, 1, 8])


class Steps:
    """A timer that goes one up with every reading."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        self.now += 1
        return self.now


def recorded(name, **options):
    """The stats of one corpus program, and the one root of all its calls.

    The program's main() would not do: finalisers of its variables run after its end.
    """
    main = warm_program(name).main

    def root():
        main()

    profile = record(fastprof.Profile(**options), root)
    profile.create_stats()
    return profile.stats, label(root)


@BUDGETS
@pytest.mark.parametrize("name", PROGRAM_NAMES)
def test_with_a_stepping_clock_times_add_up_exactly(name, max_nodes):
    stats, root = recorded(name, timer=Steps(), timeunit=1.0, max_nodes=max_nodes)
    for key, (_, nc, own, cumulative, callers) in stats.items():
        # Between the enter and the leave of a call lies a step at least; but 3.12 does
        # not tell when a bound built-in function begins.
        assert own >= (nc if key[0] != "~" else 0)
        assert cumulative >= own
        for _, _, edge_own, edge_cumulative in callers.values():
            assert 0 <= edge_own <= own
            # An edge of which all calls are recursive ones has no time of its own.
            assert 0 <= edge_cumulative <= cumulative
        if callers:
            assert sum(edge[2] for edge in callers.values()) <= own
    assert stats[root][4] == {}
    assert sum(own for _, _, own, _, _ in stats.values()) == stats[root][3]


@pytest.mark.parametrize("name", PROGRAM_NAMES)
def test_with_the_real_clock_times_add_up_but_for_rounding(name):
    stats, root = recorded(name)
    for _, _, own, cumulative, callers in stats.values():
        assert own >= 0.0
        assert at_most(own, cumulative)
        for _, _, edge_own, edge_cumulative in callers.values():
            assert edge_own >= 0.0
            assert at_most(edge_own, own)
            assert at_most(edge_cumulative, cumulative)
    total = math.fsum(own for _, _, own, _, _ in stats.values())
    assert math.isclose(total, stats[root][3], rel_tol=1e-9, abs_tol=1e-9)


def at_most(smaller, larger):
    return smaller <= larger or math.isclose(smaller, larger, abs_tol=1e-9)


# A program in which only wait() lets time pass.
CLOCK = SimpleNamespace(now=0)


def read_clock():
    return CLOCK.now


def wait(n):
    CLOCK.now += n
    return n


def parent():
    CLOCK.now += 1
    child(2)
    CLOCK.now += 4
    child(8)


def child(n):
    CLOCK.now += n
    wait(16)


def down(n):
    CLOCK.now += 1
    if n:
        up(n - 1)
        CLOCK.now += 2


def up(n):
    CLOCK.now += 4
    if n:
        down(n - 1)
        down(n - 2) if n > 1 else None
        CLOCK.now += 8


def counting(n):
    for i in range(n):
        CLOCK.now += 1
        yield i
        CLOCK.now += 2


def consumer():
    for _ in counting(3):
        CLOCK.now += 4


def failing(n):
    CLOCK.now += 1
    try:
        if n == 0:
            raise ValueError
        failing(n - 1)
    finally:
        CLOCK.now += 2


def caught():
    try:
        failing(3)
    except ValueError:
        CLOCK.now += 4


def by_callback():
    CLOCK.now += 1
    sorted([1, 2, 3], key=wait)
    list(map(child, (1, 2)))


MOVING_PROGRAMS = [
    parent,
    lambda: down(9),
    consumer,
    caught,
    by_callback,
    lambda: (parent(), down(4), consumer(), caught(), by_callback()),
]


@BUDGETS
@pytest.mark.parametrize("form", ["enable", "with", "runctx"])
@pytest.mark.parametrize("main", MOVING_PROGRAMS)
def test_times_are_those_of_cprofile(main, form, max_nodes):
    ours = fastprof.Profile(read_clock, 0.5, max_nodes=max_nodes)
    theirs = cProfile.Profile(read_clock, 0.5)
    record(ours, main, form)
    record(theirs, main, form)
    assert times_of_entries(ours.getstats()) == times_of_entries(theirs.getstats())


def test_times_of_a_small_program_are_what_the_program_says():
    profile = record(fastprof.Profile(read_clock, 1.0), parent)
    profile.create_stats()
    edge = (2, 2, 10.0, 42.0)
    assert profile.stats[label(parent)] == (1, 1, 5.0, 47.0, {})
    assert profile.stats[label(child)] == (2, 2, 10.0, 42.0, {label(parent): edge})
    edge = (2, 2, 32.0, 32.0)
    assert profile.stats[label(wait)] == (2, 2, 32.0, 32.0, {label(child): edge})


def test_time_in_which_a_generator_is_suspended_is_not_its_own():
    profile = record(fastprof.Profile(read_clock, 1.0), consumer)
    profile.create_stats()
    assert profile.stats[label(counting)][:4] == (4, 4, 9.0, 9.0)
    assert profile.stats[label(consumer)][:4] == (1, 1, 12.0, 21.0)


def test_time_between_spans_is_nobodys():
    profile = fastprof.Profile(read_clock, 1.0)
    for _ in range(2):
        record(profile, parent)
        CLOCK.now += 1000
    profile.create_stats()
    assert profile.stats[label(parent)][:4] == (2, 2, 10.0, 94.0)


@pytest.mark.parametrize("make", [fastprof.Profile, fastprof.Profiler])
def test_clock_that_goes_backwards_makes_no_negative_time(make):
    def backwards():
        CLOCK.now -= 100
        wait(1)

    profile = record(make(timer=read_clock, timeunit=1.0), backwards)
    profile.create_stats()
    for _, _, own, cumulative, _ in profile.stats.values():
        assert 0.0 <= own <= cumulative


class Made:
    def __init__(self):
        list((1, 2))


def asks():
    Made()
    float(3)
    sorted([2, 1], key=str)
    len("a")
    next(x for x in range(3))


def inside():
    asks()
    asks()


BACKENDS = ["setprofile"] + ["monitoring"] * (sys.version_info >= (3, 12))


def calls_c_functions():
    for _ in range(100):
        len("")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_timer_is_not_asked_for_c_functions_that_are_not_recorded(backend):
    timer = Steps()
    profile = fastprof.Profile(timer, 1.0, builtins=False, backend=backend)
    profile.runcall(calls_c_functions)
    row = profile.snapshot()[calls_c_functions]
    assert (row.own, row.cumulative) == (1.0, 1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_timer_is_asked_as_often_as_by_cprofile(backend):
    """So what counts its own readings gives the same times."""
    flat = []
    for make in cProfile.Profile, functools.partial(fastprof.Profile, backend=backend):
        profile = make(Steps(), 1.0)
        profile.runcall(inside)
        profile.snapshot_stats()
        rows = {key[2]: row[1:4] for key, row in profile.stats.items()}
        # What ends recording is a call there, and none here.
        flat.append(
            {
                name: rows[name]
                for name in (
                    "asks",
                    "__init__",
                    "<built-in method builtins.len>",
                    "<genexpr>",
                )
            }
        )
    assert flat[0] == flat[1]
