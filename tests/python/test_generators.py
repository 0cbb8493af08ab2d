"""Generators and coroutines: how often they were begun, went on, and stood still."""

import asyncio
import sys
import threading
import time

import pytest
from fastprof import Profiler, load

BACKENDS = ["setprofile", *["monitoring"] * (sys.version_info >= (3, 12))]


class Clock:
    """A timer that the test turns on."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


CLOCK = Clock()


@pytest.fixture(params=BACKENDS)
def profiler(request):
    CLOCK.now = 0
    return Profiler(timer=CLOCK, timeunit=1.0, backend=request.param)


def count(limit):
    for number in range(limit):
        CLOCK.now += 1
        yield number


def walk(depth):
    yield depth
    if depth:
        yield from walk(depth - 1)


def catch():
    while True:
        try:
            yield 1
        except ValueError:
            pass


async def steps(limit):
    for _ in range(limit):
        await asyncio.sleep(0)


def use(generator):
    for _ in generator:
        CLOCK.now += 10


def figures(stats, function):
    one = stats[function]
    return one.calls, one.resumes, one.suspended


def test_a_generator_is_called_once_and_goes_on(profiler):
    with profiler:
        use(count(3))
    stats = profiler.snapshot()
    assert figures(stats, count) == (1, 3, 30.0)
    assert stats[count].primitive_calls == 1
    assert stats[count].own == 3.0
    # As cProfile has it.
    assert stats.stats[stats[count].key][:2] == (4, 4)
    (edge,) = stats.callers(stats[count])
    assert (edge.function.name, edge.calls, edge.resumes) == ("use", 1, 3)
    assert edge.suspended == 30.0
    node = stats.tree.find("use", "count")
    assert (node.calls, node.resumes, node.suspended) == (1, 3, 30.0)


def test_recursive_calls_are_told_from_recursive_resumes(profiler):
    with profiler:
        use(walk(3))
    one = profiler.snapshot()[walk]
    assert (one.calls, one.primitive_calls) == (4, 1)
    # Each yields once, and all that wait for the innermost one go on with it.
    assert one.resumes == 4 + 3 + 2 + 1


def test_one_that_is_thrown_into_goes_on(profiler):
    with profiler:
        generator = catch()
        next(generator)
        generator.throw(ValueError())
        next(generator)
        generator.close()
    assert figures(profiler.snapshot(), catch)[:2] == (1, 3)


def test_one_that_is_thrown_into_before_it_began_is_called(profiler):
    generator = count(3)
    with profiler, pytest.raises(KeyError):
        generator.throw(KeyError())
    stats = profiler.snapshot()
    calls = stats.stats.get((__file__, count.__code__.co_firstlineno, "count"))
    if calls is not None:  # 3.10 and 3.11 have no event of it
        assert figures(stats, count) == (calls[1], 0, 0.0)


def test_one_that_was_there_before_goes_on(profiler):
    generator = count(3)
    next(generator)
    CLOCK.now += 100
    with profiler:
        next(generator)
        CLOCK.now += 10
        next(generator)
    assert figures(profiler.snapshot(), count) == (0, 2, 10.0)


def test_what_is_thrown_away_does_not_stand_still(profiler):
    with profiler:
        for _ in range(100):
            next(count(3))
            CLOCK.now += 1000
        use(count(2))
    calls, resumes, suspended = figures(profiler.snapshot(), count)
    assert (calls, suspended) == (101, 20.0)
    # What is thrown away goes on to be closed, up to 3.12.
    assert resumes == (2 if sys.version_info >= (3, 13) else 102)


def test_what_goes_on_unseen_does_not_stand_still(profiler):
    going = count(10)
    with profiler:
        next(going)
    for _ in range(3):
        next(going)
        CLOCK.now += 1000
    with profiler:
        next(going)
    stats = profiler.snapshot()[count]
    assert (stats.resumes, stats.suspended) == (1, 0)


def test_coroutines(profiler):
    async def main():
        await asyncio.gather(*(steps(5) for _ in range(10)))

    with profiler:
        asyncio.run(main())
    stats = profiler.snapshot()
    assert figures(stats, steps)[:2] == (10, 50)
    assert figures(stats, main)[:2] == (1, 1)


def test_a_coroutine_stands_still_while_it_waits():
    async def main():
        await asyncio.sleep(0.2)

    with Profiler() as profiler:
        asyncio.run(main())
    one = profiler.snapshot()[main]
    assert one.suspended >= 0.19 > one.cumulative


@pytest.mark.parametrize("backend", BACKENDS)
def test_counts_are_the_same_where_the_tree_has_no_room(backend):
    def run(**options):
        with Profiler(timer=Clock(), backend=backend, **options) as profiler:
            use(walk(5))
            use(count(4))
        return profiler.snapshot()

    whole, cut = run(), run(max_nodes=4)
    assert cut.truncated
    for function in (walk, count):
        one, other = whole[function], cut[function]
        assert (one.calls, one.primitive_calls, one.resumes) == (
            other.calls,
            other.primitive_calls,
            other.resumes,
        )


def test_a_generator_that_goes_on_on_another_thread(profiler):
    generator = count(3)
    with profiler:
        next(generator)
        CLOCK.now += 100
        thread = threading.Thread(target=next, args=(generator,))
        thread.start()
        thread.join()
    assert figures(profiler.snapshot(), count) == (1, 1, 0.0)


def test_files_and_sums_keep_them(tmp_path, profiler):
    with profiler:
        use(count(3))
    stats = profiler.snapshot()
    stats.save(tmp_path / "a.prof")
    loaded = load(tmp_path / "a.prof")
    assert figures(loaded, count) == (1, 3, 30.0)
    assert figures(loaded + stats, count) == (2, 6, pytest.approx(60.0))


def test_threads_have_their_names_and_times_when_they_have_ended():
    def work():
        time.sleep(0.05)

    with Profiler() as profiler:
        time.sleep(0.05)
        thread = threading.Thread(target=work, name="worker of a test")
        thread.start()
        thread.join()
        del thread
        time.sleep(0.1)
    stats = profiler.snapshot()
    (worker,) = [one for one in stats.threads if one.name == "worker of a test"]
    (main,) = [one for one in stats.threads if one.name == "MainThread"]
    assert 0.0 <= main.began <= 0.04
    assert 0.04 <= worker.began <= worker.ended - 0.04
    assert worker.ended <= main.ended - 0.09


def test_the_time_of_a_thread_that_lives_goes_on():
    begin, end = threading.Event(), threading.Event()

    def work():
        begin.set()
        end.wait()

    with Profiler() as profiler:
        thread = threading.Thread(target=work, name="living")
        thread.start()
        begin.wait()
        first = profiler.snapshot()
        time.sleep(0.05)
        second = profiler.snapshot()
        end.set()
        thread.join()
    ended = [
        next(one.ended for one in stats.threads if one.name == "living")
        for stats in (first, second, profiler.snapshot())
    ]
    assert ended[0] + 0.04 < ended[1] <= ended[2]


def test_a_thread_keeps_its_last_name():
    def helper():
        pass

    def work():
        threading.current_thread().name = "renamed"
        for function in (helper, time.time, len, helper):
            function() if function is not len else len("")

    with Profiler() as profiler:
        thread = threading.Thread(target=work, name="first name")
        thread.start()
        thread.join()
        renamed = threading.Thread(target=helper, name="another")
        renamed.start()
        renamed.join()
    names = [one.name for one in profiler.snapshot().threads]
    assert "another" in names
    assert "renamed" in names or "first name" in names


def test_what_the_program_put_in_place_of_threads_is_not_called(monkeypatch):
    class Trap:
        def __getattribute__(self, name):
            raise SystemExit("called")

    class Odd:
        _name = 5

    ident = threading.get_ident()
    for value in ({ident: Trap()}, {ident: Odd()}, None, [1], {ident: None}):
        with monkeypatch.context() as patch:
            patch.setattr(threading, "_active", value)
            with Profiler() as profiler:
                use(count(2))
            assert profiler.snapshot().threads[0].name == f"thread {ident}"


def test_times_of_threads_are_not_known_by_a_timer(profiler):
    with profiler:
        use(count(1))
    (thread,) = profiler.snapshot().threads
    assert thread.began is thread.ended is None
