"""Real programs under every profiler there is, in one interleaved run.

Each cell of the table is a fresh process. What came out is kept cell by cell, so that
a run that was cut off is taken up where it ended. See README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import measuring
import overhead
import programs
import table_profilers
import table_report
import table_store
import workloads
from table_profilers import Profiler

HERE = Path(__file__).resolve().parent
BUILD = HERE / ".build"
CHILD = HERE / "table_child.py"
CHILD_TIMEOUT = 180
PROBE_PROGRAM = "workloads.fib"
PROBE_SCALE = 2
ROUNDS = 5

# Those that import and warm up quickly, and whose single repetition is short.
PROGRAMS = (
    "chaos",
    "deltablue",
    "generators",
    "go",
    "hexiom",
    "logging_format",
    "nbody",
    "pickle_pure_python",
    "raytrace",
    "richards",
    "mistune",
    "pygments",
    "yapf",
)
# Of the work that programs.SCALES names: a fifth to a third of a second, and half an
# hour for the whole table.
SHARE = 0.7
# What the work of programs.SCALES takes. For the estimate.
WHOLE_SECONDS = 0.4
# What a process takes besides: start, imports and warm-up. For the estimate.
PROCESS_SECONDS = 0.4

PACKAGES = """
import importlib.metadata, json, sys
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


def end_group(process: subprocess.Popen) -> None:
    """End a process with all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def without_paths(words: str, python: str, *folders: Path) -> str:
    """A message, without what is different on each machine."""
    words = words.replace(python, "python")
    for folder in (*folders, HERE, Path(python).parent.parent):
        words = words.replace(f"{folder}/", "")
    return words


def last_words(command: Sequence[str], environment: dict, timeout: float) -> str:
    """Run a process to its end; what it says of itself when it leaves no result."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end_group(process)
        return f"took more than {timeout:.0f} s"
    except BaseException:
        end_group(process)
        raise
    lines = output.strip().splitlines() or ["no result"]
    return f"{lines[-1].strip()} (exit code {process.returncode})"


def run_cell(
    python: str, profiler: Profiler, program: str, scale: int, hook_folder: Path
) -> dict:
    """Run one process: the time and the memory, or {"error": …}."""
    environment = measuring.clean_environment()
    environment["BENCHMARK_EMPTY_HOOK"] = str(hook_folder)
    with tempfile.TemporaryDirectory(prefix="table-") as name:
        folder = Path(name)
        command = table_profilers.command_of(profiler, python, CHILD, folder)
        arguments = [profiler.name, program, str(scale), name]
        try:
            words = last_words([*command, *arguments], environment, CHILD_TIMEOUT)
        except OSError as error:
            return {"error": f"{Path(command[0]).name}: {error.strerror}"}
        file = folder / "result.json"
        result = (
            json.loads(file.read_text(encoding="utf-8"))
            if file.exists()
            else {"error": words}
        )
        if "error" in result:
            result["error"] = without_paths(result["error"], python, folder)
        return result


def find_unavailable(
    run: Callable[[Profiler, str, int], dict], profilers: Sequence[str]
) -> dict[str, str]:
    """Try each profiler on something short; the reasons of those that do not work."""
    reasons = {}
    for name in profilers:
        result = run(table_profilers.BY_NAME[name], PROBE_PROGRAM, PROBE_SCALE)
        if "error" in result:
            reasons[name] = result["error"]
    return reasons


def scale_of(program: str, share: float) -> int:
    """How often a program repeats its work in a cell."""
    if "." in program:
        return 1
    return max(1, round(programs.SCALES[program] * share))


def due_cells(store: table_store.Store) -> Iterator[tuple[int, str, str]]:
    """What is still to be run: round, program and profiler, in that order."""
    for number in range(store.plan["rounds"]):
        for program in store.plan["scales"]:
            for profiler in overhead.rotated(store.plan["profilers"], number):
                if store.is_due(profiler, program, number):
                    yield number, program, profiler


def estimate(store: table_store.Store) -> float:
    """Roughly how many minutes the rest takes."""
    seconds = 0.0
    for number, program, profiler in due_cells(store):
        typical = table_profilers.BY_NAME[profiler].typical
        if number == 0 or typical <= table_store.SLOW:
            share = store.plan["scales"][program] / programs.SCALES.get(program, 10)
            seconds += PROCESS_SECONDS + WHOLE_SECONDS * share * typical
    return seconds / 60


def measure(
    store: table_store.Store,
    run: Callable[[Profiler, str, int], dict],
    step: Callable[[str], object] = lambda _: None,
) -> None:
    """Run all cells that are due, and keep each result at once."""
    for number, program, profiler in due_cells(store):
        step(f"round {number + 1}: {program}, {profiler}")
        result = run(
            table_profilers.BY_NAME[profiler], program, store.plan["scales"][program]
        )
        store.add(profiler, program, result)
    store.is_finished = True
    store.save()


