"""The programs of the scaling benchmark: call trees of a known size.

All their functions are compiled here under one file name, so that the profile tells
them from everything else that ran.
"""

from __future__ import annotations

import random
import threading
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

FILE = "<scaling>"


class Program(NamedTuple):
    """What a cell measures.

    All visits must be made from one place: another caller is another path.
    """

    visit: Callable[[Any], object]
    first: object  # the argument of a visit that calls each path once
    blocks: Sequence[object]  # the arguments of those that are measured
    first_calls: int
    block_calls: int


def define(
    name: str, count: int, arguments: str, body: str, scope: dict[str, object]
) -> list[Callable]:
    """Make `count` functions that differ in their names only."""
    defined = dict(scope)
    for number in range(count):
        source = f"def {name}_{number}({arguments}):\n    {body}\n"
        exec(compile(source, FILE, "exec"), defined)
    return [defined[f"{name}_{number}"] for number in range(count)]


def paths_of(branches: int) -> int:
    """The paths of a tree of three levels."""
    return branches + branches**2 + branches**3


def tree_in_order(branches: int) -> Callable[[], object]:
    """A function that calls each path of the tree once, in the same order each time."""
    leaves = define("leaf", branches, "", "pass", {})
    twigs = define(
        "twig", branches, "", "for leaf in leaves: leaf()", {"leaves": leaves}
    )
    limbs = define("limb", branches, "", "for twig in twigs: twig()", {"twigs": twigs})

    def once() -> None:
        for limb in limbs:
            limb()

    return once


def many_functions(count: int) -> Callable[[], object]:
    """A function that calls so many others, each once."""
    functions = define("one", count, "", "pass", {})

    def call_all() -> None:
        for function in functions:
            function()

    return call_all


def walk(branches: int, calls: int, blocks: int) -> Program:
    """All paths in the same order, as often as it takes."""
    once = tree_in_order(branches)
    paths = paths_of(branches)
    times = max(1, calls // paths)

    def visit(times: int) -> None:
        for _ in range(times):
            once()

    return Program(visit, 1, [times] * blocks, paths, times * paths)


def random_order(branches: int, calls: int, blocks: int) -> Program:
    """Leaves drawn at random; each is called from the root down, so three calls."""
    leaves = define("leaf", branches, "", "pass", {})
    twigs = define("twig", branches, "leaf", "leaves[leaf]()", {"leaves": leaves})
    limbs = define(
        "limb", branches, "twig, leaf", "twigs[twig](leaf)", {"twigs": twigs}
    )
    places = range(branches**3)
    draw = random.Random(1).choices
    visits = max(1, calls // 3)

    def descend(places: Iterable[int]) -> None:
        for place in places:
            upper = place // branches
            limbs[upper // branches](upper % branches, place % branches)

    orders = [array("I", draw(places, k=visits)) for _ in range(blocks)]
    return Program(descend, places, orders, 3 * len(places), 3 * visits)


def recursion(depth: int, calls: int, blocks: int) -> Program:
    """A function that calls itself down to a depth, as often as it takes."""
    scope: dict[str, Any] = {}
    source = "def down(left):\n    if left:\n        down(left - 1)\n"
    exec(compile(source, FILE, "exec"), scope)
    down = scope["down"]
    times = max(1, calls // depth)

    def visit(times: int) -> None:
        for _ in range(times):
            down(depth - 1)

    return Program(visit, 1, [times] * blocks, depth, times * depth)


def threads(count: int, branches: int, calls: int, blocks: int) -> Program:
    """The walk, shared out to threads that start and end within the visit."""
    once = tree_in_order(branches)
    paths = count * paths_of(branches)
    times = max(1, calls // paths)

    def work(times: int) -> None:
        for _ in range(times):
            once()

    def visit(times: int) -> None:
        workers = [threading.Thread(target=work, args=(times,)) for _ in range(count)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return Program(visit, 1, [times] * blocks, paths, times * paths)


TIMED_TWIG = """\
at = start
    for leaf in leaves:
        before = clock()
        leaf()
        times[at] = clock() - before
        at += 1
"""


def timed_tree(branches: int, clock: Callable[[], int]) -> tuple[Callable, array]:
    """The tree in order, which notes how long each call of a leaf takes.

    Returns:
        A function, and the times of its latest run, one for each leaf.
    """
    times = array("q", bytes(8 * branches**3))
    leaves = define("leaf", branches, "", "pass", {})
    scope = {"leaves": leaves, "times": times, "clock": clock}
    twigs = define("twig", branches, "start", TIMED_TWIG, scope)
    body = (
        "for at, twig in enumerate(twigs, number * len(twigs)): twig(at * len(twigs))"
    )
    limbs = define("limb", branches, "number", body, {"twigs": twigs})
    (grow,) = define(
        "grow",
        1,
        "",
        "for number, limb in enumerate(limbs): limb(number)",
        {"limbs": limbs},
    )
    return grow, times
