"""The page and the picture of the accuracy benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

CPU_OF_WALL = 1.3
MOST_CPU_ERROR = 0.02
CPU_OF_YAPPI = 0.33
GOALS = {"maximum": 2.0, "mean": 0.7, "total": 0.05}
HEAD = """\
# How true the figures are

Written by `make bench-accuracy`; what is measured, and how, is in
[the benchmarks' README](../README.md#accuracy).

The same work is done in called functions and in line. *Error*: of the share of the time
that a profiler says was in calls, in points of a hundred; of the blocks without a
profiler, timed from outside. *Total*: what a profiler says of both blocks, over what
they take without one. *Programs*: the total of all own times that fastprof says, over
the time that the program takes alone, as recorded and compensated.
"""


def errors(results: Sequence[dict]) -> list[float]:
    """In points."""
    return [100 * abs(one["said"] - one["true"]) for one in results]


def of(results: Sequence[dict], **wanted: str) -> list[dict]:
    """Those of which all is so."""
    return [
        one
        for one in results
        if all(one[name] == value for name, value in wanted.items())
    ]


def observers(results: Sequence[dict]) -> list[str]:
    """In the order of the first."""
    return list(dict.fromkeys(one["observer"] for one in results))


def whole(results: Sequence[dict]) -> str:
    """One row for each observer."""
    rows = [
        "| | mean error | largest | total | from | to |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for observer in observers(results):
        own = of(results, observer=observer)
        totals = [one["total"] for one in own]
        # What samples counts in samples.
        middle = f"{statistics.geometric_mean(totals):.2f}"
        span = f"{min(totals):.2f} | {max(totals):.2f}"
        if observer == "py-spy":
            middle, span = "–", "– | –"
        rows.append(
            f"| {observer} | {statistics.mean(errors(own)):.1f} "
            f"| {max(errors(own)):.1f} | {middle} | {span} |"
        )
    return "\n".join(rows)


def by_case(results: Sequence[dict]) -> str:
    """The largest error of each case."""
    names = observers(results)
    rows = [
        "| largest error | " + " | ".join(names) + " |",
        "|---|" + "---:|" * len(names),
    ]
    for case in dict.fromkeys(one["case"] for one in results):
        found = [errors(of(results, case=case, observer=name)) for name in names]
        cells = [f"{max(some):.1f}" if some else "–" for some in found]
        rows.append(f"| {case} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def goals(results: Sequence[dict]) -> str:
    """Whether fastprof is where it should be, in the sweep."""
    own = of(results, observer="fastprof", group="bias")
    reached = {
        "maximum": max(errors(own)),
        "mean": statistics.mean(errors(own)),
        "total": max(abs(one["total"] - 1.0) for one in own),
    }
    return "\n".join(
        f"- {name} {reached[name]:.2f}, goal {goal}: "
        + ("met" if reached[name] <= goal else "missed")
        for name, goal in GOALS.items()
    )


def totals(measured: Sequence[dict]) -> str:
    """Whole programs: a row for each set, and one for each program."""
    parts = []
    for of_set in dict.fromkeys(one["set"] for one in measured):
        rows = [one for one in measured if one["set"] == of_set]
        left = [abs(one["compensated"] - one["alone"]) / one["alone"] for one in rows]
        middle = {
            figure: statistics.geometric_mean(
                one[figure] / one["alone"] for one in rows
            )
            for figure in ("recorded", "compensated")
        }
        near = sum(error <= GOALS["total"] for error in left)
        parts.append(
            f"{len(rows)} {of_set}: recorded {middle['recorded']:.2f}, compensated "
            f"{middle['compensated']:.2f} (geometric means); error "
            f"{statistics.mean(left):.2f} on average, {max(left):.2f} at most, {near} "
            f"within {GOALS['total']} (goal: all).\n\n"
            "| | recorded | compensated |\n|---|---:|---:|\n"
            + "\n".join(
                f"| {one['name']} | {one['recorded'] / one['alone']:.2f} "
                f"| {one['compensated'] / one['alone']:.2f} |"
                for one in rows
            )
        )
    return "\n\n".join(parts)


def cpu_costs(times: dict[str, dict[str, float]]) -> str:
    """What CPU time costs, against the wall clock and against yappi."""
    rows = [
        "| added to the time alone | fastprof | with CPU time | yappi with CPU time |",
        "|---|---:|---:|---:|",
    ]
    of_wall, of_yappi = [], []
    for name, seconds in times.items():
        alone = seconds["unprofiled"]
        wall, cpu, yappi = (
            seconds[mode] - alone for mode in ("fastprof", "fastprof-cpu", "yappi-cpu")
        )
        of_wall.append(cpu / wall)
        of_yappi.append(cpu / yappi)
        rows.append(
            f"| {name} | {wall / alone:.2f} | {cpu / alone:.2f} | {yappi / alone:.2f} |"
        )
    wall, yappi = map(statistics.geometric_mean, (of_wall, of_yappi))
    return (
        "### The cost of CPU time\n\n" + "\n".join(rows) + "\n\n"
        f"Geometric means: {wall:.2f} of what the wall clock adds (goal {CPU_OF_WALL}: "
        f"{'met' if wall <= CPU_OF_WALL else 'missed'}), {yappi:.2f} of what yappi "
        f"adds (goal {CPU_OF_YAPPI}: {'met' if yappi <= CPU_OF_YAPPI else 'missed'}).\n"
    )


def agreement(errors: dict[str, dict[str, list[float]]]) -> str:
    """How far CPU time is from what the threads ask themselves."""
    rows = [
        "| program | with rseq: worst | median | without: worst | median |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, of_ways in errors.items():
        cells = []
        for rseq in "1", "0":
            sizes = [abs(error) for error in of_ways[rseq]]
            cells += [f"{max(sizes):.2%}", f"{statistics.median(sizes):.2%}"]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    worst = {
        rseq: max(abs(error) for one in errors.values() for error in one[rseq])
        for rseq in "10"
    }
    goals = " and ".join(
        f"{size:.2%} {way} ({'met' if size <= MOST_CPU_ERROR else 'missed'})"
        for way, size in (("with rseq", worst["1"]), ("without", worst["0"]))
    )
    return (
        '### Agreement of CPU time\n\nErrors of `clock="cpu"` against '
        "`time.thread_time()`, in the same run, for each thread of programs that make "
        "it hard.\n\n" + "\n".join(rows) + "\n\n"
        f"Worst (goal {MOST_CPU_ERROR:.0%}): {goals}.\n"
    )


def order(programs: dict[str, dict[str, dict[str, float]]]) -> str:
    """How far the functions of most own time are those that py-spy saw."""
    names = list(next(iter(programs.values())))
    rows = [
        "| | " + " | ".join(f"{name}: same | ranks | error" for name in names) + " |",
        "|---|" + "---:|---:|---:|" * len(names),
    ]
    for program, by_name in programs.items():
        cells = [
            f"{one['same']:.0%} | {one['correlation']:.2f} | {100 * one['error']:.1f}"
            for one in by_name.values()
        ]
        rows.append(f"| {program} | " + " | ".join(cells) + " |")
    return (
        "### The functions of most own time\n\nAgainst a sample each ms for 15 s by "
        "py-spy, of the program alone. *Same*: of the 20 functions of most own time. "
        "*Ranks*: Spearman's correlation over these. *Error*: the largest of a "
        "function's share, in points.\n\n" + "\n".join(rows) + "\n"
    )


def page(measured: Sequence[dict]) -> str:
    """All of it."""
    parts = [HEAD]
    for one in measured:
        machine = one["machine"]
        parts.append(
            f"## {one['python']}\n\n"
            f"- {one['date']}, revision {one['revision']}\n"
            f"- {machine['cpu']}, {machine['cores']} cores, {machine['kernel']}, load "
            f"at the start: {machine['load']}\n"
            f"- median of {one['rounds']} rounds\n"
            + "".join(
                f"- {part}: {about['date']}, revision {about['revision']}, "
                f"{about['rounds']} rounds\n"
                for part, about in one.get("later", {}).items()
            )
        )
        if "results" in one:
            results = one["results"]
            parts.append(
                f"{whole(results)}\n\nfastprof, over the sweep of shares (errors in "
                f"points, of the total as a fraction):\n\n{goals(results)}\n\n"
                f"{by_case(results)}\n"
            )
        if "totals" in one:
            parts.append(f"### Programs\n\n{totals(one['totals'])}\n")
        if "cpu" in one:
            parts.append(cpu_costs(one["cpu"]))
        if "agreement" in one:
            parts.append(agreement(one["agreement"]))
        if "order" in one:
            parts.append(order(one["order"]))
    return "\n".join(parts)


def draw(measured: Sequence[dict], path: Path) -> None:
    """Reported share over true share, on the last Python."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from scaling_plot import SETTINGS

    results = of(measured[-1]["results"], group="bias")
    names = observers(results)
    with pyplot.rc_context(SETTINGS):
        figure, plots = pyplot.subplots(
            2, (len(names) + 1) // 2, figsize=(12, 6.4), sharex=True, sharey=True
        )
        for axes, name in zip(plots.flat, names, strict=False):
            axes.plot([0, 100], [0, 100], color="#777777", linewidth=1)
            for case in dict.fromkeys(one["case"] for one in results):
                line = sorted(
                    (100 * one["true"], 100 * one["said"])
                    for one in of(results, observer=name, case=case)
                )
                axes.plot(
                    *zip(*line, strict=True), marker="o", markersize=3, label=case
                )
            axes.set_title(name, loc="left", fontsize=11, fontweight="bold")
            axes.set_aspect("equal")
        for axes in list(plots.flat)[len(names) :]:
            axes.set_visible(False)
        figure.supxlabel("true share of the time in calls, %", y=0.1)
        figure.supylabel("reported share, %")
        handles, labels = plots.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncol=5, frameon=False)
        figure.tight_layout(rect=(0, 0.12, 1, 1))
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
