"""The profilers of the table: how each is switched on, and what it sees.

Nothing is imported before it is used: the script that starts the processes asks only
for names and commands, and a profiler that is missing is a row of the table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FunctionType
from typing import NamedTuple

# What a profiler does with the program: calls it, and watches meanwhile.
Watch = Callable[[Callable[[], None]], object]


class Sees(NamedTuple):
    """The usual questions, each answered in a word or two."""

    calls: str = "all"
    threads: str = "all"
    tree: str = "callers"
    c_functions: str = "yes"


class Profiler(NamedTuple):
    """One row of the table."""

    name: str
    sees: Sees
    # The package that the version is asked of; None: comes with Python, or is ours.
    package: str | None = None
    # In the process: given the program's functions, makes what watches a call.
    make: Callable[[Iterable[FunctionType]], Watch] | None = None
    # From outside: the words that go before the program's, from the interpreter and
    # a folder for the output.
    command: Callable[[str, Path], list[str]] | None = None
    # What stands between a script and its arguments.
    separator: tuple[str, ...] = ()
    # About how many times longer a program takes; for the estimate alone.
    typical: float = 3.0


def between(start: Callable[[], object], stop: Callable[[], object]) -> Watch:
    """Watch from one call to another."""

    def watch(call: Callable[[], None]) -> None:
        start()
        call()
        stop()

    return watch


def unprofiled(_functions: object) -> Watch:
    """Nobody is watching."""
    return between(lambda: None, lambda: None)


def with_attributes(module: str, name: str, *args: object, **options: object):
    """A profiler that is a class with enable() and disable()."""

    def make(_functions: object) -> Watch:
        profiler = getattr(importlib.import_module(module), name)(*args, **options)
        return between(profiler.enable, profiler.disable)

    return make


def fastprof(**options: object) -> Callable[[object], Watch]:
    """Ours, in one of its settings."""
    return with_attributes("fastprof", "Profiler", **options)


def empty(clock: bool, c_functions: bool) -> Callable[[object], Watch]:
    """Callbacks of sys.monitoring that do nothing, or only read the clock."""

    def make(_functions: object) -> Watch:
        import empty_hook

        install = empty_hook.install_monitoring
        return between(
            lambda: install(clock, c_functions), empty_hook.uninstall_monitoring
        )

    return make


def empty_setprofile(_functions: object) -> Watch:
    """A callback of PyEval_SetProfile that does nothing."""
    import empty_hook

    return between(empty_hook.install, empty_hook.uninstall)


def yappi(clock: str) -> Callable[[object], Watch]:
    """Yappi with one of its clocks."""

    def make(_functions: object) -> Watch:
        import yappi

        yappi.set_clock_type(clock)
        return between(yappi.start, yappi.stop)

    return make


def line_profiler(functions: Iterable[FunctionType]) -> Watch:
    """Line by line, in each function of the program."""
    from line_profiler import LineProfiler

    profiler = LineProfiler()
    for function in functions:
        profiler.add_function(function)
    return between(profiler.enable, profiler.disable)


def profile(_functions: object) -> Watch:
    """The standard library's profiler in Python."""
    import profile

    return profile.Profile().runcall


def pprofile(_functions: object) -> Watch:
    """Line by line, everywhere, in Python."""
    import pprofile

    return pprofile.Profile().runcall


def pprofile_statistic(_functions: object) -> Watch:
    """A thread that looks at the others from time to time."""
    import pprofile

    def watch(call: Callable[[], None]) -> None:
        with pprofile.StatisticalThread(profiler=pprofile.StatisticalProfile()):
            call()

    return watch


def pyinstrument(_functions: object) -> Watch:
    """A sample each millisecond."""
    from pyinstrument import Profiler as Pyinstrument

    profiler = Pyinstrument()
    return between(profiler.start, profiler.stop)


def viztracer(_functions: object) -> Watch:
    """The last million events."""
    from viztracer import VizTracer

    tracer = VizTracer(verbose=0)
    return between(tracer.start, tracer.stop)


def script(python: str, name: str) -> str:
    """A program that lies beside an interpreter."""
    return str(Path(python).parent / name)


def py_spy(python: str, folder: Path) -> list[str]:
    """A hundred samples a second, as raw stacks."""
    output = str(folder / "py-spy.txt")
    options = ["record", "--format", "raw", "--output", output]
    return [script(python, "py-spy"), *options, "--", python]


