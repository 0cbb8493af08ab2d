"""The order of a program's functions by own time, against a long look of py-spy's."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import measuring

CHILD = Path(__file__).resolve().with_name("order_child.py")
PROFILERS = "fastprof", "fastprof, not compensated", "cProfile"
PROGRAMS = "deltablue", "go", "html5lib", "lark", "mistune", "pyflakes", "sympy_str"
TOP = 20
SECONDS = 15.0
SAMPLES_A_SECOND = 1000

# By name and file.
Shares = dict[tuple[str, str], float]


def shares_of(named: Iterable[tuple[str, str, float]]) -> Shares:
    """The share of each function, those of one name in one file together."""
    sums: Shares = {}
    for name, file, seconds in named:
        key = name, Path(file).name
        sums[key] = sums.get(key, 0.0) + seconds
    total = sum(sums.values())
    return {key: seconds / total for key, seconds in sums.items()}


def of_stacks(text: str) -> Shares:
    """The innermost functions in the stacks of py-spy, by their samples."""
    named = []
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        qualname, _, place = stack.rpartition(";")[2].partition(" (")
        name = qualname.rpartition(".")[2]
        named.append(
            (name, place.rpartition(":")[0] or place.rstrip(")"), float(count))
        )
    return shares_of(named)


def look(python: str, program: str) -> Shares:
    """What py-spy says."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "stacks")
        command = [str(Path(python).parent / "py-spy"), "record", "--format", "raw"]
        command += ["--rate", str(SAMPLES_A_SECOND), "--output", str(output), "--"]
        command += [python, str(CHILD), "alone", program, str(SECONDS)]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            timeout=300,
            env=measuring.clean_environment(),
        )
        return of_stacks(output.read_text(encoding="utf-8"))


def said_by(python: str, profiler: str, program: str) -> Shares:
    """What a profiler says."""
    command = [python, str(CHILD), profiler, program, "0"]
    return shares_of(json.loads(measuring.output_of(command)))


def ranks(values: list[float]) -> list[float]:
    """The place of each value among all; shares are hardly ever the same."""
    ordered = sorted(values)
    return [float(ordered.index(value)) for value in values]


def compare(reference: Shares, said: Shares) -> dict[str, float]:
    """How far the largest of the reference are the same, in the same order.

    Functions that only one of them knows (the frame around the program) are left out.
    `correlation` is Spearman's, over the largest of the reference.
    """
    both = reference.keys() & said.keys()
    largest = sorted(both, key=lambda key: -reference[key])[:TOP]
    theirs = sorted(both, key=lambda key: -said[key])[:TOP]
    return {
        "same": len(set(largest) & set(theirs)) / len(largest),
        "correlation": statistics.correlation(
            ranks([reference[key] for key in largest]),
            ranks([said[key] for key in largest]),
        ),
        "error": max(abs(reference[key] - said[key]) for key in largest),
    }


def measure(python: str) -> dict[str, dict[str, dict[str, float]]]:
    """All programs under all profilers."""
    results = {}
    for program in PROGRAMS:
        reference = look(python, program)
        results[program] = {
            profiler: compare(reference, said_by(python, profiler, program))
            for profiler in PROFILERS
        }
    return results
