"""Instructions are worked out from callgrind's counts and compared with a record."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import unless_sanitized

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

instructions = importlib.import_module("instructions")
child = importlib.import_module("instructions_child")
measuring = importlib.import_module("measuring")

FACTS = {"python": "3.13.0", "compiler": "GCC 12.2.0", "fastprof": True}


def dump(kind, events, total, ours=0):
    """What callgrind writes for a label, in short."""
    return f"""# callgrind format
version: 1
desc: Timerange: Basic block 1 - 2
desc: Trigger: Client Request: {kind} {events}

events: Ir
summary: {total}

ob=(1) /usr/lib/libpython3.13.so
fn=(1) main
0 7
cob=(2) /site-packages/fastprof/_fastprof.cpython-313.so
cfn=(2) on_start
calls=10 0
* 1000

ob=(2)
fn=(2)
+3 {ours - 1}
cob=(1)
cfn=(3) free
calls=10 0
* 500
* 1

ob=(3) ???
fn=(3)
-3 7

totals: {total}
"""


def figures_of(fastprof=300.0, ours=60.0):
    """Figures of each kind."""
    one = {
        "unprofiled": 100.0,
        "empty": 200.0,
        "empty-clock": 210.0,
        "fastprof": fastprof,
        instructions.OURS: ours,
    }
    return dict.fromkeys(instructions.NAMES, one)


def test_dumps_are_read_by_their_labels():
    dumps = [
        dump("c_call", 10, 1234, ours=34),
        dump("c_call", 20, 2234, ours=64),
        dump("c_call", 10, 99).replace("Client Request: c_call 10", "Program"),
    ]
    assert instructions.counts_of(dumps) == {
        ("c_call", 10): (1234, 34),
        ("c_call", 20): (2234, 64),
    }


def test_what_happens_once_cancels_out():
    once, each = 5000, 12.5
    counts = {
        (name, events): (int(once + each * events), 3 * events)
        for name in instructions.NAMES
        for events in (10, 20)
    }
    expected = dict.fromkeys(instructions.NAMES, (each, 3))
    assert instructions.per_event(counts, 10) == expected


def test_missing_count_is_named():
    with pytest.raises(measuring.MeasuringError, match="'python_call', 10"):
        instructions.per_event({}, 10)


def test_table_has_differences():
    lines = list(instructions.table("3.13.0", figures_of()))
    assert lines[0].startswith("| 3.13.0 | unprofiled | empty | empty-clock | fastprof")
    assert "| c call | 100.0 | 200.0 | 210.0 | 300.0 | 60.0 | 100.0 | 90.0 |" in lines
    assert len(lines) == 2 + len(instructions.NAMES)


@pytest.mark.parametrize(
    ("now", "risen"),
    [
        (figures_of(), []),
        (figures_of(fastprof=317.0), []),
        (figures_of(fastprof=318.0), ["fastprof rose from 300.0 to 318.0"]),
        (figures_of(ours=65.0), []),
        (figures_of(ours=66.0), ["in fastprof rose from 60.0 to 66.0"]),
        (figures_of(fastprof=200.0), []),
    ],
)
def test_rise_is_more_than_the_tolerance(now, risen):
    found = list(instructions.rises({"c_call": now["c_call"]}, figures_of()))
    assert found == [f"c call: {what}" for what in risen]


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """Made-up figures instead of callgrind's; a list to put the next ones into."""
    results = []
    monkeypatch.setattr(instructions, "RECORD", tmp_path / "instructions.json")
    monkeypatch.setattr(instructions, "count_all", lambda *_: results.pop())
    monkeypatch.setattr(measuring, "probe", lambda python: FACTS)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    return results


def test_rise_over_the_record_fails(counted, capsys):
    def run(figures, *arguments):
        counted.append(figures)
        code = instructions.main(["--pythons=python", *arguments])
        return code, capsys.readouterr().err.strip()

    code, message = run(figures_of())
    assert code == 0
    assert message.startswith("note: nothing is recorded for Python 3.13.0 (GCC 12.2.0")
    assert run(figures_of(), "--record") == (0, "")
    assert run(figures_of()) == (0, "")
    code, message = run(figures_of(fastprof=400.0))
    assert code == 1
    assert "c call: fastprof rose from 300.0 to 400.0" in message
    code, message = run(figures_of(fastprof=400.0), "--backend=setprofile")
    assert code == 0
    assert "nothing is recorded" in message


def test_record_keeps_other_pythons(tmp_path):
    path = tmp_path / "instructions.json"
    older = FACTS | {"python": "3.12.1"}
    instructions.Record(path).keep(older, "auto", figures_of(1.0))
    instructions.Record(path).keep(FACTS, "auto", figures_of(2.0))
    instructions.Record(path).keep(FACTS, "auto", figures_of(3.0))
    record = instructions.Record(path)
    assert record.of(older, "auto") == figures_of(1.0)
    assert record.of(FACTS, "auto") == figures_of(3.0)
    assert record.of(FACTS | {"compiler": "Clang"}, "auto") is None


def test_without_valgrind_nothing_is_counted(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert instructions.main([]) == 2
    assert "valgrind is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("kind", child.KINDS, ids=lambda kind: kind.__name__)
def test_kind_happens_as_often_as_told(kind):
    """As cProfile counts: a class is no call, each resume of a generator is one."""
    import cProfile

    def calls(n):
        profile = cProfile.Profile()
        profile.runcall(kind, n)
        return sum(entry.callcount for entry in profile.getstats())

    expected = 0 if kind is child.class_call else child.CALLEES
    assert calls(2 * child.CALLEES) - calls(child.CALLEES) == expected


def has_callgrind():
    """Whether valgrind is here, with its headers."""
    source = "#include <valgrind/callgrind.h>"
    command = ["gcc", "-E", "-"]
    return (
        shutil.which("valgrind") is not None
        and subprocess.run(
            command, input=source, capture_output=True, text=True
        ).returncode
        == 0
    )


@unless_sanitized("and valgrind exclude each other")
@pytest.mark.skipif(
    not has_callgrind(), reason="needs valgrind (make bench-instructions)"
)
def test_callgrind_counts_this_python(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "BUILD", tmp_path)
    facts = measuring.probe(sys.executable)
    folder = measuring.build_extension(facts, "empty_hook")
    measuring.build_extension(facts, "counting")
    figures = instructions.count_mode(
        sys.executable, "fastprof", "auto", [str(folder), facts["site"]]
    )
    assert set(figures) == set(instructions.NAMES)
    assert all(10 < everything < 100_000 for everything, _ in figures.values())
    assert all(-1 < ours < 300 for _, ours in figures.values())
    assert figures["python_call"][1] > 10