def austin(python: str, folder: Path) -> list[str]:
    """Ten thousand samples a second."""
    # It gives a process a tenth of a second to become Python, if it is not told else.
    options = ["--timeout=10s", "--output", str(folder / "austin.txt")]
    return [script(python, "austin"), *options, python]


def scalene(*options: str) -> Callable[[str, Path], list[str]]:
    """Samples of time, and of memory when it is not told otherwise."""

    def command(python: str, folder: Path) -> list[str]:
        output = str(folder / "scalene.json")
        return [python, "-m", "scalene", "run", *options, "-o", output]

    return command


def sampling(python: str, folder: Path) -> list[str]:
    """Python's own sampler, of 3.15 and later."""
    output = str(folder / "sampling.txt")
    return [python, "-m", "profiling.sampling", "run", "--collapsed", "-o", output]


NOTHING = Sees("no", "no", "no", "no")
SAMPLES = Sees("samples", "all", "full", "no")
LINES = Sees("lines", "current", "no", "no")

ALL: tuple[Profiler, ...] = (
    Profiler("unprofiled", NOTHING, make=unprofiled, typical=1),
    Profiler("empty", NOTHING, make=empty(False, True)),
    Profiler("empty builtins=False", NOTHING, make=empty(False, False)),
    Profiler("empty-clock", NOTHING, make=empty(True, True)),
    Profiler("empty setprofile", NOTHING, make=empty_setprofile),
    Profiler("fastprof", Sees(tree="full"), "fastprof", fastprof()),
    Profiler(
        "fastprof builtins=False",
        Sees(tree="full", c_functions="no"),
        "fastprof",
        fastprof(builtins=False),
    ),
    Profiler(
        'fastprof builtins="all"',
        Sees(tree="full", c_functions="all"),
        "fastprof",
        fastprof(builtins="all"),
    ),
    Profiler(
        'fastprof backend="setprofile"',
        Sees(tree="full"),
        "fastprof",
        fastprof(backend="setprofile"),
    ),
    Profiler(
        "fastprof.Profile",
        Sees(threads="current", tree="full"),
        "fastprof",
        with_attributes("fastprof", "Profile"),
    ),
    Profiler(
        "cProfile",
        Sees(threads="current"),
        make=with_attributes("cProfile", "Profile"),
        typical=3,
    ),
    Profiler(
        "profiling.tracing",
        Sees(threads="current"),
        make=with_attributes("profiling.tracing", "Profile"),
        typical=3,
    ),
    Profiler("yappi wall", Sees(c_functions="no"), "yappi", yappi("wall"), typical=7),
    Profiler("yappi cpu", Sees(c_functions="no"), "yappi", yappi("cpu"), typical=14),
    Profiler(
        "viztracer",
        Sees("the last 10⁶ events", tree="timeline"),
        "viztracer",
        viztracer,
        typical=4,
    ),
    Profiler("line_profiler", LINES, "line_profiler", line_profiler, typical=18),
    Profiler("profile", Sees(threads="current"), make=profile, typical=40),
    Profiler(
        "pprofile",
        Sees("lines and calls", "current", "callers", "no"),
        "pprofile",
        pprofile,
        typical=80,
    ),
    Profiler(
        "pprofile statistic",
        Sees("samples", "all", "callers", "no"),
        "pprofile",
        pprofile_statistic,
    ),
    Profiler(
        "pyinstrument",
        Sees("samples", "current", "full", "no"),
        "pyinstrument",
        pyinstrument,
    ),
    Profiler(
        "scalene",
        Sees("samples", "all", "no", "as a share"),
        "scalene",
        command=scalene(),
        separator=("---",),
    ),
    Profiler(
        "scalene --cpu-only",
        Sees("samples", "all", "no", "as a share"),
        "scalene",
        command=scalene("--cpu-only"),
        separator=("---",),
    ),
    Profiler("py-spy", SAMPLES, "py-spy", command=py_spy, typical=1.2),
    Profiler("austin", SAMPLES, "austin-dist", command=austin, typical=1.2),
    Profiler("profiling.sampling", SAMPLES, command=sampling, typical=1.2),
)
BY_NAME = {profiler.name: profiler for profiler in ALL}


def command_of(profiler: Profiler, python: str, child: Path, folder: Path) -> list[str]:
    """How to start a process with one profiler, up to the script's arguments."""
    before = [python] if profiler.command is None else profiler.command(python, folder)
    return [*before, str(child), *profiler.separator]
