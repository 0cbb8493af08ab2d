"""Greenlets switch stacks without an event: calls are still counted once each."""

import sys
from collections import Counter

import fastprof
import greenlet
import pytest

BACKENDS = (
    ["monitoring", "setprofile"] if sys.version_info >= (3, 12) else ["setprofile"]
)
tally = Counter()


def leaf(n):
    tally["leaf"] += 1
    return n + 1


def descend(n, parent):
    tally["descend"] += 1
    if n:
        leaf(n)
        parent.switch(n)
        descend(n - 1, parent)
        parent.switch(-n)
    return leaf(n)


def values(n):
    for value in range(n):
        yield leaf(value)


def fail(parent):
    tally["fail"] += 1
    parent.switch("about to fail")
    raise LookupError(leaf(1))


def work():
    """Twenty greenlets that take turns in the middle of calls, and one that fails."""
    here = greenlet.getcurrent()
    heard = []
    running = [greenlet.greenlet(descend) for _ in range(20)]
    for number, one in enumerate(running):
        heard.append(one.switch(number % 7, here))
    while running:
        running = [one for one in running if not one.dead]
        for one in running:
            heard.append(one.switch())
            heard.extend(values(2))
    failing = greenlet.greenlet(fail)
    heard.append(failing.switch(here))
    try:
        failing.switch()
    except LookupError as error:
        heard.append(str(error))
    return heard


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_call_is_counted_once_and_the_program_is_undisturbed(backend):
    expected = work()
    tally.clear()
    with fastprof.Profiler(backend=backend) as profiler:
        found = work()
    assert found == expected
    counted = Counter()
    for (_, _, name), (_, calls, own, total, _) in profiler.snapshot().stats.items():
        counted[name] += calls
        assert 0 <= own <= total
    calls_of = {name: counted[name] for name in ("leaf", "descend", "fail")}
    assert calls_of == {name: tally[name] for name in calls_of}


@pytest.mark.parametrize("backend", BACKENDS)
def test_greenlets_that_outlive_the_profiler(backend):
    here = greenlet.getcurrent()
    one = greenlet.greenlet(descend)
    with fastprof.Profiler(backend=backend) as profiler:
        one.switch(5, here)
    with fastprof.Profiler(backend=backend) as second:
        while not one.dead:
            one.switch()
    for each in (profiler, second):
        stats = each.snapshot().stats
        assert sum(row[1] for key, row in stats.items() if key[2] == "descend") >= 1
    del one


def test_a_greenlet_that_is_thrown_away_in_the_middle_of_calls():
    here = greenlet.getcurrent()
    with fastprof.Profiler() as profiler:
        for _ in range(50):
            one = greenlet.greenlet(descend)
            one.switch(3, here)
            del one
        leaf(1)
    counts = {key[2]: row[1] for key, row in profiler.snapshot().stats.items()}
    assert counts["descend"] == 50
    assert counts["leaf"] == 51
