"""What Python code loses while there is a profile function, by instructions.

``pacing.py``: nanoseconds of one statement among eight in a loop, without a profiler
and under fastprof's profile function, and what it loses, in all and for each of its
instructions. The least of all rounds. To be run on Python 3.10 and 3.11; the tables of
``csrc/binding/pace.c`` come from it.
"""

from __future__ import annotations

import dis
import math
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fastprof  # noqa: E402
from overhead_child import pin_to_one_cpu  # noqa: E402

TIMES = 8
ROUNDS = 40
TURNS = (None,) * 300
STATEMENTS = """
x = 1
x = a
x = math
x = float
x = a + b
x = a // b
x = f * f
x = s + t
x = a < b
x = a is b
x = a in pair
x = not a
x = -a
x = a if b else c
x = items[1]
x = pair[1]
x = table["k"]
x = items[1:2]
items[1] = a
table["k"] = a
x = o.mine
x = o.shared
x = math.pi
o.mine = a
a, b = b, a
a, b = pair
x = [a, b]
x = (a, b)
x = {"k": a}
x = f"{s}"
for x in pair: pass
x = Thing
x = tuple(pair)
x = lambda: 1
""".strip().splitlines()


class Thing:
    """Something with attributes."""

    shared = 1

    def __init__(self) -> None:
        """One of its own."""
        self.mine = 1


def loop(statement: str, times: int = TIMES) -> Callable[[], None]:
    """The loop with so many of the statement."""
    body = "\n".join(f"        {statement}" for _ in range(times))
    source = f"""
def run(a=3, b=5, c=7, f=1.5, s="a", t="b", o=Thing()):
    pair, items, table = (1, 2), [1, 2, 3], {{"k": 1}}
    for _ in TURNS:
{body}
"""
    names = {"TURNS": TURNS, "Thing": Thing, "math": math}
    exec(source, names)  # noqa: S102
    run: Callable[[], None] = names["run"]  # type: ignore[assignment]
    run()
    return run


def nanoseconds(run: Callable[[], None]) -> float:
    """Of a turn."""
    least = math.inf
    for _ in range(ROUNDS):
        start = perf_counter()
        run()
        least = min(least, perf_counter() - start)
    return least / len(TURNS) * 1e9


def instructions(run: Callable[[], None]) -> int:
    """How many it consists of, but for those that are never run."""
    return sum(one.opname != "CACHE" for one in dis.get_instructions(run))


def main() -> None:
    """Print the table."""
    pin_to_one_cpu()
    loops = {statement: loop(statement) for statement in STATEMENTS}
    loops["pass"] = loop("pass", 1)
    plain = {statement: nanoseconds(run) for statement, run in loops.items()}
    with fastprof.Profiler(backend="setprofile", compensate=False):
        recorded = {statement: nanoseconds(run) for statement, run in loops.items()}
    fewest = instructions(loops["pass"])
    print(f"{'statement':20} without  with  lost  per instruction")
    for statement in STATEMENTS:
        took = (plain[statement] - plain["pass"]) / TIMES
        under = (recorded[statement] - recorded["pass"]) / TIMES
        lost = under - took
        each = lost * TIMES / (instructions(loops[statement]) - fewest)
        print(f"{statement:20} {took:7.1f} {under:5.1f} {lost:5.1f} {each:9.1f}")


if __name__ == "__main__":
    main()
