"""`clock="both"`: the time that passes, and of it what each thread is on a CPU."""

import os
import sys
import time

import fastprof
import pytest
from support import IS_SANITIZED, run_isolated

METHODS = pytest.mark.parametrize("rseq", ["1", "0"])
BACKENDS = pytest.mark.parametrize(
    "backend", ["setprofile"] + ["monitoring"] * (sys.version_info >= (3, 12))
)

PROGRAM = """
import os
os.environ["FASTPROF_RSEQ"] = {rseq!r}
import fastprof, queue, subprocess, sys, threading, time

profiler = fastprof.Profiler(
    clock="both", backend={backend!r}, compensate=False, max_nodes={max_nodes}
)

def leaf(number):
    return number * 3 + 1

def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for number in range(50):
            leaf(number)

def figures():
    return {{f.name: f for f in profiler.snapshot().functions}}
"""


def check(source, rseq, backend, max_nodes=2**20):
    if IS_SANITIZED or hasattr(sys, "gettotalrefcount"):
        pytest.skip("instrumented, it uses more than the program: runs in `make test`")
    run_isolated(
        PROGRAM.format(rseq=rseq, backend=backend, max_nodes=max_nodes) + source
    )


@METHODS
@BACKENDS
@pytest.mark.parametrize("max_nodes", [2**20, 1])
def test_waiting_is_told_from_computing(rseq, backend, max_nodes):
    """In a call tree, and where the budget is used up at once."""
    check(
        """
def waits():
    for _ in range(5):
        time.sleep(0.02)
        leaf(1)

def computes():
    compute(0.05)

def program():
    waits()
    computes()

with profiler:
    program()
found = figures()
waiting, computing = found["waits"], found["computes"]
assert waiting.cumulative > 0.1 and waiting.cumulative_cpu < 0.02, vars(waiting)
assert 0.049 < computing.cumulative_cpu <= computing.cumulative, vars(computing)
assert 0.049 < found["program"].cumulative_cpu < 0.1, vars(found["program"])
assert found["program"].cumulative > 0.15
assert found["program"].own_cpu < 0.02, vars(found["program"])
sleeping = found["<built-in method time.sleep>"]
assert sleeping.own > 0.1 and sleeping.own_cpu < 0.02, vars(sleeping)
""",
        rseq,
        backend,
        max_nodes,
    )


@METHODS
@BACKENDS
def test_waiting_for_a_lock_is_the_locks(rseq, backend):
    check(
        """
lock = threading.Lock()

def holds():
    with lock:
        ready.set()
        time.sleep(0.1)

def wants():
    lock.acquire()
    lock.release()
    compute(0.02)

ready = threading.Event()
with profiler:
    thread = threading.Thread(target=holds)
    thread.start()
    ready.wait()
    wants()
    thread.join()
found = figures()
wanting = found["wants"]
assert wanting.cumulative > 0.1, vars(wanting)
assert 0.019 < wanting.cumulative_cpu < 0.06, vars(wanting)
acquiring = found["<method 'acquire' of '_thread.lock' objects>"]
assert acquiring.own - acquiring.own_cpu > 0.07, vars(acquiring)
""",
        rseq,
        backend,
    )


@METHODS
@BACKENDS
def test_a_thread_that_waits_when_recording_ends(rseq, backend):
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
    assert figures()["waits"].cumulative_cpu < 0.05
    assert figures()["waits"].cumulative > 0.09
over.set()
thread.join()
assert figures()["waits"].cumulative_cpu < 0.05, vars(figures()["waits"])
assert figures()["waits"].cumulative > 0.09
""",
        rseq,
        backend,
    )


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="cannot choose a CPU: runs on Linux"
)
@METHODS
@BACKENDS
def test_a_busy_neighbour_takes_no_cpu_time(rseq, backend):
    check(
        """
cpu = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cpu})
neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])

def crowded():
    compute(0.1)

try:
    with profiler:
        crowded()
finally:
    neighbour.kill()
    neighbour.wait()
found = figures()["crowded"]
assert 0.08 < found.cumulative_cpu < 0.115, vars(found)
assert found.cumulative_cpu < 0.9 * found.cumulative, vars(found)
""",
        rseq,
        backend,
    )


@BACKENDS
def test_what_it_says_is_what_each_clock_alone_says(backend):
    check(
        """
# Each run is compared with what passed meanwhile, for no two take as long.
def program():
    began = time.perf_counter(), time.thread_time()
    time.sleep(0.05)
    compute(0.05)
    ended = time.perf_counter(), time.thread_time()
    passed[:] = [end - begin for begin, end in zip(began, ended)]

