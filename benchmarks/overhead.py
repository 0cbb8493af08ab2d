"""How much longer programs take under cProfile, under fastprof, under an empty hook.

Every run is a fresh process on one CPU. The modes of a workload follow each other
directly, in an order that rotates from round to round, so that whatever changes on
the machine meanwhile meets all of them alike. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import overhead_report
import workloads
from overhead_child import MODES

HERE = Path(__file__).resolve().parent
BUILD = HERE / ".build"
DEFAULT_MODES = ("unprofiled", "cProfile", "fastprof", "empty")
QUICK_DIVISOR = 20
CHILD_TIMEOUT = 300
# The two profilers see the stop-watch differently: cProfile counts its own disable().
CALLS_TOLERANCE = 5

PROBE = """
import importlib.util, json, platform, sys, sysconfig
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "python": platform.python_version(),
    "compiler": platform.python_compiler(),
    "fastprof": importlib.util.find_spec("fastprof") is not None,
    "include": sysconfig.get_path("include"),
    "config": sysconfig.get_config_vars("LDSHARED", "CFLAGS", "CCSHARED"),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
}))
"""


class MeasuringError(Exception):
    """Something could not be run; the message is one line."""


def clean_environment() -> dict[str, str]:
    """Our environment, without what changes how Python or fastprof work.

    Hashing is fixed, because the order of sets would make the same program do
    different work in different processes.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "FASTPROF_"))
    }
    return kept | {"PYTHONHASHSEED": "0", "PYTHONNOUSERSITE": "1"}


