"""`fastprof.measure`: parts of functions as calls of their own."""

import contextlib
import pstats
import sys
import threading

import fastprof
import pytest
from fastprof import Profiler, measure

BACKENDS = ["setprofile", *["monitoring"] * (sys.version_info >= (3, 12))]
BUILTINS = [True, False, *["all"] * (sys.version_info >= (3, 12))]


class Clock:
    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


CLOCK = Clock()


@pytest.fixture(params=BACKENDS)
def profiler(request):
    CLOCK.now = 0
    return Profiler(timer=CLOCK, timeunit=1.0, backend=request.param)


def spend(units):
    CLOCK.now += units


def work():
    spend(1)
    with measure("parse"):
        CLOCK.now += 10
        spend(100)
        with measure("inner"):
            CLOCK.now += 1000
    CLOCK.now += 10000


def test_a_region_is_a_node(profiler):
    with profiler:
        work()
    stats = profiler.snapshot()
    region = stats.tree.find("work", "parse")
    assert (region.kind, region.calls) == ("region", 1)
    assert (region.own, region.cumulative) == (10.0, 1110.0)
    assert region.find("spend").own == 100.0
    assert region.find("inner").own == 1000.0
    assert stats["parse"].own == 10.0
    assert stats["parse"].cumulative == 1110.0
    assert [one.function.name for one in stats.callers(stats["parse"])] == ["work"]
    assert stats[work].own == 10000.0
    assert not [one for one in stats.functions if "__exit__" in one.name]


def test_pstats_knows_no_region(profiler):
    with profiler:
        work()
    flat = pstats.Stats(profiler).stats
    names = {key[2]: row for key, row in flat.items()}
    assert set(names) <= {"work", "spend"}
    assert names["work"][:4] == (1, 1, 11010.0, 11111.0)
    assert [key[2] for key in names["spend"][4]] == ["work"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("builtins", BUILTINS)
def test_it_adds_no_call(backend, builtins):
    def use():
        for _ in range(10):
            with measure("loop"):
                len("")

    if builtins == "all" and backend == "setprofile":
        pytest.skip("builtins='all' is of sys.monitoring")
    with Profiler(backend=backend, builtins=builtins) as profiler:
        use()
    stats = profiler.snapshot()
    names = {one.name for one in stats.functions if one.kind != "gc"}
    names.discard("<class 'range'>")
    assert names == {
        "use",
        "loop",
        *["<built-in method builtins.len>"] * bool(builtins),
    }
    assert stats["loop"].calls == 10
    if builtins:
        (caller,) = stats.callers(stats[len])
        assert (caller.function.name, caller.calls) == ("loop", 10)


def test_one_that_raises(profiler):
    def use():
        with contextlib.suppress(ValueError), measure("bad"):
            raise ValueError

    with profiler:
        use()
    assert profiler.snapshot()["bad"].raised == 1


def test_where_nothing_records_it_does_nothing():
    with measure("nothing") as region:
        assert region.label == "nothing"
    with Profiler() as profiler:
        pass
    assert "nothing" not in {one.name for one in profiler.snapshot().functions}


def test_recording_may_begin_and_end_inside(profiler):
    with measure("before"):
        profiler.enable()
        spend(5)
    with measure("after"):
        CLOCK.now += 7
        profiler.disable()
        CLOCK.now += 100
    stats = profiler.snapshot()
    names = {one.name: one.own for one in stats.functions}
    assert "before" not in names
    assert names["after"] == 7.0


def test_labels_that_are_equal_are_one_function(profiler):
    def use(label):
        with measure(label):
            CLOCK.now += 1

    with profiler:
        for number in (1, 2, 1):
            use("step " + str(number))
    stats = profiler.snapshot()
    assert (stats["step 1"].calls, stats["step 2"].calls) == (2, 1)


def test_recursive_regions(profiler):
    def down(depth):
        with measure("level"):
            CLOCK.now += 1
            if depth:
                down(depth - 1)

    with profiler:
        down(3)
    one = profiler.snapshot()["level"]
    assert (one.calls, one.primitive_calls, one.own) == (4, 1, 4.0)


def test_a_generator_that_yields_inside_ends_it(profiler):
    def generate():
        with measure("inside"):
            CLOCK.now += 1
            yield
            CLOCK.now += 10

    with profiler:
        for _ in generate():
            CLOCK.now += 100
    stats = profiler.snapshot()
    assert (stats["inside"].calls, stats["inside"].own) == (1, 1.0)
    assert stats[generate].own == 10.0


def test_an_exit_stack_may_enter_it(profiler):
    def use():
        region = measure("explicit")
        region.__enter__()
        CLOCK.now += 5
        region.__exit__(None, None, None)

    with profiler:
        use()
    stats = profiler.snapshot()
    assert (stats["explicit"].calls, stats["explicit"].own) == (1, 5.0)


def test_threads_have_their_own():
    def use():
        for _ in range(100):
            with measure("shared"):
                pass

    with Profiler() as profiler:
        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert profiler.snapshot()["shared"].calls == 400


def test_several_profilers_see_it(profiler):
    with profiler, Profiler(backend=BACKENDS[-1]) as other:
        work()
    assert profiler.snapshot()["parse"].calls == other.snapshot()["parse"].calls == 1


@pytest.mark.parametrize("max_nodes", [1, 2, 3])
def test_without_room_for_a_tree(max_nodes):
    CLOCK.now = 0
    with Profiler(timer=CLOCK, timeunit=1.0, max_nodes=max_nodes) as profiler:
        work()
        work()
    stats = profiler.snapshot()
    assert stats.truncated
    assert stats[work].calls == 2
    assert sum(one.own for one in stats.functions) == 2 * 11111.0


def test_files_keep_them(profiler, tmp_path):
    with profiler:
        work()
    profiler.save(tmp_path / "a.prof")
    loaded = fastprof.load(tmp_path / "a.prof")
    assert loaded["parse"].kind == "region"
    assert (loaded + loaded)["parse"].calls == 2


def test_bad_labels_are_refused():
    with pytest.raises(ValueError, match="empty"):
        measure("")
    with pytest.raises(TypeError):
        measure(5)
    assert repr(measure("x")) == "fastprof.measure('x')"
