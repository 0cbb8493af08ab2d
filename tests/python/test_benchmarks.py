"""The overhead benchmark measures what it says and computes what it prints."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

measuring = importlib.import_module("measuring")
overhead = importlib.import_module("overhead")
child = importlib.import_module("overhead_child")
report = importlib.import_module("overhead_report")
workloads = importlib.import_module("workloads")

needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring came with 3.12"
)


def section_of(seconds, **others):
    """A section of the report: seconds by mode by program."""
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
        "runs": {
            name: {"calls": {"cProfile": 1_500_000}, "seconds": times}
            for name, times in seconds.items()
        },
        "errors": {},
        "notes": {},
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
    ("value", "goal", "reason", "text"),
    [
        (0.62, 0.62, "", "0.620 (goal 0.62: met)"),
        (0.621, 0.62, "", "0.621 (goal 0.62: missed)"),
        (0.3, 0.42, "too few", "0.300 (goal 0.42: too few)"),
        (0.5, None, "too few", "0.500"),
        (None, 0.62, "", "–"),
    ],
)
def test_goal_is_met_up_to_its_value(value, goal, reason, text):
    assert report.against(value, goal, reason) == text


def test_page_has_goals_ratios_and_means(section):
    page = report.render({"3.11": {"workloads": section}}).splitlines()
    assert (
        "| 3.11 | 2 workloads | 4.00 | 3.00 | 2.00 | – "
        "| 0.667 (goal 0.62: missed) | 1.500 (goal 1.12: missed) | – | – |" in page
    )
    assert "| fib | 1.50 | 1000.0 | 2.00 | 2.00 | 2.00 |" in page
    assert "| richards | 1.50 | 2000.0 | 8.00 | 4.50 | 2.00 |" in page
    assert "| *mean, micro* |  |  | 2.00 | 2.00 | 2.00 |" in page
    assert "| *mean, small programs* |  |  | 8.00 | 4.50 | 2.00 |" in page
    assert "| **mean, all** |  |  | 4.00 | 3.00 | 2.00 |" in page


def newest_section(names):
    """A section with a run of each default mode of 3.12 and later, of each name."""
    ratios = {
        "unprofiled": 1.0,
        "cProfile": 3.0,
        "fastprof": 1.8,
        "fastprof-python": 1.5,
        "empty": 1.6,
        "empty-clock": 1.75,
        "empty-python": 1.2,
        "empty-python-clock": 1.3,
    }
    times = {mode: [ratio] for mode, ratio in ratios.items()}
    return section_of(dict.fromkeys(names, times), modes=list(ratios))


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_newer_pythons_are_judged_by_both_sets(version):
    of_sets = {
        "workloads": newest_section(["fib", "richards"]),
        "programs": newest_section(f"program{number}" for number in range(20)),
    }
    page = report.render({version: of_sets}).splitlines()
    means = "3.00 | 1.80 | 1.60 | 1.75"
    assert (
        f"| {version} | 2 workloads | {means} | 0.400 | 1.125 (goal 1.12: missed) "
        "| 1.029 (goal 1.04: met) | 1.250 (goal 1.12: missed) |" in page
    )
    assert (
        f"| {version} | 20 real programs | {means} | 0.400 (goal 0.42: met) | 1.125 "
        "| 1.029 | 1.250 |" in page
    )
    assert f"## Python {version}, real programs" in page


def test_python_without_goals_is_reported():
    page = report.render({"3.15": {"workloads": newest_section(["fib"])}})
    assert "| 0.400 | 1.125 | 1.029 | 1.250 |" in page


def test_goal_over_real_programs_wants_twenty():
    section = newest_section(f"program{number}" for number in range(19))
    page = report.render({"3.13": {"programs": section}})
    assert "| 0.400 (goal 0.42: 19 of 20 programs) |" in page


def test_real_program_is_no_workload_of_the_same_name():
    page = report.render({"3.13": {"programs": newest_section(["fib"])}})
    assert "mean, micro" not in page
    assert "mean, small programs" not in page


def test_page_names_what_failed():
    broken = section_of({}, errors={"fib": "ImportError: no such thing"})
    assert "- **fib failed**: ImportError: no such thing" in report.render(
        {"3.11": {"workloads": broken}}
    )


def test_page_notes_different_calls():
    page = report.render(
        {"3.13": {"programs": newest_section(["a"]) | {"notes": {"a": "1 and 9"}}}}
    )
    assert "- a: 1 and 9" in page


def test_table_of_another_script_stays(section):
    sections = {"3.11": {"workloads": section}}
    page = report.render(sections)
    assert "<!-- table -->\n<!-- /table -->" in page
    inside = "<!-- table -->\n| a |\n|---|\n<!-- /table -->"
    page = page.replace("<!-- table -->\n<!-- /table -->", inside)
    assert report.render(sections, page) == page


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
            raise measuring.MeasuringError("boom")
        return {"seconds": 1.0, "calls": 7 if mode == "cProfile" else None}

    measured = overhead.rounds_of(
        run, ["broken", "sound"], ["unprofiled", "cProfile"], 3, told.append
    )
    assert measured["errors"] == {"broken": "boom"}
    assert measured["runs"] == {
        "sound": {
            "calls": {"cProfile": 7},
            "seconds": {"unprofiled": [1.0] * 3, "cProfile": [1.0] * 3},
        }
    }
    assert told.count("broken failed: boom") == 1


def counted(**calls):
    """Results of modes that counted so many calls."""
    return {
        mode.replace("_", "-"): {"seconds": 1.0, "calls": count}
        for mode, count in calls.items()
    }


def test_profiler_that_misses_calls_is_noticed():
    difference = overhead.difference_of_calls
    assert difference(counted(empty=None)) is None
    assert difference(counted(cProfile=103, fastprof=102, fastprof_python=7)) is None
    assert (
        difference(counted(cProfile=103, fastprof=52))
        == "the profilers counted different calls: cProfile 103, fastprof 52"
    )


@pytest.mark.parametrize("strict", [True, False])
def test_different_calls_fail_a_workload_and_are_noted_of_a_program(strict):
    calls = {"cProfile": 103, "fastprof": 52}

    def run(mode, name):
        return {"seconds": 1.0, "calls": calls[mode]}

    measured = overhead.rounds_of(run, ["a"], list(calls), 1, print, strict)
    said, unsaid = ("errors", "notes") if strict else ("notes", "errors")
    assert "cProfile 103, fastprof 52" in measured[said]["a"]
    assert measured[unsaid] == {}
    assert ("a" in measured["runs"]) is not strict


def test_later_run_replaces_only_its_own_python_and_set(section, tmp_path):
    page = tmp_path / "RESULTS.md"
    page.write_text("<!-- table -->\nkept\n<!-- /table -->\n", encoding="utf-8")
    for version, of_set, rounds in (
        ("3.10", "programs", 1),
        ("3.10", "workloads", 2),
        ("3.11", "workloads", 3),
        ("3.11", "workloads", 4),
        ("3.9", "workloads", 5),
    ):
        overhead.save(version, of_set, {**section, "rounds": rounds}, page)
    saved = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    rounds = [
        (version, of_set, saved[version][of_set]["rounds"])
        for version in saved
        for of_set in saved[version]
    ]
    assert rounds == [
        ("3.9", "workloads", 5),
        ("3.10", "workloads", 2),
        ("3.10", "programs", 1),
        ("3.11", "workloads", 4),
    ]
    text = page.read_text(encoding="utf-8")
    assert text == report.render(saved, text)
    assert "<!-- table -->\nkept\n<!-- /table -->" in text


def test_modes_follow_the_event_source():
    before, since = ((*child.default_modes(version),) for version in ((3, 11), (3, 12)))
    assert before == ("unprofiled", "cProfile", "fastprof", "empty", "empty-clock")
    assert set(since) - set(before) == {
        "fastprof-python",
        "empty-python",
        "empty-python-clock",
    }
    for version in ((3, 11), (3, 12)):
        assert tuple(child.default_modes(version, "programs")) == before
    assert set(child.all_modes((3, 12))) - set(since) == {
        "fastprof-setprofile",
        "empty-setprofile",
        "fastprof-cpu",
        "yappi-cpu",
    }


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Made-up real programs, with a copy of what runs them beside them."""
    shutil.copy(BENCHMARKS / "overhead_child.py", tmp_path)
    monkeypatch.setattr(overhead, "HERE", tmp_path)
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        """
ALL = ("chatty", "random")
SCALES = dict.fromkeys(ALL, 40)
def chatty(scale):
    print("so many words", sum(map(abs, range(scale))))
def random(scale):
    for _ in range(int.from_bytes(__import__("os").urandom(3), "big") % 100_000):
        abs(1)
def load(name):
    return globals()[name]
""",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "programs", raising=False)
    yield importlib.import_module("programs")
    del sys.modules["programs"]


