"""The accuracy benchmark compares what it says it does."""

import importlib
import sys
from pathlib import Path

import fastprof
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path += [str(BENCHMARKS), str(BENCHMARKS / "accuracy")]

cases = importlib.import_module("cases")
observers = importlib.import_module("observers")
order = importlib.import_module("order")
report = importlib.import_module("report")

TURNS = 7


def callees_of(profiler, name):
    """The calls that a block makes."""
    return {
        key[2]: sum(calls[0] for caller, calls in entry[4].items() if caller[2] == name)
        for key, entry in profiler.snapshot().stats.items()
        if any(caller[2] == name for caller in entry[4])
    }


@pytest.mark.parametrize("name", cases.CASES)
def test_one_block_calls_and_the_other_does_not(name):
    with fastprof.Profiler() as profiler:
        cases.program(cases.CASES[name], TURNS, TURNS)
    called = callees_of(profiler, "called")
    assert len(called) == 1 and sum(called.values()) % TURNS == 0, called
    assert callees_of(profiler, "inlined") == {}


@pytest.mark.parametrize("name", cases.CASES)
def test_both_blocks_take_about_as_long(name):
    """Otherwise they would not do the same: a call is not a hundred times the work."""
    with fastprof.Profiler() as profiler:
        cases.program(cases.CASES[name], 100, 100)
    took = observers.fastprof()(lambda: cases.program(cases.CASES[name], 100, 100))
    assert 0.01 < (took["called"] + 1e-5) / (took["inlined"] + 1e-5) < 100
    assert profiler.snapshot().complete


@pytest.mark.parametrize("name", ["fastprof", "cProfile", "profile"])
def test_observers_say_what_the_blocks_took(name):
    case = cases.CASES["large function"]
    said = observers.OBSERVERS[name](lambda: cases.program(case, 200, 200))
    assert said.keys() == {"called", "inlined"}
    assert all(seconds > 0.0 for seconds in said.values())


def test_stacks_of_py_spy_are_counted_by_block():
    text = """\
<module> (child.py:9);main (child.py:5);called (blocks.py:3);f (blocks.py:1) 30
<module> (child.py:9);main (child.py:5);called (blocks.py:3) 5
<module> (child.py:9);main (child.py:5);inlined (blocks.py:7) 65
<module> (child.py:9);main (child.py:5) 100
"""
    assert observers.of_collapsed_stacks(text) == {"called": 35.0, "inlined": 65.0}


def one(observer, true, said, total, case="method", group="bias"):
    return {
        "case": case,
        "group": group,
        "observer": observer,
        "true": true,
        "said": said,
        "total": total,
    }


MEASURED = [
    {
        "python": "3.99.0",
        "date": "today",
        "revision": "0",
        "rounds": 3,
        "machine": {"cpu": "a", "cores": 1, "kernel": "k", "load": 0.0},
        "results": [
            one("fastprof", 0.5, 0.51, 1.04),
            one("fastprof", 0.25, 0.22, 0.99),
            one("cProfile", 0.5, 0.9, 4.0),
            one("cProfile", 0.25, 0.75, 1.0),
        ],
        "totals": [
            {
                "set": "workloads",
                "name": "fib",
                "alone": 1.0,
                "recorded": 3.0,
                "compensated": 1.1,
            }
        ],
        "cpu": {
            "fib": {
                "unprofiled": 1.0,
                "fastprof": 3.0,
                "fastprof-cpu": 3.2,
                "yappi-cpu": 23.0,
            }
        },
        "order": {
            "go": {"fastprof": {"same": 0.95, "correlation": 0.9, "error": 0.012}},
        },
    }
]


def test_the_page_has_the_errors_in_points():
    page = report.page(MEASURED)
    assert "| fastprof | 2.0 | 3.0 | 1.01 | 0.99 | 1.04 |" in page
    assert "| cProfile | 45.0 | 50.0 | 2.00 | 1.00 | 4.00 |" in page
    assert "- maximum 3.00, goal 2.0: missed" in page
    assert "- total 0.04, goal 0.05: met" in page
    assert "| method | 3.0 | 50.0 |" in page
    assert "recorded 3.00, compensated 1.10" in page
    assert "| fib | 3.00 | 1.10 |" in page
    assert "| fib | 2.00 | 2.20 | 22.00 |" in page
    assert "1.10 of what the wall clock adds (goal 1.3: met)" in page
    assert "| go | 95% | 0.90 | 1.2 |" in page


def test_the_order_is_compared_over_what_both_know():
    stacks = """\
main (a.py:1);f (a.py:3) 60
main (a.py:1);f (a.py:4);A.g (a.py:9) 30
main (a.py:2) 10
harness (b.py:7) 100
"""
    reference = order.of_stacks(stacks)
    assert reference["f", "a.py"] == 0.3
    said = order.shares_of(
        [("g", "/x/a.py", 2.0), ("f", "a.py", 7.0), ("main", "a.py", 1)]
    )
    compared = order.compare(reference, said)
    assert compared["same"] == 1.0
    assert compared["correlation"] == pytest.approx(1.0)
    assert compared["error"] == pytest.approx(0.4)


def test_agreement_is_reported_by_its_worst():
    errors = {
        "calls": {"1": [0.001, -0.004], "0": [0.01, -0.03]},
        "naps": {"1": [0.002], "0": [0.0]},
    }
    text = report.agreement(errors)
    assert "| calls | 0.40% | 0.25% | 3.00% | 2.00% |" in text
    assert "0.40% with rseq (met) and 3.00% without (missed)" in text
