"""Counts that are not exact are marked wherever they are shown, and mislead no test."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import fastprof
import pytest
from fastprof.live import LiveView
from fastprof.report import report_page, tree_page
from fastprof.terminal import encoded, plain
from fastprof.testing import (
    assert_calls,
    assert_calls_per,
    assert_not_called_from,
    assert_share,
    assert_tree,
)
from support import counted, marked

COMMAND = str(Path(sys.executable).with_name("fastprof"))
BOUND = "≥ before a number of calls: at least so many; the time of those that went "
ESTIMATE = (
    "~ before a number of calls: an estimate; the time of those that went unseen "
)
HEAD = (
    "Functions with calls that are not exact: 2 (lower bounds: 1, estimates: 1; "
    "docs/precision.md)."
)


def leaf():
    pass


def folded(depth=0):
    leaf()
    if depth:
        folded(depth - 1)


def program():
    folded(2)
    leaf()


@pytest.fixture
def exact():
    return counted(program)


@pytest.fixture
def inexact(exact):
    return marked(exact, leaf="lower_bound", folded="estimate")


@pytest.fixture
def paths(exact, inexact, tmp_path):
    """Of an exact profile, and of one that is not."""
    found = tmp_path / "exact.prof", tmp_path / "inexact.prof"
    exact.save(found[0])
    inexact.save(found[1])
    return found


def run(*words, **environ):
    return subprocess.run(
        [COMMAND, *words],
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environ},
    )


def front_of(lines, name):
    """What stands in front of a function's name, in words."""
    (line,) = (line for line in lines if f":{name} " in line)
    return line.partition("test_precision")[0].split()


def test_a_report_has_marks_and_says_what_they_mean(exact, inexact):
    lines = plain(report_page(inexact, "own", None, 120)).splitlines()
    assert front_of(lines, "leaf")[:2] == ["≥", "4"]
    assert front_of(lines, "folded")[:2] == ["~", "3/1"]
    assert front_of(lines, "program")[0] == "1"
    assert lines[0].startswith("~ 8 calls, ") and HEAD in lines
    assert [line[:50] for line in lines[-2:]] == [BOUND[:50], ESTIMATE[:50]]
    text = plain(report_page(exact, "own", None, 120))
    assert "≥" not in text and "~" not in text and "not exact" not in text


def test_only_marks_that_are_shown_are_explained(inexact):
    lines = plain(report_page(inexact, "name", 1, 120)).splitlines()
    assert front_of(lines, "folded")[0] == "~"
    assert any(line.startswith(ESTIMATE) for line in lines)
    assert not any(line.startswith(BOUND) for line in lines)


def test_a_tree_has_marks_too(exact, inexact):
    lines = plain(tree_page(inexact.tree, 0.0, 120)).splitlines()
    marks = [line.split()[3] for line in lines[1:-3]]
    assert sorted(marks) == ["1", "~", "~", "~", "≥", "≥", "≥", "≥"]
    assert lines[-2].startswith(BOUND) and lines[-1].startswith(ESTIMATE)
    assert "≥" not in plain(tree_page(exact.tree, 0.0, 120))
    # What is folded is not explained.
    assert BOUND not in plain(tree_page(inexact.tree, 0.9, 120))


def test_live_has_marks(exact, inexact):
    def table(stats, height=10):
        view = SimpleNamespace(_before={})
        return plain(LiveView._table(view, stats.functions, "sums", 100, height))

    lines = table(inexact).splitlines()
    assert front_of(lines, "leaf")[-2:] == ["≥", "4"]
    assert front_of(lines, "folded")[-2:] == ["~", "3"]
    assert lines[0].endswith("   ≥ at least   ~ an estimate")
    assert lines[1].endswith("calls   function")
    assert "≥" not in table(exact) and "estimate" not in table(inexact, 2)


def test_a_mark_is_as_wide_where_there_is_no_letter_for_it(paths):
    assert encoded("≥ 1 é", "latin-1") == b">=1 \xe9"
    assert encoded("≥ 1 é", "utf-8") == "≥ 1 é".encode()
    pages = [
        run("report", paths[1], PYTHONIOENCODING=encoding).stdout.decode(encoding)
        for encoding in ("utf-8", "ascii")
    ]
    assert pages[0].replace("≥ ", ">=") == pages[1]
    assert ">=4" in pages[1]


