"""`fastprof.profile`: a decorator, for functions of all kinds."""

import asyncio
import contextlib
import functools
import inspect
import io
import subprocess
import sys
import textwrap
import threading
import warnings

import fastprof
import pytest
from fastprof import Profiler, profile


def leaf(value):
    return value


@profile
def plain(count):
    """Says what it is."""
    return [leaf(value) for value in range(count)]


@profile
def recursive(depth):
    return leaf(depth) if depth == 0 else recursive(depth - 1)


@profile
def numbers(count):
    total = 0
    for value in range(count):
        total += (yield leaf(value)) or 0
    return total


@profile(clock="cpu")
async def waits(count):
    for value in range(count):
        await asyncio.sleep(0)
        leaf(value)
    return count


@profile
async def stream(count):
    for value in range(count):
        await asyncio.sleep(0)
        yield leaf(value)


class Shape:
    @profile
    def method(self):
        return leaf(self)

    @profile
    @classmethod
    def above(cls):
        return leaf(cls)

    @classmethod
    @profile
    def below(cls):
        return leaf(cls)

    @profile
    @staticmethod
    def static(value):
        return leaf(value)


EVERY = (plain, recursive, numbers, waits, stream)
EVERY += (Shape.method, Shape.above, Shape.below, Shape.static)


@pytest.fixture(autouse=True)
def nothing_was_recorded():
    for function in EVERY:
        function.profile.clear()


def calls(function, what):
    return function.profile.stats[what].calls


async def collected(values):
    return [value async for value in values]


def test_calls_are_added_up():
    assert plain(3) == [0, 1, 2]
    leaf(0)  # not in a call of it
    assert plain(count=2) == [0, 1]
    assert (calls(plain, plain), calls(plain, leaf)) == (2, 5)
    assert plain.profile.stats.tree.find("plain")


def test_what_it_is_stays_known():
    assert plain.__name__ == "plain"
    assert plain.__doc__ == "Says what it is."
    assert list(inspect.signature(plain).parameters) == ["count"]
    assert inspect.isgeneratorfunction(numbers)
    assert inspect.iscoroutinefunction(waits)
    assert inspect.isasyncgenfunction(stream)


def test_recursion_is_one_recording():
    assert recursive(5) == 0
    assert (calls(recursive, recursive), calls(recursive, leaf)) == (6, 1)


def test_exceptions_pass():
    @profile
    def fails():
        raise KeyError("here")

    for _ in range(2):
        with pytest.raises(KeyError, match="here"):
            fails()
    assert fails.profile.stats[fails].raised == 2


def test_a_generator_is_recorded_while_it_runs():
    generator = numbers(3)
    assert next(generator) == 0
    leaf(0)  # not in a call of it
    assert generator.send(5) == 1
    assert generator.send(6) == 2
    with pytest.raises(StopIteration) as end:
        generator.send(7)
    assert end.value.value == 18
    assert (calls(numbers, numbers), calls(numbers, leaf)) == (1, 3)
    assert numbers.profile.stats[numbers].resumes == 3


def test_a_generator_is_thrown_into_and_closed():
    seen = []

    @profile
    def careful():
        while True:
            try:
                yield leaf(1)
            except KeyError:
                seen.append("KeyError")
            finally:
                seen.append("finally")

    generator = careful()
    next(generator)
    assert generator.throw(KeyError()) == 1
    generator.close()
    assert seen == ["KeyError", "finally", "finally"]
    with pytest.raises(StopIteration):
        next(generator)
    assert calls(careful, leaf) == 2


def test_coroutines_are_recorded_while_they_run():
    async def main():
        return await asyncio.gather(waits(3), waits(2))

    assert asyncio.run(main()) == [3, 2]
    stats = waits.profile.stats
    assert (stats[waits].calls, stats[waits].resumes) == (2, 5)
    assert stats[leaf].calls == 5
    assert stats.info["measures"] == "cpu"
    assert not stats.select(pattern="run_forever")  # the loop, between


def test_a_cancelled_coroutine():
    @profile
    async def sleeps():
        try:
            await asyncio.sleep(3600)
        finally:
            leaf(1)

    async def main():
        task = asyncio.ensure_future(sleeps())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert calls(sleeps, leaf) == 1


