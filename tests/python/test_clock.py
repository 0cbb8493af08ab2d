"""The clock: which one it is, and that it can be forced."""

import os
import subprocess
import sys

import fastprof
import pytest
from support import run_isolated

SHOW = "import fastprof; print(fastprof.Profiler().clock_info['source'])"


def with_clock(name):
    return f"import os\nos.environ['FASTPROF_CLOCK'] = {name!r}\n"


def test_the_clock_is_reported():
    info = fastprof.Profiler().clock_info
    assert info["source"] in {"tsc", "cntvct", "monotonic"}
    assert 0 < info["seconds_per_tick"] <= 1e-6
    assert info["unstable"] in {False, True}


def test_a_timer_takes_the_place_of_the_clock():
    info = fastprof.Profiler(timer=lambda: 1, timeunit=0.25).clock_info
    assert info == {
        "source": "custom",
        "measures": "custom",
        "seconds_per_tick": 0.25,
        "unstable": False,
    }


def test_monotonic_can_be_forced_everywhere():
    run_isolated(with_clock("monotonic") + SHOW, stdout="monotonic\n")


def test_an_empty_variable_forces_nothing():
    source = fastprof.Profiler().clock_info["source"]
    run_isolated(with_clock("") + SHOW, stdout=f"{source}\n")


@pytest.mark.parametrize("clock", ["monotonic", None])
def test_times_are_seconds_whatever_the_clock(clock):
    """The program measures itself; the profile cannot say more than that."""
    forced = with_clock(clock) if clock else ""
    run_isolated(
        forced
        + """
import fastprof, time

def busy():
    end = time.perf_counter() + 0.05
    while time.perf_counter() < end:
        pass

before = time.perf_counter()
with fastprof.Profiler(compensate=False) as profiler:
    busy()
longest = time.perf_counter() - before
(cumulative,) = [v[3] for k, v in profiler.snapshot().stats.items() if k[2] == "busy"]
assert 0.9 * 0.05 < cumulative < 1.1 * longest, (cumulative, longest)
"""
    )


def test_an_unknown_clock_is_refused_when_a_profiler_is_made():
    source = with_clock("sundial") + (
        "import fastprof\n"
        "try:\n"
        "    fastprof.Profiler()\n"
        "except fastprof.BackendError as error:\n"
        "    assert isinstance(error, ValueError)\n"
        "    assert 'FASTPROF_CLOCK' in str(error)\n"
        "    print('refused')\n"
    )
    run_isolated(source, stdout="refused\n")


def test_an_unknown_clock_is_bad_input_to_the_command_line(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('ran')")
    child = subprocess.run(
        [sys.executable, "-m", "fastprof", script],
        env={**os.environ, "FASTPROF_CLOCK": "sundial"},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 2
    assert child.stdout == ""
    assert child.stderr.startswith("fastprof: ") and child.stderr.count("\n") == 1
