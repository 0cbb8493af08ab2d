"""Profiles that cProfile wrote are read: functions and callers, no paths."""

import cProfile
import marshal
import pstats

import fastprof
import pytest


def leaf():
    pass


def recursive(depth):
    leaf()
    if depth:
        recursive(depth - 1)


def program():
    recursive(3)
    sorted([2, 1])
    "a".upper()


@pytest.fixture
def path(tmp_path):
    profile = cProfile.Profile()
    profile.runcall(program)
    profile.dump_stats(tmp_path / "old.prof")
    return tmp_path / "old.prof"


def test_all_figures_are_there(path):
    stats = fastprof.load(path)
    expected = pstats.Stats(str(path)).stats
    assert stats.stats.keys() == expected.keys()
    for key, row in expected.items():
        assert stats.stats[key][:2] == row[:2]
        assert stats.stats[key][2:4] == pytest.approx(row[2:4], abs=1e-9)
        for caller, figures in row[4].items():
            # cProfile's file has calls first here, and primitive ones after them.
            assert stats.stats[key][4][caller][:2] == figures[:2]
            assert stats.stats[key][4][caller][2:] == pytest.approx(
                figures[2:], abs=1e-9
            )
    code = recursive.__code__
    assert stats[code.co_filename, code.co_firstlineno, "recursive"].calls == 4
    kinds = {one.name: one.kind for one in stats.functions}
    assert kinds["<method 'upper' of 'str' objects>"] == "method"
    assert kinds["<built-in method builtins.sorted>"] == "builtin"
    assert kinds["leaf"] == "python"


def test_what_it_is_not_is_told(path):
    stats = fastprof.load(path)
    assert not stats.compensated
    assert stats.tree.children == []
    assert stats.warnings == ["cProfile recorded it: callers are known, paths are not"]
    assert [one.own_cpu for one in stats.functions if one.own_cpu is not None] == []


def test_it_adds_up_and_is_written_again(path, tmp_path):
    total = fastprof.load(path) + fastprof.load(path)
    key = leaf.__code__.co_filename, leaf.__code__.co_firstlineno, "leaf"
    assert total[key].calls == 8
    total.save(tmp_path / "total.prof")
    assert fastprof.load(tmp_path / "total.prof")[key].calls == 8
    fastprof.load(path).save(tmp_path / "out.callgrind")
    assert "calls=4" in (tmp_path / "out.callgrind").read_text()
    difference = fastprof.diff(fastprof.load(path), total)
    changes = {change.name: change.calls for change in difference.functions}
    assert changes[f"{__file__}:leaf"] == (4, 8)


def test_what_pstats_wrote_is_read(path, tmp_path):
    pstats.Stats(str(path)).strip_dirs().dump_stats(tmp_path / "stripped.prof")
    assert fastprof.load(tmp_path / "stripped.prof").stats


KEY = ("f", 1, "n")
ROW = (1, 1, 0.5, 0.5, {})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        marshal.dumps([]),
        marshal.dumps({}) + b"more",
        marshal.dumps({KEY: ROW})[:-1],
        marshal.dumps({KEY: ROW[:4]}),
        marshal.dumps({KEY: (1, 1, 0.5, 0.5, None)}),
        marshal.dumps({KEY: (1, 1, -0.5, 0.5, {})}),
        marshal.dumps({KEY: (1, 1, float("nan"), 0.5, {})}),
        marshal.dumps({KEY: (1, 2**63, 0.5, 0.5, {})}),
        marshal.dumps({KEY: (1, 1, 0.5, 1e30, {})}),
        marshal.dumps({KEY: (True, 1, 0.5, 0.5, {})}),
        marshal.dumps({KEY: (1, 1, 0.5, 0.5, {KEY: 5})}),
        marshal.dumps({KEY: (1, 1, 0.5, 0.5, {KEY: (1, 1, 0.5)})}),
        marshal.dumps({KEY: (1, 1, 0.5, 0.5, {"f": (1, 1, 0.5, 0.5)})}),
        marshal.dumps({"f": ROW}),
        marshal.dumps({("f", -1, "n"): ROW}),
        marshal.dumps({("f", 1, b"n"): ROW}),
    ],
    ids=range(18),
)
def test_anything_else_is_refused(tmp_path, content):
    (tmp_path / "odd.prof").write_bytes(content)
    with pytest.raises(fastprof.ProfileFileError, match=r"odd\.prof: no profile"):
        fastprof.load(tmp_path / "odd.prof")
    good = {KEY: (1, 1, 0.5, 0.5, {("g", 2, "m"): (1, 1, 0.5, 0.5)})}
    (tmp_path / "good.prof").write_bytes(marshal.dumps(good))
    assert fastprof.load(tmp_path / "good.prof")[KEY].calls == 1
