"""What the benchmarks share: running a Python, and saying where and when that was."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import companion

HERE = Path(__file__).resolve().parent
BUILD = HERE / ".build"
CHILD_TIMEOUT = 300
# Two runs agree when the longer takes at most so much more; a run was disturbed when
# known work beside it took so much longer than ever.
AGREE = 0.04
DISTURBED = 0.05

PROBE = """
import importlib.util, json, platform, sys, sysconfig
try:
    import fastprof
except ImportError:
    clock = "no fastprof"
else:
    clock = fastprof.Profiler().clock_info["source"]
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "python": platform.python_version(),
    "compiler": platform.python_compiler(),
    "clock": clock,
    "fastprof": importlib.util.find_spec("fastprof") is not None,
    "programs": importlib.util.find_spec("pyperformance") is not None,
    "site": sysconfig.get_path("platlib"),
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


class Undisturbed:
    """Runs programs in several ways until the least time of each is no chance.

    A neighbour on the host makes runs longer, for a millisecond or for minutes, never
    shorter. So another run has to have taken as long as the shortest, and beside that
    the known work no longer than beside any run of any program.
    """

    def __init__(self, rounds: int, most: int) -> None:
        """Run each at least `rounds` times, and `most` times at most; 1: just once."""
        self.rounds = rounds
        self.most = most
        self.least_work = float("inf")

    def _is_settled(self, runs: Sequence[dict]) -> bool:
        """Whether more runs would say nothing else. The shortest comes first."""
        if len(runs) < self.rounds:
            return False
        if self.rounds == 1 or len(runs) >= self.most:
            return True
        first, second, *_ = runs
        quiet = first["work"] <= self.least_work * (1 + DISTURBED)
        return quiet and second["seconds"] <= first["seconds"] * (1 + AGREE)

    def all_runs(
        self, ways: Iterable[str], run: Callable[[str], dict]
    ) -> dict[str, list[dict]]:
        """Run one program in each way, interleaved.

        Args:
            ways: their names.
            run: runs it in one, and gives its `seconds`, the seconds of known `work`
                beside it, and whatever else.

        Returns:
            What it gave for each, the shortest run first.
        """
        had: dict[str, list[dict]] = {way: [] for way in ways}
        left = list(had)
        while left:
            for way in left:
                result = run(way)
                self.least_work = min(self.least_work, result["work"])
                had[way].append(result)
                had[way].sort(key=lambda result: result["seconds"])
            left = [way for way in left if not self._is_settled(had[way])]
        return had


@contextmanager
def companion_at_work() -> Iterator[str]:
    """A process that does known Python work on the CPU where programs are measured.

    What a neighbour on the host does to the one it does to the other: CPU seconds over
    those of a unit of this work, meanwhile, vary by one per cent where seconds alone
    vary by ten or twenty.

    Yields:
        The file of its progress (see companion.py), once it is at work.

    Raises:
        MeasuringError: It does not begin.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(companion.PROGRESS.size))
        file.flush()
        process = subprocess.Popen(
            [sys.executable, companion.__file__, file.name], env=clean_environment()
        )
        try:
            shared = companion.open_progress(file.name)
            while companion.progress(shared)[0] < 1:
                if process.poll() is not None:
                    raise MeasuringError(f"no companion (code {process.returncode})")
                time.sleep(0.01)
            yield file.name
        finally:
            process.kill()
            process.wait()


def probe(python: str) -> dict:
    """What an interpreter says of itself."""
    return json.loads(output_of([python, "-I", "-c", PROBE]))


def build_extension(facts: dict, name: str) -> Path:
    """Compile NAME/NAME.c for one Python, with the flags of fastprof's extension.

    Returns:
        The folder to import it from.
    """
    folder = BUILD / facts["python"]
    folder.mkdir(parents=True, exist_ok=True)
    flags = [word for words in facts["config"] for word in shlex.split(words)]
    source = HERE / name / f"{name}.c"
    target = folder / f"{name}{facts['suffix']}"
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
    """The commit that is checked out, and whether the tree differs from it.

    A copy of the tree that git does not know has it from FASTPROF_REVISION.
    """
    if "FASTPROF_REVISION" in os.environ:
        return os.environ["FASTPROF_REVISION"]
    git = ["git", "-C", str(HERE.parent)]
    results = [":!benchmarks/RESULTS.md", ":!benchmarks/results.json"]
    try:
        commit = output_of([*git, "rev-parse", "--short=12", "HEAD"]).strip()
        changes = output_of([*git, "status", "--porcelain", "--", ".", *results])
    except MeasuringError:
        return "unknown"
    return f"{commit} with changes" if changes else commit


def circumstances(facts: dict) -> dict[str, object]:
    """Where and when something is measured, and with what; `facts` as of `probe`."""
    return {
        "python": facts["python"],
        "compiler": facts["compiler"],
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine() | {"clock": facts["clock"]},
        "revision": revision(),
    }


def told(circumstances: dict) -> Iterator[str]:
    """The same as lines of a report."""
    where = circumstances["machine"]
    yield f"- {circumstances['date']}, revision {circumstances['revision']}"
    yield f"- CPython {circumstances['python']} ({circumstances['compiler']})"
    yield (
        f"- {where['cpu']}, {where['cores']} cores, {where['kernel']}, "
        f"governor: {where['governor']}, clock: {where.get('clock', 'unknown')}, "
        f"load at the start: {where['load']}"
    )
