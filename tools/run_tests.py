"""Runs the C suites and, on each Python, the Python tests; adds everything up.

The last line of the output is ``N passed, N failed, N skipped``, and so is the only
line of ``summary.txt`` among the results; ``failures.txt`` names the tests that failed.
The exit code is 0 when something ran and nothing failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_MESSAGE = 300  # characters of a failure
# Most tests wait for one process of theirs; those that judge times stand a neighbour.
AT_ONCE = min(2, os.cpu_count() or 1)
# What the Python under an instrumented extension needs: that the sanitizers are there
# before everything else, that small objects are theirs to watch, and that what is asked
# of memory may fail. What the interpreter never frees is no finding.
SANITIZERS = ("libasan.so", "libubsan.so")
SANITIZED = {
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
    "PYTHONMALLOC": "malloc",
}


@dataclass(frozen=True)
class Outcome:
    """What one suite came to.

    Attributes:
        failures: Of Python tests that failed twice, the names, and why.
        unstable: Of those that failed once.
    """

    suite: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    failures: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()


def run(
    command: Sequence[str | Path], log: Path | None = None, **variables: str
) -> tuple[int, float]:
    """Run a suite from the root of the tree: exit code and seconds.

    Nothing to read on stdin, and nothing on the path that would hide the installed
    package. What it says goes into `log`, if there is one.
    """
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHONPATH")}
    environ |= variables
    started = time.monotonic()
    with open(log, "wb") if log else nullcontext() as out:
        completed = subprocess.run(
            command,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT if log else None,
            check=False,
        )
    return completed.returncode, time.monotonic() - started


def junit_counts(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped of a JUnit report; all 0 when there is none."""
    if not report.is_file():
        return 0, 0, 0
    passed = failed = skipped = 0
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def junit_failures(report: Path) -> list[str]:
    """The tests of a JUnit report that failed: their names, and the message's begin."""
    if not report.is_file():
        return []
    failures = []
    for case in ElementTree.parse(report).iter("testcase"):
        for how in *case.findall("failure"), *case.findall("error"):
            message = " ".join((how.get("message") or "").split())
            name = f"{case.get('classname')}::{case.get('name')}"
            failures.append(f"{name}: {message[:LONGEST_MESSAGE]}")
    return failures


def check_counts(report: Path, build: Path) -> tuple[int, int]:
    """Checks that passed and that failed, from the log that each suite left.

    A suite that failed without saying which check it was (it died) is one more.
    """
    passed = failed = 0
    for suite in ElementTree.parse(report).iter("testcase"):
        log = build / f"{suite.get('name')}.tap"
        lines = log.read_text("utf-8").splitlines() if log.is_file() else []
        not_ok = sum(line.startswith("not ok ") for line in lines)
        died = suite.find("failure") is not None and not_ok == 0
        passed += sum(line.startswith("ok ") for line in lines)
        failed += not_ok + died
    return passed, failed


def suite_name(what: str, folder: Path, usual: str) -> str:
    """What the table calls a suite: with the folder it was built in, if unusual."""
    return what if folder.name == usual else f"{what}, {folder.name.split('-')[-1]}"


def run_c_suites(build: Path, results: Path) -> Outcome:
    """Run ctest, and count the checks in its suites."""
    report = results / f"{build.name}.xml"
    for stale in build.glob("*.tap"):
        stale.unlink()
    code, seconds = run(
        ["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error"]
        + ["--output-junit", report]
    )
    passed, failed = check_counts(report, build) if report.is_file() else (0, 0)
    if code != 0:
        failed = max(failed, 1)
    return Outcome(suite_name("C engine", build, "c"), passed, failed, 0, seconds)