def total(clock):
    with fastprof.Profiler(clock=clock, backend=backend, compensate=False) as one:
        program()
    (found,) = [f for f in one.snapshot().functions if f.name == "program"]
    return found

passed = []
wall = total("wall")
assert wall.own_cpu is None and wall.cumulative_cpu is None
assert abs(wall.cumulative - passed[0]) < 0.02, (wall.cumulative, passed)
cpu = total("cpu")
assert cpu.cumulative_cpu == cpu.cumulative and cpu.own_cpu == cpu.own
assert abs(cpu.cumulative - passed[1]) < 0.01, (cpu.cumulative, passed)
both = total("both")
assert abs(both.cumulative - passed[0]) < 0.02, (both.cumulative, passed)
assert abs(both.cumulative_cpu - passed[1]) < 0.01, (both.cumulative_cpu, passed)
""".replace("backend=backend", f"backend={backend!r}"),
        "1",
        backend,
    )


def sleeping():
    time.sleep(0.05)


def test_a_file_keeps_it(tmp_path):
    with fastprof.Profiler(clock="both") as profiler:
        sleeping()
    profiler.save(tmp_path / "out.prof")
    loaded = fastprof.load(tmp_path / "out.prof")
    assert loaded.info["measures"] == profiler.clock_info["measures"] == "both"
    for stats in loaded, loaded.raw:
        (found,) = [f for f in stats.functions if f.name == "sleeping"]
        assert found.cumulative > 0.049
        assert 0.0 <= found.cumulative_cpu < 0.04
    was = [vars(function) for function in profiler.snapshot().functions]
    assert [vars(function) for function in loaded.functions] == was
    assert loaded.cpu_times == profiler.snapshot().cpu_times


def test_it_is_forgotten_with_the_rest():
    profiler = fastprof.Profiler(clock="both")
    with profiler:
        sleeping()
        profiler.clear()
        sleeping()
    (found,) = [f for f in profiler.snapshot().functions if f.name == "sleeping"]
    assert found.calls == 1
    assert found.cumulative - found.cumulative_cpu > 0.01


def test_counts_are_those_of_the_wall_clock():
    def program():
        return sum(len(str(number)) for number in range(100))

    counts = []
    for clock in "wall", "both":
        with fastprof.Profiler(clock=clock) as profiler:
            program()
        counts.append({key: v[:2] for key, v in profiler.snapshot().stats.items()})
    assert counts[0] == counts[1]


def test_the_table_has_both(capsys):
    with fastprof.Profiler(clock="both") as profiler:
        sleeping()
    profiler.print_stats("cumulative")
    lines = capsys.readouterr().out.splitlines()
    (title,) = [line for line in lines if "ncalls" in line]
    assert title.split() == [
        *("ncalls", "tottime", "percall", "cumtime", "percall"),
        *("own_cpu", "cumulative_cpu", "filename:lineno(function)"),
    ]
    (row,) = [line.split() for line in lines if line.endswith("(sleeping)")]
    assert len(row) == 8
    assert float(row[3]) > 0.049
    assert float(row[5]) <= float(row[6]) < 0.04


def test_the_table_adds_up_what_has_one_name(capsys, tmp_path):
    """Files of the same name in two directories."""
    with fastprof.Profiler(clock="both") as profiler:
        for directory in "one", "two":
            exec(
                compile("import time\ntime.sleep(0.02)\n", f"/{directory}/f.py", "exec")
            )
    times = profiler.snapshot().cpu_times
    expected = sum(
        times[f"/{directory}/f.py", 1, "<module>"][1] for directory in ("one", "two")
    )
    profiler.print_stats()
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line.split() for line in lines if line.endswith("f.py:1(<module>)")]
    assert row[0] == "2"
    assert float(row[6]) == pytest.approx(expected, abs=0.001)


def test_the_command_line_has_it(tmp_path):
    import subprocess

    script = tmp_path / "script.py"
    script.write_text("import time\ndef waits():\n    time.sleep(0.05)\nwaits()\n")
    child = subprocess.run(
        [sys.executable, "-m", "fastprof", "--clock", "both", str(script)],
        capture_output=True,
        text=True,
        check=True,
    )
    (row,) = [
        line.split() for line in child.stdout.splitlines() if line.endswith("(waits)")
    ]
    assert float(row[3]) > 0.049
    assert float(row[6]) < 0.04


def test_a_timer_has_no_cpu_time():
    with pytest.raises(ValueError, match="leave out clock='both'"):
        fastprof.Profiler(clock="both", timer=time.time)
