"""Memory stays flat however often a profiler is made, switched, or threads come and go.

`make test` runs a short form; FASTPROF_LONG=1 (`make test-long`) 10⁵ times enable and
disable, 10⁴ profilers and 10³ threads. An interpreter with --with-pydebug also counts
references.
"""

import os
import sys

import pytest
from support import run_isolated, unless_sanitized

IS_LONG = bool(os.environ.get("FASTPROF_LONG"))
SLACK = 100_000  # bytes

PREPARE = """
import gc, os, sys, threading
import fastprof

def leaf(n):
    return sorted(str(n), key=ord)

def values(n):
    for value in range(n):
        yield leaf(value)

def work():
    return len(list(values(3)))

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

references = getattr(sys, "gettotalrefcount", lambda: 0)
"""
MEASURE = """
growths, references_more = [], []
repeat(COUNT)
for _ in range(4):
    before, counted = resident(), references()
    repeat(COUNT)
    growths.append(resident() - before)
    references_more.append(references() - counted)
# A leak is there each time; what malloc and the interpreter keep is not.
assert min(growths) < SLACK, f"bytes more: {growths}"
assert min(references_more) < 200, f"references more: {references_more}"
"""
CASES = {
    "enable and disable": (
        2000,
        100_000,
        """
profiler = fastprof.Profiler(OPTIONS)
def repeat(count):
    for _ in range(count):
        profiler.enable()
        work()
        profiler.disable()
""",
    ),
    "profilers": (
        500,
        10_000,
        """
def repeat(count):
    for _ in range(count):
        with fastprof.Profiler(OPTIONS) as profiler:
            work()
        profiler.snapshot_stats()
        profiler.getstats()
""",
    ),
    "threads": (
        300,
        1000,
        """
def repeat(count):
    with fastprof.Profiler(OPTIONS) as profiler:
        for _ in range(count):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    profiler.clear()
""",
    ),
    "code that is made anew": (
        4000,
        20_000,
        """
def repeat(count):
    for number in range(count):
        with fastprof.Profiler(OPTIONS):
            exec("def made(): return [].append\\nmade()(1)", {})
""",
    ),
}
BACKENDS = (
    ["monitoring", "setprofile"] if sys.version_info >= (3, 12) else ["setprofile"]
)


@unless_sanitized("keeps for a while what is freed")
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: runs on Linux")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_memory_stays_flat(case, backend):
    short, long, repeat = CASES[case]
    settings = f"COUNT, SLACK = {long if IS_LONG else short}, {SLACK}\n"
    repeat = repeat.replace("OPTIONS", f"backend={backend!r}")
    run_isolated(PREPARE + settings + repeat + MEASURE)
