"""How true the figures of profilers are, into RESULTS.md and docs/accuracy.svg.

``accuracy.py --pythons PATH... [--rounds N] [--quick] [--parts PART...]``: fastprof and
cProfile on each Python, all others on the last one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import agreement_child  # noqa: E402
import measuring  # noqa: E402
import order  # noqa: E402
import programs  # noqa: E402
import report  # noqa: E402
from cases import CASES  # noqa: E402
from observers import (  # noqa: E402
    OBSERVERS,
    SAMPLING,
    of_collapsed_stacks,
)

OURS = ("fastprof", "fastprof, not compensated", "cProfile")
SHARES = {
    "bias": [n / 10 for n in range(1, 10)],
    "depth": [0.25, 0.5, 0.75],
    "C function": [0.25, 0.5, 0.75],
}
# What can be measured by itself; the last three on the last Python only.
PARTS = ("shares", "totals", "cpu", "agreement", "order")
# What both blocks take together without a profiler; of those that sample, all repeats.
BLOCK_SECONDS = 0.004
SAMPLED_SECONDS = 1.0
REPEATS = 25
PY_SPY_ATTEMPTS = 3
SAMPLES_A_SECOND = 1000
WORKLOADS = HERE.parent / "workloads"
CPU_MODES = "unprofiled", "fastprof", "fastprof-cpu", "yappi-cpu"
CPU_WORKLOADS = "fib", "methods", "ast_visitor", "mixture", "nqueens", "templating"
CPU_DIVISOR = 4
# Of the work that the overhead benchmark makes of a program.
PROGRAM_DIVISOR = 2
# How often a whole program is run, at most, until its least time is no chance.
MOST_ROUNDS = 20


def run_child(python: str, *words: object) -> dict[str, float]:
    """What `child.py` prints."""
    command = [python, str(HERE / "child.py"), *map(str, words)]
    return json.loads(measuring.output_of(command))


def run_py_spy(python: str, *words: object) -> dict[str, float]:
    """What py-spy says, from outside; nothing where it hangs, as now and then."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "stacks")
        command = [str(Path(python).parent / "py-spy"), "record", "--format", "raw"]
        command += ["--rate", str(SAMPLES_A_SECOND), "--output", str(output), "--"]
        command += [python, str(HERE / "child.py"), "truth", *map(str, words)]
        for _ in range(PY_SPY_ATTEMPTS):
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=30)
            except subprocess.TimeoutExpired:
                continue
            return of_collapsed_stacks(output.read_text(encoding="utf-8"))
    print(f"{python}: py-spy hangs at {words}", file=sys.stderr, flush=True)
    return {}


class Point:
    """A case with one share of its work in calls, and what was said of it."""

    def __init__(self, python: str, name: str, share: float) -> None:
        """Finds out how many turns make the share."""
        self.python, self.name = python, name
        self.calls, self.turns = turns_for(python, name, share)
        self.true: list[dict[str, float]] = []
        self.said: dict[str, list[dict[str, float]]] = {}

    def measure(self, observer: str) -> None:
        """One more run under an observer."""
        counts = self.calls, self.turns
        repeats = REPEATS
        if observer in SAMPLING:
            repeats = int(SAMPLED_SECONDS / BLOCK_SECONDS)
        if observer == "truth":
            self.true.append(
                run_child(self.python, "truth", self.name, *counts, REPEATS)
            )
        elif observer == "py-spy":
            said = run_py_spy(self.python, self.name, *counts, repeats)
            self.said.setdefault(observer, []).append(said)
        else:
            said = run_child(self.python, observer, self.name, *counts, repeats)
            self.said.setdefault(observer, []).append(said)

    def result(self, observer: str) -> dict[str, object]:
        """Medians of the rounds: of the share, true and said, and of the totals."""
        runs = [run for run in self.said[observer] if sum(run.values()) > 0.0]
        return {
            "case": self.name,
            "group": CASES[self.name].group,
            "observer": observer,
            "true": statistics.median(map(share_of, self.true)),
            "said": statistics.median(map(share_of, runs)),
            "total": median_total(runs) / median_total(self.true),
        }


def median_total(runs: Sequence[dict[str, float]]) -> float:
    """Of both blocks."""
    return statistics.median(sum(run.values()) for run in runs)


def share_of(blocks: dict[str, float]) -> float:
    """How much of the time was in calls."""
    return blocks["called"] / (blocks["called"] + blocks["inlined"])


def turns_for(python: str, name: str, share: float) -> tuple[int, int]:
    """How many turns each block has, for the share of the time to be so much."""
    unit = run_child(python, "truth", name, 50, 50, REPEATS)
    return (
        max(1, round(BLOCK_SECONDS * share / unit["called"] * 50)),
        max(1, round(BLOCK_SECONDS * (1 - share) / unit["inlined"] * 50)),
    )


def points(python: str, quick: bool) -> Iterator[Point]:
    """All cases with all shares."""
    for name, case in CASES.items():
        shares = [0.5] if quick else SHARES[case.group]
        for share in shares:
            yield Point(python, name, share)


