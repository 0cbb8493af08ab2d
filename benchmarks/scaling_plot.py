"""The picture of the scaling benchmark; the only one here that needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import scaling_report as report

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

# Told apart without colours, too. The colours are those of Okabe and Ito.
STYLES = (
    {"color": "#0072B2", "marker": "o"},
    {"color": "#D55E00", "marker": "s", "linestyle": (0, (4, 2))},
    {"color": "#009E73", "marker": "^"},
    {"color": "#777777", "marker": "x", "linestyle": ":"},
)
# The same figures give the same file.
SETTINGS = {
    "svg.hashsalt": "fastprof",
    "font.size": 10,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}
MEGA = report.MEGA


def lines(
    axes: Axes, x: Sequence[float], curves: dict[str, Sequence[float]], first: int = 0
) -> None:
    """Draw some curves over the same places."""
    for (label, y), style in zip(curves.items(), STYLES[first:], strict=False):
        axes.plot(x, y, label=label, markersize=5, **style)


def name(axes: Axes, title: str, x: str, y: str) -> None:
    """Say what is to be seen."""
    axes.set_title(title, loc="left", fontweight="bold", fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(frameon=False)


def from_zero(axes: Axes) -> None:
    """Begin at 0, and leave room for the legend above the curves."""
    axes.set_ylim(0, axes.get_ylim()[1] * 1.3)


def costs(cells: Sequence[dict]) -> list[float]:
    """The cost of an event in each cell."""
    return [report.event_ns(cell) for cell in cells]


def draw_tree(axes: Axes, section: dict) -> None:
    """The cost of an event over the size of the tree."""
    walk = section["walk"]
    curves = {"walk (same order)": costs(walk), "random": costs(section["random"])}
    sizes = [cell["nodes"] for cell in walk]
    lines(axes, sizes, curves)
    goal = report.TREE_GOAL * costs(walk)[0]
    label = f"goal: {report.TREE_GOAL:.0f} × the smallest walk"
    axes.axhline(goal, label=label, color=STYLES[3]["color"], linestyle=":")
    axes.set_xscale("log")
    from_zero(axes)
    name(axes, "As the tree grows", "paths in the tree", "added ns an event")


def draw_depth(axes: Axes, section: dict) -> None:
    """The cost of an event over the depth of the stack."""
    cells = section["depth"]
    lines(axes, [cell["depth"] for cell in cells], {"recursion": costs(cells)})
    axes.set_xscale("log")
    from_zero(axes)
    name(axes, "As the stack grows", "depth", "added ns an event")


def draw_threads(axes: Axes, section: dict) -> None:
    """The cost of an event over the number of threads."""
    cells = section["threads"]
    counts = [cell["count"] for cell in cells]
    lines(axes, counts, {"walk, shared out": costs(cells)})
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    from_zero(axes)
    name(axes, "As threads grow in number", "threads", "added ns an event")


def draw_memory(axes: Axes, section: dict) -> None:
    """Memory over the size of the tree."""
    trees = section["memory"]["trees"]
    curves = {
        label: [tree[what] / MEGA for tree in trees]
        for label, what in (
            (f"recording: {report.node_bytes(section, 'recording'):.0f} bytes a path",)
            + ("recording",),
            (f"peak: {report.node_bytes(section, 'peak'):.0f} bytes a path", "peak"),
            ("deleted", "deleted"),
            ("once more", "again"),
        )
    }
    lines(axes, [tree["nodes"] / MEGA for tree in trees], curves)
    from_zero(axes)
    name(axes, "Memory", "million paths in the tree", "resident MB more than before")


def draw_file(axes: Axes, section: dict) -> None:
    """Seconds to write and load over the size of the tree."""
    cells = section["file"]
    curves = {
        what: [report.least(cell, what) * 1000 for cell in cells]
        for what in ("save", "load")
    }
    lines(axes, [cell["nodes"] for cell in cells], curves)
    axes.set_xscale("log")
    axes.set_yscale("log")
    name(axes, "Writing and loading", "paths in the tree", "ms")


def draw_longest(axes: Axes, section: dict) -> None:
    """The times of single calls over the number of paths that they add."""
    cells = section["growth"]
    calls = [cell["calls"] for cell in cells]
    labels = {"max": "longest", "p99.99": "p99.99", "p50": "p50"}

    def curve(mode: str, which: str) -> list[float]:
        return [report.call_times(cell, mode, which)[0] for cell in cells]

    curves = {label: curve("profiled", which) for which, label in labels.items()}
    lines(axes, calls, curves)
    lines(axes, calls, {"longest, unprofiled": curve("unprofiled", "max")}, first=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=axes.get_ylim()[1] * 100)
    name(axes, "The longest call", "calls, each on a new path", "µs a call")


def draw(section: dict, path: Path) -> None:
    """Write the picture, in the format of the file's extension."""
    with pyplot.rc_context(SETTINGS):
        figure, ((tree, depth), (threads, memory), (file, longest)) = pyplot.subplots(
            3, 2, figsize=(10, 11), layout="constrained"
        )
        draw_tree(tree, section)
        draw_depth(depth, section)
        draw_threads(threads, section)
        draw_memory(memory, section)
        draw_file(file, section)
        draw_longest(longest, section)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=metadata, dpi=100)
        pyplot.close(figure)
