"""How much longer programs take under cProfile, under fastprof, under an empty hook.

There are two sets of programs: the workloads beside this file, and real programs that
need the packages of tools/requirements/bench.txt (``programs/``).

Every run is a fresh process on one CPU. The modes of a program follow each other
directly, in an order that rotates from round to round, so that whatever changes on
the machine meanwhile meets all of them alike. See README.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import measuring
import overhead_report
import workloads
from measuring import MeasuringError, build_extension, circumstances, output_of, probe
from overhead_child import all_modes, default_modes

HERE = Path(__file__).resolve().parent
SETS = ("workloads", "programs")
ROUNDS = {"workloads": 7, "programs": 3}
QUICK_DIVISOR = 20
# The two profilers see the stop-watch differently: cProfile counts its own disable().
CALLS_TOLERANCE = 5
# These modes count the same calls.
COUNTING_MODES = ("cProfile", "fastprof", "fastprof-setprofile")


def rotated(modes: Sequence[str], by: int) -> list[str]:
    """The modes in the order of one round."""
    start = by % len(modes)
    return [*modes[start:], *modes[:start]]


def difference_of_calls(results: dict[str, dict]) -> str | None:
    """What to say when profilers did not see the same program."""
    calls = {
        mode: result["calls"]
        for mode, result in results.items()
        if mode in COUNTING_MODES
    }
    if not calls or max(calls.values()) - min(calls.values()) <= CALLS_TOLERANCE:
        return None
    counts = ", ".join(f"{mode} {count}" for mode, count in sorted(calls.items()))
    return f"the profilers counted different calls: {counts}"


def rounds_of(
    run: Callable[[str, str], dict],
    names: Sequence[str],
    modes: Sequence[str],
    rounds: int,
    tell: Callable[[str], None],
    strict: bool = True,
) -> dict[str, dict]:
    """Run all rounds; a program that fails once is left out from then on.

    Args:
        run: Runs a program: mode, name.
        names: The programs.
        modes: The modes that each of them is run in.
        rounds: How many times.
        tell: Gets a line about the progress.
        strict: Different calls under different profilers are a failure; else a note.

    Returns:
        `runs`: times and calls by program; `errors` and `notes`: messages by program.
    """
    runs = {
        name: {"calls": {}, "seconds": {mode: [] for mode in modes}} for name in names
    }
    errors: dict[str, str] = {}
    notes: dict[str, str] = {}
    began = time.monotonic()
    for number in range(rounds):
        for name in list(runs):
            try:
                results = {mode: run(mode, name) for mode in rotated(modes, number)}
                difference = difference_of_calls(results)
                if difference and strict:
                    raise MeasuringError(difference)
            except MeasuringError as error:
                errors[name] = str(error)
                del runs[name]
                tell(f"{name} failed: {error}")
                continue
            if difference:
                notes[name] = difference
            for mode, result in results.items():
                runs[name]["seconds"][mode].append(result["seconds"])
                if result["calls"] is not None:
                    runs[name]["calls"][mode] = result["calls"]
        elapsed = time.monotonic() - began
        tell(f"round {number + 1} of {rounds}, {elapsed:.0f} s")
    return {"runs": runs, "errors": errors, "notes": notes}


def version_of(facts: dict) -> tuple[int, ...]:
    """The version of a Python, to compare: (3, 12)."""
    return tuple(int(part) for part in facts["version"].split("."))


def measure(
    python: str, facts: dict, of_set: str, options: argparse.Namespace
) -> dict[str, object]:
    """Measure one set of programs on one Python: a section of the report."""
    folder = build_extension(facts, "empty_hook")
    divisor = QUICK_DIVISOR if options.quick else 1
    modes = options.modes or list(default_modes(version_of(facts), of_set))
    rounds = options.rounds or (1 if options.quick else ROUNDS[of_set])

    def run(mode: str, name: str) -> dict:
        child = [mode, of_set, name, str(divisor), str(folder)]
        script = str(HERE / "overhead_child.py")
        return json.loads(output_of([python, script, *child]))

    def tell(message: str) -> None:
        print(f"{facts['version']}, {of_set}: {message}", file=sys.stderr, flush=True)

    section = {**circumstances(facts), "rounds": rounds, "modes": modes}
    names = options.names[of_set]
    strict = of_set == "workloads"
    return section | rounds_of(run, names, modes, rounds, tell, strict)


def save(version: str, of_set: str, section: dict, output: Path) -> None:
    """Put a section beside those of other Pythons and sets, and write the page anew."""
    raw = output.with_name("results.json")
    known = json.loads(raw.read_text(encoding="utf-8")) if raw.exists() else {}
    of_python = known.get(version, {}) | {of_set: section}
    known[version] = {name: of_python[name] for name in SETS if name in of_python}
    ordered = dict(
        sorted(known.items(), key=lambda item: [int(n) for n in item[0].split(".")])
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    raw.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    page = output.read_text(encoding="utf-8") if output.exists() else ""
    output.write_text(overhead_report.render(ordered, page), encoding="utf-8")


def comma_separated(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Make an argument type: a list of names, each of which must be known."""

    def names(text: str) -> list[str]:
        chosen = text.split(",")
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"{name!r} is none of {', '.join(known)}"
                )
        return chosen

    return names