def test_the_table_of_pstats_has_a_line_that_says_where_the_marks_are(
    exact, inexact, monkeypatch
):
    def table(stats):
        from fastprof.launch import table_of

        return table_of(stats, "tottime")

    text = table(inexact)
    assert text.startswith(inexact.head)
    assert text.count("not exact") == 1
    assert f"{HEAD}\nFunction.precision and `fastprof report` tell which" in text
    assert text.isascii()
    assert "not exact" not in table(exact)

    profiler = fastprof.Profiler(timer=lambda: 0.0)
    monkeypatch.setattr(fastprof.Profiler, "snapshot", lambda self: inexact)
    with redirect_stdout(io.StringIO()) as printed:
        profiler.print_stats()
    assert printed.getvalue().startswith(inexact.note_of_table)

    record = fastprof.profile(leaf)
    record()
    stream = io.StringIO()
    record.profile.print_stats(stream=stream)
    assert stream.getvalue().startswith(inexact.note_of_table)


def test_a_card_has_marks(exact, inexact):
    html = inexact._repr_html_()
    assert "<td>≥ 4</td>" in html and "<td>~ 3/1</td>" in html
    assert "<div>~ 8 calls, " in html and f"<div>{HEAD}</div>" in html
    assert f"<p>{BOUND}" in html and f"<p>{ESTIMATE}" in html
    assert "<td>4</td>" in exact._repr_html_()
    assert BOUND not in exact._repr_html_()


def saved(stats, tmp_path, extension):
    path = tmp_path / f"out{extension}"
    stats.save(path)
    return path.read_bytes()


def test_json_and_csv_have_a_column(inexact, tmp_path):
    wanted = {one.name: one.precision for one in inexact.functions}
    assert set(wanted.values()) == {"exact", "lower_bound", "estimate"}
    functions = json.loads(saved(inexact, tmp_path, ".json"))["functions"]
    assert {one["name"]: one["precision"] for one in functions} == wanted
    rows = csv.DictReader(saved(inexact, tmp_path, ".csv").decode().splitlines())
    assert {row["name"]: row["precision"] for row in rows} == wanted


def test_hatchet_has_a_column(inexact, tmp_path):
    frame = json.loads(saved(inexact, tmp_path, ".hatchet.json"))["dataframe"]
    found = set(zip(frame["name"], frame["precision"], strict=True))
    assert found == {(one.qualname, one.precision) for one in inexact.functions}


def test_callgrind_and_pprof_have_a_note(exact, inexact, tmp_path):
    note = f"\ndesc: Note: {HEAD}\n".encode()
    assert note in saved(inexact, tmp_path, ".callgrind")
    assert b"desc:" not in saved(exact, tmp_path, ".callgrind")
    assert HEAD.encode() in gzip.decompress(saved(inexact, tmp_path, ".pprof"))
    assert b"exact" not in gzip.decompress(saved(exact, tmp_path, ".pprof")).replace(
        __file__.encode(), b""
    )


# Differences.


def test_a_change_says_that_it_is_not_exact(exact, inexact):
    changes = {one.name: one for one in fastprof.diff(exact, inexact).functions}
    leaf_change = changes[f"{__name__}:leaf"]
    assert leaf_change.precision == ("exact", "lower_bound")
    assert leaf_change.caveat == "not exact: called 4 times before, at least 4 after"
    assert "about 3 after" in changes[f"{__name__}:folded"].caveat
    same = changes[f"{__name__}:program"]
    assert (same.precision, same.caveat) == (("exact", "exact"), "")
    both = fastprof.diff([exact, inexact], [exact, exact]).functions
    assert {one.name: one.precision for one in both}[f"{__name__}:folded"] == (
        "estimate",
        "exact",
    )
    paths = {one.name: one for one in fastprof.diff(inexact, exact).paths}
    path = f"{__name__}:program;{__name__}:leaf"
    assert paths[path].precision == ("lower_bound", "exact")
    assert fastprof.diff(counted(leaf), exact).functions[0].precision == (
        "exact",
        "exact",
    )


def longer():
    folded(5)
    leaf()
    leaf()


