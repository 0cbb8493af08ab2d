"""The pytest plugin: fixture and marker `fastprof`, and the option `--fastprof`.

pytest imports it in every run, so nothing more is imported here before it is needed.
"""

import argparse
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .pytest_session import Session
    from .testing.baseline import Figures
    from .testing.recording import Recording
    from .testing.rules import Rules

__all__: list[str] = []

MODES = "test", "run"
MARKER = """\
fastprof(max_calls, max_share, not_called_from, tree, modules): record the test, and \
when it has passed, assert: max_calls: at most so many calls, a number for all that it \
makes, or a dict by function; max_share: a dict by function, of shares of the time; \
not_called_from: a list of modules; tree: the path of a golden call tree, beside the \
test's file, of the functions of modules."""

SESSION: "pytest.StashKey[Session]" = pytest.StashKey()
FIGURES: "pytest.StashKey[Figures]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("fastprof", "profiling with fastprof")
    group.addoption(
        "--fastprof",
        nargs="?",
        const="test",
        type=_mode,
        metavar="test|run",
        help="profile each test without its fixtures (the default), or the whole run "
        "with them, and show the slowest tests and the hottest functions",
    )
    group.addoption(
        "--fastprof-dir",
        metavar="DIR",
        help="where the profiles go (default: .fastprof in the root directory)",
    )
    group.addoption(
        "--fastprof-html",
        action="store_true",
        help="with --fastprof: an HTML report beside each profile",
    )
    group.addoption(
        "--fastprof-baseline",
        metavar="FILE",
        help="fail when a test makes more calls than FILE says",
    )
    group.addoption(
        "--fastprof-update",
        action="store_true",
        help="write golden call trees, and the file of --fastprof-baseline",
    )


def _mode(text: str) -> str:
    if text not in MODES:
        raise argparse.ArgumentTypeError(
            f"it takes test or run, not {text!r}; write --fastprof=test before a path"
        )
    return text


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and begin what the options ask for."""
    config.addinivalue_line("markers", MARKER)
    if config.option.fastprof_update:
        from .testing.golden import UPDATE_VARIABLE

        patch = pytest.MonkeyPatch()
        patch.setenv(UPDATE_VARIABLE, "1")
        config.add_cleanup(patch.undo)
    if config.option.fastprof or config.option.fastprof_baseline:
        from .pytest_session import Session

        config.stash[SESSION] = session = Session(config)
        config.pluginmanager.register(session, "fastprof-session")
    elif config.option.fastprof_html or config.option.fastprof_dir:
        raise pytest.UsageError(
            "--fastprof-html and --fastprof-dir are for --fastprof, which is missing"
        )


@pytest.fixture
def fastprof(request: pytest.FixtureRequest) -> "Recording":
    """Records the calls within `with fastprof:`, and asserts on them.

    It has the assertions of fastprof.testing as methods, and `stats`.
    """
    from .testing.recording import Recording

    return Recording(request.path.parent)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Read the markers, so that what is wrong in one is told before the tests run.

    A worker of pytest-xdist's cannot end the run in order: there the test fails.
    """
    if not hasattr(config, "workerinput"):
        for item in items:
            _rules_of(item)


def _rules_of(item: pytest.Item) -> "list[Rules]":
    marks = list(item.iter_markers("fastprof"))
    if not marks:
        return []
    from .testing.rules import Rules

    try:
        return [Rules(*mark.args, **mark.kwargs) for mark in marks]
    except TypeError as error:
        raise pytest.UsageError(f"{item.nodeid}: {error}") from None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Record the test where an option or a marker asks for that."""
    try:
        rules = _rules_of(item)
    except pytest.UsageError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    session = item.config.stash.get(SESSION, None)
    records = session is not None and session.records_tests
    if not rules and not records:
        return (yield)
    from .errors import ProfilerConflictError
    from .testing.recording import Recording

    recording = Recording(item.path.parent)
    try:
        recording.__enter__()
    except ProfilerConflictError as error:
        if rules:
            item.warn(
                pytest.PytestWarning(f"the marker fastprof is not judged: {error}")
            )
        if records:
            item.stash[FIGURES] = {"problem": f"tests were not recorded: {error}"}
        return (yield)
    try:
        result = yield
    finally:
        recording.__exit__()
        if session is not None and records:
            item.stash[FIGURES] = session.keep(item, recording.stats)
    _judge(rules, recording, item)
    return result


def _judge(rules: "list[Rules]", recording: "Recording", item: pytest.Item) -> None:
    for rule in rules:
        try:
            rule.judge(recording, getattr(item, "function", None))
        except (AssertionError, LookupError, ValueError) as error:
            raise pytest.fail.Exception(error.args[0], pytrace=False) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give the figures to the report, which goes from pytest-xdist's workers to it."""
    report = yield
    if call.when == "call" and FIGURES in item.stash:
        vars(report)["fastprof"] = item.stash[FIGURES]
    return report