def measure(python: str, observers: Sequence[str], rounds: int, quick: bool) -> list:
    """The results of one Python, an observer after the other in each round."""
    results = []
    for number, point in enumerate(points(python, quick)):
        for round_number in range(rounds):
            point.measure("truth")
            for observer in observers:
                if observer not in SAMPLING or round_number == 0:
                    point.measure(observer)
        results += [point.result(one) for one in observers if any(point.said[one])]
        print(f"{python}: {number + 1}, {point.name}", file=sys.stderr, flush=True)
    return results


def totals(python: str, rounds: int, quick: bool) -> list[dict[str, object]]:
    """What fastprof says of the time of whole programs, over what they take alone."""
    names = {("workloads", path.stem) for path in WORKLOADS.glob("[a-z]*.py")}
    if not quick and measuring.probe(python)["programs"]:
        names |= {("programs", name) for name in programs.SCALES}
    results = []
    undisturbed = measuring.Undisturbed(rounds, MOST_ROUNDS)
    for of_set, name in sorted(names):

        def run(mode: str, of_set: str = of_set, name: str = name) -> dict:
            words = [mode, of_set, name, PROGRAM_DIVISOR]
            command = [python, str(HERE / "totals_child.py"), *map(str, words)]
            return json.loads(measuring.output_of(command))

        runs = undisturbed.all_runs(("alone", "recorded"), run)
        # Of the profiles the one that took least, whatever it says, as with shares.
        figures = {mode: had[0]["seconds"] for mode, had in runs.items()}
        figures["compensated"] = runs["recorded"][0]["compensated"]
        results.append({"set": of_set, "name": name, **figures})
        counts = ", ".join(f"{len(had)} {mode}" for mode, had in runs.items())
        print(f"{python}: {name}, {counts}", file=sys.stderr, flush=True)
    return results


def cpu_costs(python: str, rounds: int) -> dict[str, dict[str, float]]:
    """The least seconds of some workloads with the clocks of CPU time and without."""
    least: dict[str, dict[str, float]] = {}
    for name in CPU_WORKLOADS:
        times = least.setdefault(name, {})
        for _ in range(rounds):
            for mode in CPU_MODES:
                words = [mode, "workloads", name, str(CPU_DIVISOR), "."]
                command = [python, str(HERE.parent / "overhead_child.py"), *words]
                seconds = json.loads(measuring.output_of(command))["seconds"]
                times[mode] = min(seconds, times.get(mode, seconds))
        print(f"{python}: CPU time, {name}", file=sys.stderr, flush=True)
    return least


def agreement(python: str, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Errors of CPU time, of each program and each way to know of absence."""
    errors: dict[str, dict[str, list[float]]] = {}
    for name in agreement_child.PROGRAMS:
        for rseq in "1", "0":
            found = errors.setdefault(name, {}).setdefault(rseq, [])
            for _ in range(rounds):
                command = [python, str(HERE / "agreement_child.py"), name, rseq]
                found += json.loads(measuring.output_of(command))
        print(f"{python}: agreement, {name}", file=sys.stderr, flush=True)
    return errors


def measured_parts(
    python: str, is_last: bool, rounds: int, parts: Sequence[str], quick: bool
) -> Iterator[tuple[str, object]]:
    """What was asked for, of one Python: each part's name in the page, and results."""
    if "shares" in parts:
        observers = [*OBSERVERS, "py-spy"] if is_last else list(OURS)
        yield "results", measure(python, observers, rounds, quick)
    if "totals" in parts:
        yield "totals", totals(python, rounds, quick)
    if "cpu" in parts and is_last and not quick:
        yield "cpu", cpu_costs(python, rounds)
    if "agreement" in parts and is_last and not quick:
        yield "agreement", agreement(python, rounds)
    if "order" in parts and is_last and not quick:
        yield "order", order.measure(python)


def write(known: dict[str, dict], page: Path, raw: Path) -> None:
    """The page, and the figures behind it."""
    measured = list(known.values())
    raw.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    page.write_text(report.page(measured), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the page and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pythons", nargs="+", default=[sys.executable])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    options = parser.parse_args(arguments)
    raw = options.output.with_name("results.json")
    known = {}
    if set(options.parts) != set(PARTS):
        # What is not measured now stays as it is.
        for one in json.loads(raw.read_text(encoding="utf-8")):
            known[one["python"]] = one
    rounds = 1 if options.quick else options.rounds
    for python in options.pythons:
        facts = measuring.probe(python)
        about = {**measuring.circumstances(facts), "rounds": rounds}
        was_known = facts["python"] in known
        one = known.setdefault(facts["python"], dict(about))
        is_last = python == options.pythons[-1]
        for part, results in measured_parts(
            python, is_last, rounds, options.parts, options.quick
        ):
            one[part] = results
            if was_known:
                one.setdefault("later", {})[part] = about
            write(known, options.output, raw)
    if not options.quick:
        report.draw(list(known.values()), HERE.parents[1] / "docs" / "accuracy.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
