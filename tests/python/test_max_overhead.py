"""`max_overhead`: what is folded, what is said of it; others are not harmed."""

import cProfile
import pstats
import sys
import threading
import time

import fastprof
import pytest

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="needs sys.monitoring to switch functions off: runs on 3.12 and newer",
)

TURNS = 300_000
CHUNK = 10_000


def tiny(number):
    return abs(number)


def small(number):
    return tiny(number) + tiny(number)


def chunk():
    for number in range(CHUNK):
        small(number)


def program(chunks=TURNS // CHUNK):
    for _ in range(chunks):
        chunk()


def bounded(function=program, *args, **options):
    with fastprof.Profiler(**{"max_overhead": 0.02} | options) as profiler:
        function(*args)
    return profiler.snapshot()


def by_name(stats):
    return {f.name: f for f in stats.functions}


def test_what_costs_most_is_folded_and_marked():
    figures = by_name(bounded())
    for name in "program", "chunk":
        assert figures[name].precision == "exact"
    assert (figures["program"].calls, figures["chunk"].calls) == (1, TURNS // CHUNK)
    for name in "small", "tiny", "<built-in method builtins.abs>":
        assert figures[name].precision == "estimate"


def test_estimates_are_of_the_right_size():
    figures = by_name(bounded(program, 100))
    # Within a factor of three, whatever else the machine does.
    calls = 100 * CHUNK
    assert calls / 3 < figures["small"].calls < 3 * calls
    assert 2 * calls / 3 < figures["tiny"].calls < 6 * calls


def test_times_add_up():
    stats = bounded()
    figures = by_name(stats)
    whole = figures["program"].cumulative
    assert sum(f.own for f in stats.functions) == pytest.approx(whole, rel=1e-6)
    for function in stats.functions:
        assert 0.0 <= function.own <= function.cumulative + 1e-9
        assert function.cumulative <= whole + 1e-9


def test_the_tree_adds_up_and_files_keep_it(tmp_path):
    stats = bounded()
    stats.save(tmp_path / "bounded.prof")
    loaded = fastprof.load(tmp_path / "bounded.prof")
    assert [vars_of(f) for f in loaded.functions] == [
        vars_of(f) for f in stats.functions
    ]
    twice = by_name(loaded + loaded)
    once = by_name(loaded)
    assert twice["tiny"].calls == pytest.approx(2 * once["tiny"].calls, abs=2)
    assert twice["tiny"].precision == "estimate"


def vars_of(function):
    return function.name, function.calls, function.own, function.precision


def test_a_generous_bound_folds_nothing():
    figures = by_name(bounded(program, 10, max_overhead=10.0))
    assert {f.precision for f in figures.values()} == {"exact"}
    assert figures["tiny"].calls == 20 * CHUNK


def test_others_see_every_call_afterwards():
    bounded()
    profile = cProfile.Profile()
    profile.enable()
    program(1)
    profile.disable()
    counts = {k[2]: v[1] for k, v in pstats.Stats(profile).stats.items()}
    assert (counts["small"], counts["tiny"]) == (CHUNK, 2 * CHUNK)


def test_another_profiler_meanwhile_is_exact():
    with fastprof.Profiler(max_overhead=0.02) as outer:
        program()
        with fastprof.Profiler() as inner:
            program(1)
        program()
    figures = by_name(inner.snapshot())
    assert (figures["small"].calls, figures["tiny"].calls) == (CHUNK, 2 * CHUNK)
    assert {f.precision for f in figures.values()} == {"exact"}
    assert by_name(outer.snapshot())["tiny"].precision == "estimate"


def test_what_runs_later_is_seen_all_the_same():
    """While all of a phase is folded, another begins with functions that are known."""

    def first():
        for number in range(TURNS):
            tiny(number)

    def second():
        for number in range(TURNS):
            small(number)

    def both():
        small(0)
        first()
        second()

    figures = by_name(bounded(both))
    assert figures["small"].calls > 1
    assert (figures["first"].calls, figures["second"].calls) == (1, 1)


def test_generators_and_exceptions():
    def numbers():
        yield from range(TURNS)

    def fail(number):
        raise KeyError(number)

    def busy():
        for number in numbers():
            if number % 3 == 0:
                try:
                    fail(number)
                except KeyError:
                    pass

    figures = by_name(bounded(busy))
    assert figures["busy"].calls == 1
    assert figures["fail"].calls > 0 and figures["numbers"].calls > 0


def test_threads():
    def work():
        program(20)

    def start():
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    figures = by_name(bounded(start))
    assert (figures["work"].calls, figures["chunk"].calls) == (3, 60)


def test_again_and_again():
    profiler = fastprof.Profiler(max_overhead=0.02)
    for _ in range(5):
        with profiler:
            program(10)
    figures = by_name(profiler.snapshot())
    assert (figures["program"].calls, figures["chunk"].calls) == (5, 50)


def test_clear_begins_anew():
    with fastprof.Profiler(max_overhead=0.02) as profiler:
        program()
        profiler.clear()
        tiny(1)
    figures = by_name(profiler.snapshot())
    assert (figures["tiny"].calls, figures["tiny"].precision) == (1, "exact")


def test_its_thread_ends():
    def threads():
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(li.split()[1]) for li in status if li.startswith("Threads"))

    before = threads()
    for _ in range(3):
        bounded(program, 1)
    until = time.monotonic() + 10
    while threads() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threads() <= before


@pytest.mark.parametrize("value", [0, -0.1, 11, float("nan")])
def test_a_bound_that_is_none(value):
    with pytest.raises(ValueError, match="max_overhead"):
        fastprof.Profiler(max_overhead=value)


def test_a_bound_that_is_no_number():
    with pytest.raises(TypeError, match="max_overhead"):
        fastprof.Profiler(max_overhead="5%")


def test_it_needs_sys_monitoring_and_our_clock():
    with pytest.raises(fastprof.BackendError, match="max_overhead"):
        fastprof.Profiler(max_overhead=0.05, backend="setprofile")
    with pytest.raises(ValueError, match="timer"):
        fastprof.Profiler(max_overhead=0.05, timer=time.perf_counter)
