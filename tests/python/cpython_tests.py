"""Run CPython's own tests of cProfile with fastprof in its place; print what came out.

``cpython_tests.py`` prints one JSON object: the outcome of each test by its name,
``ok``, ``skipped: REASON``, or the traceback of its failure. To be run in a process of
its own, by the Python that is to be tried: it patches that Python's ``test`` package.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
import unittest

import fastprof

# What the tests read of the tool that holds the profiler's place in sys.monitoring.
TOOL_OF_CPROFILE, OUR_TOOL = "cProfile", "fastprof"
# 3.15 has moved them, with cProfile's code.
TESTS_OF_CPROFILE = (
    "test.test_profiling.test_tracing_profiler"
    if sys.version_info >= (3, 15)
    else "test.test_cprofile"
)


def renamed(function):
    """The same test, with our name where it has the standard library's."""
    code = function.__code__
    constants = tuple(
        OUR_TOOL if constant == TOOL_OF_CPROFILE else constant
        for constant in code.co_consts
    )
    return types.FunctionType(
        code.replace(co_consts=constants),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def with_single_spaces(lines):
    """Lines of a table without the width of its columns."""
    return "\n".join(" ".join(line.split()) for line in lines.splitlines())


def forget_columns(case):
    """Let tables be compared by what they say.

    The first column is as wide as the longest name, which is that of cProfile's own
    ``disable``; nothing of ours shows.
    """
    measured, expected = case.do_profiling.__func__, case.get_expected_output

    def do_profiling(cls):
        ticks, *tables = measured(cls)
        return [ticks, *map(with_single_spaces, tables)]

    def get_expected_output(self):
        tables = expected(self)
        return {name: with_single_spaces(table) for name, table in tables.items()}

    case.do_profiling = classmethod(do_profiling)
    case.get_expected_output = get_expected_output


def own_tests(module):
    """The tests that a module defines itself: not those of the module `profile`."""
    loader = unittest.defaultTestLoader
    return unittest.TestSuite(
        loader.loadTestsFromTestCase(case)
        for case in vars(module).values()
        if isinstance(case, type)
        and issubclass(case, unittest.TestCase)
        and case.__module__ == module.__name__
    )


def swap_in():
    """Put fastprof where the tests would find cProfile and _lsprof."""
    sys.modules["_lsprof"] = types.SimpleNamespace(Profiler=fastprof.Profile)
    names = (TESTS_OF_CPROFILE, "test.test_pstats")
    modules = [importlib.import_module(name) for name in names]
    for module in modules:
        module.cProfile = fastprof
    case = modules[0].CProfileTest
    case.profilerclass, case.profilermodule = fastprof.Profile, fastprof
    forget_columns(case)
    for owner in (case, modules[0].TestCommandLine):
        for name, function in list(vars(owner).items()):
            if name.startswith("test"):
                setattr(owner, name, renamed(function))
    return modules


class Outcomes(unittest.TestResult):
    """What came out, by the name of a test."""

    def __init__(self):
        """Nothing has come out yet."""
        super().__init__()
        self.by_name = {}

    def note(self, test, outcome):
        """The outcome of a test, which is known by its class and its name."""
        name = ".".join(test.id().split(".")[-2:])
        self.by_name[name] = outcome

    def addSuccess(self, test):  # noqa: N802
        """It passed."""
        self.note(test, "ok")

    def addSkip(self, test, reason):  # noqa: N802
        """It says that it cannot run here."""
        self.note(test, f"skipped: {reason}")

    def addFailure(self, test, err):  # noqa: N802
        """It failed."""
        self.note(test, self._exc_info_to_string(err, test))

    addError = addFailure  # noqa: N815


def main():
    """Run all."""
    outcomes = Outcomes()
    for module in swap_in():
        own_tests(module).run(outcomes)
    json.dump(outcomes.by_name, sys.stdout)


if __name__ == "__main__":
    main()
