"""CPython's own tests of cProfile and pstats pass with fastprof in cProfile's place.

They are those of the interpreter that runs this; `cpython_tests.py` swaps fastprof in.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("cpython_tests.py")
BEFORE_MONITORING = sys.version_info < (3, 12)

# What is different on purpose, each a row of docs/cprofile.md.
GETPROFILE = "sys.getprofile() gives an object of our own"
DEVIATIONS = {
    "CProfileTest.test_second_profiler": "any number of our profilers may be active",
}
if BEFORE_MONITORING:
    DEVIATIONS = {
        "CProfileTest.test_bad_counter_during_dealloc": "Profiler(1) is a TypeError",
        "CProfileTest.test_profile_as_context_manager": GETPROFILE,
        "CProfileTest.test_profile_enable_disable": GETPROFILE,
    }

if importlib.util.find_spec("test.test_grammar") is None:
    pytest.skip(
        "no test package (Debian: libpython3.N-testsuite); those of pyenv have it",
        allow_module_level=True,
    )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    child = subprocess.run(
        [sys.executable, str(RUNNER)],
        cwd=tmp_path_factory.mktemp("cpython"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout.splitlines()[-1])


def test_all_pass_but_those_that_differ_on_purpose(outcomes):
    failed = {
        name: outcome
        for name, outcome in outcomes.items()
        if outcome != "ok" and name not in DEVIATIONS
    }
    assert not failed, "\n".join(f"{name}: {text}" for name, text in failed.items())


def test_what_differs_on_purpose_still_does(outcomes):
    assert {name: outcomes[name] != "ok" for name in DEVIATIONS} == dict.fromkeys(
        DEVIATIONS, True
    )


@pytest.mark.parametrize(
    "name",
    [
        "CProfileTest.test_cprofile",
        "CProfileTest.test_calling_conventions",
        "CProfileTest.test_run_profile_as_module",
        "TestCommandLine.test_sort",
        "StatsTestCase.test_add",
    ],
)
def test_the_tests_that_matter_have_run(outcomes, name):
    assert outcomes[name] == "ok"