def test_set_says_what_is_run(programs):
    def names(*arguments):
        return overhead.parse_arguments(arguments).names

    workloads_only = {"workloads": list(workloads.ALL)}
    programs_only = {"programs": list(programs.ALL)}
    assert names() == names("--set=workloads") == workloads_only
    assert names("--set=programs") == programs_only
    assert names("--set=all") == workloads_only | programs_only
    assert names("--programs=random") == {"programs": ["random"]}
    assert names("--programs=random", "--workloads=fib") == {
        "workloads": ["fib"],
        "programs": ["random"],
    }


def test_real_programs_are_run_and_may_print(programs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measuring, "BUILD", tmp_path / "build")
    page = tmp_path / "RESULTS.md"
    code = overhead.main(
        [
            "--set=programs",
            "--modes=cProfile,fastprof",
            "--rounds=1",
            f"--output={page}",
        ]
    )
    assert code == 0, capsys.readouterr().err
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    saved = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    section = saved[version]["programs"]
    assert list(section["runs"]) == list(programs.ALL)
    assert set(section["notes"]) == {"random"}


@pytest.mark.parametrize("part", ["--quick", "--workloads=fib", "--modes=empty"])
def test_partial_run_leaves_the_committed_page_alone(part):
    assert overhead.parse_arguments([]).output == BENCHMARKS / "RESULTS.md"
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
    monkeypatch.setattr(measuring, "BUILD", tmp_path / "build")
    page = tmp_path / "out" / "RESULTS.md"
    code = overhead.main(
        [
            "--quick",
            f"--pythons={sys.executable}",
            "--workloads=fib,c_calls",
            f"--output={page}",
        ]
    )
    assert code == 0, capsys.readouterr().err
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    saved = json.loads((page.parent / "results.json").read_text(encoding="utf-8"))
    assert list(saved) == [version]
    section = saved[version]["workloads"]
    assert section["errors"] == section["notes"] == {}
    assert section["modes"] == list(child.default_modes(sys.version_info[:2]))
    for measured in section["runs"].values():
        assert measured["calls"]["cProfile"] > 100_000
        assert all(len(times) == 1 for times in measured["seconds"].values())
        assert list(measured["seconds"]) == section["modes"]
    assert f"## Python {version}, workloads" in page.read_text(encoding="utf-8")


def test_mode_that_a_python_lacks_is_named(monkeypatch, capsys):
    facts = {"version": "3.11", "fastprof": True}
    monkeypatch.setattr(overhead, "probe", lambda python: facts)
    assert overhead.main(["--modes=empty-python", "--pythons=old"]) == 2
    assert "old: Python 3.11 has no mode empty-python" in capsys.readouterr().err


def test_workload_that_breaks_in_its_process_makes_the_run_fail(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(measuring, "BUILD", tmp_path / "build")
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
    monkeypatch.setattr(measuring, "BUILD", tmp_path)
    folder = measuring.build_extension(measuring.probe(sys.executable), "empty_hook")

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
