"""Profiles add up."""

import pickle
import pstats
import time

import fastprof
import pytest
from support import counted


def leaf():
    pass


def program(times):
    for _ in range(times):
        leaf()


def other():
    leaf()


def figures(stats):
    return {
        one.full_name: (one.calls, one.primitive_calls, one.own, one.cumulative)
        for one in stats.functions
    }


def paths(stats):
    return {
        tuple(one.name for one in node.path): (node.calls, node.own, node.cumulative)
        for node in stats.tree.walk()
    }


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, row in one.items():
        assert row == pytest.approx(other[key]), key


def added(*dicts):
    total = {}
    for one in dicts:
        for key, row in one.items():
            before = total.get(key, (0,) * len(row))
            total[key] = tuple(a + b for a, b in zip(before, row, strict=True))
    return total


def test_every_figure_is_the_sum():
    parts = [counted(program, 3), counted(program, 2), counted(other)]
    total = fastprof.Stats.merge(parts)
    assert_same(figures(total), added(*map(figures, parts)))
    assert_same(paths(total), added(*map(paths, parts)))
    callers = [(one.function.name, one.calls) for one in total.callers(total[leaf])]
    assert callers == [("program", 5), ("other", 1)]
    assert total.info["merged"]["profiles"] == 3


def test_what_pstats_adds_is_the_same():
    parts = [counted(program, 3), counted(other)]
    total = pstats.Stats(fastprof.Stats.merge(parts))
    expected = pstats.Stats(*parts)
    assert total.stats.keys() == expected.stats.keys()
    for key, row in expected.stats.items():
        assert total.stats[key][:4] == pytest.approx(row[:4])
        assert total.stats[key][4].keys() == row[4].keys()
    assert total.total_calls == expected.total_calls


def test_plus_and_sums_of_sums():
    one, two, three = counted(program, 1), counted(program, 2), counted(other)
    total = one + two + three
    assert_same(figures(total), figures(fastprof.Stats.merge([one, two, three])))
    assert total.info["merged"]["profiles"] == 3
    with pytest.raises(TypeError):
        one + 1


def test_compensated_times_add_up_with_their_errors():
    stats = []
    for _ in range(2):
        with fastprof.Profiler() as profiler:
            program(2000)
        stats.append(profiler.snapshot())
    total = fastprof.Stats.merge(stats)
    assert total.compensated is stats[0].compensated
    for name in "own", "cumulative", "own_error", "overhead":
        expected = sum(getattr(one[leaf], name) for one in stats)
        assert getattr(total[leaf], name) == pytest.approx(expected, abs=1e-7)
    assert total.raw[leaf].own == total[leaf].own
    assert "Without" in total.head or not total.compensated


def test_clocks_of_other_ticks_have_one_unit():
    ticks = iter(range(1000))
    profiler = fastprof.Profiler(timer=lambda: next(ticks), timeunit=0.25)
    profiler.runcall(program, 1)
    total = counted(program, 1) + profiler.snapshot()
    assert total[leaf].own == pytest.approx(1.25)
    assert total[program].cumulative == pytest.approx(3.75)


def test_threads_become_one_tree_and_what_was_cut_off_counts():
    cut_off = counted(program, 4, max_nodes=1)
    assert cut_off.truncated
    total = cut_off + counted(program, 2)
    assert total.truncated
    assert total[leaf].calls == 6
    assert total[leaf].own == pytest.approx(6.0)
    assert paths(total)["program", "leaf"][0] == 2


def test_both_clocks_add_up():
    parts = []
    for _ in range(2):
        with fastprof.Profiler(clock="both") as profiler:
            time.sleep(0.01)
        parts.append(profiler.snapshot())
    total = parts[0] + parts[1]
    slept = total[time.sleep]
    assert slept.own - slept.own_cpu > 0.01
    expected = sum(part[time.sleep].own_cpu for part in parts)
    assert slept.own_cpu == pytest.approx(expected, abs=1e-7)


def test_collections_stay_apart_and_are_in_pstats_the_callers():
    import gc

    parts = []
    for _ in range(2):
        with fastprof.Profiler(compensate=False) as profiler:
            gc.collect()
        parts.append(profiler.snapshot())
    total = parts[0] + parts[1]
    (run,) = [one for one in total.functions if one.kind == "gc"]
    assert run.calls == 2
    assert not [key for key in total.stats if key[2] == "<gc>"]
    key = "~", 0, "<built-in method gc.collect>"
    expected = sum(part.stats[key][2] for part in parts)
    assert total.stats[key][2] == pytest.approx(expected, abs=1e-7)


