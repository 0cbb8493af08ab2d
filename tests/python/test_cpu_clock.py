"""`clock="cpu"` counts the time that each thread is on a CPU, and no other.

The program asks its own threads' clocks (`time.thread_time`), and the profile agrees.
Every test runs with the kernel's areas (rseq), where there are some, and without.
"""

import os
import sys
import time

import fastprof
import pytest
from support import IS_SANITIZED, run_isolated, unless_sanitized

METHODS = pytest.mark.parametrize("rseq", ["1", "0"])
BACKENDS = pytest.mark.parametrize(
    "backend", ["setprofile"] + ["monitoring"] * (sys.version_info >= (3, 12))
)

PROGRAM = """
import os
os.environ["FASTPROF_RSEQ"] = {rseq!r}
import fastprof, queue, random, subprocess, sys, threading, time

profiler = fastprof.Profiler(clock="cpu", backend={backend!r}, compensate=False)
used = {{}}

def timed(function):
    def wrapper(*arguments):
        before = time.thread_time()
        result = function(*arguments)
        used[name] = used.get(name, 0.0) + time.thread_time() - before
        return result
    name = function.__name__
    return wrapper

def leaf(number):
    return number * 3 + 1

def compute(seconds):
    # By the thread's own clock, so that it does as much however crowded the CPU is.
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for number in range(50):
            leaf(number)

def cumulative():
    return {{f.name: f.cumulative for f in profiler.snapshot().functions}}

def agree(names, tolerance=0.02, slack=0.002):
    said = cumulative()
    for name in names:
        error = abs(said[name] - used[name])
        assert error < tolerance * used[name] + slack, (name, said[name], used[name])
"""


def check(source, rseq, backend):
    if IS_SANITIZED or hasattr(sys, "gettotalrefcount"):
        # What the profiler itself uses is in `used`, and in no figure.
        pytest.skip("instrumented, it uses more than the program: runs in `make test`")
    run_isolated(PROGRAM.format(rseq=rseq, backend=backend) + source)


@METHODS
@BACKENDS
def test_sleep_is_no_time(rseq, backend):
    check(
        """
@timed
def sleeps():
    for _ in range(5):
        time.sleep(0.02)
        leaf(1)

@timed
def computes():
    compute(0.05)

with profiler:
    sleeps()
    computes()
agree(["sleeps", "computes"])
assert cumulative()["sleeps"] < 0.02
""",
        rseq,
        backend,
    )


@METHODS
@BACKENDS
def test_many_short_sleeps(rseq, backend):
    check(
        """
@timed
def naps():
    for _ in range(500):
        time.sleep(0.00005)
        leaf(1)

with profiler:
    naps()
agree(["naps"], slack=0.01)
""",
        rseq,
        backend,
    )


@METHODS
@BACKENDS
def test_threads_that_compute_at_the_same_time(rseq, backend):
    """Each waits for the interpreter most of the time."""
    check(
        """
def work(number):
    namespace = {"compute": compute, "timed": timed}
    exec(f"@timed\\ndef computes{number}():\\n    compute(0.06)", namespace)
    threads.append(threading.Thread(target=namespace[f"computes{number}"]))

threads = []
for number in range(4):
    work(number)
with profiler:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
agree([f"computes{number}" for number in range(4)], tolerance=0.25)
""",
        rseq,
        backend,
    )


@METHODS
@BACKENDS
def test_mixed_programs_on_busy_threads(rseq, backend):
    """Which do not ask their own clock all the time: within two per cent."""
    check(
        """
import json, re

def medium(turns):
    total = 0
    for number in range(turns):
        total += number * number
    return total

def mixture():
    for _ in range(25):
        medium(5000)
        time.sleep(0.001)
        for number in range(1500):
            leaf(number)
        re.sub("a+", "b", "aaabbb" * 200)

def library():
    table = {str(number): list(range(20)) for number in range(50)}
    for _ in range(400):
        json.loads(json.dumps(table))

def computes():
    for _ in range(500):
        medium(1000)

def start(name, work):
    namespace = {"work": work, "timed": timed}
    exec(f"@timed\\ndef {name}():\\n    work()", namespace)
    threads.append(threading.Thread(target=namespace[name]))

for _ in range(3):
    used.clear()
    profiler.clear()
    threads = []
    for work in mixture, library, computes:
        start("of_" + work.__name__, work)
    with profiler:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    try:
        agree(list(used), slack=0.0005)
        break
    except AssertionError as error:
        failure = error
else:
    raise failure
""",
        rseq,
        backend,
    )


@METHODS
@BACKENDS
def test_threads_that_wait_for_each_other(rseq, backend):
    check(
        """
there, back = queue.Queue(), queue.Queue()

@timed
def ping():
    for number in range(300):
        there.put(number)
        back.get()

@timed
def pong():
    for number in range(300):
        there.get()
        back.put(number)

with profiler:
    other = threading.Thread(target=pong)
    other.start()
    ping()
    other.join()
agree(["ping", "pong"], tolerance=0.1, slack=0.01)
""",
        rseq,
        backend,
    )


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="cannot choose a CPU: runs on Linux"
)
@METHODS
@BACKENDS
def test_a_busy_neighbour_on_the_same_cpu(rseq, backend):
    check(
        """
cpu = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cpu})
neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])

@timed
def crowded():
    compute(0.1)

try:
    before = time.perf_counter()
    with profiler:
        crowded()
    passed = time.perf_counter() - before
finally:
    neighbour.kill()
    neighbour.wait()
# What the profiler uses to ask the kernel is in `used`, and in no figure.
agree(["crowded"], tolerance=0.15)
assert cumulative()["crowded"] < 0.9 * passed
""",
        rseq,
        backend,
    )


