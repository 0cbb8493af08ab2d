"""What changed from one profile to another."""

import random
from array import array
from types import SimpleNamespace

import fastprof
import pytest
from support import counted


def module(source):
    namespace = {"__name__": "program"}
    exec(compile(source, "program.py", "exec"), namespace)
    return namespace["main"]


OLD = """
def leaf(): pass
def gone(): pass
def main():
    leaf(); leaf(); gone()
"""
NEW = """
# A line more: the functions have moved.
def inner(): pass
def leaf(): inner()
def added(): pass
def main():
    leaf(); leaf(); leaf(); added()
"""


@pytest.fixture
def difference():
    return fastprof.diff(counted(module(OLD)), counted(module(NEW)))


def test_a_function_is_the_same_if_it_has_moved(difference):
    changes = {change.name: change for change in difference.functions}
    assert set(changes) == {
        f"program:{name}" for name in ("main", "leaf", "gone", "added", "inner")
    }
    leaf = changes["program:leaf"]
    assert (leaf.calls, leaf.own, leaf.cumulative) == ((2, 3), (2.0, 6.0), (2.0, 9.0))
    # One call more, as each took; and each of three takes a second more.
    assert (leaf.own_change, leaf.by_calls, leaf.by_time) == (4.0, 1.0, 3.0)
    gone = changes["program:gone"]
    assert (gone.calls, gone.own_change, gone.by_calls) == ((1, 0), -1.0, -1.0)
    assert changes["program:added"].own == (0, 1.0)
    assert difference.functions[0] is not leaf  # made anew
    assert difference.functions[0].name == "program:leaf"  # the largest change


def test_paths_are_compared_too(difference):
    changes = {change.name: change for change in difference.paths}
    path = "program:main;program:leaf;program:inner"
    assert changes[path].calls == (0, 3)
    assert changes["program:main;program:leaf"].own == (2.0, 6.0)


def test_nothing_changes_from_a_profile_to_itself():
    stats = counted(module(OLD))
    difference = fastprof.diff(stats, stats)
    for change in difference.functions + difference.paths:
        assert change.own_change == change.by_calls == change.by_time == 0.0
        assert change.is_noise


def test_less_than_the_errors_is_noise():
    stats = []
    for _ in range(2):
        with fastprof.Profiler() as profiler:
            module("def leaf(): pass\ndef main():\n for _ in range(1000): leaf()")()
        stats.append(profiler.snapshot())
    (leaf,) = [
        one for one in fastprof.diff(*stats).functions if one.name == "program:leaf"
    ]
    small = abs(leaf.own_change) <= sum(leaf.error)
    assert leaf.is_noise is small
    assert change_of((1, 1.0, 0.25), (1, 1.5, 0.25)).is_noise
    assert not change_of((1, 1.0, 0.25), (1, 1.75, 0.25)).is_noise
    assert not change_of((1, 1.0, 0.25), (2, 1.0, 0.25)).is_noise  # counts are exact


def change_of(*sides):
    """Of calls, own time and its error."""
    names = "calls", "own", "own_error"
    rows = [SimpleNamespace(**dict(zip(names, side, strict=True))) for side in sides]
    return fastprof.Change("f", *rows)


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("calls>2", ["leaf", "inner"]),
        ("calls>+1", ["inner"]),
        ("calls>+40%", ["leaf", "added", "inner"]),
        ("own>+3.5", ["leaf"]),
        ("own>200%", ["leaf", "added", "inner"]),
        ("cum>1000", []),
    ],
)
def test_rules(difference, rule, broken):
    names = [change.name for change in difference.violations(rule)]
    assert sorted(names) == sorted(f"program:{name}" for name in broken)


@pytest.mark.parametrize(
    "rule", ["", "own", "own>", "own>x", "time>1", "own<1", "own>%", "own>nan"]
)
def test_what_is_no_rule_is_refused(difference, rule):
    with pytest.raises(ValueError, match="is no rule"):
        difference.violations(rule)


def test_other_clocks_cannot_be_compared():
    stats = []
    for clock in "wall", "cpu":
        with fastprof.Profiler(clock=clock) as profiler:
            module(OLD)()
        stats.append(profiler.snapshot())
    with pytest.raises(ValueError, match="clock='wall' and 'cpu'"):
        fastprof.diff(*stats)
    if stats[0].compensated:
        with pytest.raises(ValueError, match="of one only"):
            fastprof.diff(stats[0], stats[0].raw)


def test_many_functions_of_one_name_are_compared_in_order():
    source = """
CODE = [compile("x = 1", "f", "exec") for _ in range(3000)]
def main():
    for code in CODE:
        exec(code, {"__name__": "program"})
"""
    difference = fastprof.diff(counted(module(source)), counted(module(source)))
    paths = [one for one in difference.paths if one.name.endswith("program:<module>")]
    assert len(paths) == 3000
    assert all(one.calls == (1, 1) for one in paths)


def test_functions_of_one_name_are_added_up():
    twice = """
def make(n):
    def same(): pass
    return same
def main():
    make(1)(); make(2)()
    exec("def same(): pass\\nsame()", {"__name__": "program"})
    exec("def same(): pass\\nsame()", {"__name__": "program"})
"""
    difference = fastprof.diff(counted(module(twice)), counted(module(twice)))
    calls = {change.name: change.calls for change in difference.functions}
    assert calls["program:same"][0] >= 2
    assert all(before == after for before, after in calls.values())


