"""From the raw times of ``overhead.py`` to ratios, means and a page of Markdown.

A *section* is what was measured of one set of programs on one Python: a dict that went
through JSON, with the times under ``runs[name]["seconds"][mode]``, one number for each
round. The least of the rounds stands for all of them: what disturbs a run only makes
it longer. ``sections["3.11"]["workloads"]`` is a section.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from statistics import geometric_mean, median

from measuring import told
from workloads import MICRO

# The most that a figure may be, by Python, set and figure (see FIGURES).
GOALS = {
    "3.10": {"workloads": {"added": 0.50, "empty": 1.12}},
    "3.11": {"workloads": {"added": 0.62, "empty": 1.12}},
    **dict.fromkeys(
        ("3.12", "3.13"),
        {
            "workloads": {"empty": 1.12, "empty-clock": 1.04, "empty-python": 1.12},
            "programs": {"added": 0.42},
        },
    ),
}
# A goal over real programs wants so many of them.
LEAST_PROGRAMS = 20
TITLES = {"workloads": "workloads", "programs": "real programs"}

# Another script keeps its table between these lines of the page.
TABLE_BEGIN, TABLE_END = "<!-- table -->", "<!-- /table -->"

NOTHING = "–"


def ratios(section: dict, mode: str) -> dict[str, float]:
    """How many times longer each workload takes in a mode than without a profiler."""
    return {
        name: min(measured["seconds"][mode]) / min(measured["seconds"]["unprofiled"])
        for name, measured in section["runs"].items()
        if mode in measured["seconds"]
    }


def mean_ratio(section: dict, mode: str) -> float | None:
    """The geometric mean of the ratios; None when the mode was not measured."""
    values = ratios(section, mode).values()
    return geometric_mean(values) if values else None


def added_share(ratio: float | None, reference: float | None) -> float | None:
    """The added time of one mode as a share of another's; None when there is none."""
    if ratio is None or reference is None or reference <= 1:
        return None
    return (ratio - 1) / (reference - 1)


def total_share(ratio: float | None, reference: float | None) -> float | None:
    """The total time in one mode as a share of another's."""
    return None if ratio is None or reference is None else ratio / reference


def unrest(section: dict) -> float:
    """By how much a typical round is longer than the best one, as a share of it."""
    runs = [
        times
        for measured in section["runs"].values()
        for times in measured["seconds"].values()
    ]
    return geometric_mean(median(times) / min(times) for times in runs) - 1


def share_of_modes(section: dict, mode: str, reference: str) -> float | None:
    """The total time in one mode as a share of another's, by mode names."""
    return total_share(mean_ratio(section, mode), mean_ratio(section, reference))


# What is judged, in the order of the summary's columns.
FIGURES = {
    "added": lambda section: added_share(
        mean_ratio(section, "fastprof"), mean_ratio(section, "cProfile")
    ),
    "empty": lambda section: share_of_modes(section, "fastprof", "empty"),
    "empty-clock": lambda section: share_of_modes(section, "fastprof", "empty-clock"),
    "empty-python": lambda section: share_of_modes(
        section, "fastprof-python", "empty-python"
    ),
}


def against(value: float | None, goal: float | None, not_judged: str = "") -> str:
    """A figure, the goal it has, and whether it is met.

    Args:
        value: The figure, if it was measured.
        goal: The most it may be, if there is a goal.
        not_judged: Why the goal cannot be judged, if so.
    """
    if value is None:
        return NOTHING
    if goal is None:
        return f"{value:.3f}"
    verdict = not_judged or ("met" if value <= goal else "missed")
    return f"{value:.3f} (goal {goal:.2f}: {verdict})"


def judged(version: str, of_set: str, section: dict) -> Iterator[str]:
    """The figures of a section and how they stand to their goals."""
    goals = GOALS.get(version, {}).get(of_set, {})
    count = len(section["runs"])
    is_short = of_set == "programs" and count < LEAST_PROGRAMS
    not_judged = f"{count} of {LEAST_PROGRAMS} programs" if is_short else ""
    for figure, value_of in FIGURES.items():
        yield against(value_of(section), goals.get(figure), not_judged)


def number(value: float | None) -> str:
    """A ratio as a cell of a table."""
    return NOTHING if value is None else f"{value:.2f}"


