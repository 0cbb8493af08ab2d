"""The command `fastprof` and its verbs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import fastprof
import pytest

COMMAND = str(Path(sys.executable).with_name("fastprof"))
SOURCES = ["monitoring"] * (sys.version_info >= (3, 12)) + ["setprofile"]


def run(*words, **options):
    return subprocess.run(
        [COMMAND, *words], capture_output=True, text=True, timeout=120, **options
    )


def test_run_is_python_m_fastprof(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:])\nsys.exit(3)")
    profile = tmp_path / "out.prof"
    result = run("run", "-o", profile, script, "-o", "argument")
    assert (result.returncode, result.stderr) == (3, "")
    assert result.stdout == "['-o', 'argument']\n"
    assert (str(script), 1, "<module>") in fastprof.load(profile).stats


def test_a_module_can_be_run_as_the_command():
    words = [sys.executable, "-m", "fastprof.cli", "--help"]
    result = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: fastprof VERB")


def test_calibrate_prints_the_costs_of_each_event_source():
    result = run("calibrate")
    assert (result.returncode, result.stderr) == (0, "")
    tables = result.stdout.split("\n\n")
    assert [table.partition(":")[0] for table in tables] == SOURCES
    for table in tables:
        cost = re.search(r"Python function +(-?[\d.]+) +(-?[\d.]+) +([\d.]+) ", table)
        inside, outside, together = map(float, cost.groups())
        assert abs(inside + outside - together) < 0.2
        assert together > 0.0


def test_doctor_tells_what_there_is():
    result = run("doctor")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"fastprof {fastprof.__version__}" in result.stdout
    with fastprof.Profiler() as profiler:
        pass
    source = profiler.clock_info["source"]
    assert re.search(rf"^clock +{source}, a reading takes [\d.]", result.stdout, re.M)
    assert re.search(rf"^event source +{SOURCES[0]}", result.stdout, re.M)
    assert re.search(r"^cost of a call a Python function \d+ ns", result.stdout, re.M)


def test_doctor_warns_of_the_slower_clock():
    result = run("doctor", env={**os.environ, "FASTPROF_CLOCK": "monotonic"})
    assert "warning: FASTPROF_CLOCK asks for the slower clock" in result.stdout
    assert "nothing is odd here" not in result.stdout


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "a verb is missing"),
        (["dance"], "no such verb: 'dance'"),
        (["doctor", "who"], "doctor takes no arguments"),
    ],
)
def test_other_words_are_refused(words, problem):
    result = run(*words)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.endswith(f"\nfastprof: {problem}\n")


def test_a_clock_that_is_not_to_be_had_is_told_in_a_line():
    result = run("doctor", env={**os.environ, "FASTPROF_CLOCK": "sundial"})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("fastprof: the environment variable FASTPROF_CLOCK")
    assert result.stderr.count("\n") == 1
