"""The clock of timed assertions: waiting for a CPU is not in it, other waiting is."""

import os
import subprocess
import sys
import time

import pytest
from fastprof.testing import clock
from fastprof.testing.clock import unhindered_time

NEIGHBOUR = "while True: pass"


def loop():
    for number in range(300_000):
        number * number


@pytest.fixture
def crowded():
    """One CPU for us and for three busy neighbours."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    neighbours = [subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) for _ in "123"]
    time.sleep(0.3)
    yield
    for neighbour in neighbours:
        neighbour.kill()
        neighbour.wait()
    os.sched_setaffinity(0, allowed)


@pytest.mark.skipif(
    not os.path.exists(clock.WAITED),
    reason="this kernel does not tell who waited: most do, make test runs on them",
)
def test_waiting_for_a_cpu_does_not_count(crowded):
    passed, unhindered, cpu = [], [], []
    for _ in range(10):
        begins = time.perf_counter(), unhindered_time(), time.thread_time()
        loop()
        ends = time.thread_time(), unhindered_time(), time.perf_counter()
        passed.append(ends[2] - begins[0])
        unhindered.append(ends[1] - begins[1])
        cpu.append(ends[0] - begins[2])
    assert sum(passed) > 2.0 * sum(cpu)  # there was somebody to wait for
    assert sum(unhindered) < 1.5 * sum(cpu)


def test_sleeping_counts():
    begin = unhindered_time()
    time.sleep(0.02)
    assert unhindered_time() - begin > 0.01


@pytest.mark.parametrize("content", [None, "", "1 x 2"])
def test_where_nobody_tells_it_is_the_time_that_passes(content, monkeypatch, tmp_path):
    file = tmp_path / "schedstat"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(clock, "WAITED", str(file))
    assert abs(unhindered_time() - time.perf_counter()) < 1.0