def test_a_page_of_differences_has_marks(paths, tmp_path):
    marked(counted(longer), leaf="estimate").save(tmp_path / "longer.prof")
    result = run("diff", paths[1], tmp_path / "longer.prof")
    (line,) = (row for row in result.stdout.decode().splitlines() if ":leaf" in row)
    assert line.split()[5:9] == ["≥", "4", "~", "8"]
    assert BOUND in result.stdout.decode() and ESTIMATE in result.stdout.decode()
    assert "not exact" not in run("diff", paths[0], paths[0]).stdout.decode()


def test_rules_say_what_is_not_exact(paths):
    result = run("diff", *paths, "--fail-if", "calls>3", "--fail-if", "own>1000")
    assert result.returncode == 1
    assert result.stderr.decode().splitlines() == [
        f"calls>3: {__name__}:leaf "
        "(not exact: called 4 times before, at least 4 after)",
        "calls>3: 1 more cannot be judged: their figures are not exact "
        "(docs/precision.md)",
        "own>1000: 2 more cannot be judged: their figures are not exact "
        "(docs/precision.md)",
    ]
    result = run("diff", paths[1], paths[1], "--fail-if", "calls>1000")
    assert (result.returncode, len(result.stderr.splitlines())) == (0, 1)
    result = run("diff", paths[0], paths[0], "--fail-if", "calls>1000")
    assert (result.returncode, result.stderr) == (0, b"")


# Assertions.


@pytest.mark.parametrize(
    ("limits", "raised"),
    [
        ({"at_most": 3}, AssertionError),  # there were 4, or more
        ({"exactly": 3}, AssertionError),
        ({"at_least": 1, "at_most": 3}, AssertionError),
        ({"at_least": 4}, None),
        ({"at_most": 4}, ValueError),
        ({"exactly": 4}, ValueError),
        ({"exactly": 5}, ValueError),
        ({"at_least": 5}, ValueError),
    ],
)
def test_a_lower_bound_passes_and_fails_only_where_that_is_certain(
    inexact, limits, raised
):
    if raised is None:
        assert_calls(inexact, leaf, **limits)
        return
    told = "at least 4 times" if raised is AssertionError else "4 calls .* lower bound"
    with pytest.raises(raised, match=f"{__name__}:leaf.* {told}"):
        assert_calls(inexact, leaf, **limits)


@pytest.mark.parametrize(
    "limits", [{"exactly": 3}, {"at_most": 1}, {"at_least": 1}, {"at_most": 1000}]
)
def test_an_estimate_neither_passes_nor_fails(inexact, limits):
    with pytest.raises(ValueError, match="its 3 calls .* an estimate"):
        assert_calls(inexact, folded, **limits)


def test_callers_in_a_message_are_marked(exact):
    stats = marked(exact, folded="estimate")
    with pytest.raises(AssertionError, match=rf" ~ 3 x {__name__}:folded\n +~ 1 x "):
        assert_calls(stats, leaf, 1)
    assert_calls(stats, leaf, 4)


def test_calls_per_call_need_exact_counts_of_both(exact, inexact):
    assert_calls_per(exact, leaf, per=program, exactly=4)
    with pytest.raises(AssertionError, match="called at least 4 times in 1 call"):
        assert_calls_per(inexact, leaf, per=program, at_most=3)
    assert_calls_per(inexact, leaf, per=program, at_least=4)
    with pytest.raises(ValueError, match=":leaf: its 4 calls"):
        assert_calls_per(inexact, leaf, per=program, exactly=4)
    with pytest.raises(ValueError, match=":folded: its 3 calls"):
        assert_calls_per(inexact, folded, per=program, at_most=100)
    with pytest.raises(ValueError, match=":folded: its 3 calls"):
        assert_calls_per(inexact, program, per=folded, at_most=100)


def test_golden_trees_and_shares_need_exact_figures(exact, inexact, tmp_path):
    path = tmp_path / "golden.json"
    assert_tree(exact, path, update=True)
    golden = path.read_bytes()
    for update in (False, True):
        with pytest.raises(ValueError, match="not exact"):
            assert_tree(inexact, path, update=update)
    assert path.read_bytes() == golden
    assert_tree(inexact, tmp_path / "none.json", modules=["json"], update=True)
    with pytest.raises(ValueError, match="not exact"):
        assert_share(inexact, leaf, at_most=1.0)
    assert_share(inexact, program, at_least=0.0)


def test_that_a_function_was_called_is_certain(inexact):
    with pytest.raises(AssertionError):
        assert_not_called_from(inexact, __name__)
    assert_not_called_from(inexact, "json")
