"""The same work in called functions and in line, in many kinds.

A case has two blocks, each a function of its own: `called` makes one call a turn, and
`inlined` does there what the callee does. What a profiler says of the two blocks, all
that they call included, is compared with what they take without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

Block = Callable[[Iterable[int]], None]


class Case(NamedTuple):
    """Two blocks that do the same.

    Attributes:
        group: The experiment that it belongs to.
        called: Makes a call in every turn.
        inlined: Does the same without one.
    """

    group: str
    called: Block
    inlined: Block


def blocks(call: str, inline: str, setup: str = "") -> tuple[Block, Block]:
    """Compile both; `setup` makes what they use."""
    indented = inline.replace("\n", "\n        ")
    source = f"""{setup}
def called(turns):
    for n in turns:
        {call}

def inlined(turns):
    for n in turns:
        {indented}
"""
    namespace: dict[str, Block] = {}
    exec(compile(source, "blocks.py", "exec"), namespace)
    return namespace["called"], namespace["inlined"]


MEDIUM = "a = n * 3 + 1; b = a ^ n; b += 7; c = b * 5 - n; c &= 255; r = c + a"
LARGE = """r = 0
for i in NUMBERS:
    r += i * n"""
METHOD = """
class Point:
    def __init__(self, x):
        self.x = x

    def shifted(self, n):
        return self.x + n

point = Point(3)
"""
PROPERTY = """
class Point:
    x = 3

    @property
    def y(self):
        return self.x + 1

point = Point()
"""
GENERATOR = """
def numbers(n):
    for i in NUMBERS:
        yield i + n

NUMBERS = list(range(20))
"""
DEEP = """
def down(depth, n):
    if depth == 0:
        return n
    return down(depth - 1, n + 1)

LEVELS = [None] * {depth}
"""
SUMMED = "NUMBERS = [float(i) for i in range({size})]"


def depth(levels: int) -> Case:
    """A recursion of so many calls."""
    return Case(
        "depth",
        *blocks(
            f"r = down({levels}, n)",
            "r = n\nfor _ in LEVELS:\n    if r == -1:\n        break\n    r += 1",
            DEEP.format(depth=levels),
        ),
    )


def summed(size: int) -> Case:
    """One C function that takes longer the larger its argument is."""
    return Case(
        "C function",
        *blocks(
            "r = sum(NUMBERS)",
            "r = 0\nfor i in NUMBERS:\n    r += i",
            SUMMED.format(size=size),
        ),
    )


CASES = {
    "tiny function": Case(
        "bias",
        *blocks("r = f(n)", "r = n + 1", "def f(n):\n    return n + 1"),
    ),
    "medium function": Case(
        "bias",
        *blocks("r = f(n)", MEDIUM, f"def f(n):\n    {MEDIUM}; return r"),
    ),
    "large function": Case(
        "bias",
        *blocks(
            "r = f(n)",
            LARGE,
            "NUMBERS = list(range(40))\n\ndef f(n):\n    "
            + LARGE.replace("\n", "\n    ")
            + "\n    return r",
        ),
    ),
    "method": Case("bias", *blocks("r = point.shifted(n)", "r = point.x + n", METHOD)),
    "property": Case("bias", *blocks("r = point.y", "r = point.x + 1", PROPERTY)),
    "builtin": Case("bias", *blocks("r = abs(n)", "r = n if n >= 0 else -n")),
    "builtin method": Case(
        "bias",
        *blocks("r = text.startswith('a')", "r = text[0] == 'a'", "text = 'abc'"),
    ),
    "generator": Case(
        "bias",
        *blocks(
            "r = 0\n        for i in numbers(n): r += i",
            "r = 0\nfor i in NUMBERS:\n    r += i + n",
            GENERATOR,
        ),
    ),
    "recursion": Case(
        "bias",
        *blocks(
            "r = factorial(12)",
            "r = 1\nfor i in NUMBERS:\n    r = i * r",
            "NUMBERS = list(range(2, 13))\n\ndef factorial(n):\n"
            "    return 1 if n < 2 else n * factorial(n - 1)",
        ),
    ),
    **{f"{levels} calls deep": depth(levels) for levels in (1, 10, 100, 500)},
    **{f"sum of {size:,}": summed(size) for size in (1, 30, 300, 3_000, 100_000)},
}


def program(case: Case, calls: int, turns: int) -> None:
    """Both blocks, with so many turns each."""
    case.called([5] * calls)
    case.inlined([5] * turns)
