"""`fastprof.testing.tripwire`: acting at the very call that is one too many."""

import contextlib
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import warnings
from contextlib import ExitStack

import pytest
from fastprof import Profiler, who
from fastprof.testing import TripwireError, tripwire
from fastprof.testing.wires import TripwireWarning


def query(key):
    return key


def render(count):
    for key in range(count):
        query(key)


def fail():
    raise KeyError


def numbers(limit):
    yield from range(limit)


def test_the_call_that_is_one_too_many():
    with tripwire(query, calls=3) as wire:
        render(3)
        with pytest.raises(TripwireError) as failure:
            render(5)
    assert str(failure.value) == (
        f"{__name__}:query is called for the 4th time; 3 calls would be right"
    )
    assert wire.has_tripped
    assert wire.count == 4
    render(5)  # nobody watches any more


def test_it_is_raised_in_the_function():
    with tripwire(query, calls=0), pytest.raises(TripwireError) as failure:
        render(1)
    names = [frame.name for frame in traceback.extract_tb(failure.value.__traceback__)]
    assert names[1:3] == ["render", "query"]
    assert names.count("query") == 1


def test_each_call_that_is_too_many_is_told():
    with tripwire(query, calls=1) as wire:
        query(1)
        for _ in range(3):
            with pytest.raises(TripwireError):
                query(1)
        assert wire.count == 4


def test_the_profiler_stays_on():
    with Profiler() as profiler:
        with tripwire(query, calls=1):
            with pytest.raises(TripwireError):
                render(2)
            fail_twice = 0
            for _ in range(2):
                try:
                    fail()
                except KeyError:
                    fail_twice += 1
        render(4)
    stats = profiler.snapshot()
    assert stats[query].calls == 6
    assert stats[query].raised == 1
    assert stats[fail].raised == 2
    assert [edge.function.name for edge in stats.callers(stats[query])] == ["render"]
    assert [one.name for one in stats.tree.children if one.name == "query"] == []
    assert who() == []


@pytest.mark.parametrize("name", ["query", "nothing.at.all"])
def test_names(name):
    if name == "query":
        with tripwire(f"{__name__}:query", calls=0), pytest.raises(TripwireError):
            query(1)
    else:
        with pytest.raises(LookupError, match=name):
            tripwire(f"{__name__}:{name}", calls=0)


def test_what_cannot_be_watched():
    with pytest.raises(TypeError, match="written in Python"):
        tripwire(len, calls=1)
    with pytest.raises(TypeError, match="calls or seconds"):
        tripwire(query)
    with pytest.raises(ValueError, match="action"):
        tripwire(query, calls=1, action="explode")
    with pytest.raises(ValueError, match="another function"):
        tripwire(query, calls=1, per=query)


def test_calls_in_each_call_of_another():
    with tripwire(query, calls=2, per=render) as wire:
        for _ in range(5):
            render(2)
            query(1)  # outside
        assert not wire.has_tripped
        with pytest.raises(TripwireError, match="3rd time in a call of"):
            render(3)
        render(2)
        with pytest.raises(TripwireError):
            render(4)


def test_calls_after_one_that_failed():
    def outer(count):
        render(count)
        fail()

    with tripwire(query, calls=2, per=outer):
        for _ in range(3):
            with pytest.raises(KeyError):
                outer(2)
        query(1)
        query(1)
        query(1)


def test_time_that_has_passed():
    def slow():
        time.sleep(0.02)

    with tripwire(slow, seconds=10.0) as wire:
        slow()
    assert 0.02 <= wire.seconds_spent < 10.0
    with tripwire(slow, seconds=0.01), pytest.raises(TripwireError, match="0.01"):
        slow()


def test_time_of_recursive_calls_counts_once():
    def down(depth):
        if depth:
            down(depth - 1)
        else:
            time.sleep(0.02)

    with tripwire(down, seconds=60.0) as wire:
        begin = time.perf_counter()
        down(20)
        passed = time.perf_counter() - begin
    assert 0.02 <= wire.seconds_spent <= passed


def test_generators_count_once():
    with tripwire(numbers, calls=2) as wire:
        list(numbers(10))
        list(numbers(10))
        assert wire.count == 2
        with pytest.raises(TripwireError):
            list(numbers(1))


def test_a_warning_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with tripwire(query, calls=1, action="warn"):
            render(5)
    (warning,) = caught
    assert warning.category is TripwireWarning
    assert warning.filename == __file__
    assert warning.lineno == query.__code__.co_firstlineno


def test_an_action_of_ones_own():
    messages = []
    with tripwire(query, calls=1, action=messages.append):
        render(3)
    assert len(messages) == 2

    def refuse(message):
        raise PermissionError(message)

    with tripwire(query, calls=0, action=refuse), pytest.raises(PermissionError):
        query(1)


def test_several_wires():
    with tripwire(query, calls=3), tripwire(query, calls=1), tripwire(render, calls=1):
        with pytest.raises(TripwireError, match="2nd time"):
            render(5)
        with pytest.raises(TripwireError, match="render is called for the 2nd"):
            render(5)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_call_that_one_refuses_has_ended_for_the_others(is_first):
    refuses = tripwire(render, calls=0)
    others = [tripwire(query, calls=1, per=render), tripwire(render, seconds=60.0)]
    with ExitStack() as stack:
        for wire in [refuses, *others] if is_first else [*others, refuses]:
            stack.enter_context(wire)
        for _ in range(3):
            with pytest.raises(TripwireError, match="render is called"):
                render(1)
        query(1)
        query(1)
        assert 0 < others[1].seconds_spent < 60
        assert (refuses.count, others[1].count) == (3, 3)


def test_a_generator_that_is_refused_does_not_go_on():
    with Profiler() as profiler, tripwire(numbers, calls=0):
        with pytest.raises(TripwireError):
            list(numbers(3))
    found = profiler.snapshot()[numbers]
    assert (found.calls, found.resumes) == (1, 0)


def test_all_threads_count():
    failures = []

    def work():
        try:
            render(10)
        except TripwireError as error:
            failures.append(error)

    with tripwire(query, calls=25):
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(failures) == 1


def test_the_debugger_stands_in_the_function():
    program = textwrap.dedent(
        """
        from fastprof.testing import tripwire

        def query(key):
            found = key * 2
            return found

        with tripwire(query, calls=1, action="break"):
            for key in (10, 20, 30):
                query(key)
        print("end")
        """
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        input="p 'key', key\nn\nn\np 'found', found\nw\nc\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert "('key', 20)" in result.stdout
    assert "('found', 40)" in result.stdout
    assert "end" in result.stdout
    assert "__main__:query is called for the 2nd time" in result.stderr


def test_a_refusal_at_a_return_ends_one_call():
    def down(depth):
        time.sleep(0.002)
        if depth:
            with contextlib.suppress(TripwireError):
                down(depth - 1)

    with tripwire(down, seconds=1e-9) as wire:
        begin = time.perf_counter()
        with pytest.raises(TripwireError):
            down(5)
        passed = time.perf_counter() - begin
    assert wire.seconds_spent <= passed


def test_an_unfinished_generator_does_not_stop_the_clock():
    def slow():
        yield 1
        time.sleep(0.01)
        yield 2

    with tripwire(slow, seconds=60.0) as wire:
        unfinished = slow()
        next(unfinished)
        list(slow())
    assert wire.seconds_spent >= 0.01