@METHODS
@BACKENDS
def test_a_thread_that_waits_when_recording_ends_has_not_computed(rseq, backend):
    check(
        """
started, over = threading.Event(), threading.Event()

def waits():
    started.set()
    over.wait()

with profiler:
    thread = threading.Thread(target=waits)
    thread.start()
    started.wait()
    time.sleep(0.1)
    assert cumulative()["waits"] < 0.05, cumulative()["waits"]
over.set()
thread.join()
assert cumulative()["waits"] < 0.05, cumulative()["waits"]
""",
        rseq,
        backend,
    )


@METHODS
@BACKENDS
def test_what_passes_between_two_spans_is_in_none(rseq, backend):
    check(
        """
def program():
    compute(0.01)
    profiler.disable()
    time.sleep(0.05)
    compute(0.05)
    profiler.enable()
    compute(0.01)

profiler.enable()
program()
profiler.disable()
assert 0.005 < cumulative()["compute"] < 0.04, cumulative()
""",
        rseq,
        backend,
    )


@METHODS
@BACKENDS
def test_beside_a_profiler_of_the_wall_clock(rseq, backend):
    """Both are fed in the slow way then."""
    check(
        """
@timed
def sleeps():
    time.sleep(0.05)
    compute(0.02)

with fastprof.Profiler(backend=profiler_backend, compensate=False) as wall:
    with profiler:
        sleeps()
# Every event asks the kernel: what that takes is in `used`, and in no figure.
assert 0.0 < cumulative()["sleeps"] < used["sleeps"] + 0.002
passed = {f.name: f.cumulative for f in wall.snapshot().functions}
assert passed["sleeps"] > 0.07
""".replace("profiler_backend", repr(backend)),
        rseq,
        backend,
    )


def test_counts_are_those_of_the_wall_clock():
    def program():
        return sum(len(str(number)) for number in range(100))

    counts = []
    for clock in "wall", "cpu":
        with fastprof.Profiler(clock=clock) as profiler:
            program()
        counts.append({key: v[:2] for key, v in profiler.snapshot().stats.items()})
    assert counts[0] == counts[1]


@unless_sanitized("slows down each part by another factor")
def test_what_the_profiler_adds_is_taken_out_of_it_too():
    def tiny():
        pass

    def calls():
        for _ in range(20_000):
            tiny()

    for _ in range(5):
        alone = min(used_by(calls) for _ in range(5))
        runs = [recorded(calls) for _ in range(5)]
        raw, compensated = min(runs)
        if abs(compensated - alone) < 0.5 * (raw - alone):
            return
    pytest.fail(f"{alone} s alone, {raw} s recorded, {compensated} s compensated")


def used_by(function):
    before = time.thread_time()
    function()
    return time.thread_time() - before


def recorded(function):
    with fastprof.Profiler(clock="cpu") as profiler:
        function()
    stats = profiler.snapshot()
    (raw,) = [f.cumulative for f in stats.raw.functions if f.name == function.__name__]
    (own,) = [f.cumulative for f in stats.functions if f.name == function.__name__]
    return raw, own


def test_a_profile_says_what_it_measures(tmp_path):
    for clock in "wall", "cpu":
        profiler = fastprof.Profiler(clock=clock)
        assert profiler.clock_info["measures"] == clock
        profiler.save(tmp_path / "out.prof")
        assert fastprof.load(tmp_path / "out.prof").info["measures"] == clock
    assert fastprof.Profiler(timer=time.time).clock_info["measures"] == "custom"


@pytest.mark.parametrize("value", ["sundial", None, 1, b"cpu"])
def test_an_unknown_clock_is_refused(value):
    with pytest.raises(ValueError, match="clock must be"):
        fastprof.Profiler(clock=value)


def test_a_timer_and_a_clock_are_one_too_many():
    with pytest.raises(ValueError, match="leave out clock"):
        fastprof.Profiler(clock="cpu", timer=time.time)
    assert fastprof.Profiler(clock="wall", timer=time.time)


@METHODS
def test_the_command_line_has_it(rseq, tmp_path):
    run_isolated(
        f"""
import os, subprocess, sys
from pathlib import Path
os.environ["FASTPROF_RSEQ"] = {rseq!r}
script, out = Path({str(tmp_path)!r}, "s.py"), Path({str(tmp_path)!r}, "s.prof")
script.write_text("import time\\ndef sleeps(): time.sleep(0.1)\\nsleeps()")
command = [sys.executable, "-m", "fastprof", "--clock", "cpu", "-o", out, script]
subprocess.run(command, check=True)
import fastprof
stats = fastprof.load(out)
(sleeps,) = [f for f in stats.functions if f.name == "sleeps"]
assert sleeps.cumulative < 0.05
"""
    )
