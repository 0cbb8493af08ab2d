"""The overhead benchmark measures what it says and computes what it prints."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

overhead = importlib.import_module("overhead")
report = importlib.import_module("overhead_report")
workloads = importlib.import_module("workloads")

needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring came with 3.12"
)


def section_of(seconds, **others):
    """A section of the report: seconds by mode by workload."""
    return {
        "python": "3.11.7",
        "compiler": "GCC 12.2.0",
        "date": "2026-01-01 12:00 UTC",
        "machine": {
            "cpu": "CPU",
            "cores": 2,
            "kernel": "Linux 6",
            "governor": "unknown",
            "load": 0.0,
        },
        "revision": "0123456789ab",
        "rounds": 2,
        "modes": ["unprofiled", "cProfile", "fastprof", "empty"],
        "workloads": {
            name: {"calls": 1_500_000, "seconds": times}
            for name, times in seconds.items()
        },
        "errors": {},
        **others,
    }


@pytest.fixture
def section():
    """Ratios of cProfile 2 and 8, of fastprof 2 and 4.5, of empty 2 and 2."""
    return section_of(
        {
            "fib": {
                "unprofiled": [1.5, 1.0],
                "cProfile": [2.0, 3.0],
                "fastprof": [2.0, 2.0],
                "empty": [2.0, 2.5],
            },
            "richards": {
                "unprofiled": [2.0, 2.0],
                "cProfile": [16.0, 16.0],
                "fastprof": [9.0, 9.0],
                "empty": [5.0, 4.0],
            },
        }
    )


# Workloads


def test_every_workload_is_listed():
    modules = {path.stem for path in (BENCHMARKS / "workloads").glob("*.py")}
    assert modules - {"__init__"} == set(workloads.ALL)
    assert len(workloads.ALL) == len(set(workloads.ALL))


@pytest.mark.parametrize("name", workloads.ALL)
def test_workload_gives_the_same_result_each_time(name):
    workload = importlib.import_module(f"workloads.{name}")
    assert workload.main(2) == workload.main(2)
    assert workload.SCALE // overhead.QUICK_DIVISOR >= 1


def test_wrong_result_is_an_error():
    assert workloads.check((1, 2), (1, 2)) == (1, 2)
    with pytest.raises(workloads.WrongResultError, match=r"got 1, expected 2"):
        workloads.check(1, 2)


# Figures


def test_ratio_compares_the_best_rounds(section):
    assert report.ratios(section, "cProfile") == {"fib": 2.0, "richards": 8.0}


def test_means_are_geometric(section):
    assert report.mean_ratio(section, "cProfile") == pytest.approx(4.0)
    assert report.mean_ratio(section, "fastprof") == pytest.approx(3.0)
    assert report.mean_ratio(section, "empty") == pytest.approx(2.0)
    assert report.mean_ratio(section, "empty-clock") is None


def test_added_time_is_what_exceeds_the_unprofiled_time():
    assert report.added_share(3.0, 5.0) == pytest.approx(0.5)
    assert report.added_share(3.0, 1.0) is None
    assert report.added_share(None, 5.0) is None


def test_total_time_is_a_plain_quotient():
    assert report.total_share(3.0, 2.0) == pytest.approx(1.5)
    assert report.total_share(3.0, None) is None


def test_unrest_is_zero_only_when_rounds_agree():
    calm = section_of({"fib": {"unprofiled": [1.0, 1.0], "empty": [2.0, 2.0]}})
    assert report.unrest(calm) == 0
    # Medians of 1.21 and 1 times the best: 1.1 in the mean.
    restless = section_of({"fib": {"unprofiled": [1.0, 1.42], "empty": [2.0, 2.0]}})
    assert report.unrest(restless) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("value", "goal", "text"),
    [
        (0.62, 0.62, "0.620 (goal 0.62: met)"),
        (0.621, 0.62, "0.621 (goal 0.62: missed)"),
        (0.5, None, "0.50 (no goal)"),
        (None, 0.62, "–"),
    ],
)
def test_goal_is_met_up_to_its_value(value, goal, text):
    assert report.against(value, goal) == text


def test_page_has_goals_ratios_and_means(section):
    page = report.render({"3.11": section}).splitlines()
    assert (
        "| 3.11 | 4.00 | 3.00 | 2.00 "
        "| 0.667 (goal 0.62: missed) | 1.500 (goal 1.12: missed) |" in page
    )
    assert "| fib | 1.50 | 1000.0 | 2.00 | 2.00 | 2.00 |" in page
    assert "| richards | 1.50 | 2000.0 | 8.00 | 4.50 | 2.00 |" in page
    assert "| *mean, micro* |  |  | 2.00 | 2.00 | 2.00 |" in page
    assert "| *mean, programs* |  |  | 8.00 | 4.50 | 2.00 |" in page
    assert "| **mean, all** |  |  | 4.00 | 3.00 | 2.00 |" in page


def test_page_names_what_failed():
    broken = section_of({}, errors={"fib": "ImportError: no such thing"})
    assert "- **fib failed**: ImportError: no such thing" in report.render(
        {"3.11": broken}
    )


# The run


def test_each_mode_takes_each_turn():
    modes = ["a", "b", "c"]
    orders = [overhead.rotated(modes, number) for number in range(3)]
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]
    assert overhead.rotated(modes, 3) == orders[0]


def test_workload_that_fails_is_left_out_and_the_others_go_on():
    told = []

    def run(mode, name):
        if (mode, name) == ("cProfile", "broken"):
            raise overhead.MeasuringError("boom")
        return {"seconds": 1.0, "calls": 7 if mode == "cProfile" else None}

    measured, errors = overhead.rounds_of(
        run, ["broken", "sound"], ["unprofiled", "cProfile"], 3, told.append
    )
    assert errors == {"broken": "boom"}
    assert measured == {
        "sound": {
            "calls": 7,
            "seconds": {"unprofiled": [1.0] * 3, "cProfile": [1.0] * 3},
        }
    }
    assert told.count("broken failed: boom") == 1


def test_profiler_that_misses_calls_does_not_count():
    overhead.compare_calls({"cProfile": 103, "fastprof": 102})
    with pytest.raises(overhead.MeasuringError, match="counted different calls"):
        overhead.compare_calls({"cProfile": 103, "fastprof": 52})


def test_later_run_replaces_only_its_own_python(section, tmp_path):
    page = tmp_path / "RESULTS.md"
    overhead.save({"3.10": section, "3.11": section}, page)
    overhead.save({"3.11": {**section, "rounds": 9}, "3.9": section}, page)
    saved = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    rounds = {version: saved[version]["rounds"] for version in saved}
    assert list(rounds.items()) == [("3.9", 2), ("3.10", 2), ("3.11", 9)]
    assert page.read_text(encoding="utf-8") == report.render(saved)


@pytest.mark.parametrize("part", ["--quick", "--workloads=fib", "--modes=empty"])
def test_partial_run_leaves_the_committed_page_alone(part):
    whole = overhead.parse_arguments([])
    assert whole.output == BENCHMARKS / "RESULTS.md"
    assert whole.rounds == 7
    assert overhead.parse_arguments([part]).output.parent == BENCHMARKS / ".build"


def test_unknown_workload_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as end:
        overhead.parse_arguments(["--workloads", "fib,tetris"])
    assert end.value.code == 2
    assert "'tetris' is none of fib," in capsys.readouterr().err


def test_no_rounds_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as end:
        overhead.parse_arguments(["--rounds", "0"])
    assert end.value.code == 2
    assert "--rounds: must be at least 1" in capsys.readouterr().err


def test_interpreter_that_cannot_be_run_is_named(tmp_path, capsys):
    missing = str(tmp_path / "python")
    assert overhead.main(["--pythons", missing, "--quick"]) == 2
    assert missing in capsys.readouterr().err


def test_one_python_is_not_measured_twice(capsys):
    assert overhead.main(["--pythons", sys.executable, sys.executable, "--quick"]) == 2
    assert "a second Python" in capsys.readouterr().err


def test_quick_run_measures_this_python(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(overhead, "BUILD", tmp_path / "build")
    page = tmp_path / "out" / "RESULTS.md"
    code = overhead.main(
        [
            "--quick",
            f"--pythons={sys.executable}",
            "--workloads=fib,c_calls",
            "--modes=cProfile,fastprof,empty",
            f"--output={page}",
        ]
    )
    assert code == 0, capsys.readouterr().err
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    saved = json.loads((page.parent / "results.json").read_text(encoding="utf-8"))
    assert list(saved) == [version]
    assert saved[version]["errors"] == {}
    for measured in saved[version]["workloads"].values():
        assert measured["calls"] > 100_000
        assert all(len(times) == 1 for times in measured["seconds"].values())
    assert f"## Python {version}" in page.read_text(encoding="utf-8")


def test_workload_that_breaks_in_its_process_makes_the_run_fail(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(overhead, "BUILD", tmp_path / "build")
    monkeypatch.setattr(workloads, "ALL", ("missing", "fib"))
    page = tmp_path / "RESULTS.md"
    code = overhead.main(
        ["--quick", "--workloads=missing,fib", "--modes=empty", f"--output={page}"]
    )
    assert code == 1
    assert "missing failed: ModuleNotFoundError" in capsys.readouterr().err
    assert "- **missing failed**: ModuleNotFoundError" in page.read_text("utf-8")


# The empty callbacks


@pytest.fixture
def run_with_hook(tmp_path, monkeypatch):
    """Run a program that may import `empty_hook`; what it printed, in words."""
    monkeypatch.setattr(overhead, "BUILD", tmp_path)
    folder = overhead.build_empty_hook(overhead.probe(sys.executable))

    def run(program):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


def test_empty_hook_is_there_until_it_is_uninstalled(run_with_hook):
    program = """