def measure_with_bar(
    store: table_store.Store, run: Callable[[Profiler, str, int], dict]
) -> None:
    """Run all cells; what is done, and when it will be over, is on stderr."""
    from tqdm import tqdm

    total = sum(1 for _ in due_cells(store))
    with tqdm(total=total, unit="cell", smoothing=0.02) as bar:

        def step(what: str) -> None:
            bar.set_postfix_str(what, refresh=False)
            bar.update()

        measure(store, run, step)


def versions_of(python: str) -> dict[str, str]:
    """The profilers' packages that an interpreter has, and their versions."""
    names = dict.fromkeys(p.package for p in table_profilers.ALL if p.package)
    words = measuring.output_of([python, "-I", "-c", PACKAGES, *names])
    return {name: known for name, known in json.loads(words).items() if known}


def begin(
    options: argparse.Namespace,
    facts: dict,
    run: Callable[[Profiler, str, int], dict],
) -> table_store.Store:
    """Take up a run that was cut off, or prepare a new one."""
    plan = {
        "python": facts["python"],
        # The run's own results count as changes.
        "revision": measuring.revision().removesuffix(" with changes"),
        "rounds": options.rounds,
        "profilers": options.profilers,
        "scales": {name: scale_of(name, options.share) for name in options.programs},
    }
    store = None if options.restart else table_store.resumed(options.folder, plan)
    if store is not None:
        return store
    store = table_store.Store(options.folder, plan, measuring.circumstances(facts))
    store.versions = versions_of(options.python)
    store.unavailable = find_unavailable(run, options.profilers)
    return store


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line and fill in what was left out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--python", default=sys.executable, metavar="PATH")
    add("--rounds", type=overhead.at_least_one, help=f"default: {ROUNDS}")
    known = list(table_profilers.BY_NAME)
    add("--profilers", type=overhead.comma_separated(known), metavar="A,B")
    small = [f"workloads.{name}" for name in workloads.ALL]
    names = overhead.comma_separated([*programs.ALL, *small])
    add("--programs", type=names, metavar="A,B")
    add("--quick", action="store_true", help="one round, a tenth of the work")
    add("--restart", action="store_true", help="forget a run that was cut off")
    add("--output", type=Path, help="the page to put the table into")
    options = parser.parse_args(arguments)
    is_whole = not (options.quick or options.profilers or options.programs)
    options.rounds = options.rounds or (1 if options.quick else ROUNDS)
    options.share = SHARE / 10 if options.quick else SHARE
    options.profilers = options.profilers or known
    options.programs = options.programs or list(PROGRAMS)
    if table_store.REFERENCE not in options.profilers:
        options.profilers.insert(0, table_store.REFERENCE)
    options.output = options.output or (HERE if is_whole else BUILD) / "RESULTS.md"
    options.folder = options.output.parent / "table-data"
    return options


def require_packages() -> None:
    """Refuse to begin when the end would fail for want of a package."""
    for name in ("pyperf", "tqdm"):
        if importlib.util.find_spec(name) is None:
            raise measuring.MeasuringError(f"{name} is needed; see make bench-table")


def write_page(results: dict, output: Path) -> None:
    """Put the table where it belongs on the page, and leave the rest alone."""
    page = output.read_text(encoding="utf-8") if output.exists() else ""
    section = table_report.render(results)
    output.write_text(table_report.put_into(page, section), encoding="utf-8")


def tell(message: str) -> None:
    """Say how it goes."""
    print(f"table.py: {message}", file=sys.stderr, flush=True)


def prepared(options: argparse.Namespace) -> tuple[table_store.Store, Callable]:
    """The run, and what runs one cell of it."""
    facts = measuring.probe(options.python)
    hook_folder = measuring.build_extension(facts, "empty_hook")

    def run(profiler: Profiler, program: str, scale: int) -> dict:
        return run_cell(options.python, profiler, program, scale, hook_folder)

    return begin(options, facts, run), run


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the page, and answer with the exit code."""
    options = parse_arguments(arguments)
    try:
        require_packages()
        store, run = prepared(options)
    except measuring.MeasuringError as error:
        tell(str(error))
        return 2
    for name, reason in store.unavailable.items():
        tell(f"{name} cannot be run: {reason}")
    tell(f"about {estimate(store):.0f} minutes on a quiet machine")
    try:
        measure_with_bar(store, run)
    except KeyboardInterrupt:
        tell("cut off; the next run goes on from here")
        return 130
    write_page(table_store.results_of(store), options.output)
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
