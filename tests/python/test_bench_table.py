"""The table of profilers runs what it says, keeps it, and prints what came out."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

measuring = importlib.import_module("measuring")
programs = importlib.import_module("programs")
table = importlib.import_module("table")
profilers = importlib.import_module("table_profilers")
report = importlib.import_module("table_report")
table_store = importlib.import_module("table_store")

PLAN = {
    "python": "3.13.0",
    "revision": "0123456789ab",
    "rounds": 2,
    "profilers": ["unprofiled", "cProfile", "fastprof"],
    "scales": {"chaos": 1, "yapf": 2},
}
CIRCUMSTANCES = {
    "date": "2026-01-01 12:00 UTC",
    "revision": "0123456789ab",
    "python": "3.13.0",
    "compiler": "GCC 12.2.0",
    "machine": {
        "cpu": "CPU",
        "cores": 2,
        "kernel": "Linux 6",
        "governor": "unknown",
        "load": 0.0,
    },
}
SECONDS = {"unprofiled": 1.0, "cProfile": 40.0, "fastprof": 2.0}


@pytest.fixture
def store(tmp_path):
    """A run that has not begun."""
    return table_store.Store(tmp_path / "table-data", PLAN, CIRCUMSTANCES)


@pytest.fixture
def ran():
    """What was run so far: profiler, program and scale."""
    return []


@pytest.fixture
def run(ran):
    """Run nothing; cProfile is slow, and fastprof breaks with yapf."""

    def run(profiler, program, scale):
        ran.append((profiler.name, program, scale))
        if (profiler.name, program) == ("fastprof", "yapf"):
            return {"error": "ValueError: boom"}
        return {"seconds": SECONDS[profiler.name], "peak_kib": 2048}

    return run


@pytest.fixture
def results():
    """Worked out: cProfile 4 and 9, fastprof 2 and nothing."""
    return {
        "circumstances": CIRCUMSTANCES,
        "plan": PLAN,
        "unavailable": {"py-spy": "py-spy: No such file or directory"},
        "versions": {"fastprof": "0.1.0"},
        "milliseconds": {"chaos": 250.4, "yapf": 500.0},
        "figures": {
            "unprofiled": {
                "ratios": {"chaos": 1.0, "yapf": 1.0},
                "mean": 1.0,
                "spread": 0.01,
                "peak_bytes": 2**20,
            },
            "cProfile": {
                "ratios": {"chaos": 4.0, "yapf": 90.04},
                "mean": 6.0,
                "spread": 0.0234,
                "peak_bytes": 3 * 2**20,
            },
            "fastprof": {
                "ratios": {"chaos": 2.0},
                "mean": 2.0,
                "spread": None,
                "peak_bytes": None,
            },
        },
        "errors": {"fastprof": {"yapf": "ValueError: boom"}},
        "slow": {"cProfile": ["yapf"]},
    }


# The plan


def test_names_are_known_without_the_packages():
    assert len(programs.ALL) >= 22
    assert set(table.PROGRAMS) <= set(programs.ALL)
    assert all(scale >= 1 for scale in programs.SCALES.values())
    assert len(profilers.BY_NAME) == len(profilers.ALL)
    assert profilers.ALL[0].name == table_store.REFERENCE


def test_each_profiler_is_switched_on_in_one_way():
    for profiler in profilers.ALL:
        assert (profiler.make is None) != (profiler.command is None), profiler.name


def test_files_of_profilers_do_not_collide():
    names = {table_store.file_name(name) for name in profilers.BY_NAME}
    assert len(names) == len(profilers.ALL)


@pytest.mark.parametrize(
    "part", ["--quick", "--programs=chaos", "--profilers=yappi wall"]
)
def test_partial_run_leaves_the_committed_page_alone(part):
    assert table.parse_arguments([]).output == BENCHMARKS / "RESULTS.md"
    assert table.parse_arguments([]).rounds == 5
    assert table.parse_arguments([part]).output.parent == BENCHMARKS / ".build"


def test_unknown_profiler_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as end:
        table.parse_arguments(["--profilers", "cProfile,stopwatch"])
    assert end.value.code == 2
    assert "'stopwatch' is none of unprofiled," in capsys.readouterr().err


def test_every_program_takes_some_work():
    assert table.scale_of("yapf", 0.0001) == 1
    assert table.scale_of("richards", 1) == programs.SCALES["richards"]
    assert table.scale_of("workloads.fib", 1) == 1


def test_messages_name_no_paths_of_this_machine():
    words = f"/venv/bin/python: {BENCHMARKS}/a.py, /venv/lib/b.py, /tmp/x/c"
    clean = table.without_paths(words, "/venv/bin/python", Path("/tmp/x"))
    assert clean == "python: a.py, lib/b.py, c"


# The run


def test_profilers_take_turns_and_the_slow_and_broken_run_once(store, run, ran):
    table.measure(store, run)
    first = [("unprofiled", "chaos", 1), ("cProfile", "chaos", 1)]
    assert ran[:2] == first
    assert ran[3:6] == [
        ("unprofiled", "yapf", 2),
        ("cProfile", "yapf", 2),
        ("fastprof", "yapf", 2),
    ]
    assert ran[6:] == [
        ("fastprof", "chaos", 1),
        ("unprofiled", "chaos", 1),
        ("unprofiled", "yapf", 2),
    ]
    assert store.cell("cProfile", "chaos")["seconds"] == [40.0]
    assert store.cell("fastprof", "yapf")["error"] == "ValueError: boom"


def test_unavailable_profiler_is_not_run(store, run, ran):
    store.unavailable["cProfile"] = "gone"
    table.measure(store, run)
    assert "cProfile" not in {name for name, _, _ in ran}


def test_run_that_was_cut_off_goes_on_where_it_ended(store, run, ran):
    def cut_off(*arguments):
        if len(ran) == 4:
            raise KeyboardInterrupt
        return run(*arguments)

    with pytest.raises(KeyboardInterrupt):
        table.measure(store, cut_off)
    again = table_store.resumed(store.folder, PLAN)
    assert again.circumstances == CIRCUMSTANCES
    table.measure(again, run)
    assert len(ran) == 9
    assert again.cell("unprofiled", "chaos")["seconds"] == [1.0, 1.0]
    assert again.cell("unprofiled", "yapf")["seconds"] == [1.0, 1.0]


def test_finished_run_and_other_plan_are_not_taken_up(store, run):
    assert table_store.resumed(store.folder, PLAN) is None
    store.save()
    assert table_store.resumed(store.folder, PLAN) is not None
    assert table_store.resumed(store.folder, {**PLAN, "rounds": 3}) is None
    table.measure(store, run)
    assert table_store.resumed(store.folder, PLAN) is None


def test_profiler_that_cannot_be_run_is_named_with_the_reason():
    def run(profiler, program, scale):
        return {"error": "boom"} if profiler.name == "cProfile" else {"seconds": 1}

    assert table.find_unavailable(run, ["unprofiled", "cProfile"]) == {
        "cProfile": "boom"
    }


def test_missing_command_and_missing_package_are_reasons(tmp_path):
    def missing(python, folder):
        return [str(tmp_path / "no-such-spy"), python]

    outside = profilers.Profiler("spy", profilers.SAMPLES, command=missing)
    result = table.run_cell(sys.executable, outside, "workloads.fib", 1, tmp_path)
    assert result == {"error": "no-such-spy: No such file or directory"}
    unknown = profilers.BY_NAME["cProfile"]
    result = table.run_cell(sys.executable, unknown, "workloads.none", 1, tmp_path)
    assert result == {"error": "ModuleNotFoundError: No module named 'workloads.none'"}


def test_process_that_takes_too_long_is_ended():
    command = [sys.executable, "-c", "while True: pass"]
    assert table.last_words(command, {}, 0.2) == "took more than 0 s"


def test_interrupt_ends_the_run_even_when_the_process_is_gone(monkeypatch):
    # The ProcessLookupError passed for an error of the cell, and the run went on.
    def interrupted(process, *args, **options):
        process.wait()
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        table.last_words([sys.executable, "-c", ""], {}, 60)


def test_last_words_are_the_reason_when_there_is_no_result():
    command = [sys.executable, "-c", "print('a'); print('b'); exit(3)"]
    assert table.last_words(command, {}, 60) == "b (exit code 3)"


def test_quick_run_measures_this_python(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "BUILD", tmp_path / "build")
    options = table.parse_arguments(
        [
            "--quick",
            "--programs=workloads.fib",
            "--profilers=cProfile,fastprof",
            f"--output={tmp_path / 'RESULTS.md'}",
        ]
    )
    store, run = table.prepared(options)
    assert store.unavailable == {}
    table.measure(store, run)
    saved = json.loads((options.folder / "cells.json").read_text(encoding="utf-8"))
    assert list(saved["cells"]) == ["unprofiled", "cProfile", "fastprof"]
    for cells in saved["cells"].values():
        (cell,) = cells.values()
        assert cell["error"] is None
        assert cell["seconds"][0] > 0
        assert cell["peak_kib"][0] > 1000


def test_run_is_refused_without_its_packages(monkeypatch, capsys):
    monkeypatch.setattr(table.importlib.util, "find_spec", lambda name: None)
    assert table.main(["--quick"]) == 2
    assert "pyperf is needed; see make bench-table" in capsys.readouterr().err


# The figures, where pyperf is installed


def test_figures_are_those_of_pyperf(store, run):
    pyperf = pytest.importorskip("pyperf", reason="needs pyperf (make bench-table)")
    for number in range(2):
        for program in PLAN["scales"]:
            store.add("unprofiled", program, {"seconds": 1.0, "peak_kib": 1})
            seconds = (2.0 if program == "chaos" else 8.0) + number
            store.add("cProfile", program, {"seconds": seconds, "peak_kib": 3})
    results = table_store.results_of(store)
    figures = results["figures"]["cProfile"]
    assert figures["ratios"] == {"chaos": 2.5, "yapf": 8.5}
    assert figures["mean"] == pytest.approx((2.5 * 8.5) ** 0.5)
    assert figures["spread"] == pytest.approx(0.5**0.5 / 2.5)
    assert figures["peak_bytes"] == 3 * 1024
    files = [str(store.folder / f"{name}.json") for name in results["figures"]]
    assert pyperf.BenchmarkSuite.load(files[1]).get_benchmark_names() == [
        "chaos",
        "yapf",
    ]
    printed = subprocess.run(
        [sys.executable, "-m", "pyperf", "compare_to", *files, "--table"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"{figures['mean']:.2f}x slower" in printed


# The page


def test_page_has_ratios_marks_and_reasons(results):
    page = report.render(results).splitlines()
    assert page[0] == "## Every profiler"
    assert (
        "| cProfile | **6.00** | 2.3% | 3 | all | current | callers | yes "
        "| 4.00 | 90.0¹ |" in page
    )
    assert (
        "| fastprof | **2.00** (1 of 2) | – | – | all | all | full | yes "
        "| 2.00 | failed² |" in page
    )
    assert "| *unprofiled (ms)* |  |  |  |  |  |  |  | 250 | 500 |" in page
    assert "- fastprof, yapf: ValueError: boom" in page
    assert "- py-spy: py-spy: No such file or directory" in page
    assert "- fastprof 0.1.0" in page


def test_profiler_without_any_figure_is_no_row(results):
    del results["figures"]["fastprof"]
    rows = [line for line in report.render(results).splitlines() if "**" in line]
    assert len(rows) == 2


def test_section_is_put_between_its_markers(results):
    section = report.render(results)
    page = report.put_into("# Overhead\n", section)
    assert page == f"# Overhead\n\n<!-- table -->\n{section}<!-- /table -->\n"
    assert report.put_into(page, section) == page
    around = "before\n<!-- table -->\nold\n<!-- /table -->\nafter\n"
    assert report.put_into(around, "new\n") == (
        "before\n<!-- table -->\nnew\n<!-- /table -->\nafter\n"
    )
    assert report.put_into("", "new\n") == "<!-- table -->\nnew\n<!-- /table -->\n"
