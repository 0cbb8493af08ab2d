"""How many machine instructions an event costs, counted by callgrind.

Counts are the same whatever else the machine does, so a rise is a change of the code.
In one process for each mode, each kind of event happens N and then 2N times under
callgrind; the difference, divided by N, is what one of them costs: starting, switching
on and what happens once cancel out. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import measuring
from instructions_child import CALLEES, KINDS, MODES
from measuring import MeasuringError

HERE = Path(__file__).resolve().parent
RECORD = HERE / "instructions.json"
EVENTS = 64 * CALLEES
BACKENDS = ("auto", "setprofile", "monitoring")
# How much more than recorded is still the same: a share, and some instructions for
# figures near zero.
TOLERANCE = 0.05
SLACK = 2

NAMES = tuple(kind.__name__ for kind in KINDS)
LABEL = re.compile(r"^desc: Trigger: Client Request: (\w+) (\d+)$", re.MULTILINE)
TOTAL = re.compile(r"^(?:totals|summary): (\d+)$", re.MULTILINE)
OBJECT = re.compile(r"^(c?)ob=\((\d+)\)(?: (?:.*/)?(.*))?$")
COST = re.compile(r"^[-+*]?\d* (\d+)$")
# The instructions of mode fastprof that are in our own code.
OURS = "in fastprof"

# Instructions of one event by kind, and then by mode or OURS.
Figures = dict[str, dict[str, float]]


def instructions_of_ours(dump: str) -> int:
    """Those in the extension itself, of a dump in callgrind's format.

    A line of costs is one of the object that the last ``ob=`` names; but the line after
    ``calls=`` is what a call cost, which the callee's own lines say too. The first line
    that has an object's number has its name.
    """
    names: dict[str, str] = {}
    total, ours, is_of_call = 0, False, False
    for line in dump.splitlines():
        if found := OBJECT.match(line):
            of_callee, number, name = found.groups()
            names.setdefault(number, name or "")
            ours = ours if of_callee else names[number].startswith("_fastprof.")
        elif ours and not is_of_call and (cost := COST.match(line)):
            total += int(cost[1])
        is_of_call = line.startswith("calls=")
    return total


def counts_of(dumps: Iterator[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """All instructions and ours in callgrind's dumps, by kind and number of events."""
    counts = {}
    for dump in dumps:
        label, total = LABEL.search(dump), TOTAL.search(dump)
        if label and total:
            key = label[1], int(label[2])
            counts[key] = int(total[1]), instructions_of_ours(dump)
    return counts


def per_event(
    counts: dict[tuple[str, int], tuple[int, int]], events: int
) -> dict[str, tuple[float, float]]:
    """What one event of each kind costs, all of it and ours."""
    try:
        return {
            name: tuple(
                round((twice - once) / events, 2)
                for once, twice in zip(
                    counts[name, events], counts[name, 2 * events], strict=True
                )
            )
            for name in NAMES
        }
    except KeyError as error:
        raise MeasuringError(f"callgrind has not counted {error}") from error


def alike() -> list[str]:
    """What to begin a command with, so that runs are alike.

    The variables are the same from every shell, since even their length moves objects;
    addresses are not random where that can be switched off. Valgrind hides what
    fastprof would know the time stamp counter by.
    """
    variables = ["PATH=/usr/local/bin:/usr/bin:/bin", "PYTHONHASHSEED=0"]
    if platform.machine() in ("x86_64", "AMD64"):
        variables.append("FASTPROF_CLOCK=tsc")
    try:
        measuring.output_of(["setarch", "-R", "true"])
    except MeasuringError:
        return ["env", "-i", *variables]
    return ["env", "-i", *variables, "setarch", "-R"]


