"""`builtins="slow"`: what is counted, and what is said of it."""

import collections
import cProfile
import io
import pstats
import re
import struct
import sys

import fastprof
import pytest

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="only sys.monitoring can switch places off: runs on Python 3.12 and newer",
)

MANY = 1000


def recorded(program, *args, **options):
    with fastprof.Profiler(**{"builtins": "slow"} | options) as profiler:
        program(*args)
    return {f.name: f for f in profiler.snapshot().functions}


def append_to(items):
    for number in range(MANY):
        items.append(number)


def test_a_quick_place_is_switched_off():
    def program():
        append_to([])

    appended = recorded(program)["<method 'append' of 'list' objects>"]
    assert 16 <= appended.calls < MANY
    assert appended.precision == "lower_bound"


def test_containers_are_quick():
    items, unique, table, queue = [], set(), {}, collections.deque()

    def program():
        for number in range(MANY):
            unique.add(number)
            table.get(number)
            queue.appendleft(number)
            items.clear()

    figures = recorded(program)
    for name in "add", "get", "appendleft", "clear":
        (one,) = (f for f in figures.values() if f.name.startswith(f"<method '{name}'"))
        assert one.calls < MANY, name


def test_places_that_take_turns_are_all_switched_off():
    """None makes the profiler forget another one."""
    places = 600
    lines = "\n        ".join(["len(pair)"] * places)
    namespace = {}
    exec(
        f"""
def program(pair=(1, 2)):
    for _ in range({MANY}):
        {lines}
""",
        namespace,
    )
    # An interrupted call makes the function seem to take long, for a while.
    counted = min(
        recorded(namespace["program"])["<built-in method builtins.len>"].calls
        for _ in range(5)
    )
    assert 15 * places <= counted < 1.5 * 16 * places


def test_what_a_match_holds_is_quick_and_the_matching_is_not():
    pattern, stream = re.compile("a"), io.BytesIO()

    def program():
        for number in range(MANY):
            pattern.match("a").group()
            stream.write(b"")
            stream.getvalue()
            struct.pack("I", number)

    runs = [recorded(program) for _ in range(15)]
    for name in (
        "<method 'group' of 're.Match' objects>",
        "<method 'getvalue' of '_io.BytesIO' objects>",
        "<built-in method _struct.pack>",
    ):
        assert min(figures[name].calls for figures in runs) < MANY
    for name in "'match' of 're.Pattern'", "'write' of '_io.BytesIO'":
        one = runs[0][f"<method {name} objects>"]
        assert (one.calls, one.precision) == (MANY, "exact")


def test_functions_in_python_are_counted_all():
    def tiny(number):
        return abs(number)

    def program():
        for number in range(MANY):
            tiny(number)

    figures = recorded(program)
    assert (figures["tiny"].calls, figures["tiny"].precision) == (MANY, "exact")
    assert figures["<built-in method builtins.abs>"].calls < MANY


def test_what_is_not_known_to_be_harmless_stays_on():
    def program():
        for _ in range(MANY):
            sorted([2, 1])

    figures = recorded(program)
    of_sorted = figures["<built-in method builtins.sorted>"]
    assert (of_sorted.calls, of_sorted.precision) == (MANY, "exact")


def test_what_takes_long_stays_on():
    long = list(range(100_000))

    def program():
        for _ in range(200):
            long.copy()

    copied = recorded(program)["<method 'copy' of 'list' objects>"]
    assert (copied.calls, copied.precision) == (200, "exact")


def test_a_callable_in_a_local_variable_stays_on():
    def apply(function, argument):
        return function(argument)

    def program():
        for _ in range(MANY):
            apply(len, ())
        for _ in range(MANY):
            apply(abs, 1)

    figures = recorded(program)
    for name in "len", "abs":
        function = figures[f"<built-in method builtins.{name}>"]
        assert (function.calls, function.precision) == (MANY, "exact")


