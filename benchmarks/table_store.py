"""What the table's run keeps: its cells, written one by one, and pyperf's files.

``cells.json`` holds what a run was started with and what came out so far. A *cell* is
a program under a profiler: ``{"seconds": […], "peak_kib": […], "error": …}``, one
number for each round, or the reason why there are none.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

# Beyond this, one round must do.
SLOW = 30
REFERENCE = "unprofiled"


class Store:
    """The cells of one run, in memory and in a file."""

    def __init__(self, folder: Path, plan: dict, circumstances: dict) -> None:
        """Begin a run anew; see `resumed` for one that is there already."""
        self.folder = folder
        self.plan = plan
        self.circumstances = circumstances
        self.unavailable: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.cells: dict[str, dict[str, dict]] = {}
        self.is_finished = False

    def cell(self, profiler: str, program: str) -> dict:
        """What is known of a program under a profiler."""
        empty = {"seconds": [], "peak_kib": [], "error": None}
        return self.cells.setdefault(profiler, {}).setdefault(program, empty)

    def add(self, profiler: str, program: str, result: dict) -> None:
        """Keep the result of one process."""
        cell = self.cell(profiler, program)
        if "error" in result:
            cell["error"] = result["error"]
        else:
            cell["seconds"].append(round(result["seconds"], 6))
            cell["peak_kib"].append(result["peak_kib"])
        self.save()

    def is_slow(self, profiler: str, program: str) -> bool:
        """Whether the first round took so long that it has to do."""
        seconds = self.cell(profiler, program)["seconds"]
        reference = self.cell(REFERENCE, program)["seconds"]
        return bool(seconds and reference) and seconds[0] > SLOW * reference[0]

    def is_due(self, profiler: str, program: str, number: int) -> bool:
        """Whether a cell is to be run in a round."""
        cell = self.cell(profiler, program)
        return not (
            profiler in self.unavailable
            or cell["error"]
            or len(cell["seconds"]) > number
            or self.is_slow(profiler, program)
        )

    def save(self) -> None:
        """Write everything, so that a run that ends here can be taken up again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / "cells.json"
        draft = target.with_suffix(".new")
        state = {name: value for name, value in vars(self).items() if name != "folder"}
        draft.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        os.replace(draft, target)


def resumed(folder: Path, plan: dict) -> Store | None:
    """A run of the same plan that was cut off; None when there is none."""
    file = folder / "cells.json"
    if not file.exists():
        return None
    state = json.loads(file.read_text(encoding="utf-8"))
    if state["plan"] != plan or state["is_finished"]:
        return None
    store = Store(folder, plan, {})
    vars(store).update(state)
    return store


def suite_of(cells: dict[str, dict]):
    """The cells of one profiler as a suite of pyperf; None when there are none."""
    import pyperf

    benchmarks = [
        pyperf.Benchmark(
            [
                pyperf.Run(
                    [seconds],
                    metadata={
                        "name": program,
                        "unit": "second",
                        "mem_max_rss": peak * 1024,
                    },
                    collect_metadata=False,
                )
                for seconds, peak in zip(cell["seconds"], cell["peak_kib"], strict=True)
            ]
        )
        for program, cell in cells.items()
        if cell["seconds"] and not cell["error"]
    ]
    return pyperf.BenchmarkSuite(benchmarks) if benchmarks else None


def file_name(profiler: str) -> str:
    """A profiler's name as that of a file."""
    return re.sub(r"[^\w.-]+", "-", profiler).strip("-") + ".json"


def figures_of(suite, reference) -> dict:
    """What pyperf works out for one profiler, compared with another."""
    from pyperf._compare import CompareData, CompareResult
    from pyperf._utils import geometric_mean

    known = {benchmark.get_name(): benchmark for benchmark in reference}
    ratios, spreads, peaks = {}, [], []
    for benchmark in suite:
        name = benchmark.get_name()
        if name not in known:
            continue
        result = CompareResult(
            CompareData(REFERENCE, known[name]), CompareData("profiled", benchmark)
        )
        ratios[name] = result.norm_mean
        if benchmark.get_nvalue() > 1:
            spreads.append(benchmark.stdev() / benchmark.mean())
        peaks += [run.get_metadata()["mem_max_rss"] for run in benchmark.get_runs()]
    return {
        "ratios": ratios,
        "mean": geometric_mean(list(ratios.values())) if ratios else None,
        "spread": max(spreads, default=None),
        "peak_bytes": max(peaks, default=None),
    }


def results_of(store: Store) -> dict:
    """What the page is made from; pyperf's files are written beside the cells."""
    suites = {name: suite_of(cells) for name, cells in store.cells.items()}
    for name, suite in suites.items():
        if suite is not None:
            suite.dump(str(store.folder / file_name(name)), replace=True)
    reference = suites.get(REFERENCE)
    return {
        "circumstances": store.circumstances,
        "plan": store.plan,
        "unavailable": store.unavailable,
        "versions": store.versions,
        "milliseconds": {
            benchmark.get_name(): benchmark.mean() * 1000
            for benchmark in reference or ()
        },
        "figures": {
            name: figures_of(suite, reference)
            for name, suite in suites.items()
            if suite is not None and reference is not None
        },
        "errors": {
            name: {
                program: cell["error"]
                for program, cell in cells.items()
                if cell["error"]
            }
            for name, cells in store.cells.items()
        },
        "slow": {
            name: [program for program in cells if store.is_slow(name, program)]
            for name, cells in store.cells.items()
        },
    }