def test_a_sum_survives_a_file(tmp_path):
    total = counted(program, 3) + counted(other)
    total.save(tmp_path / "total.prof")
    loaded = fastprof.load(tmp_path / "total.prof")
    assert figures(loaded) == figures(total)
    assert paths(loaded) == paths(total)
    assert loaded.info == total.info
    again = loaded + counted(other)
    assert_same(figures(again), added(figures(total), figures(counted(other))))


def test_a_sum_is_complete_if_all_are():
    one, other_one = counted(program, 1), counted(program, 1)
    other_one.info["complete"] = False
    total = one + other_one
    assert not total.complete
    assert (other_one + one).complete is False
    assert one.complete  # what is added does not change


def test_profiles_are_read_one_at_a_time():
    alive = []

    def profiles():
        for _ in range(5):
            stats = counted(program, 1)
            alive.append(stats.snapshot)
            yield stats

    total = fastprof.Stats.merge(profiles())
    assert total[leaf].calls == 5


def test_what_has_no_sum_is_refused():
    with pytest.raises(ValueError, match="no profiles"):
        fastprof.Stats.merge([])
    stats = {}
    for clock in "wall", "cpu":
        with fastprof.Profiler(clock=clock) as profiler:
            leaf()
        stats[clock] = profiler.snapshot()
    with pytest.raises(ValueError, match="different things: clock='wall' and 'cpu'"):
        stats["wall"] + stats["cpu"]
    if stats["wall"].compensated:
        with pytest.raises(ValueError, match="and not of the other's"):
            stats["wall"] + stats["wall"].raw


def test_times_beyond_all_bounds_have_a_largest():
    profiler = fastprof.Profiler(timer=lambda: 10**18, timeunit=1e9)
    profiler.runcall(program, 1)
    stats = profiler.snapshot()
    total = stats + stats
    assert total[leaf].calls == 2 and total[leaf].own >= 0.0
    with pytest.raises(ValueError, match="at most 1e9 seconds"):
        fastprof.Profiler(timer=time.time, timeunit=1e300)


def test_what_an_iterator_raises_comes_out():
    def profiles():
        yield counted(program, 1)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        fastprof.Stats.merge(profiles())


@pytest.mark.parametrize(
    "parts",
    [
        [None],
        [()],
        [(1, [], True)],
        ["wrong list"],
        ["too few"],
        ["no numbers"],
        ["too large"],
    ],
)
def test_the_extension_checks_what_it_is_given(parts):
    from fastprof import _fastprof

    snapshot = counted(program, 1).snapshot
    count = len(snapshot.functions)
    wrong = {
        "wrong list": (snapshot, tuple(range(count)), True),
        "too few": (snapshot, [], True),
        "no numbers": (snapshot, ["0"] * count, True),
        "too large": (snapshot, [2**32] * count, True),
    }
    parts = [wrong[part] if isinstance(part, str) else part for part in parts]
    with pytest.raises((TypeError, ValueError, OverflowError)):
        _fastprof.merge(parts, list(snapshot.functions), bytearray(count))
    good = (snapshot, list(range(count)), True)
    for functions, precision in (
        ([], bytearray()),
        (list(snapshot.functions), bytearray(count - 1)),
        (list(snapshot.functions), bytearray([3] * count)),
    ):
        with pytest.raises(ValueError, match="each number needs a function"):
            _fastprof.merge([good], functions, precision)
    with pytest.raises(IndexError):
        snapshot.columns(1, True)
    with pytest.raises(IndexError):
        snapshot.columns(-2, True)


def test_a_pickled_profile_is_the_same():
    stats = counted(program, 3)
    copy = pickle.loads(pickle.dumps(stats))
    assert_same(figures(copy), figures(stats))
    assert_same(paths(copy), paths(stats))
    assert copy.info == stats.info
    with pytest.raises(fastprof.ProfileFileError):
        fastprof.Stats.from_bytes(stats.to_bytes()[:-1])


def test_what_is_missing_is_missing_in_sums_and_files_too():
    one, two = counted(program, 1), counted(program, 2)
    one.info["missing"] = ["first"]
    two.info["missing"] = ["second", "third"]
    total = counted(other) + one + two
    assert total.info["missing"] == ["first", "second", "third"]
    total = fastprof.Stats.from_bytes(total.to_bytes())
    (said,) = total.warnings
    assert said.endswith("not in the profile, as they should be: first, second, third")
    total.info["missing"] = [1]
    with pytest.raises(fastprof.ProfileFileError, match="run information"):
        fastprof.Stats.from_bytes(total.to_bytes())
