"""A run of pytest with --fastprof or --fastprof-baseline: its files and its summary."""

import re
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .errors import FastprofError, ProfilerConflictError
from .profiler import Profiler
from .report import report_page
from .stats import Stats, load
from .terminal import plain
from .testing.baseline import (
    BaselineError,
    figures_of,
    load_baseline,
    more_calls,
    save_baseline,
)

if TYPE_CHECKING:
    from .testing.baseline import Figures

__all__ = ["Session"]

DEFAULT_DIRECTORY = ".fastprof"
SUM = "all.prof"
LONGEST_STEM = 150
MOST_TESTS = MOST_FUNCTIONS = 10


class Session:
    """A plugin of its own, in the process of pytest and in each of xdist's workers.

    Attributes:
        records_tests: Whether each test is recorded for itself.
    """

    def __init__(self, config: pytest.Config) -> None:
        """As the options say.

        Raises:
            pytest.UsageError: The directory cannot be made, or there is no baseline.
        """
        options = config.option
        self._config = config
        self._mode = options.fastprof
        self._html = options.fastprof_html
        self._update = options.fastprof_update
        self.records_tests = self._mode == "test" or bool(options.fastprof_baseline)
        self._directory: Path | None = None
        if self._mode is not None:
            self._directory = _make_directory(config)
        self._baseline: Path | None = None
        self._before: dict[str, Figures] = {}
        if options.fastprof_baseline and not hasattr(config, "workerinput"):
            self._baseline = config.invocation_params.dir / options.fastprof_baseline
            self._before = _load(self._baseline, self._update)
        self._reports: dict[str, pytest.TestReport] = {}
        self._run_files: list[str] = []
        self._problems: dict[str, None] = {}  # in order, each once
        self._grown: dict[str, str] = {}

    # Where tests run.

    def keep(self, item: pytest.Item, stats: Stats) -> "Figures":
        """Write a test's profile; the answer is what its report will hold."""
        if stats.truncated:
            problem = f"{item.nodeid}: more paths than are kept: calls are not compared"
            figures: Figures = {"problem": problem}
        else:
            figures = figures_of(stats, getattr(item, "function", None))
        if self._mode == "test" and self._directory is not None:
            path = self._directory / _file_name(item.nodeid)
            try:
                stats.save(path, "prof")
                figures["file"] = str(path)
            except OSError as error:
                figures["problem"] = f"cannot write {path}: {error.strerror}"
        return figures

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Record the whole run, but not where xdist's workers run the tests."""
        if self._mode != "run" or self._config.pluginmanager.hasplugin("dsession"):
            return (yield)
        profiler = Profiler()
        try:
            profiler.enable()
        except ProfilerConflictError as error:
            self._problems[f"the run was not recorded: {error}"] = None
            return (yield)
        try:
            return (yield)
        finally:
            profiler.disable()
            self._keep_run(profiler.snapshot())

    def _keep_run(self, stats: Stats) -> None:
        assert self._directory is not None
        worker = getattr(self._config, "workerinput", {}).get("workerid")
        path = self._directory / (f"run-{worker}.prof" if worker else "run.prof")
        try:
            stats.save(path, "prof")
            self._run_files.append(str(path))
        except OSError as error:
            self._problems[f"cannot write {path}: {error.strerror}"] = None

    # Where they are reported.

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what is known of a test."""
        if report.when == "call":
            self._reports[report.nodeid] = report
            problem = _figures(report).get("problem")
            if problem:
                self._problems[problem] = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: "Any") -> None:
        """Take over what a worker of xdist's has of the run."""
        files, problems = getattr(node, "workeroutput", {}).get("fastprof", ([], []))
        self._run_files += files
        self._problems.update(dict.fromkeys(problems))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Compare with the baseline; a worker hands over what it has."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["fastprof"] = self._run_files, list(self._problems)
        elif self._baseline is not None and self._update:
            self._write_baseline(self._baseline)
        elif self._baseline is not None:
            for name, figures in self._figures_of_passed().items():
                grown = more_calls(self._before.get(name, figures), figures)
                if grown is not None:
                    self._grown[name] = grown
            if self._grown and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _figures_of_passed(self) -> "dict[str, Figures]":
        return {
            name: _figures(report)
            for name, report in self._reports.items()
            if report.passed and "calls" in _figures(report)
        }

    def _write_baseline(self, path: Path) -> None:
        names = "calls", "seconds", "functions"
        tests = dict(self._before)
        for name, figures in self._figures_of_passed().items():
            tests[name] = {key: figures[key] for key in names}
        try:
            save_baseline(path, tests)
        except OSError as error:
            self._problems[f"cannot write {path}: {error.strerror}"] = None

    def pytest_terminal_summary(self, terminalreporter: "Any") -> None:
        """Print what was found."""
        if not self._reports:
            return
        terminalreporter.section("fastprof")
        line = terminalreporter.line
        if self._mode is not None:
            line(self._slowest())
            line(self._hottest(self._config.get_terminal_writer().fullwidth))
        if self._baseline is not None:
            line(self._comparison(self._baseline))
        for problem in self._problems:
            line(f"fastprof: {problem}", red=True)

    def _slowest(self) -> str:
        rows = [
            (_figures(report).get("seconds", report.duration), name, report)
            for name, report in self._reports.items()
        ]
        rows.sort(key=lambda row: -row[0])
        lines = [f"slowest tests, without fixtures, of {len(rows)}:"]
        for seconds, name, report in rows[:MOST_TESTS]:
            calls = _figures(report).get("calls")
            shown = "" if calls is None else f"{calls:,} calls"
            lines.append(f"{seconds:11.6f} s {shown:>18}  {name}")
        return "\n".join(lines) + "\n"

    def _hottest(self, width: int) -> str:
        """The table of the hottest functions; and write the files that need all."""
        assert self._directory is not None
        files = [Path(name) for name in self._run_files]
        if self._mode == "test":
            kept = (_figures(one).get("file") for one in self._reports.values())
            files = [Path(name) for name in kept if name]
        if not files:
            return "no profiles"
        try:
            total = _merge(files)
            total.save(self._directory / SUM)
            for path in [*files, self._directory / SUM] if self._html else []:
                load(path).save(path.with_suffix(".html"))
        except OSError as error:
            self._problems[f"{error.filename}: {error.strerror}"] = None
            return ""
        except FastprofError as error:
            self._problems[str(error)] = None
        return (
            f"hottest functions, of all tests:\n"
            f"{plain(report_page(total, 'own', MOST_FUNCTIONS, width))}\n"
            f"profiles: {self._directory} ({SUM} is the sum of {len(files)})"
        )

    def _comparison(self, path: Path) -> str:
        if self._update:
            return f"baseline: {path} was written"
        passed = self._figures_of_passed()
        known = [name for name in passed if name in self._before]
        lines = [f"baseline: {path}: {len(self._grown)} tests make more calls"]
        lines += [f"  {name}: {grown}" for name, grown in self._grown.items()]
        if len(known) < len(passed):
            lines.append(
                f"  {len(passed) - len(known)} tests are not in it; "
                "--fastprof-update adds them"
            )
        was = sum(self._before[name]["seconds"] for name in known)
        now = sum(passed[name]["seconds"] for name in known)
        lines.append(f"  time (not judged): {was:.3f} s -> {now:.3f} s")
        return "\n".join(lines)