def output_of(command: Sequence[str]) -> str:
    """What a command prints; MeasuringError with its last words when it fails."""
    try:
        done = subprocess.run(
            command,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=CHILD_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MeasuringError(str(error)) from error
    if done.returncode != 0:
        last_words = done.stderr.strip().splitlines() or ["no message"]
        raise MeasuringError(f"{last_words[-1]} (exit code {done.returncode})")
    return done.stdout


def probe(python: str) -> dict:
    """What an interpreter says of itself."""
    return json.loads(output_of([python, "-I", "-c", PROBE]))


def build_empty_hook(facts: dict) -> Path:
    """Compile the empty hook for one Python, with the flags of fastprof's extension.

    Returns:
        The folder to import it from.
    """
    folder = BUILD / facts["python"]
    folder.mkdir(parents=True, exist_ok=True)
    flags = [word for words in facts["config"] for word in shlex.split(words)]
    source = HERE / "empty_hook" / "empty_hook.c"
    target = folder / f"empty_hook{facts['suffix']}"
    output_of(
        [
            *flags,
            "-std=c11",
            "-O3",
            "-fvisibility=hidden",
            f"-I{facts['include']}",
            str(source),
            "-o",
            str(target),
        ]
    )
    return folder


def rotated(modes: Sequence[str], by: int) -> list[str]:
    """The modes in the order of one round."""
    start = by % len(modes)
    return [*modes[start:], *modes[:start]]


def compare_calls(calls: dict[str, int]) -> None:
    """Refuse times of profilers that did not see the same program."""
    if calls and max(calls.values()) - min(calls.values()) > CALLS_TOLERANCE:
        raise MeasuringError(f"the profilers counted different calls: {calls}")


def run_modes(run: Callable[[str, str], dict], name: str, modes: list[str]) -> dict:
    """Run a workload once in each mode; what came out, by mode."""
    results = {mode: run(mode, name) for mode in modes}
    compare_calls(
        {
            mode: result["calls"]
            for mode, result in results.items()
            if result["calls"] is not None
        }
    )
    return results


def rounds_of(
    run: Callable[[str, str], dict],
    names: Sequence[str],
    modes: Sequence[str],
    rounds: int,
    tell: Callable[[str], None],
) -> tuple[dict[str, dict], dict[str, str]]:
    """Run all rounds; a workload that fails once is left out from then on.

    Returns:
        Times and calls by workload, and messages by workload that failed.
    """
    measured = {
        name: {"calls": None, "seconds": {mode: [] for mode in modes}} for name in names
    }
    errors: dict[str, str] = {}
    began = time.monotonic()
    for number in range(rounds):
        for name in list(measured):
            try:
                results = run_modes(run, name, rotated(modes, number))
            except MeasuringError as error:
                errors[name] = str(error)
                del measured[name]
                tell(f"{name} failed: {error}")
                continue
            for mode, result in results.items():
                measured[name]["seconds"][mode].append(result["seconds"])
                measured[name]["calls"] = result["calls"] or measured[name]["calls"]
        elapsed = time.monotonic() - began
        tell(f"round {number + 1} of {rounds}, {elapsed:.0f} s")
    return measured, errors


def first_line(path: str, prefix: str = "") -> str:
    """The first line of a system file that begins so; "unknown" when there is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    return next((line for line in lines if line.startswith(prefix)), "unknown")


def machine() -> dict[str, object]:
    """What the figures depend on besides the program."""
    cpu = first_line("/proc/cpuinfo", "model name").rpartition(":")[2].strip()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "governor": first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load": round(os.getloadavg()[0], 2),
    }


def revision() -> str:
    """The commit that is checked out, and whether the tree differs from it."""
    git = ["git", "-C", str(HERE.parent)]
    results = [":!benchmarks/RESULTS.md", ":!benchmarks/results.json"]
    try:
        commit = output_of([*git, "rev-parse", "--short=12", "HEAD"]).strip()
        changes = output_of([*git, "status", "--porcelain", "--", ".", *results])
    except MeasuringError:
        return "unknown"
    return f"{commit} with changes" if changes else commit


def measure(python: str, facts: dict, options: argparse.Namespace) -> dict:
    """Measure everything on one Python; the result is a section of the report."""
    folder = build_empty_hook(facts)
    divisor = QUICK_DIVISOR if options.quick else 1

    def run(mode: str, name: str) -> dict:
        child = [str(HERE / "overhead_child.py"), mode, name, str(divisor), str(folder)]
        return json.loads(output_of([python, *child]))

    def tell(message: str) -> None:
        print(f"{facts['version']}: {message}", file=sys.stderr, flush=True)

    section = {
        "python": facts["python"],
        "compiler": facts["compiler"],
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "revision": revision(),
        "rounds": options.rounds,
        "modes": options.modes,
    }
    section["workloads"], section["errors"] = rounds_of(
        run, options.workloads, options.modes, options.rounds, tell
    )
    return section


def save(sections: dict[str, dict], output: Path) -> None:
    """Put the sections beside those of other Pythons, and write the page anew."""
    raw = output.with_name("results.json")
    known = json.loads(raw.read_text(encoding="utf-8")) if raw.exists() else {}
    known |= sections
    ordered = dict(
        sorted(known.items(), key=lambda item: [int(n) for n in item[0].split(".")])
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    raw.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    output.write_text(overhead_report.render(ordered), encoding="utf-8")


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


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line and fill in what was left out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--pythons", nargs="+", default=[sys.executable], metavar="PATH")
    add("--rounds", type=at_least_one, help="default: 7; with --quick: 1")
    add("--workloads", type=comma_separated(workloads.ALL), metavar="A,B")
    add("--modes", type=comma_separated(list(MODES)), metavar="A,B")
    add("--quick", action="store_true", help="a twentieth of the work; for a try")
    add("--output", type=Path, help="where the page goes; results.json lies beside it")
    options = parser.parse_args(arguments)
    is_whole = not (options.quick or options.workloads or options.modes)
    options.rounds = options.rounds or (1 if options.quick else 7)
    options.workloads = options.workloads or list(workloads.ALL)
    options.modes = options.modes or list(DEFAULT_MODES)
    if "unprofiled" not in options.modes:
        options.modes.insert(0, "unprofiled")
    # The committed page holds whole runs only.
    options.output = options.output or (HERE if is_whole else BUILD) / "RESULTS.md"
    return options


def interpreters(options: argparse.Namespace) -> Iterator[tuple[str, dict]]:
    """Probe the interpreters, and refuse what could not be measured."""
    seen: set[str] = set()
    for python in options.pythons:
        facts = probe(python)
        if facts["version"] in seen:
            raise MeasuringError(f"{python}: a second Python {facts['version']}")
        if "fastprof" in options.modes and not facts["fastprof"]:
            raise MeasuringError(f"{python}: fastprof is not installed there")
        seen.add(facts["version"])
        yield python, facts


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the page, and answer with the exit code."""
    options = parse_arguments(arguments)
    failed = False
    try:
        for python, facts in list(interpreters(options)):
            section = measure(python, facts, options)
            save({facts["version"]: section}, options.output)
            failed = failed or bool(section["errors"])
    except MeasuringError as error:
        print(f"overhead.py: {error}", file=sys.stderr)
        return 2
    print(options.output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
