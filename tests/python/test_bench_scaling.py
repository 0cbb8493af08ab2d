"""The scaling benchmark measures what it says and computes what it prints."""

import importlib
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

scaling = importlib.import_module("scaling")
report = importlib.import_module("scaling_report")
programs = importlib.import_module("scaling_programs")


def cell(profiled, unprofiled, **others):
    """A million calls; best rounds as given, in seconds."""
    return {
        "calls": 1_000_000,
        "nodes": 100,
        "profiled": [profiled + 1, profiled],
        "unprofiled": [unprofiled, unprofiled + 1],
        **others,
    }


def growth_cell(wall, reported):
    """The seconds of two passes, in two rounds of which the first is the best."""
    first = {
        "times_ns": {"p50": 500, "p99.99": 20_000, "max": 3_000_000},
        "wall": wall,
        "reported": reported,
        "callers": {"median": 0.01, "max": 0.0125},
    }
    second = {
        "times_ns": {"p50": 600, "p99.99": 10_000, "max": 4_000_000},
        "wall": [seconds + 1 for seconds in wall],
        "reported": [seconds + 1 for seconds in reported],
        "callers": {"median": 0.01, "max": 0.05},
    }
    rounds = [first, second]
    return {"calls": 8, "nodes": 14, "profiled": rounds, "unprofiled": rounds}


@pytest.fixture
def section():
    """An event of the walk costs 50 ns and 100 ns, of the random one 60 and 200."""
    return {
        "python": "3.13.0",
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
        "walk": [cell(0.14, 0.04), cell(0.24, 0.04, nodes=1_000_000)],
        "random": [cell(0.16, 0.04), cell(0.44, 0.04, nodes=1_000_000)],
        "depth": [cell(0.11, 0.05, depth=1000)],
        "threads": [cell(0.21, 0.05, count=64)],
        "profilers": [cell(0.31, 0.05, count=2)],
        "switching": [
            {
                "functions": 1000,
                "pair": 0.000321,
                "first": 0.0007,
                "known": 0.0002,
                "after": 0.0006,
                "without": 0.00005,
            }
        ],
        "memory": {
            "trees": [
                {
                    "nodes": n,
                    "recording": 144 * n,
                    "peak": 160 * n,
                    "deleted": 4096,
                    "again": 150 * n,
                }
                for n in (1000, 2000, 10_000)
            ],
            "empty": {"count": 10, "bytes": 20_000},
        },
        "file": [
            {"nodes": 1000, "save": [0.5, 0.25], "load": [0.125, 0.5], "bytes": 7000}
        ],
        "growth": [growth_cell([0.5, 0.25], [0.26, 0.25])],
    }


# Programs


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (programs.walk, {"branches": 3}),
        (programs.random_order, {"branches": 3}),
        (programs.recursion, {"depth": 20}),
        (programs.threads, {"count": 2, "branches": 2}),
    ],
)
def test_program_makes_the_calls_it_promises(make, size):
    child = importlib.import_module("scaling_child")
    # Raises when the profile has other calls.
    result = child.cost(make, profiled=True, calls=500, blocks=2, **size)
    assert 0 < result["calls"] <= 500
    assert result["nodes"] >= 20


def test_every_leaf_is_timed():
    now = iter(range(1000))
    grow, times = programs.timed_tree(3, lambda: next(now))
    grow()
    assert list(times) == [1] * 27


# Figures


def test_cost_is_what_profiling_adds_to_an_event(section):
    assert report.event_ns(section["walk"][0]) == pytest.approx(50)
    assert report.call_ns(section["walk"][0]) == pytest.approx(40)
    assert report.times_more(section["walk"]) == pytest.approx(2)


def test_cost_of_the_last_call_leaves_the_others_out(section):
    # (60 + 60 + 480) / 3 = 200
    assert report.last_call_ns(section["random"]) == pytest.approx(480)


@pytest.mark.parametrize(
    ("profiled", "text"),
    [
        (0.339, "2.99 times (goal 3: met)."),
        (0.341, "3.01 times (goal 3: missed)."),
    ],
)
def test_goal_is_met_up_to_its_value(section, profiled, text):
    section["walk"][-1] = cell(profiled, 0.04, nodes=1_000_000)
    assert report.against_goal(section) == f"Walk, 1,000,000 paths over 100: {text}"


def test_nothing_is_said_of_a_cost_that_was_not_measured(section):
    section["walk"][0] = cell(0.04, 0.05)
    assert report.times_more(section["walk"]) is None
    assert "too little was measured" in report.render(section)