def _make_directory(config: pytest.Config) -> Path:
    chosen = config.option.fastprof_dir
    directory = (
        config.invocation_params.dir / chosen
        if chosen is not None
        else config.rootpath / DEFAULT_DIRECTORY
    )
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(
            f"--fastprof-dir: cannot make {directory}: {error.strerror}"
        ) from None
    config.option.fastprof_dir = str(directory)  # for the workers, wherever they are
    return directory


def _load(path: Path, update: bool) -> "dict[str, Figures]":
    try:
        return {} if update and not path.exists() else load_baseline(path)
    except BaselineError as error:
        raise pytest.UsageError(f"--fastprof-baseline: {error}") from None


def _file_name(node: str) -> str:
    """Of a test: readable, safe on any file system, and no other test's."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", node)[-LONGEST_STEM:].strip("-.")
    return f"{stem}-{zlib.crc32(node.encode('utf-8', 'replace')):08x}.prof"


def _figures(report: pytest.TestReport) -> "Figures":
    figures: Figures = vars(report).get("fastprof", {})
    return figures


def _merge(files: list[Path]) -> Stats:
    try:
        return Stats.merge(map(load, files))
    except FastprofError:
        raise
    except ValueError:  # what was added could be measured in some of them only
        return Stats.merge(load(path).raw for path in files)