def at_least_one(text: str) -> int:
    """Read a number of rounds."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def known_programs() -> tuple[str, ...]:
    """The real programs; their packages need not be installed here."""
    return tuple(importlib.import_module("programs").ALL)


def known_modes() -> list[str]:
    """The modes that the newest Pythons have; older ones have some of them."""
    return list(all_modes((3, 12)))


def names_of_sets(options: argparse.Namespace) -> dict[str, list[str]]:
    """What to run, by set, in the order of SETS."""
    chosen = SETS if options.set == "all" else (options.set,)
    names = {}
    if "workloads" in chosen:
        names["workloads"] = options.workloads or list(workloads.ALL)
    if "programs" in chosen:
        names["programs"] = options.programs or list(known_programs())
    return names


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line and fill in what was left out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--pythons", nargs="+", default=[sys.executable], metavar="PATH")
    add("--set", choices=[*SETS, "all"], help="what to run; default: workloads")
    add("--rounds", type=at_least_one, help="default: 7, of programs 3; --quick: 1")
    add("--workloads", type=comma_separated(workloads.ALL), metavar="A,B")
    add("--programs", type=lambda text: comma_separated(known_programs())(text))
    add("--modes", type=comma_separated(known_modes()), metavar="A,B")
    add("--quick", action="store_true", help="a twentieth of the work; for a try")
    add("--output", type=Path, help="where the page goes; results.json lies beside it")
    options = parser.parse_args(arguments)
    is_whole = not (
        options.quick or options.workloads or options.programs or options.modes
    )
    if options.set is None:
        both = options.workloads and options.programs
        options.set = "all" if both else "programs" if options.programs else "workloads"
    options.names = names_of_sets(options)
    if options.modes and "unprofiled" not in options.modes:
        options.modes.insert(0, "unprofiled")
    # The committed page holds whole runs only.
    options.output = (
        options.output or (HERE if is_whole else measuring.BUILD) / "RESULTS.md"
    )
    return options


def interpreters(options: argparse.Namespace) -> Iterator[tuple[str, dict]]:
    """Probe the interpreters, and refuse what could not be measured."""
    seen: set[str] = set()
    for python in options.pythons:
        facts = probe(python)
        version = facts["version"]
        if version in seen:
            raise MeasuringError(f"{python}: a second Python {version}")
        known = all_modes(version_of(facts))
        modes = options.modes or list(default_modes(version_of(facts)))
        for mode in modes:
            if mode not in known:
                raise MeasuringError(f"{python}: Python {version} has no mode {mode}")
        if not facts["fastprof"] and any(mode.startswith("fastprof") for mode in modes):
            raise MeasuringError(f"{python}: fastprof is not installed there")
        seen.add(version)
        yield python, facts


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the page, and answer with the exit code."""
    options = parse_arguments(arguments)
    failed = False
    try:
        for python, facts in list(interpreters(options)):
            for of_set in options.names:
                section = measure(python, facts, of_set, options)
                save(facts["version"], of_set, section, options.output)
                failed = failed or bool(section["errors"])
    except MeasuringError as error:
        print(f"overhead.py: {error}", file=sys.stderr)
        return 2
    print(options.output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
