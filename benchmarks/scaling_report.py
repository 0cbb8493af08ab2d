"""From what ``scaling.py`` measured to figures and a page of Markdown.

A *section* is a dict that went through JSON. Times of several rounds are lists; the
least stands for all of them: what disturbs a run only makes it longer.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from measuring import told

# How much an event may cost in the largest tree, over that in the smallest.
TREE_GOAL = 3.0
EVENTS_OF_A_CALL = 2
MEGA = 1e6


def least(cell: dict, mode: str) -> float:
    """The seconds of the best round."""
    return min(cell[mode])


def event_ns(cell: dict) -> float:
    """What profiling adds to an event, a call or a return, in nanoseconds."""
    added = least(cell, "profiled") - least(cell, "unprofiled")
    return added / (EVENTS_OF_A_CALL * cell["calls"]) * 1e9


def call_ns(cell: dict) -> float:
    """What a call takes without a profiler, in nanoseconds."""
    return least(cell, "unprofiled") / cell["calls"] * 1e9


def times_more(cells: Sequence[dict]) -> float | None:
    """The last cell's cost of an event over the first's; None: nothing to compare."""
    first = event_ns(cells[0])
    return event_ns(cells[-1]) / first if first > 0 else None


def last_call_ns(cells: Sequence[dict]) -> float:
    """What an event of the last of three calls costs in the largest tree.

    Of the three calls of a random visit the first two are called often, and are taken
    to cost what they cost in the smallest tree.
    """
    return 3 * event_ns(cells[-1]) - 2 * event_ns(cells[0])


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much y grows with x, by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    products = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return products / sum((x - mean_x) ** 2 for x, _ in points)


def node_bytes(section: dict, what: str) -> float:
    """Bytes for each path more."""
    trees = section["memory"]["trees"]
    return slope([(tree["nodes"], tree[what]) for tree in trees])


def empty_bytes(section: dict) -> float:
    """Bytes for an enabled profiler that has recorded next to nothing."""
    empty = section["memory"]["empty"]
    return empty["bytes"] / empty["count"]


def least_pass(rounds: Sequence[dict], what: str) -> list[float]:
    """The least seconds of the first pass, and of the second."""
    return [min(column) for column in zip(*(one[what] for one in rounds), strict=True)]


def call_times(cell: dict, mode: str, which: str) -> list[float]:
    """A percentile of single calls' times in each round, in µs, the least first."""
    return sorted(one["times_ns"][which] / 1000 for one in cell[mode])


def calmest(cell: dict) -> dict:
    """The round in which no caller has much more than the others in its profile."""
    return min(cell["profiled"], key=lambda one: one["callers"]["max"])


def growth_seconds(cell: dict, what: str) -> float:
    """By how much the first pass, which adds the paths, is longer than the second."""
    first, second = least_pass(cell["profiled"], what)
    return first - second


def charged_share(cell: dict) -> float | None:
    """How much of the time that adding takes is in the profile, as a share."""
    spent = growth_seconds(cell, "wall")
    return growth_seconds(cell, "reported") / spent if spent > 0 else None


def count(number: int) -> str:
    """A number that may be large."""
    return f"{number:,}"


def share(value: float | None) -> str:
    """A share as a cell of a table."""
    return "–" if value is None else f"{value:.1%}"