def test_several_callees_at_one_place_by_turns_stay_on():
    def program():
        # Two paths each, so that neither is called often in a row here.
        pair = [], collections.deque()
        for number in range(2 * MANY):
            pair[number % 2].append(number)

    figures = recorded(program)
    for owner in "list", "collections.deque":
        appended = figures[f"<method 'append' of '{owner}' objects>"]
        assert (appended.calls, appended.precision) == (MANY, "exact")


def test_one_of_the_same_name_that_comes_later_is_marked_too():
    def program():
        append_to([])
        queue = collections.deque()
        append_to(queue)
        for number in range(10):
            queue.append(number)

    appended = recorded(program)["<method 'append' of 'collections.deque' objects>"]
    assert appended.calls == 10
    assert appended.precision == "lower_bound"


def test_calls_of_python_functions_are_switched_off_and_counted():
    class Thing:
        def method(self):
            return self

    def program():
        thing = Thing()
        for _ in range(MANY):
            thing.method()
            Thing()

    figures = recorded(program)
    assert (figures["method"].calls, figures["method"].precision) == (MANY, "exact")


@pytest.mark.parametrize(
    "call",
    [
        "len(items if items else other)",  # with a jump between name and call
        "len((lambda: items)())",
        "items.index(1 if len(other) else 2)",
        "len(*(items,))",
        "max(items, default=len(other))",
        "getattr(items, 'copy')()",
    ],
)
def test_odd_calls(call):
    """The callable is found or not; the counts agree with what is said of them."""
    source = f"def program(items, other):\n for _ in range({MANY}):\n  {call}\n"
    scope = {}
    exec(source, scope)
    found = recorded(scope["program"], [1, 2], [3])
    exact = recorded(scope["program"], [1, 2], [3], builtins=True)
    for name, function in found.items():
        if function.precision == "exact":
            assert function.calls == exact[name].calls, name
        else:
            assert function.calls <= exact[name].calls, name


def test_a_method_of_the_super_class():
    class Own(dict):
        def get(self, key):
            return super().get(key)

    def program():
        own = Own()
        for _ in range(MANY):
            own.get(1)

    figures = recorded(program)
    assert (figures["get"].calls, figures["get"].precision) == (MANY, "exact")


def count_by_cprofile(program):
    profile = cProfile.Profile()
    profile.enable()
    program()
    profile.disable()
    stats = pstats.Stats(profile).stats
    return {key[2]: value[1] for key, value in stats.items()}


def test_others_see_every_call_afterwards():
    def program():
        append_to([])

    recorded(program)
    counts = count_by_cprofile(program)
    assert counts["<method 'append' of 'list' objects>"] == MANY
    again = recorded(program, builtins=True)["<method 'append' of 'list' objects>"]
    assert (again.calls, again.precision) == (MANY, "exact")


def test_another_profiler_meanwhile_sees_every_call():
    def program():
        append_to([])

    name = "<method 'append' of 'list' objects>"
    with fastprof.Profiler(builtins="slow") as slow:
        program()
        with fastprof.Profiler() as exact:
            program()
        program()
    (function,) = [f for f in exact.snapshot().functions if f.name == name]
    assert (function.calls, function.precision) == (MANY, "exact")
    (function,) = [f for f in slow.snapshot().functions if f.name == name]
    assert function.calls < 3 * MANY and function.precision == "lower_bound"


def test_after_clear_it_begins_anew():
    profiler = fastprof.Profiler(builtins="slow")
    with profiler:
        append_to([])
        profiler.clear()
        append_to([])
    (function,) = [f for f in profiler.snapshot().functions if "append" in f.name][-1:]
    assert function.calls >= 1 and function.precision == "lower_bound"


def test_it_can_be_changed_while_enabled_anew():
    profiler = fastprof.Profiler(builtins="slow")
    with profiler:
        append_to([])
    profiler.enable(builtins=True)
    append_to([])
    profiler.disable()
    (function,) = [
        f
        for f in profiler.snapshot().functions
        if f.name == "<method 'append' of 'list' objects>"
    ]
    assert MANY <= function.calls < 2 * MANY
    assert function.precision == "lower_bound"


def test_it_needs_sys_monitoring():
    with pytest.raises(fastprof.BackendError, match="slow"):
        fastprof.Profiler(builtins="slow", backend="setprofile")
