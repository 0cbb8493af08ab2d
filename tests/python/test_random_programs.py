"""Random programs are counted, and timed, as cProfile counts and times them.

A program is a few plain functions and a few generator functions, each with a body of
random statements that call, raise, catch, iterate and let time pass. Every call passes
on a smaller number, so every program ends. Time is a number that only the program
advances: what the profilers read does not depend on when they read it.
"""

import cProfile
import os
import textwrap
from types import SimpleNamespace

import fastprof
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import (
    assert_counts,
    cprofile_counts,
    record,
    times_of_entries,
)

MAX_EXAMPLES = int(os.environ.get("FASTPROF_HYPOTHESIS_EXAMPLES", "80"))
# The whole tree; and budgets that are reached at once, and somewhere on the way.
NODE_BUDGETS = (2**20, 1, 12)
NESTING = 2
DEPTH = 5
FUEL = 400  # calls that a program may make before its functions return at once

PRELUDE = """
class Error(Exception):
    pass

class Finalised:
    def __init__(self, d):
        clock.now += 1

    def __del__(self):
        clock.now += 2

"""

ENTRY = """
clock.fuel -= 1
if d <= 0 or clock.fuel < 0: return 0
"""
STATEMENTS = [
    "clock.now += {number}",
    "len('text')",
    "{plain}(d - 1)",
    "(lambda: {plain}(d - 1))()",
    "eval('{plain}(d - 1)')",
    "sorted((d - 1, d - 2), key={plain})",
    "list(map({plain}, (d - 1, d - 2)))",
    "any([{plain}(d - 1) for _ in (0, 1)])",
    "sum({plain}(d - 1) for _ in (0, 1))",
    "list({generator}(d - 1))",
    "{generator}(d - 1)",
    "next({generator}(d - 1), None)",
    "held = {generator}(d - 1); next(held, None); held.close()",
    "held = {generator}(d - 1); list(zip(held, (1, 2), strict=False)); held = None",
    "held = Finalised(d); {plain}(d - 1); held = None",
    "any(map(len, ((), (), '{number}')))",
    "if d % {number} == 0: raise Error",
    "if d % {number} == 0: return d",
]
YIELDS = [
    "yield d",
    "received = yield {plain}(d - 1)",
    "yield from {generator}(d - 1)",
    "yield from map({plain}, (d - 1, d - 2))",
]
BLOCKS = [
    "if d % {number}:\n{block}",
    "for _ in (1, 2):\n{block}",
    "for _ in {generator}(d - 1):\n{block}\n    break",
    "try:\n{block}\nexcept Error:\n    clock.now += {number}",
    "try:\n{block}\nexcept Error:\n    {plain}(d - 1)\n    raise",
    "try:\n{block}\nfinally:\n    {plain}(d - 1)",
]
THROW = """
held = {generator}(d - 1)
next(held, None)
try:
    held.throw(Error)
except (Error, StopIteration):
    clock.now += {number}
"""


@st.composite
def programs(draw):
    """The source of a program whose functions are p0, p1, ... and g0, g1, ..."""
    plain = [f"p{i}" for i in range(draw(st.integers(2, 3)))]
    generators = [f"g{i}" for i in range(draw(st.integers(2, 3)))]

    def statement(choices, nesting):
        template = draw(st.sampled_from(choices + (BLOCKS if nesting else [])))
        block = body(choices, nesting - 1) if "{block}" in template else ""
        return template.format(
            plain=draw(st.sampled_from(plain)),
            generator=draw(st.sampled_from(generators)),
            number=draw(st.integers(2, 4)),
            block=indented(block),
        )

    def body(choices, nesting):
        size = draw(st.integers(2, 4) if nesting == NESTING else st.integers(1, 2))
        return "\n".join(statement(choices, nesting) for _ in range(size))

    def function(name, choices, last):
        statements = f"{ENTRY}{body(choices, NESTING)}\n{last}"
        return f"def {name}(d):\n{indented(statements)}\n"

    statements = [*STATEMENTS, THROW]
    functions = [function(name, statements, "return d") for name in plain]
    functions += [function(g, statements + YIELDS, "yield d") for g in generators]
    return PRELUDE + "\n".join(functions)


def indented(text):
    return textwrap.indent(text, "    ")


def make_main(source):
    """Execute `source`; the function that runs its p0, and the clock it advances."""
    clock = SimpleNamespace(now=0, fuel=FUEL)
    namespace = {"clock": clock}
    exec(compile(source, "random_program.py", "exec"), namespace)
    start, error = namespace["p0"], namespace["Error"]

    def main():
        clock.now += 1
        clock.fuel = FUEL
        try:
            start(DEPTH)
        except error:
            clock.now += 1

    return main, clock


def random_programs(test):
    """Run `test` on random programs, the same ones every time."""
    configured = settings(
        max_examples=MAX_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    return configured(given(source=programs())(test))


@random_programs
def test_counts_are_those_of_cprofile(source):
    main, _ = make_main(source)
    expected = cprofile_counts(main)
    for max_nodes in NODE_BUDGETS:
        profile = record(fastprof.Profile(max_nodes=max_nodes), main)
        assert_counts(profile, expected)


@random_programs
def test_times_are_those_of_cprofile(source):
    expected = times(source, cProfile.Profile)
    for max_nodes in NODE_BUDGETS:
        assert times(source, fastprof.Profile, max_nodes=max_nodes) == expected


def times(source, profile_class, **options):
    """Own and cumulative time of each function and of each caller edge, by label."""
    main, clock = make_main(source)
    profile = record(profile_class(lambda: clock.now, 1.0, **options), main)
    return times_of_entries(profile.getstats())