def test_bytes_of_a_path_are_the_slope(section):
    assert report.slope([(0, 5), (1, 8), (2, 11)]) == pytest.approx(3)
    assert report.node_bytes(section, "recording") == pytest.approx(144)
    assert report.empty_bytes(section) == 2000


def test_charge_compares_the_best_rounds_of_each_pass():
    charged = growth_cell([0.5, 0.25], [0.26, 0.25])
    assert report.charged_share(charged) == pytest.approx(0.01 / 0.25)
    assert report.charged_share(growth_cell([0.25, 0.25], [0.25, 0.25])) is None


def test_percentiles_are_times_that_occurred():
    found = scaling.percentiles(range(20_000, 0, -1))
    assert found == {"p50": 10_001, "p99.99": 19_999, "max": 20_000}


def test_page_has_every_figure(section):
    page = report.render(section).splitlines()
    assert "| 1,000,000 | 100 | 40 | 200 | 40 |" in page
    assert "| 1,000 | 100 | 30 | 50 |" in page
    assert "| 64 | 100 | 80 | 50 |" in page
    assert "| 2 | 100 | 130 | 50 |" in page
    assert "| 1,000 | 321 | 700 | 200 | 600 | 50 |" in page
    assert "| 10,000 | 1.44 | 1.60 | 0.00 | 1.50 |" in page
    assert "| 1,000 | 0.250 | 0.125 | 0.01 | 7.0 |" in page
    assert "| 8 | profiled | 0.5 | 10.0 | 3,000.0 | 4,000.0 |" in page
    milliseconds = "250.0 | 500.0 | 250.0 | 250.0 | 260.0 | 250.0 | 10.0"
    assert f"| 14 | {milliseconds} | 4.0% |" in page
    assert "| 14 | 3.00 | 10.00 | 12.50 |" in page
    assert any(line.startswith("A path needs 144 bytes") for line in page)


# The run


def test_all_cells_have_their_turn_in_each_round():
    asked = []

    def run(part, profiled, calls, blocks, **size):
        asked.append((part, profiled))
        return {"seconds": len(asked), "calls": 5, "nodes": 7 if profiled else None}

    plan = scaling.QUICK._replace(
        rounds=2, trees=(2,), depths=(10,), threads=(), active=()
    )
    found = scaling.costs(run, plan, lambda message: None)
    parts = ["walk", "random", "depth"]
    assert asked == [
        (part, profiled)
        for order in ((True, False), (False, True))
        for part in parts
        for profiled in order
    ]
    assert list(found) == parts
    assert found["depth"] == [
        {"depth": 10, "nodes": 7, "calls": 5}
        | {"profiled": [5, 12], "unprofiled": [6, 11]}
    ]


def test_quick_run_leaves_the_committed_page_alone():
    whole = scaling.parse_arguments([])
    assert whole.page == BENCHMARKS.parent / "docs" / "scaling.md"
    assert whole.raw == BENCHMARKS / "scaling.json"
    quick = scaling.parse_arguments(["--quick"])
    assert quick.page.parent == quick.raw.parent == BENCHMARKS / ".build"


def test_interpreter_that_cannot_be_run_is_named(tmp_path, capsys):
    missing = str(tmp_path / "python")
    output = f"--output={tmp_path}"
    assert scaling.main(["--python", missing, "--quick", output]) == 2
    assert missing in capsys.readouterr().err


def test_quick_run_measures_this_python(tmp_path, monkeypatch, capsys):
    # No picture: tests do without matplotlib.
    monkeypatch.setitem(sys.modules, "scaling_plot", None)
    code = scaling.main(["--quick", f"--output={tmp_path / 'out'}"])
    assert code == 0, capsys.readouterr().err
    raw = (tmp_path / "out" / "scaling.json").read_text(encoding="utf-8")
    saved = json.loads(raw)
    sizes = [programs.paths_of(branches) for branches in scaling.QUICK.trees]
    for part in ("walk", "random"):
        nodes = [measured["nodes"] for measured in saved[part]]
        assert all(n >= size for n, size in zip(nodes, sizes, strict=True))
    assert [measured["depth"] for measured in saved["depth"]] == [10, 1000]
    assert all(measured["bytes"] > 0 for measured in saved["file"])
    page = (tmp_path / "out" / "scaling.md").read_text(encoding="utf-8")
    assert page == report.render(saved)
    assert str(tmp_path) not in page + raw
    assert "no picture" in capsys.readouterr().err