def row(cells: Iterable[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


SUMMARY_MODES = ("cProfile", "fastprof", "empty", "empty-clock")
SUMMARY_FIGURES = (
    "added, fastprof / cProfile",
    "total, fastprof / empty",
    "fastprof / empty-clock",
    "fastprof-python / empty-python",
)


def summary(sections: dict[str, dict[str, dict]]) -> Iterator[str]:
    """The means of all Pythons and how they stand to the goals."""
    yield row(("Python", "over", *SUMMARY_MODES, *SUMMARY_FIGURES))
    yield f"|---|---|{'---:|' * len(SUMMARY_MODES)}{'---|' * len(SUMMARY_FIGURES)}"
    for version, of_sets in sections.items():
        for of_set, section in of_sets.items():
            means = (number(mean_ratio(section, mode)) for mode in SUMMARY_MODES)
            over = f"{len(section['runs'])} {TITLES[of_set]}"
            yield row((version, over, *means, *judged(version, of_set, section)))


def circumstances(section: dict) -> Iterator[str]:
    """Where, when and with what a section was measured."""
    yield from told(section)
    yield (
        f"- best of {section['rounds']} rounds; "
        f"a typical round took {unrest(section):.1%} longer"
    )


def millions(calls: dict[str, int]) -> str:
    """What the profilers counted, as a cell; the first one stands for all."""
    return f"{next(iter(calls.values())) / 1e6:.2f}" if calls else NOTHING


def groups(of_set: str, section: dict) -> Iterator[tuple[str, list[str]]]:
    """The groups of programs that have a mean of their own, and all of them."""
    names = list(section["runs"])
    if of_set == "workloads":
        micro = [name for name in names if name in MICRO]
        small = [name for name in names if name not in MICRO]
        for title, group in (("micro", micro), ("small programs", small)):
            if group:
                yield f"*mean, {title}*", group
    yield "**mean, all**", names


def table(of_set: str, section: dict) -> Iterator[str]:
    """The programs of one section, and their geometric means."""
    modes = [mode for mode in section["modes"] if mode != "unprofiled"]
    by_mode = {mode: ratios(section, mode) for mode in modes}
    yield row(("program", "calls (10⁶)", "unprofiled (ms)", *modes))
    yield f"|---|{'---:|' * (len(modes) + 2)}"
    for name, measured in section["runs"].items():
        yield row(
            (
                name,
                millions(measured["calls"]),
                f"{min(measured['seconds']['unprofiled']) * 1000:.1f}",
                *(number(by_mode[mode].get(name)) for mode in modes),
            )
        )
    for title, names in groups(of_set, section):
        means = (
            geometric_mean(of_mode[name] for name in names)
            for of_mode in by_mode.values()
        )
        yield row((title, "", "", *map(number, means)))


def messages(section: dict) -> Iterator[str]:
    """What could not be measured, and what to know of the rest, if anything."""
    for name, message in section["errors"].items():
        yield f"- **{name} failed**: {message}"
    for name, message in section["notes"].items():
        yield f"- {name}: {message}"


def of_one_section(version: str, of_set: str, section: dict) -> Iterator[str]:
    """Everything about one set of programs on one Python."""
    yield from ("", f"## Python {version}, {TITLES[of_set]}", "")
    if section["runs"]:
        yield from circumstances(section)
        yield from messages(section)
        yield ""
        yield from table(of_set, section)
    else:
        yield from messages(section)


def kept_table(page: str) -> list[str]:
    """What stands between the markers of an older page, with them."""
    _, begin, rest = page.partition(TABLE_BEGIN)
    inside, end, _ = rest.partition(TABLE_END)
    if not (begin and end):
        inside = "\n"
    return ["", TABLE_BEGIN + inside + TABLE_END]


INTRODUCTION = """\
# Overhead

Written by `benchmarks/overhead.py`; what is measured, and how, is in
[README.md](README.md). Columns of modes are times the unprofiled time; means are
geometric, over all programs of a set. *Added* is that mean less 1, *total* the mean.
`empty` and `empty-clock` are callbacks of the event source that fastprof uses.
"""


def render(sections: dict[str, dict[str, dict]], page: str = "") -> str:
    """The whole page.

    Args:
        sections: What was measured, by Python version ("3.11") and set, in order.
        page: The page as it was; the table between its markers is kept.
    """
    details = (
        of_one_section(version, of_set, section)
        for version, of_sets in sections.items()
        for of_set, section in of_sets.items()
    )
    lines = chain(summary(sections), kept_table(page), *details)
    return INTRODUCTION + "\n" + "\n".join(lines) + "\n"