def count_mode(
    python: str, mode: str, backend: str, folders: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Run one mode under callgrind; what one event of each kind costs, all and ours."""
    valgrind = shutil.which("valgrind") or "valgrind"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        callgrind = [
            valgrind,
            "--tool=callgrind",
            "--dump-line=no",
            f"--callgrind-out-file={out}",
        ]
        child = [str(HERE / "instructions_child.py"), mode, str(EVENTS), backend]
        # Not -I: it would let the seed of hashing be random.
        measuring.output_of(
            [*alike(), *callgrind, python, "-S", "-s", *child, *folders]
        )
        dumps = (path.read_text() for path in sorted(Path(folder).glob("out*")))
        return per_event(counts_of(dumps), EVENTS)


def count_all(python: str, facts: dict, backend: str) -> Figures:
    """Count everything on one Python."""
    hook = measuring.build_extension(facts, "empty_hook")
    measuring.build_extension(facts, "counting")
    folders = [str(hook), facts["site"]]

    def count(mode: str) -> dict[str, tuple[float, float]]:
        return count_mode(python, mode, backend, folders)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        by_mode = dict(zip(MODES, pool.map(count, MODES), strict=True))
    return {
        name: {mode: by_mode[mode][name][0] for mode in MODES}
        | {OURS: by_mode["fastprof"][name][1]}
        for name in NAMES
    }


def with_differences(figures: dict[str, float]) -> dict[str, float]:
    """The figures of one kind, and what ours are more than the empty callback's."""
    return figures | {
        "fastprof − empty": figures["fastprof"] - figures["empty"],
        "fastprof − empty-clock": figures["fastprof"] - figures["empty-clock"],
    }


def table(title: str, figures: Figures) -> Iterator[str]:
    """The figures of one Python, for a terminal or a page of Markdown."""
    columns = (*MODES, OURS, "fastprof − empty", "fastprof − empty-clock")
    yield f"| {title} | {' | '.join(columns)} |"
    yield f"|---|{'---:|' * len(columns)}"
    for name, of_kind in figures.items():
        all_of_kind = with_differences(of_kind)
        cells = (f"{all_of_kind[column]:.1f}" for column in columns)
        yield f"| {name.replace('_', ' ')} | {' | '.join(cells)} |"


def rises(figures: Figures, recorded: Figures) -> Iterator[str]:
    """What has risen over the recorded figures, a line each.

    The modes without us are not compared, nor what we are more than those: some of the
    interpreter's caches go by addresses, and one more module moves these.
    """
    for name in figures.keys() & recorded.keys():
        now, before = figures[name], recorded[name]
        for column in ("fastprof", OURS):
            limit = before[column] + TOLERANCE * before[column] + SLACK
            if now[column] > limit:
                yield (
                    f"{name.replace('_', ' ')}: {column} rose from "
                    f"{before[column]:.1f} to {now[column]:.1f}"
                )


class Record:
    """Figures kept in a file, by Python, compiler, machine and backend."""

    def __init__(self, path: Path) -> None:
        """Read the file, if it is there."""
        self.path = path
        self.known = json.loads(path.read_text("utf-8")) if path.exists() else {}

    @staticmethod
    def keys(facts: dict, backend: str) -> tuple[str, ...]:
        """Where the figures of a Python are."""
        return facts["python"], facts["compiler"], platform.machine(), backend

    def of(self, facts: dict, backend: str) -> Figures | None:
        """What is recorded of a Python; None when nothing is."""
        found = self.known
        for key in self.keys(facts, backend):
            found = found.get(key, {})
        return found or None

    def keep(self, facts: dict, backend: str, figures: Figures) -> None:
        """Record figures, in the file."""
        *folders, last = self.keys(facts, backend)
        place = self.known
        for key in folders:
            place = place.setdefault(key, {})
        place[last] = figures
        text = json.dumps(self.known, indent=1, sort_keys=True, ensure_ascii=False)
        self.path.write_text(text + "\n", encoding="utf-8")


def judge(
    record: Record, facts: dict, backend: str, figures: Figures
) -> tuple[list[str], bool]:
    """Compare with what is recorded: what to say, and whether something rose."""
    recorded = record.of(facts, backend)
    who = f"Python {facts['python']} ({facts['compiler']}, {platform.machine()})"
    if recorded is None:
        return [f"note: nothing is recorded for {who}; --record does that"], False
    risen = sorted(rises(figures, recorded))
    return [f"{who}: {line}" for line in risen], bool(risen)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--pythons", nargs="+", default=[sys.executable], metavar="PATH")
    add("--backend", choices=BACKENDS, default="auto", help="fastprof's event source")
    add("--record", action="store_true", help=f"keep the figures in {RECORD.name}")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, print, and compare or record; answer with the exit code."""
    options = parse_arguments(arguments)
    record = Record(RECORD)
    failed = False
    try:
        if shutil.which("valgrind") is None:
            raise MeasuringError("valgrind is not installed")
        for python in options.pythons:
            facts = measuring.probe(python)
            if not facts["fastprof"]:
                raise MeasuringError(f"{python}: fastprof is not installed there")
            figures = count_all(python, facts, options.backend)
            print(*table(facts["python"], figures), "", sep="\n", flush=True)
            if options.record:
                record.keep(facts, options.backend, figures)
                continue
            messages, has_risen = judge(record, facts, options.backend, figures)
            for message in messages:
                print(message, file=sys.stderr, flush=True)
            failed = failed or has_risen
    except MeasuringError as error:
        print(f"instructions.py: {error}", file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
