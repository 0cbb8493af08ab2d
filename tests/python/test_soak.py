"""No false alarms: what is right is asserted again and again, beside a busy neighbour.

FASTPROF_LONG=1 (`make test-long`): 3,000 times each; `make test` 20 times.
"""

import contextlib
import os
import subprocess
import sys
import threading

import pytest
from fastprof import Profiler
from fastprof.testing import (
    assert_calls,
    assert_calls_per,
    assert_faster,
    assert_not_called_from,
    assert_scales,
    assert_share,
    assert_tree,
    tripwire,
)
from fastprof.testing.baseline import figures_of, more_calls
from support import unless_sanitized

IS_LONG = bool(os.environ.get("FASTPROF_LONG"))
TIMES = 3000 if IS_LONG else 20
NEIGHBOUR = "while True: sum(range(1000))"

pytestmark = unless_sanitized("makes it slow")


class Node:
    """Garbage in cycles, so that the collector runs when it likes."""

    def __init__(self):
        self.itself = self

    def __del__(self):
        leaf(0)


def leaf(value):
    return value + 1


def row(size):
    Node()
    return [leaf(value) for value in range(size)]


def table(size):
    return [row(5) for _ in range(size)]


def slow_half(size):
    total = 0
    for value in range(size):
        total += value * value
    return total


def two_halves(size):
    slow_half(size)
    return other_half(size)


def other_half(size):
    total = 0
    for value in range(size):
        total += value * value
    return total


def bystander(stop):
    """Another thread of the program."""
    while not stop.wait(0.001):
        [abs(value) for value in range(10)]


@pytest.fixture(scope="module", autouse=True)
def busy():
    stop = threading.Event()
    thread = threading.Thread(target=bystander, args=[stop])
    thread.start()
    with subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) as neighbour:
        yield
        neighbour.kill()
    stop.set()
    thread.join()


def recorded(function, size):
    with Profiler(clock="both") as profiler:
        function(size)
    return profiler.snapshot()


def calls(_):
    assert_calls(recorded(table, 10), row, 10)


def calls_per(_):
    assert_calls_per(recorded(table, 10), abs, per=table, at_most=0)


def not_called_from(_):
    assert_not_called_from(recorded(table, 10), "json", "socket")


def tree(path):
    modules = [__name__] if sys.version_info >= (3, 12) else []
    assert_tree(
        recorded(slow_half, 100), path / "tree.json", root=slow_half, modules=modules
    )


def scales(_):
    assert_scales(slow_calls, [50, 100, 200, 400], "n")


def slow_calls(size):
    for value in range(size):
        leaf(value)


def wire(_):
    with tripwire(row, calls=10):
        table(10)


FIRST = {}


def baseline(_):
    now = figures_of(recorded(table, 30), table)
    before = FIRST.setdefault("figures", now)
    assert before["calls"] == now["calls"]
    assert more_calls(before, now) is None


def share(_):
    assert_share(recorded(two_halves, 3000), slow_half, at_most=0.75)


def faster(_):
    assert_faster(lambda: slow_half(100), lambda: slow_half(200), by=1.3)


def scales_by_time(_):
    assert_scales(slow_half, [500, 1000, 2000, 4000], "n", by="time")


COUNTED = [calls, calls_per, not_called_from, tree, scales, wire, baseline]
TIMED = [share, faster, scales_by_time]


def alarms(assertion, path):
    """How often it fails, and why the last time."""
    failed, why = 0, None
    for _ in range(TIMES):
        try:
            assertion(path)
        except AssertionError as error:
            failed, why = failed + 1, error
    return failed, why


@pytest.mark.parametrize("assertion", COUNTED)
def test_what_counts_gives_no_false_alarm(assertion, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTPROF_UPDATE", "1")
    with contextlib.suppress(AssertionError):
        assertion(tmp_path)
    monkeypatch.delenv("FASTPROF_UPDATE")
    assert alarms(assertion, tmp_path) == (0, None)


@pytest.mark.parametrize("assertion", TIMED)
def test_what_measures_gives_one_false_alarm_at_most(assertion, tmp_path):
    failed, why = alarms(assertion, tmp_path)
    print(f"{failed} false alarms of {TIMES}")  # pytest -rP shows it
    assert failed <= (1 if IS_LONG else 0), why