def row(cells: Iterable[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of figures, ended by an empty line."""
    yield row(heads)
    yield f"|{'---:|' * len(heads)}"
    yield from map(row, rows)
    yield ""


def paragraph(text: str) -> Iterator[str]:
    """Running text, ended by an empty line."""
    yield from textwrap.wrap(text, 88, break_on_hyphens=False)
    yield ""


def circumstances(section: dict) -> Iterator[str]:
    """Where, when and with what it was measured."""
    yield from told(section)
    yield f"- the least of {section['rounds']} rounds"
    yield ""


def against_goal(section: dict) -> str:
    """Whether an event costs little more in the largest tree than in the smallest."""
    cells = section["walk"]
    ratio = times_more(cells)
    sizes = f"{count(cells[-1]['nodes'])} paths over {count(cells[0]['nodes'])}"
    if ratio is None:
        return f"Walk, {sizes}: too little was measured."
    verdict = "met" if ratio <= TREE_GOAL else "missed"
    return f"Walk, {sizes}: {ratio:.2f} times (goal {TREE_GOAL:.0f}: {verdict})."


def tree_part(section: dict) -> Iterator[str]:
    """The cost of an event as the tree grows."""
    walk, drawn = section["walk"], section["random"]
    yield from ("## Cost of an event as the tree grows", "")
    yield from paragraph(TREE)
    yield from table(
        ("paths", "walk", "its call", "random", "its call"),
        (
            (
                count(ordered["nodes"]),
                f"{event_ns(ordered):.0f}",
                f"{call_ns(ordered):.0f}",
                f"{event_ns(free):.0f}",
                f"{call_ns(free):.0f}",
            )
            for ordered, free in zip(walk, drawn, strict=True)
        ),
    )
    yield from paragraph(against_goal(section))
    ratio = times_more(drawn)
    if ratio is not None:
        yield from paragraph(
            f"Random: {ratio:.2f} times. In a large tree only the last of the three "
            "calls meets a path that is in no cache; if the others cost what they cost "
            "in the smallest tree, an event of that one costs "
            f"{last_call_ns(drawn):.0f} ns."
        )


def cost_part(
    title: str, text: str, head: str, cells: Sequence[tuple[int, dict]]
) -> Iterator[str]:
    """The cost of an event as something else grows."""
    yield from (f"## Cost of an event as {title}", "")
    yield from paragraph(text)
    yield from table(
        (head, "paths", "ns an event", "ns a call, unprofiled"),
        (
            (count(size), count(cell["nodes"]), f"{event_ns(cell):.0f}")
            + (f"{call_ns(cell):.0f}",)
            for size, cell in cells
        ),
    )


def memory_part(section: dict) -> Iterator[str]:
    """Memory for each path and for each profiler."""
    yield from ("## Memory", "")
    yield from paragraph(MEMORY)
    yield from table(
        ("paths", "recording", "at the peak", "deleted", "once more"),
        (
            (count(tree["nodes"]),)
            + tuple(f"{tree[what] / MEGA:.2f}" for what in MEMORY_COLUMNS)
            for tree in section["memory"]["trees"]
        ),
    )
    yield from paragraph(
        f"A path needs {node_bytes(section, 'recording'):.0f} bytes while recording, "
        f"{node_bytes(section, 'peak'):.0f} at the peak (slopes). An enabled profiler "
        f"that has recorded next to nothing needs {empty_bytes(section):,.0f} bytes "
        f"(the mean of {section['memory']['empty']['count']})."
    )


MEMORY_COLUMNS = ("recording", "peak", "deleted", "again")


def file_part(section: dict) -> Iterator[str]:
    """Writing and loading a profile."""
    yield from ("## Writing and loading", "")
    yield from table(
        ("paths", "`save` (s)", "`load` (s)", "file (MB)", "bytes a path"),
        (
            (
                count(cell["nodes"]),
                f"{least(cell, 'save'):.3f}",
                f"{least(cell, 'load'):.3f}",
                f"{cell['bytes'] / MEGA:.2f}",
                f"{cell['bytes'] / cell['nodes']:.1f}",
            )
            for cell in section["file"]
        ),
    )


PERCENTILES = ("p50", "p99.99", "max")


def longest_part(section: dict) -> Iterator[str]:
    """The times of single calls."""
    yield from ("## The longest call as the tree grows", "")
    yield from paragraph(LONGEST)
    yield from table(
        ("calls", "", "p50", "p99.99", "longest", "any round"),
        (
            (count(cell["calls"]), mode)
            + tuple(f"{call_times(cell, mode, p)[0]:,.1f}" for p in PERCENTILES)
            + (f"{call_times(cell, mode, 'max')[-1]:,.1f}",)
            for cell in section["growth"]
            for mode in ("profiled", "unprofiled")
        ),
    )


def charge_part(section: dict) -> Iterator[str]:
    """Whether the time for new paths is in the profile."""
    yield from ("## Who pays for new paths", "")
    yield from paragraph(CHARGE)
    yield from table(
        ("paths", "unprofiled", "clock, 1st", "2nd", "difference")
        + ("profile, 1st", "2nd", "difference", "charged"),
        map(charge_row, section["growth"]),
    )
    yield from paragraph(CALLERS)
    yield from table(
        ("paths", "longest call", "callers, in the middle", "the longest"),
        map(caller_row, section["growth"]),
    )


def charge_row(cell: dict) -> list[str]:
    """The two passes of one tree."""
    passes = [
        least_pass(cell["unprofiled"], "wall")[1:],
        least_pass(cell["profiled"], "wall"),
        [growth_seconds(cell, "wall")],
        least_pass(cell["profiled"], "reported"),
        [growth_seconds(cell, "reported")],
    ]
    milliseconds = [f"{value * 1000:,.1f}" for values in passes for value in values]
    return [count(cell["nodes"]), *milliseconds, share(charged_share(cell))]


def caller_row(cell: dict) -> list[str]:
    """The longest call, and what the profile has for those that may have made it."""
    calm = calmest(cell)
    seconds = (
        calm["times_ns"]["max"] / 1e9,
        calm["callers"]["median"],
        calm["callers"]["max"],
    )
    return [count(cell["nodes"]), *(f"{value * 1000:,.2f}" for value in seconds)]


def switching_part(section: dict) -> Iterator[str]:
    """What enabling and disabling cost."""
    yield from ("## Switching on and off", "")
    yield from paragraph(SWITCHING)
    yield from table(
        ("functions", "the pair", "first call", "called again", "after", "without"),
        (
            (
                count(cell["functions"]),
                f"{cell['pair'] * 1e6:.0f}",
                *(
                    f"{cell[state] / cell['functions'] * 1e9:.0f}"
                    for state in ("first", "known", "after", "without")
                ),
            )
            for cell in section["switching"]
        ),
    )


INTRODUCTION = """\
# Scaling

Written by `make bench-scaling`; what is measured, and how, is in
[benchmarks/README.md](../benchmarks/README.md).

![Six plots of the tables below](scaling.svg)
"""

TREE = (
    "ns that an event, a call or a return, takes longer under the profiler. *Walk*: "
    "all paths in the same order each time. *Random*: leaves at random, each called "
    "from the root down. *Its call*: ns of a call and its return without a profiler."
)
DEPTH = "A function that calls itself; the number of calls stays the same."
THREADS = (
    "The same number of calls, shared out to threads that start and end meanwhile; "
    "each has a tree of its own."
)
PROFILERS = "The walk through the smallest tree, under several profilers at once."
SWITCHING = (
    "*The pair*: µs of `enable()` and `disable()`, with nothing between them, in a "
    "program that has called so many functions. The interpreter makes a function ready "
    "for events when it is called the next time, and takes that back when it is called "
    "after the end; so the first calls cost more. In ns of one function's call: the "
    "first and another one under the profiler, the first one after it, and one without."
)
MEMORY = (
    "MB that are resident above what was before the profiler was made. *Deleted*: when "
    "it is gone; what malloc keeps then for later use is still resident. *Once more*: "
    "while a second profiler records the same tree; if the first one's memory is used "
    "again, that is about as much as *recording*."
)
LONGEST = (
    "µs of single calls of an empty function, each on a new path, with two reads of "
    "the clock: in the round in which it is least, since the machine interrupts calls, "
    "too; *any round* is the longest of all."
)
CALLERS = (
    "A call that takes long because the table grows is made by one of the functions "
    "that call the leaves. In ms: the longest call of the first pass, and what the "
    "profile of that pass has for these functions (cumulative): that in the middle, "
    "and that with most. Were the call charged, the last figure would be larger "
    "than the one before by as much. From the round in which the last figure is least."
)
CHARGE = (
    "The program calls each path once, and then once more: in ms by its own clock, and "
    "as the profile has it (cumulative, of the function that calls all others). The "
    "difference is what new paths cost. *Charged* is the share of it that the profile "
    "ascribes to the program; it may be negative, because the second pass finds its "
    "paths in no cache."
)


def render(section: dict) -> str:
    """The whole page."""
    depths = [(cell["depth"], cell) for cell in section["depth"]]
    threads = [(cell["count"], cell) for cell in section["threads"]]
    profilers = [(cell["count"], cell) for cell in section["profilers"]]
    lines = [
        *circumstances(section),
        *tree_part(section),
        *cost_part("the stack grows", DEPTH, "depth", depths),
        *cost_part("threads grow in number", THREADS, "threads", threads),
        *cost_part("profilers are added", PROFILERS, "profilers", profilers),
        *switching_part(section),
        *memory_part(section),
        *file_part(section),
        *longest_part(section),
        *charge_part(section),
    ]
    return INTRODUCTION + "\n" + "\n".join(lines).rstrip() + "\n"