def random_program(seed):
    """Calls of functions, some of which share a name, from each other."""
    choose = random.Random(seed)
    source = "FUNCTIONS = []\n" + "".join(
        f"def f{n % 7}(depth): call({n}, depth)\nFUNCTIONS.append(f{n % 7})\n"
        for n in range(12)
    )
    calls = {n: [choose.randrange(12) for _ in range(3)] for n in range(12)}
    source += f"CALLS = {calls}\n"
    source += (
        "def call(n, depth):\n"
        " for other in CALLS[n] if depth else ():\n  FUNCTIONS[other](depth - 1)\n"
        "def main():\n call(0, 5)\n"
    )
    return counted(module(source))


def rows_of_paths(stats):
    """Of each path by its names, in the order of first calls: calls and times."""
    rows = {}
    columns = stats.tree.columns
    names = [()]
    for at in range(1, len(columns.parent)):
        node = fastprof.Node(columns, at)
        path = (*names[columns.parent[at]], node.full_name)
        nth = 1
        while (*path, nth) in rows:
            nth += 1
        names.append((*path, nth))
        rows[names[at]] = node.calls, node.own, node.cumulative
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_each_path_is_compared_with_its_like(seed):
    """Against dicts by path."""
    before, after = random_program(seed), random_program(seed + 1)
    rows = rows_of_paths(before), rows_of_paths(after)
    expected = sorted(
        (
            ";".join(path[::2]),
            *zip(*(side.get(path, (0, 0, 0)) for side in rows), strict=True),
        )
        for path in rows[0].keys() | rows[1].keys()
    )
    changes = fastprof.diff(before, after).paths
    found = sorted((one.name, one.calls, one.own, one.cumulative) for one in changes)
    assert found == expected
    assert len({name for name, *_ in found}) < len(found)  # some share their names
    sizes = [abs(one.own_change) for one in changes]
    assert sizes == sorted(sizes, reverse=True)


def columns(*rows):
    return tuple(array("I", row) for row in rows)


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        ((), ValueError),
        (columns([0, 0], [0], [0]), ValueError),
        (columns([0, 1], [0, 0], [0]), ValueError),
        (columns([0, 0], [0, 1], [0]), ValueError),
        (columns([0, 0], [0, 0], [1]), ValueError),
        (columns([], [], []), ValueError),
        (([0], [0], [0]), TypeError),
    ],
)
def test_the_extension_checks_the_columns(tree, error):
    from fastprof import _fastprof

    good = columns([0, 0], [0, 0], [0])
    assert len(_fastprof.align(good, good, 1)) == 4
    for trees in (tree, good), (good, tree):
        with pytest.raises(error):
            _fastprof.align(*trees, 1)


# ---- several runs ----


def runs_of(*times):
    """Runs of which the first function varies, and the second one does not."""
    found = []
    for own in times:
        clock = Clock()
        with fastprof.Profiler(timer=clock, timeunit=1.0) as profiler:
            varies(clock, own)
            steady(clock)
        found.append(profiler.snapshot())
    return found


class Clock:
    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


def varies(clock, own):
    clock.now += own


def steady(clock):
    clock.now += 7


def changes_of(difference, kind):
    return {one.name.rpartition(":")[2]: one for one in getattr(difference, kind)}


@pytest.mark.parametrize("kind", ["functions", "paths"])
def test_what_varies_from_run_to_run_is_noise(kind):
    found = changes_of(fastprof.diff(runs_of(10, 20, 15), runs_of(18, 30, 24)), kind)
    assert found["varies"].own == (15.0, 24.0)
    assert found["varies"].is_noise
    assert found["steady"].own == (7.0, 7.0)
    found = changes_of(fastprof.diff(runs_of(10, 20, 15), runs_of(21, 30, 24)), kind)
    assert not found["varies"].is_noise


def test_one_run_beside_several():
    old = runs_of(10, 20)
    assert changes_of(fastprof.diff(old, runs_of(15)[0]), "functions")[
        "varies"
    ].is_noise
    (new,) = runs_of(25)
    change = changes_of(fastprof.diff(old, new), "functions")["varies"]
    assert not change.is_noise
    assert change.own == (15.0, 25.0)


@pytest.mark.parametrize("kind", ["functions", "paths"])
def test_what_only_some_runs_call(kind):
    def sometimes():
        pass

    clock = Clock()
    with fastprof.Profiler(timer=clock, timeunit=1.0) as profiler:
        sometimes()
    difference = fastprof.diff(runs_of(1, 2), [profiler.snapshot(), *runs_of(1)])
    change = next(
        one for one in getattr(difference, kind) if one.name.endswith("sometimes")
    )
    assert change.calls == (0, 0.5)
    assert change.is_noise  # one run had none, as those before


def test_rules_are_not_broken_by_chance():
    noise = fastprof.diff(runs_of(10, 20, 15), runs_of(18, 30, 24))
    change = fastprof.diff(runs_of(10, 20, 15), runs_of(21, 30, 24))
    assert noise.violations("own>+10%") == []
    (broken,) = change.violations("own>+10%")
    assert broken.name == f"{__name__}:varies"
    single = fastprof.diff(runs_of(15)[0], runs_of(24)[0])
    assert len(single.violations("own>+10%")) == 1


def test_no_run_at_all():
    with pytest.raises(ValueError, match="no profile"):
        fastprof.diff([], runs_of(1))


def test_all_runs_must_be_comparable():
    with fastprof.Profiler(clock="cpu") as profiler:
        pass
    with pytest.raises(ValueError, match="cannot be compared"):
        fastprof.diff(runs_of(1), [*runs_of(1), profiler.snapshot()])
