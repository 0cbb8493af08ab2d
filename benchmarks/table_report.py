"""The section "Every profiler" of RESULTS.md, from what ``table_store`` worked out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import table_profilers
from measuring import told

BEGIN = "<!-- table -->"
END = "<!-- /table -->"
NOTHING = "–"
ONE_ROUND = "¹"
FAILED = "failed²"

INTRODUCTION = """\
## Every profiler

Written by `benchmarks/table.py`; what is measured, and how, is in
[README.md](README.md). Times the unprofiled time; means and standard deviations are
pyperf's, and the mean over the programs is geometric. *Spread* is the largest standard
deviation that a program has, as a share of its mean; *memory* is the peak of the
process of the program, over all programs."""


def row(cells: Iterable[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def ratio(value: float | None) -> str:
    """A ratio, to three digits or so."""
    if value is None:
        return NOTHING
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def cell(results: dict, profiler: str, program: str) -> str:
    """A program under a profiler, and the marks that it has earned."""
    if program in results["errors"].get(profiler, {}):
        return FAILED
    text = ratio(results["figures"][profiler]["ratios"].get(program))
    return text + (ONE_ROUND if program in results["slow"].get(profiler, ()) else "")


def mean_of(results: dict, profiler: str) -> str:
    """The geometric mean, and of how many programs when not of all."""
    figures = results["figures"][profiler]
    count, whole = len(figures["ratios"]), len(results["plan"]["scales"])
    text = f"**{ratio(figures['mean'])}**"
    return text if count == whole else f"{text} ({count} of {whole})"


def of_one_profiler(results: dict, name: str) -> str:
    """A row of the large table."""
    figures = results["figures"][name]
    spread, peak = figures["spread"], figures["peak_bytes"]
    sees = table_profilers.BY_NAME[name].sees
    return row(
        (
            name,
            mean_of(results, name),
            NOTHING if spread is None else f"{spread:.1%}",
            NOTHING if peak is None else f"{peak / 2**20:.0f}",
            *sees,
            *(cell(results, name, program) for program in results["plan"]["scales"]),
        )
    )


def matrix(results: dict) -> Iterator[str]:
    """Profilers by programs."""
    programs = list(results["plan"]["scales"])
    yield row(
        (
            "profiler",
            "mean",
            "spread",
            "memory (MiB)",
            "calls counted",
            "threads",
            "tree",
            "C functions",
            *programs,
        )
    )
    yield f"|---|{'---:|' * 3}{'---|' * 4}{'---:|' * len(programs)}"
    for name in results["plan"]["profilers"]:
        if name in results["figures"]:
            yield of_one_profiler(results, name)
    times = (results["milliseconds"].get(program) for program in programs)
    yield row(
        (
            "*unprofiled (ms)*",
            *[""] * 7,
            *(NOTHING if time is None else f"{time:.0f}" for time in times),
        )
    )


def notes(results: dict) -> Iterator[str]:
    """What the marks mean, and what failed."""
    if any(results["slow"].values()):
        yield f"{ONE_ROUND} More than 30 times the unprofiled time: one round only."
        yield ""
    failures = [
        f"- {name}, {program}: {message}"
        for name, errors in results["errors"].items()
        for program, message in errors.items()
    ]
    if failures:
        yield from ("² Failed:", "", *failures, "")
    if results["unavailable"]:
        yield from ("Could not be run:", "")
        for name, reason in results["unavailable"].items():
            yield f"- {name}: {reason}"
        yield ""


def circumstances(results: dict) -> Iterator[str]:
    """Where, when and with what the table was measured."""
    yield from told(results["circumstances"])
    yield f"- rounds: {results['plan']['rounds']}"
    versions = (f"{name} {version}" for name, version in results["versions"].items())
    yield f"- {', '.join(versions) or 'no packages'}"


def render(results: dict) -> str:
    """The whole section.

    Args:
        results: What `table_store.results_of` makes of a run.
    """
    parts = (matrix(results), [""], notes(results), circumstances(results))
    lines = [line for part in parts for line in part]
    return INTRODUCTION + "\n\n" + "\n".join(lines) + "\n"


def put_into(page: str, section: str) -> str:
    """The page with the section between its markers, or at its end if it has none."""
    framed = f"{BEGIN}\n{section}{END}"
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        return before + framed + after
    head = page.rstrip("\n")
    return (f"{head}\n\n" if head else "") + framed + "\n"
