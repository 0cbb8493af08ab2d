"""The call tree for viewers that know pstats' dict only."""

import pstats
import subprocess
import sys

import fastprof
import pytest
from fastprof.exact import ROOT, exact_dict
from support import counted


def leaf():
    pass


def left():
    leaf()
    leaf()


def right():
    leaf()


def program():
    left()
    right()
    left()


def recursive(depth):
    if depth:
        recursive(depth - 1)


def paths_of(flat):
    """By the functions' names from the top: each has one caller, or none."""
    found = {}
    for key, row in flat.items():
        names, at = [], key
        while at is not None:
            names.append(at[2].partition(" #")[0])
            callers = flat[at][4]
            assert len(callers) <= 1
            at = next(iter(callers), None)
        found[tuple(reversed(names))] = row[:4]
    return found


def test_each_path_is_a_function():
    stats = counted(program)
    flat = exact_dict(stats.tree)
    assert paths_of(flat) == {
        tuple(one.name for one in node.path): (
            node.calls,
            node.calls,
            node.own,
            node.cumulative,
        )
        for node in stats.tree.walk()
        if node.path
    }
    assert sorted(key[2] for key in flat) == [
        "leaf",
        "leaf #2",
        "left",
        "program",
        "right",
    ]


def test_recursion_is_a_function_for_each_depth():
    flat = exact_dict(counted(recursive, 3).tree)
    names = sorted(key[2] for key in flat)
    assert names == ["recursive", "recursive #2", "recursive #3", "recursive #4"]
    assert all(row[0] == row[1] == 1 for row in flat.values())


def test_a_function_that_is_named_like_a_second_one():
    namespace = {}
    exec(
        compile(
            "def c(): pass\nd = c\ndef a(): c()\ndef b(): c(); e()\ndef e(): pass",
            "names.py",
            "exec",
        ),
        namespace,
    )
    namespace["e"].__code__ = namespace["e"].__code__.replace(
        co_name="c #2", co_firstlineno=1
    )

    def calls():
        namespace["b"]()
        namespace["a"]()

    flat = exact_dict(counted(calls).tree)
    assert sum(row[1] for row in flat.values()) == 6
    assert len(flat) == 6


def test_what_is_small_is_put_together():
    def long():
        for _ in range(3000):
            leaf()

    def short():
        pass

    def both():
        long()
        short()
        right()

    stats = counted(both)
    flat = exact_dict(stats.tree)
    names = {key[2] for key in flat}
    assert names == {"both", "long", "leaf", "<folded>"}
    (folded,) = [row for key, row in flat.items() if key[2] == "<folded>"]
    assert folded[:4] == (2, 2, 4.0, 4.0)
    assert sum(row[2] for row in flat.values()) == stats.tree.cumulative


def test_there_is_a_bound():
    def wide():
        for code in codes:
            exec(code)

    codes = [compile("leaf()", f"file{n}", "exec") for n in range(500)]
    tree = counted(wide).tree
    assert len(exact_dict(tree)) > 1000
    flat = exact_dict(tree, most=100)
    assert 50 < len(flat) <= 100
    assert sum(row[2] for row in flat.values()) == pytest.approx(tree.cumulative)


def test_files_have_it_in_front_and_the_tree_behind(tmp_path):
    stats = counted(program)
    stats.save(tmp_path / "exact.prof", tree="exact")
    names = {key[2] for key in pstats.Stats(str(tmp_path / "exact.prof")).stats}
    assert names == {"leaf", "leaf #2", "left", "program", "right"}
    loaded = fastprof.load(tmp_path / "exact.prof")
    assert loaded.stats == stats.stats
    assert [vars(one) for one in loaded.functions] == [
        vars(one) for one in stats.functions
    ]


def test_a_root_for_viewers(tmp_path):
    def other():
        pass

    with fastprof.Profiler() as profiler:
        program()
        other()
    stats = profiler.snapshot()
    for tree in "merged", "exact":
        profiler.save(tmp_path / "out.prof", tree=tree, viewer_root=True)
        flat = pstats.Stats(str(tmp_path / "out.prof")).stats
        assert flat[ROOT][:3] == (0, 0, 0.0)
        assert flat[ROOT][3] == pytest.approx(stats.tree.cumulative)
        top = {key[2] for key, row in flat.items() if ROOT in row[4]}
        assert top == {"program", "other"}
        assert all(row[4] for key, row in flat.items() if key != ROOT)


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("out.prof", {"tree": "wrong"}, "tree must be one of merged, exact"),
        ("out.csv", {"tree": "exact"}, "are for .prof files"),
        ("out.csv", {"viewer_root": True}, "are for .prof files"),
    ],
)
def test_what_there_is_not_is_refused(tmp_path, name, options, problem):
    with pytest.raises(ValueError, match=problem):
        counted(program).save(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_has_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def c(): pass\ndef a(): c()\nc()\na()\n")
    command = [sys.executable, "-m", "fastprof", "--tree", "exact"]
    subprocess.run([*command, "-o", tmp_path / "out.prof", script], check=True)
    flat = pstats.Stats(str(tmp_path / "out.prof")).stats
    assert (str(script), 1, "c #2") in flat
    for words in [script], ["-o", tmp_path / "out.csv", script]:
        result = subprocess.run([*command, *words], capture_output=True, text=True)
        assert result.returncode == 2
        assert "--tree is for a .prof file" in result.stderr


def test_export_has_it(tmp_path):
    counted(program).save(tmp_path / "out.prof")
    command = [sys.executable, "-m", "fastprof.cli", "export", tmp_path / "out.prof"]
    target = tmp_path / "exact.prof"
    subprocess.run([*command, "--tree", "exact", "-o", target], check=True)
    assert "leaf #2" in {key[2] for key in pstats.Stats(str(target)).stats}
    result = subprocess.run(
        [*command, "--tree", "exact", "-o", tmp_path / "out.csv"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert "are for .prof files" in result.stderr
