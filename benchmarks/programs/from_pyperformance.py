"""The programs of pyperformance, without pyperf's way of running them.

Each lies as ``bm_*/run_benchmark.py`` in the package pyperformance and hands its
functions to a ``pyperf.Runner``. Here a stand-in takes them from it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

Main = Callable[[int], object]


class Source(NamedTuple):
    """Where a program is, and what it wants to be told."""

    folder: str
    arguments: Sequence[str] = ()
    # Modules that it must import anew, as it asks for those that are not in C.
    fresh: Sequence[str] = ()


# What stands here has another folder than bm_NAME, or takes arguments.
SOURCES = {
    "barnes_hut": Source("bm_barnes_hut", ["--iterations=10"]),
    "raytrace": Source("bm_raytrace", ["--width=50", "--height=50"]),
    "async_tree": Source("bm_async_tree", ["none"]),
    "logging_format": Source("bm_logging", ["format"]),
    "logging_silent": Source("bm_logging", ["silent"]),
    "logging_simple": Source("bm_logging", ["simple"]),
    "pickle_pure_python": Source(
        "bm_pickle", ["--pure-python", "pickle"], ["pickle", "_pickle"]
    ),
    "unpickle_pure_python": Source(
        "bm_pickle", ["--pure-python", "unpickle"], ["pickle", "_pickle"]
    ),
    "scimark_lu": Source("bm_scimark", ["lu"]),
    "scimark_monte_carlo": Source("bm_scimark", ["monte_carlo"]),
    "scimark_sor": Source("bm_scimark", ["sor"]),
    "scimark_sparse_mat_mult": Source("bm_scimark", ["sparse_mat_mult"]),
    "sqlglot_optimize": Source("bm_sqlglot_v2", ["optimize"]),
    "sqlglot_parse": Source("bm_sqlglot_v2", ["parse"]),
    "sympy_str": Source("bm_sympy", ["str"]),
    "xml_etree_pure_python": Source(
        "bm_xml_etree",
        ["--no-accelerator", "process"],
        ["xml.etree.ElementTree", "_elementtree"],
    ),
}


class Runner:
    """In place of pyperf.Runner: keeps what it is given, and runs nothing."""

    def __init__(self, *_args: object, **_options: object) -> None:
        """Take no notice of how pyperf is to run the program."""
        self.argparser = argparse.ArgumentParser()
        self.metadata: dict[str, object] = {}
        self.args: argparse.Namespace | None = None
        captured.append(self)
        self.mains: list[Main] = []

    def parse_args(self, arguments: Sequence[str] | None = None) -> argparse.Namespace:
        """Read the program's arguments."""
        self.args = self.argparser.parse_args(arguments)
        return self.args

    def bench_func(
        self, _name: str, function: Callable, *args: object, **_options: object
    ) -> None:
        """Take a function that does the work once."""

        def main(scale: int) -> None:
            for _ in range(scale):
                function(*args)

        self.mains.append(main)

    def bench_time_func(
        self, _name: str, function: Callable, *args: object, **_options: object
    ) -> None:
        """Take a function that repeats the work itself."""
        self.mains.append(lambda scale: function(scale, *args))

    def bench_async_func(
        self,
        _name: str,
        function: Callable,
        *args: object,
        loop_factory: Callable | None = None,
        **_options: object,
    ) -> None:
        """Take a coroutine function that does the work once."""

        async def repeat(scale: int) -> None:
            for _ in range(scale):
                await function(*args)

        def main(scale: int) -> None:
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(repeat(scale))

        self.mains.append(main)


# The runners that the program being loaded has made.
captured: list[Runner] = []


def stand_in() -> types.ModuleType:
    """What the programs use of pyperf."""
    module = types.ModuleType("pyperf")
    module.Runner = Runner
    module.perf_counter = time.perf_counter
    module.python_implementation = lambda: sys.implementation.name
    return module


@contextmanager
def replaced_modules(
    new: dict[str, types.ModuleType], fresh: Sequence[str]
) -> Iterator[None]:
    """Have some modules stand in for others, and forget some; all back at the end."""
    names = [*new, *fresh]
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.modules.update(new)
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def find(folder: str) -> Path:
    """The program's file in the package, without importing the package."""
    spec = importlib.util.find_spec("pyperformance")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'pyperformance'")
    benchmarks = Path(spec.origin).parent / "data-files" / "benchmarks"
    return benchmarks / folder / "run_benchmark.py"


def load(name: str) -> Main:
    """Run the program up to where it hands over its function."""
    source = SOURCES.get(name, Source(f"bm_{name}"))
    path = find(source.folder)
    program = types.ModuleType("__main__")
    program.__file__ = str(path)
    code = compile(path.read_bytes(), str(path), "exec")
    arguments, sys.argv = sys.argv, [str(path), *source.arguments]
    captured.clear()
    try:
        with replaced_modules(
            {"pyperf": stand_in(), "__main__": program}, source.fresh
        ):
            exec(code, program.__dict__)
    finally:
        sys.argv = arguments
    (runner,) = captured
    return runner.mains[0] if len(runner.mains) == 1 else in_turn(runner.mains)


def in_turn(mains: Sequence[Main]) -> Main:
    """Make one program of several."""

    def main(scale: int) -> None:
        for part in mains:
            part(scale)

    return main