import sys, empty_hook
empty_hook.install()
print(sys.getprofile() is empty_hook)
empty_hook.uninstall()
print(sys.getprofile())
"""
    assert run_with_hook(program) == ["True", "None"]


def test_empty_monitoring_exists_where_monitoring_does(run_with_hook):
    program = """
import sys, empty_hook
for name in ("install_monitoring", "uninstall_monitoring"):
    print(hasattr(empty_hook, name) == hasattr(sys, "monitoring"))
"""
    assert run_with_hook(program) == ["True", "True"]


@needs_monitoring
def test_empty_monitoring_takes_what_it_gives_back(run_with_hook):
    program = """
import sys, empty_hook
m = sys.monitoring
e = m.events
python = e.PY_START|e.PY_RESUME|e.PY_THROW|e.PY_RETURN|e.PY_YIELD|e.PY_UNWIND
for c_functions, expected in ((False, python), (True, python | e.CALL)):
    empty_hook.install_monitoring(False, c_functions)
    print(m.get_tool(2), m.get_events(2) & ~(e.C_RETURN | e.C_RAISE) == expected)
    empty_hook.uninstall_monitoring()
    print(m.get_tool(2), m.get_events(2) if m.use_tool_id(2, "other") is None else "")
    print(any(m.register_callback(2, 1 << bit, None) for bit in range(14)))
    m.free_tool_id(2)
"""
    of_each = ["empty_hook", "True", "None", "0", "False"]
    assert run_with_hook(program) == of_each * 2


@needs_monitoring
def test_empty_monitoring_reads_the_clock_only_when_told_to(run_with_hook):
    program = """
import empty_hook
for clock in (False, True):
    before = empty_hook.ticks()
    empty_hook.install_monitoring(clock, False)
    (lambda: None)()
    empty_hook.uninstall_monitoring()
    print(empty_hook.ticks() != before)
"""
    assert run_with_hook(program) == ["False", "True"]


@needs_monitoring
def test_empty_monitoring_leaves_other_tools_alone(run_with_hook):
    program = """
import sys, empty_hook
m = sys.monitoring
m.use_tool_id(2, "a")
m.use_tool_id(3, "b")
empty_hook.install_monitoring(False, True)
print(m.get_tool(2), m.get_tool(3), m.get_tool(4))
empty_hook.uninstall_monitoring()
m.use_tool_id(4, "c")
try:
    empty_hook.install_monitoring(False, True)
except RuntimeError as error:
    print(error)
print(m.get_tool(2), m.get_tool(3), m.get_tool(4))
"""
    assert " ".join(run_with_hook(program)) == (
        "a b empty_hook no tool id is free a b c"
    )
