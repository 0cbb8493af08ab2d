"""From the raw times of ``overhead.py`` to ratios, means and a page of Markdown.

A *section* is what was measured on one Python: a dict that went through JSON, with
the times under ``workloads[name]["seconds"][mode]``, one number for each round. The
least of the rounds stands for all of them: what disturbs a run only makes it longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from statistics import geometric_mean, median

from workloads import MICRO

# How much of cProfile's added time ours may be, by Python.
ADDED_GOALS = {"3.10": 0.50, "3.11": 0.62}
# How much of the total under an empty callback ours may be.
TOTAL_GOAL = 1.12

NOTHING = "–"


def ratios(section: dict, mode: str) -> dict[str, float]:
    """How many times longer each workload takes in a mode than without a profiler."""
    return {
        name: min(measured["seconds"][mode]) / min(measured["seconds"]["unprofiled"])
        for name, measured in section["workloads"].items()
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
        for measured in section["workloads"].values()
        for times in measured["seconds"].values()
    ]
    return geometric_mean(median(times) / min(times) for times in runs) - 1


def against(value: float | None, goal: float | None) -> str:
    """A figure, the goal it has, and whether it is met."""
    if value is None:
        return NOTHING
    if goal is None:
        return f"{value:.2f} (no goal)"
    return f"{value:.3f} (goal {goal:.2f}: {'met' if value <= goal else 'missed'})"


def number(value: float | None) -> str:
    """A ratio as a cell of a table."""
    return NOTHING if value is None else f"{value:.2f}"


def row(cells: Iterable[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def summary(sections: dict[str, dict]) -> Iterator[str]:
    """The means of all Pythons and how they stand to the goals."""
    yield row(
        (
            "Python",
            "cProfile",
            "fastprof",
            "empty callback",
            "added time, fastprof / cProfile",
            "total time, fastprof / empty callback",
        )
    )
    yield "|---|---:|---:|---:|---|---|"
    for version, section in sections.items():
        cprofile, ours, empty = (
            mean_ratio(section, mode) for mode in ("cProfile", "fastprof", "empty")
        )
        yield row(
            (
                version,
                number(cprofile),
                number(ours),
                number(empty),
                against(added_share(ours, cprofile), ADDED_GOALS.get(version)),
                against(total_share(ours, empty), TOTAL_GOAL),
            )
        )


def circumstances(section: dict) -> Iterator[str]:
    """Where, when and with what a section was measured."""
    machine = section["machine"]
    yield f"- {section['date']}, revision {section['revision']}"
    yield f"- CPython {section['python']} ({section['compiler']})"
    yield (
        f"- {machine['cpu']}, {machine['cores']} cores, {machine['kernel']}, "
        f"governor: {machine['governor']}, load at the start: {machine['load']}"
    )
    yield (
        f"- best of {section['rounds']} rounds; "
        f"a typical round took {unrest(section):.1%} longer"
    )


def table(section: dict) -> Iterator[str]:
    """The workloads of one Python, and their geometric means."""
    modes = [mode for mode in section["modes"] if mode != "unprofiled"]
    by_mode = {mode: ratios(section, mode) for mode in modes}
    yield row(("workload", "calls (10⁶)", "unprofiled (ms)", *modes))
    yield f"|---|{'---:|' * (len(modes) + 2)}"
    for name, measured in section["workloads"].items():
        calls = measured["calls"]
        yield row(
            (
                name,
                NOTHING if calls is None else f"{calls / 1e6:.2f}",
                f"{min(measured['seconds']['unprofiled']) * 1000:.1f}",
                *(number(by_mode[mode].get(name)) for mode in modes),
            )
        )
    micro = set(MICRO) & set(section["workloads"])
    programs = set(section["workloads"]) - micro
    for title, names in (("micro", micro), ("programs", programs)):
        if names:
            means = (
                geometric_mean(by_mode[mode][name] for name in names) for mode in modes
            )
            yield row((f"*mean, {title}*", "", "", *map(number, means)))
    means = (mean_ratio(section, mode) for mode in modes)
    yield row(("**mean, all**", "", "", *map(number, means)))


def failures(section: dict) -> Iterator[str]:
    """What could not be measured, if anything."""
    for name, message in section["errors"].items():
        yield f"- **{name} failed**: {message}"


def of_one_python(version: str, section: dict) -> Iterator[str]:
    """Everything about one Python."""
    yield from ("", f"## Python {version}", "")
    if section["workloads"]:
        yield from circumstances(section)
        yield from failures(section)
        yield ""
        yield from table(section)
    else:
        yield from failures(section)


INTRODUCTION = """\
# Overhead

Written by `benchmarks/overhead.py`; what is measured, and how, is in
[README.md](README.md). Columns of modes are times the unprofiled time; means are
geometric, over all workloads. *Added time* is that mean less 1.
"""


def render(sections: dict[str, dict]) -> str:
    """The whole page.

    Args:
        sections: What was measured, by Python version ("3.11"), in order.
    """
    details = (of_one_python(version, section) for version, section in sections.items())
    lines = chain(summary(sections), *details)
    return INTRODUCTION + "\n" + "\n".join(lines) + "\n"