def test_asynchronous_generators():
    assert asyncio.run(collected(stream(4))) == [0, 1, 2, 3]
    assert (calls(stream, stream), calls(stream, leaf)) == (1, 4)


def test_an_asynchronous_generator_is_sent_to_thrown_into_and_closed():
    seen = []

    @profile
    async def careful():
        try:
            while True:
                try:
                    seen.append((yield leaf(len(seen))))
                except KeyError:
                    seen.append("KeyError")
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    async def main():
        generator = careful()
        await generator.__anext__()
        await generator.asend("sent")
        await generator.athrow(KeyError())
        await generator.aclose()

    asyncio.run(main())
    assert seen == ["sent", "KeyError", "closed"]
    assert calls(careful, leaf) == 3


def test_methods():
    shape = Shape()
    assert shape.method() is shape
    assert Shape.above() is shape.above() is Shape
    assert Shape.below() is Shape
    assert shape.static(3) == Shape.static(3) == 3
    assert calls(Shape.method, leaf) == calls(Shape.below, leaf) == 1
    assert calls(Shape.above, leaf) == calls(Shape.static, leaf) == 2
    assert calls(shape.method, "test_decorating:leaf") == 1


def test_each_thread_records_its_own_calls():
    start = threading.Barrier(3)

    @profile
    def work(count):
        start.wait()
        for value in range(count):
            leaf(value)
        start.wait()

    def bystander():
        start.wait()
        leaf(0)
        start.wait()

    threads = [threading.Thread(target=work, args=[n]) for n in (5, 7)]
    threads.append(threading.Thread(target=bystander))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (calls(work, work), calls(work, leaf)) == (2, 12)


def test_other_profilers_see_the_function_and_not_us():
    with Profiler() as outer:
        plain(2)
        list(numbers(2))
        asyncio.run(collected(stream(2)))
        asyncio.run(waits(2))
    stats = outer.snapshot()
    for function in (plain, numbers, stream, waits):
        assert stats[function].calls == 1
    assert stats[leaf].calls == 8
    assert not [one for one in stats.functions if "fastprof" in (one.module or "")]


def test_another_profiler_in_the_way(foreign_profiler):
    with foreign_profiler(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")

        @profile
        def alone():
            return leaf(1)

        assert alone() == alone() == 1
    assert len(told) == 1
    assert "alone runs without being profiled" in str(told[0].message)
    assert told[0].category is RuntimeWarning
    assert alone() == 1
    assert calls(alone, leaf) == 1


def test_a_warning_that_is_an_error_spoils_no_later_call(foreign_profiler):
    @profile
    def alone():
        return leaf(1)

    with foreign_profiler(), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            alone()
    alone()
    assert calls(alone, leaf) == 1


def test_the_table():
    plain(2)
    stream = io.StringIO()
    plain.profile.print_stats("calls", stream)
    assert "leaf" in stream.getvalue()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        plain.profile.print_stats()
    assert "Ordered by: cumulative time" in printed.getvalue()


def test_a_file(tmp_path):
    plain(2)
    plain.profile.save(tmp_path / "plain.prof")
    assert fastprof.load(tmp_path / "plain.prof")[leaf].calls == 2


def test_the_report_at_the_end():
    program = """
        import fastprof

        @fastprof.profile(report="exit")
        def work():
            print("works")

        work()
        work()
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout == "works\nworks\n"
    assert "2    0.000" in child.stderr and "(work)" in child.stderr


@pytest.mark.parametrize(
    ("decorate", "error", "message"),
    [
        (lambda: profile(report="later"), ValueError, "report must be"),
        (lambda: profile(color="red")(leaf), TypeError, "color"),
        (lambda: profile(clock="red")(leaf), ValueError, "clock"),
        (lambda: profile(3), TypeError, "for functions"),
        (lambda: profile(Shape), TypeError, "for functions"),
    ],
)
def test_what_cannot_be_decorated(decorate, error, message):
    with pytest.raises(error, match=message):
        decorate()


def test_callables_that_are_no_functions():
    wrapped = profile(functools.partial(leaf, 3))
    assert wrapped() == 3
    assert calls(wrapped, leaf) == 1


def test_only_what_is_there_is_found_in_the_package():
    with pytest.raises(AttributeError, match="no attribute 'profil'"):
        fastprof.profil  # noqa: B018
