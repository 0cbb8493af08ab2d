"""What fastprof costs as trees, stacks and threads grow; memory, files, longest call.

Every cell is a fresh process on one CPU, profiled and unprofiled in turn. See
README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import scaling_report
from measuring import MeasuringError, circumstances, output_of, probe

HERE = Path(__file__).resolve().parent
BUILD = HERE / ".build"
DOCS = HERE.parent / "docs"

# A part and its settings, to what the child answered.
Run = Callable[..., dict]


class Plan(NamedTuple):
    """How much is measured.

    A tree of B branches has B + B² + B³ paths.
    """

    trees: Sequence[int]  # branches, for the cost of an event
    depths: Sequence[int]
    threads: Sequence[int]
    active: Sequence[int]  # profilers at once
    functions: Sequence[int]  # that have run, where a profiler is switched
    memory: Sequence[int]  # branches
    files: Sequence[int]  # branches
    growth: Sequence[int]  # branches
    profilers: int  # empty ones
    calls: int  # in a block, about
    blocks: int  # the first is not counted
    rounds: int


WHOLE = Plan(
    trees=(4, 10, 21, 46, 100),
    depths=(10, 100, 1000, 10_000, 100_000),
    threads=(1, 2, 4, 8, 16, 32, 64),
    active=(1, 2, 3, 4, 8),
    functions=(10, 1000, 10_000),
    memory=(4, 10, 21, 32, 46, 68, 100),
    files=(21, 46, 100),
    growth=(21, 46, 68, 100),
    profilers=200,
    calls=500_000,
    blocks=4,
    rounds=3,
)
QUICK = Plan(
    trees=(2, 4),
    depths=(10, 1000),
    threads=(1, 2),
    active=(1, 2),
    functions=(10, 100),
    memory=(10, 21),
    files=(4, 10),
    growth=(4, 10),
    profilers=10,
    calls=2000,
    blocks=2,
    rounds=1,
)
# The tree that each thread walks, and each of several profilers records.
THREAD_BRANCHES = 4
SWITCHES = 20


def cost_cells(plan: Plan) -> Iterator[tuple[str, dict[str, int]]]:
    """The parts whose result is the cost of an event, and what is different in each."""
    for branches in plan.trees:
        yield "walk", {"branches": branches}
        yield "random", {"branches": branches}
    for depth in plan.depths:
        yield "depth", {"depth": depth}
    for count in plan.threads:
        yield "threads", {"count": count, "branches": THREAD_BRANCHES}
    for count in plan.active:
        yield "profilers", {"count": count, "branches": THREAD_BRANCHES}


def pair(run: Run, cell: dict, settings: dict, profiled_first: bool) -> None:
    """Run a cell once profiled and once not, and add the seconds to it."""
    for profiled in (profiled_first, not profiled_first):
        answer = run(cell["part"], profiled=profiled, **cell["size"], **settings)
        cell["profiled" if profiled else "unprofiled"].append(answer["seconds"])
        cell["calls"] = answer["calls"]
        cell["nodes"] = answer["nodes"] or cell["nodes"]


def costs(run: Run, plan: Plan, tell: Callable[[str], None]) -> dict[str, list[dict]]:
    """The seconds of a block in each cell, by part.

    All cells have their turn in each round, so that what disturbs the machine for a
    while does not meet all rounds of a cell.
    """
    settings = {"calls": plan.calls, "blocks": plan.blocks}
    cells = [
        {"part": part, "size": size, "nodes": None, "profiled": [], "unprofiled": []}
        for part, size in cost_cells(plan)
    ]
    for number in range(plan.rounds):
        for cell in cells:
            sizes = " ".join(f"{name}={size}" for name, size in cell["size"].items())
            tell(f"round {number + 1} of {plan.rounds}: {cell['part']}, {sizes}")
            pair(run, cell, settings, profiled_first=number % 2 == 0)
    parts: dict[str, list[dict]] = {}
    for cell in cells:
        parts.setdefault(cell.pop("part"), []).append({**cell.pop("size"), **cell})
    return parts


def percentiles(times: Sequence[int]) -> dict[str, int]:
    """Some times of a distribution, by nearest rank."""
    ordered = sorted(times)

    def at(share: float) -> int:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return {"p50": at(0.5), "p99.99": at(0.9999), "max": ordered[-1]}


def growth(run: Run, branches: int, plan: Plan, folder: Path) -> dict:
    """The times of single calls that add a path each, and what the profile says.

    Every round has its percentiles: the table of paths grows at another call in each.
    """
    result: dict = {"calls": branches**3}
    rounds: dict[str, list[dict]] = {"profiled": [], "unprofiled": []}
    file = folder / "times"
    for _ in range(plan.rounds):
        for mode in rounds:
            profiled = mode == "profiled"
            answer = run(
                "growth", branches=branches, profiled=profiled, times_file=str(file)
            )
            result["nodes"] = answer.pop("nodes") or result.get("nodes")
            answer["times_ns"] = percentiles(array("q", file.read_bytes()))
            rounds[mode].append(answer)
    return {**result, **rounds}


def memory(run: Run, plan: Plan) -> dict:
    """What trees need, and what a profiler needs that has none."""
    return {
        "trees": [run("memory", branches=branches) for branches in plan.memory],
        "empty": run("empty", count=plan.profilers),
    }


def files(run: Run, branches: int, plan: Plan) -> dict:
    """Write and load a profile, as often as there are rounds."""
    answers = [run("file", branches=branches) for _ in range(plan.rounds)]
    times = {name: [answer[name] for answer in answers] for name in ("save", "load")}
    return {**answers[-1], **times}


def measure(run: Run, plan: Plan, tell: Callable[[str], None]) -> dict:
    """Measure everything; what came out, by part."""
    parts: dict = costs(run, plan, tell)
    tell("switching")
    parts["switching"] = [
        run("switching", functions=count, times=SWITCHES) for count in plan.functions
    ]
    tell("memory")
    parts["memory"] = memory(run, plan)
    tell("files")
    parts["file"] = [files(run, branches, plan) for branches in plan.files]
    parts["growth"] = []
    with tempfile.TemporaryDirectory() as folder:
        for branches in plan.growth:
            tell(f"longest call, branches={branches}")
            parts["growth"].append(growth(run, branches, plan, Path(folder)))
    return parts


def section_of(python: str, plan: Plan) -> dict:
    """Measure on one Python; what came out, and where and when."""
    facts = probe(python)
    if not facts["fastprof"]:
        raise MeasuringError("fastprof is not installed in that Python")
    began = time.monotonic()

    def run(part: str, **settings: object) -> dict:
        child = [str(HERE / "scaling_child.py"), part, json.dumps(settings)]
        try:
            return json.loads(output_of([python, *child]))
        except MeasuringError as error:
            raise MeasuringError(f"{part} {settings}: {error}") from error

    def tell(message: str) -> None:
        elapsed = time.monotonic() - began
        print(f"{elapsed:5.0f} s  {message}", file=sys.stderr, flush=True)

    section = {**circumstances(facts), "rounds": plan.rounds}
    return {**section, **measure(run, plan, tell)}


def write(section: dict, page: Path) -> None:
    """Write the page, and the picture beside it where matplotlib is there."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(scaling_report.render(section), encoding="utf-8")
    try:
        import scaling_plot
    except ImportError as error:
        print(f"scaling.py: no picture: {error}", file=sys.stderr)
    else:
        scaling_plot.draw(section, page.with_name("scaling.svg"))


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line and fill in what was left out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--python", default=sys.executable, metavar="PATH", help="what is measured")
    add("--quick", action="store_true", help="next to no work; for a try")
    add("--page-only", action="store_true", help="the page again, from scaling.json")
    add("--output", type=Path, metavar="FOLDER", help="where everything goes")
    options = parser.parse_args(arguments)
    # The committed page is that of a whole run.
    folder = options.output or (BUILD if options.quick else None)
    options.page = (folder or DOCS) / "scaling.md"
    options.raw = (folder or HERE) / "scaling.json"
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the page, and answer with the exit code."""
    options = parse_arguments(arguments)
    try:
        if options.page_only:
            section = json.loads(options.raw.read_text(encoding="utf-8"))
        else:
            section = section_of(options.python, QUICK if options.quick else WHOLE)
            options.raw.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(section, indent=1, ensure_ascii=False)
            options.raw.write_text(text + "\n", encoding="utf-8")
    except (MeasuringError, OSError) as error:
        print(f"scaling.py: {error}", file=sys.stderr)
        return 2
    write(section, options.page)
    print(options.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
