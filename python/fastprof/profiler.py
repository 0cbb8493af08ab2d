"""The profilers: `Profiler` for all threads, `Profile` in cProfile's place."""

import os
import sys
import types
from collections.abc import Callable

# By name, for the program may put something else in their place.
from os import getpid
from time import gmtime, strftime

from . import _core
from ._version import __version__
from .focus import predicate_of
from .formats import encode, format_of
from .output import check_writable, replace_file
from .stats import Stats, pstats_dict

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any, Literal, ParamSpec, TypeVar

    if sys.version_info >= (3, 11):
        from typing import Self
    else:
        from typing_extensions import Self

    from .signals import OnSignal
    from .windows import Plan, Windows

    P = ParamSpec("P")
    R = TypeVar("R")

__all__ = ["Profile", "Profiler", "run", "runctx"]


class Profiler(_core.Profiler):
    """Records every call of every function on every thread.

    Args:
        timer: Answers the time, in place of the clock: a float or an int in seconds,
            or with a `timeunit` an int in units. It is called at every event. One
            that raises is reported to `sys.unraisablehook`, and no time passes.
        timeunit: Seconds in one unit of the timer.
        subcalls: Whether the pstats output has callers.
        builtins: Whether C functions are recorded as callees of their own, or
            charged to the Python function that called them. "slow" (Python 3.12 and
            newer, as the next): recorded, but not any more at places where they have
            shown to be quick; those that are called there under their name have counts
            that are lower bounds. "all": every callable, classes and descriptors and
            ufuncs too.
        threads: "all", or "current": the thread that enables.
        max_nodes: How many paths the call trees may have, over all threads. Beyond
            that calls are counted by function and by caller and callee, exactly.
        backend: Where events come from: "monitoring" (`sys.monitoring`, Python 3.12
            and newer, much cheaper), "setprofile" (`PyEval_SetProfile`), or "auto",
            the best there is.
        compensate: Whether what the profiler adds is taken out of the times (see
            docs/accuracy.md); with a `timer` it never is. The first profiler that is
            enabled in a process measures it, which takes some milliseconds.
        clock: "wall", the time that passes; "cpu", the time that each thread is on a
            CPU: without sleep, without waiting for I/O, locks or the interpreter; or
            "both": times are the wall clock's, and `Stats.functions` and the tables
            have CPU times beside.
        include: Which Python functions are recorded; None: all. A list of names of
            modules and packages, of "module:qualified name", of paths of files and
            folders (with a "/" or the ending ".py") – all may be patterns, by the rules
            of `fnmatch` –, of functions and of code objects; or a predicate, which is
            called once for each code object, with the name of its module (or None) and
            the code. What else runs is as if it were not there: its time, and that of
            what it calls, is that of the nearest caller that is recorded, but for
            functions that are; C functions are recorded where such functions call them.
        exclude: Which are not, also if they are included; likewise.
        stdlib: Whether functions of the standard library are recorded.
        site_packages: Whether functions of installed packages are.
        max_overhead: What profiling may take, as a share of the program's time: 0.05
            is 5 % (Python 3.12 and newer). Functions that cost most and tell least are
            folded into their callers; their figures are estimates from then on (see
            docs/precision.md).

    Raises:
        ValueError: An option has an unknown value.
        BackendError: There is no such event source, or not on this Python, or it
            cannot do what `builtins` asks for; or FASTPROF_CLOCK names a clock that
            this machine does not have.
        TypeError: The timer cannot be called; what is to be included is no such thing.
    """

    stats: "dict[Any, Any]"

    def __init__(
        self,
        *,
        timer: Callable[[], float] | None = None,
        timeunit: float = 0.0,
        subcalls: bool = True,
        builtins: "bool | Literal['all', 'slow']" = True,
        threads: "Literal['all', 'current']" = "all",
        max_nodes: int = 2**20,
        backend: "Literal['auto', 'setprofile', 'monitoring']" = "auto",
        compensate: bool = True,
        clock: "Literal['wall', 'cpu', 'both']" = "wall",
        include: "Any" = None,
        exclude: "Any" = None,
        stdlib: bool = True,
        site_packages: bool = True,
        max_overhead: "float | None" = None,
    ) -> None:
        """See the class."""
        super().__init__(
            timer,
            timeunit,
            subcalls,
            builtins,
            threads=threads,
            max_nodes=max_nodes,
            backend=backend,
            compensate=compensate,
            clock=clock,
            max_overhead=max_overhead,
        )
        predicate = predicate_of(include, exclude, stdlib, site_packages)
        if predicate is not None:
            self.focus(predicate)
        self._has_focus = predicate is not None
        self._all_threads = threads == "all"
        self._windows: Windows | None = None
        self._watch: Windows | OnSignal | None = None  # what began it last

    def __enter__(self) -> "Self":
        """Enable."""
        self.enable()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Disable; an exception passes."""
        self.disable()

    def schedule(
        self,
        *,
        every: "float | str | None" = None,
        for_: "float | str | None" = None,
        start_after: "float | str | None" = None,
        stop_after: "float | str | None" = None,
        max_calls: int | None = None,
    ) -> "Windows":
        """Record now and then, or for some time; a thread sees to it.

        Durations are numbers of seconds, or text such as "10s", "250ms", "1h30m". Calls
        that are open when recording begins are not recorded; those that are open when
        it ends are counted as calls that end there.

        Args:
            every: From the beginning of one window to that of the next.
            for_: How long each of them lasts.
            start_after: How long nothing is recorded at first. Left out, recording
                begins before this call returns.
            stop_after: How long after it began recording ends for good.
            max_calls: After how many recorded calls it ends for good; what is called
                between two looks (a twentieth of a second apart, or more) comes on top.

        Returns:
            What ends it: by `end()`, or as the context of a `with` statement.

        Raises:
            ValueError: A duration is none, or they contradict each other; the profiler
                has windows already, or does not record all threads.
            ProfilerConflictError: Another profiler is active. At later windows this is
                said on stderr, and kept as `error` by what is returned.
        """
        from .windows import Plan

        return self.follow(Plan(every, for_, start_after, stop_after, max_calls))

    def follow(self, plan: "Plan") -> "Windows":
        """As `schedule`, which makes the plan."""
        from .windows import Windows

        if not self._all_threads:
            raise ValueError('windows are for all threads: leave out threads="current"')
        if self._windows is not None and not self._windows.has_ended:
            raise ValueError("this profiler has windows already: end() them first")
        windows = self._windows = self._watch = Windows(self, plan)
        windows.begin()
        return windows

    def toggle_on(self, signal: int | str) -> "OnSignal":
        """Let a signal begin and end recording, which says so on stderr.

        Args:
            signal: Its number or name. Handled in the main thread, where Python handles
                signals: a handler that the program installs later wins.

        Returns:
            What restores the handler that was there before: by `end()`, or as the
            context of a `with` statement. Recording goes on if it is on.

        Raises:
            ValueError: There is no such signal, it cannot be handled, or this is not
                the main thread.
        """
        from .signals import toggle_on

        self.calibrate()
        watch = self._watch = toggle_on(self, signal)
        return watch

    def save_on(
        self,
        signal: int | str,
        path: str | os.PathLike[str],
        format: str | None = None,
        *,
        tree: str = "merged",
    ) -> "OnSignal":
        """Let a signal write what has been recorded up to then; recording goes on.

        Args:
            signal: As for `toggle_on`.
            path: Where to, with a number before the extension: of "out.prof"
                "out.1.prof" at first, then "out.2.prof".
            format: As for `save`, as is the next.
            tree: Of a .prof file.

        Raises:
            ValueError: As for `toggle_on` and `save`.
            OSError: No file can be written there.
        """
        from .signals import numbered, save_on

        path = os.path.abspath(path)
        chosen = Stats.choose_format(path, format)
        check_writable(numbered(path, 1))

        def save(target: str) -> None:
            self.save(target, chosen, tree=tree)

        return save_on(signal, path, save)

    def create_stats(self) -> None:
        """Disable, and set `stats`."""
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self) -> None:
        """Set `stats`, the dict that pstats works on; recording goes on.

        Calls that are open count as calls that end now.
        """
        self.stats = pstats_dict(self.take_snapshot(), self.subcalls)

    def snapshot(self) -> Stats:
        """What has been recorded up to now; recording goes on."""
        snapshot = self.take_snapshot()
        clock = self.clock_info
        info = {
            "fastprof": __version__,
            "python": ".".join(map(str, sys.version_info[:3])),
            "implementation": sys.implementation.name,
            "platform": sys.platform,
            "command": _command(),
            "pid": getpid(),
            "date": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()),
            "clock": clock["source"],
            "measures": clock["measures"],
            "clock_unstable": clock["unstable"],
            "negative_intervals": sum(thread[3] for thread in snapshot.threads),
            "threads": _threads_of(snapshot),
            "compensate": self.compensate,
            "calibration": self.calibration,
            "subcalls": self.subcalls,
            "complete": snapshot.complete,
            "hook_lost": snapshot.hook_lost,
            "threads_lost": snapshot.threads_lost,
            "focus": self._has_focus,
            "windows": self._recorded(),
        }
        return Stats(snapshot, info)

    def _recorded(self) -> "dict[str, Any]":
        """How often it recorded, and how many seconds of how many."""
        count, recorded, elapsed = self.spans
        if self._watch is not None:
            elapsed = max(elapsed, self._watch.elapsed)
        return {"count": count, "recorded": recorded, "elapsed": elapsed}

    def _repr_html_(self) -> str:
        """What a notebook shows: what has been recorded up to now."""
        return self.snapshot()._repr_html_()

    def save(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,
        *,
        tree: str = "merged",
        viewer_root: bool = False,
    ) -> None:
        """Write what has been recorded up to now; see `Stats.save`."""
        self.snapshot().save(path, format, tree=tree, viewer_root=viewer_root)

    def dump_stats(
        self, file: "str | bytes | int | os.PathLike[Any]", *, tree: str = "merged"
    ) -> None:
        """Disable, and write a file; a .prof file, if its extension is of no format.

        Args:
            file: A path, or the number of an open file.
            tree: Of a .prof file: as `Stats.save` has it.

        Raises:
            OSError: The file cannot be written.
        """
        self.create_stats()
        found = None if isinstance(file, int) else format_of(os.fsdecode(file))
        stats = self.snapshot()
        if found in (None, "prof"):
            replace_file(file, stats.to_bytes(tree))
        else:
            replace_file(file, encode(stats, found))

    def print_stats(self, sort: "Any" = -1) -> None:
        """Disable, and print the table of pstats.

        Args:
            sort: What `pstats.Stats.sort_stats` takes, or a tuple of such.
        """
        from .table import make_table

        self.create_stats()
        snapshot = self.snapshot()
        print(snapshot.note_of_table, end="")
        table = make_table(self, snapshot.cpu_times)
        table.strip_dirs().sort_stats(*_sort_keys(sort)).print_stats()

    def run(self, cmd: str | types.CodeType) -> "Self":
        """Profile a statement in the namespace of `__main__`."""
        import __main__

        namespace = __main__.__dict__
        return self.runctx(cmd, namespace, namespace)

    def runctx(
        self,
        cmd: str | types.CodeType,
        globals: "dict[str, Any]",
        locals: "Any",
    ) -> "Self":
        """Profile a statement in the given namespaces."""
        self.enable()
        try:
            exec(cmd, globals, locals)
        finally:
            self.disable()
        return self

    def runcall(
        self, func: "Callable[P, R]", /, *args: "P.args", **kwargs: "P.kwargs"
    ) -> "R":
        """Profile one call, and answer its result."""
        self.enable()
        try:
            return func(*args, **kwargs)
        finally:
            self.disable()


class Profile(Profiler):
    """cProfile's class: the same options, and only the thread that enables.

    Args:
        timer: As for `Profiler`, as are all others.
        timeunit: Seconds in one unit of the timer.
        subcalls: Whether the pstats output has callers.
        builtins: Whether C functions are recorded as callees of their own.
        **options: Any other option of `Profiler`.
    """

    def __init__(
        self,
        timer: Callable[[], float] | None = None,
        timeunit: float = 0.0,
        subcalls: bool = True,
        builtins: "bool | Literal['all']" = True,
        **options: "Any",
    ) -> None:
        """See the class."""
        options.setdefault("threads", "current")
        super().__init__(
            timer=timer,
            timeunit=timeunit,
            subcalls=subcalls,
            builtins=builtins,
            **options,
        )


def run(
    statement: str | types.CodeType, filename: str | None = None, sort: "Any" = -1
) -> None:
    """Profile a statement in `__main__`, and print the table or write a file.

    SystemExit ends the statement, and nothing else.

    Args:
        statement: What to execute.
        filename: Where to write the profile; left out, the table is printed.
        sort: Order of the table, as for `Profiler.print_stats`.

    Raises:
        KeyError: There is no such order; found out before the statement runs.
        OSError: The file cannot be written; likewise.
        ProfilerConflictError: Another profile function is active.
    """
    import __main__

    namespace = __main__.__dict__
    runctx(statement, namespace, namespace, filename, sort)


def runctx(
    statement: str | types.CodeType,
    globals: "dict[str, Any]",
    locals: "Any",
    filename: str | None = None,
    sort: "Any" = -1,
) -> None:
    """Profile a statement in the given namespaces; otherwise as `run`."""
    import pstats

    if filename is not None:
        check_writable(filename)
    pstats.Stats().sort_stats(*_sort_keys(sort))
    profile = Profile()
    profile.enable()  # if it cannot be, no old file is to be replaced by nothing
    try:
        exec(statement, globals, locals)
    except SystemExit:
        pass
    finally:
        profile.disable()
        if filename is None:
            profile.print_stats(sort)
        else:
            profile.dump_stats(filename)


def _sort_keys(sort: "Any") -> "tuple[Any, ...]":
    """The arguments for `pstats.Stats.sort_stats`."""
    return sort if isinstance(sort, tuple) else (sort,)


def _threads_of(snapshot: "_core.Snapshot") -> "list[tuple[Any, ...]]":
    """Of each thread ident, number of paths, name, and when it ran; as it is known."""
    return [
        (ident, paths, *(described or (None, None, None)))
        for ident, paths, _, _, described in snapshot.threads
    ]


def _command() -> list[str]:
    """`sys.argv`, as far as the program has left it a list of strings."""
    arguments = getattr(sys, "argv", None)
    if not isinstance(arguments, list):
        return []
    return [str.__str__(part) for part in arguments if isinstance(part, str)]