def under_sanitizers() -> dict[str, str]:
    """The environment of a Python that loads an instrumented extension."""
    libraries = [
        subprocess.run(
            ["gcc", f"-print-file-name={name}"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        for name in SANITIZERS
    ]
    return SANITIZED | {"LD_PRELOAD": " ".join(libraries)}


class PythonSuite:
    """The tests of one virtual environment: run once, and what failed once more."""

    def __init__(
        self, venv: Path, results: Path, tests: Sequence[str], **variables: str
    ) -> None:
        """The tests that `variables` are set for."""
        self.name = suite_name(f"Python {venv.name}", venv.parent, ".venv")
        files = results / self.name.replace(" ", "-")
        self.report = Path(f"{files}.xml")
        self.again = Path(f"{files}-again.xml")
        self.log = Path(f"{files}.log")
        self.pytest = [venv / "bin" / "python", "-m", "pytest", *tests, "-q"]
        self.pytest += ["-o", f"cache_dir={files}"]
        self.variables = variables
        self.code, self.seconds = 0, 0.0

    def run(self) -> PythonSuite:
        """Run all tests; what pytest says is in the log."""
        self.code, self.seconds = run(
            [*self.pytest, f"--junitxml={self.report}"], self.log, **self.variables
        )
        return self

    def outcome(self) -> Outcome:
        """What it came to; that pytest broke, or found no test, is a failure too.

        What failed is run once more, by itself: a neighbour on the machine can disturb
        a test that judges times, and no test fails twice because of that. What passes
        then is counted as passed, and named.
        """
        passed, failed, skipped = junit_counts(self.report)
        failures, unstable = junit_failures(self.report), []
        if failures:
            print(f"\n{self.name}, what failed, once more", flush=True)
            self.code, more = run(
                [*self.pytest, "--lf", f"--junitxml={self.again}"], **self.variables
            )
            self.seconds += more
            of_both = junit_failures(self.again)
            names = {failure.split(": ")[0] for failure in of_both}
            unstable = [one for one in failures if one.split(": ")[0] not in names]
            failures = of_both
            passed, failed = passed + failed - len(of_both), len(of_both)
        if self.code != 0:
            failed = max(failed, 1)
        return Outcome(
            self.name,
            passed,
            failed,
            skipped,
            self.seconds,
            tuple(f"{self.name}: {one}" for one in failures),
            tuple(f"{self.name}: {one}" for one in unstable),
        )


def run_python_suites(suites: Sequence[PythonSuite]) -> list[Outcome]:
    """Run them, `AT_ONCE` at a time; then, one after the other, what failed."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for suite in pool.map(PythonSuite.run, suites):
            print(f"\n{suite.name}", flush=True)
            print(suite.log.read_text("utf-8", "replace"), end="", flush=True)
    return [suite.outcome() for suite in suites]


def print_summary(outcomes: Sequence[Outcome], results: Path) -> bool:
    """Print the table and the line over everything; True when all is well."""
    print(f"\n{'suite':<22}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for o in outcomes:
        figures = f"{o.passed:>8}{o.failed:>8}{o.skipped:>9}{o.seconds:>9.1f}"
        print(f"{o.suite:<22}{figures}")
    passed, failed, skipped = (
        sum(getattr(o, figure) for o in outcomes)
        for figure in ("passed", "failed", "skipped")
    )
    line = f"{passed} passed, {failed} failed, {skipped} skipped"
    (results / "summary.txt").write_text(line + "\n", "utf-8")
    failures = "".join(f"FAILED {one}\n" for o in outcomes for one in o.failures)
    failures += "".join(f"UNSTABLE {one}\n" for o in outcomes for one in o.unstable)
    (results / "failures.txt").write_text(failures, "utf-8")
    print(f"\n{failures}", end="")
    print(f"\n{line}", flush=True)
    return passed > 0 and failed == 0


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--results", type=Path, required=True, help="the folder for reports")
    add("--c-build", type=Path, action="append", default=[], help="CMake's folder")
    add("--tests", nargs="+", required=True, help="folders of Python tests")
    add("--sanitized", type=Path, action="append", default=[], metavar="VENV")
    add("--venvs", type=Path, nargs="*", default=[], help="virtual environments")
    options = parser.parse_args()
    results = options.results.resolve()
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    outcomes = [run_c_suites(build.resolve(), results) for build in options.c_build]
    suites = [  # the slowest first
        PythonSuite(venv.absolute(), results, options.tests, **under_sanitizers())
        for venv in options.sanitized
    ]
    suites += [
        PythonSuite(venv.absolute(), results, options.tests) for venv in options.venvs
    ]
    outcomes += run_python_suites(suites)
    return 0 if print_summary(outcomes, results) else 1


if __name__ == "__main__":
    sys.exit(main())
