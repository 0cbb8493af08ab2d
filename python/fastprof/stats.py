"""What a profile says: the native model, and pstats' dict made from it."""

import os

from ._core import Snapshot
from .errors import ProfileFileError, UnknownFormatError
from .output import replace_file
from .profile_file import pack, unpack

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

    # File, first line, name, qualified name, module, kind.
    _Description = tuple[str, int, str, str, str | None, int]

__all__ = ["Function", "Stats", "cpu_times", "load", "pstats_dict"]

# As pstats has them: file, line, name.
Key = tuple[str, int, str]
# Calls, primitive calls, own and cumulative seconds.
Caller = tuple[int, int, float, float]
# Primitive calls, calls, own and cumulative seconds, callers.
Entry = tuple[int, int, float, float, dict[Key, Caller]]

# By the numbers that the engine has for them.
KINDS = "python", "generator", "builtin", "method", "gc"

# What `Stats` asks its run information for.
FLAGS = {
    "subcalls",
    "measures",
    "complete",
    "hook_lost",
    "threads_lost",
    "clock_unstable",
    "compensate",
    "calibration",
}


def pstats_dict(
    snapshot: Snapshot, subcalls: bool = True, compensated: bool = True
) -> dict[Key, Entry]:
    """The dict that `pstats.Stats` works on.

    Functions that share a key (two lambdas on one line, code that was executed twice)
    are added up.

    Args:
        snapshot: What was recorded.
        subcalls: Whether functions have their callers.
        compensated: Whether times are without what the profiler added to them.
    """
    keys: list[Key] = [function[:3] for function in snapshot.functions]
    functions, edges, _, _ = snapshot.totals(compensated, False)
    flat: dict[Key, Entry] = {}
    for number, (calls, recursive, _, own, cumulative, _, _), _, _ in functions:
        primitive = calls - recursive
        key = keys[number]
        if key in flat:
            was = flat[key]
            primitive, calls = primitive + was[0], calls + was[1]
            own, cumulative = own + was[2], cumulative + was[3]
        flat[key] = primitive, calls, own, cumulative, {}
    for caller, callee, (calls, recursive, _, own, cumulative, _, _) in edges:
        if not subcalls:
            break
        primitive = calls - recursive
        callers = flat[keys[callee]][4]
        key = keys[caller]
        if key in callers:
            before = callers[key]
            calls, primitive = calls + before[0], primitive + before[1]
            own, cumulative = own + before[2], cumulative + before[3]
        callers[key] = calls, primitive, own, cumulative
    return flat


def cpu_times(snapshot: Snapshot, compensated: bool) -> dict[Key, tuple[float, float]]:
    """Own and cumulative seconds on a CPU, by the keys of `pstats_dict`."""
    times: dict[Key, tuple[float, float]] = {}
    for number, (*_, own, cumulative), _, _ in snapshot.totals(compensated, False)[0]:
        key = snapshot.functions[number][:3]
        before = times.get(key, (0.0, 0.0))
        times[key] = own + before[0], cumulative + before[1]
    return times


class Function:
    """One function's figures; times in seconds.

    Attributes:
        file: As pstats has it: "~" for a C function.
        line: The first one; 0 for a C function.
        name: The plain name.
        qualname: The qualified one (Python 3.10 knows none for code: the plain one).
        module: The module's name; None if it is not known.
        kind: "python", "generator" (coroutines too), for what is written in C
            "method" or "builtin", and "gc" for the garbage collector's runs, whose
            name is "<gc>".
        calls: Calls that have ended; of a generator, its resumes.
        primitive_calls: Those that were not recursive.
        raised: Those that ended with an exception.
        own: Time in it, and in nothing that it called.
        cumulative: Time from its calls to their ends, recursion counted once.
        own_cpu: Of `own`, what the thread was on a CPU; None where that was not
            recorded (`clock="wall"`, a timer).
        cumulative_cpu: The same of `cumulative`.
        own_error: How far off `own` may be, for what the profiler added to it is not
            known exactly; 0.0 when nothing was taken out.
        overhead: What was taken out of `own`. It may be below zero: on Python 3.10 a
            call takes less of its function's time while there are events.
    """

    def __init__(
        self,
        description: "_Description",
        sums: "tuple[int, int, int, float, float, float, float]",
        overhead: float,
        own_error: float,
        has_cpu: bool,
    ) -> None:
        """Made by `Stats.functions`."""
        self.file, self.line, self.name, self.qualname, self.module, kind = description
        self.kind = KINDS[kind]
        self.calls, recursive, self.raised, self.own, self.cumulative, *cpu = sums
        self.own_cpu, self.cumulative_cpu = cpu if has_cpu else (None, None)
        self.primitive_calls = self.calls - recursive
        self.own_error = own_error
        self.overhead = overhead

    def __repr__(self) -> str:
        """Its name and what it took."""
        return f"<{self.qualname}: {self.calls} calls, {self.own:.6f} s own>"

    @property
    def mostly_overhead(self) -> bool:
        """Whether most of the own time that was recorded was the profiler's."""
        return self.overhead > self.own


class Stats:
    """What had been recorded at one moment.

    `pstats.Stats(stats)` takes it as it takes a profiler.

    Attributes:
        info: How and when it was recorded: a dict of plain values, among them
            `clock` (the source of the times), `threads` (for each its ident and the
            number of paths in its call tree) and `python`.
        compensated: Whether times are without what the profiler itself added to them.
    """

    def __init__(
        self, snapshot: Snapshot, info: "dict[str, Any]", compensated: bool = True
    ) -> None:
        """Made by `Profiler.snapshot`, `load` and `raw`."""
        self._snapshot = snapshot
        self._flat: dict[Key, Entry] | None = None
        self.info = info
        self.compensated = compensated and snapshot.costs is not None

    def __repr__(self) -> str:
        """How much there is of it."""
        paths = sum(thread[1] for thread in self._snapshot.threads)
        threads = len(self._snapshot.threads)
        return f"<fastprof.Stats: {paths} paths in {threads} threads>"

    @property
    def stats(self) -> dict[Key, Entry]:
        """The dict of pstats: `{(file, line, name): (cc, nc, tt, ct, callers)}`."""
        if self._flat is None:
            self.create_stats()
        assert self._flat is not None
        return self._flat

    @stats.setter
    def stats(self, flat: dict[Key, Entry]) -> None:
        self._flat = flat

    def create_stats(self) -> None:
        """Make `stats` anew; pstats asks for this, and empties it afterwards."""
        self._flat = pstats_dict(
            self._snapshot, self.info["subcalls"], self.compensated
        )

    @property
    def raw(self) -> "Stats":
        """The same with the times as they were recorded."""
        return Stats(self._snapshot, self.info, compensated=False)

    @property
    def functions(self) -> list[Function]:
        """What was called, in the order in which it was first seen."""
        descriptions = self._snapshot.functions
        has_cpu = self.info["measures"] in ("cpu", "both")
        return [
            Function(descriptions[number], sums, overhead, error, has_cpu)
            for number, sums, overhead, error in self._snapshot.totals(
                self.compensated, True
            )[0]
        ]

    @property
    def cpu_times(self) -> dict[Key, tuple[float, float]]:
        """By the keys of `stats`: own and cumulative seconds on a CPU.

        Empty where both were not recorded (`clock="both"`).
        """
        if self.info["measures"] != "both":
            return {}
        return cpu_times(self._snapshot, self.compensated)

    @property
    def clamped_seconds(self) -> float:
        """What should have been taken from the times, but there was no more."""
        return self._snapshot.totals(self.compensated, True)[2]

    @property
    def head(self) -> str:
        """What to say above a table of times: whether they are compensated."""
        functions = self.functions
        text = self._head_of_compensation(functions)
        for function in functions:
            if function.kind == "gc":
                text += (
                    f"The garbage collector ran {function.calls} times, for "
                    f"{function.own:.3f} seconds, in the functions' times.\n"
                )
        return text

    def _head_of_compensation(self, functions: list[Function]) -> str:
        if not self.compensated:
            return "Times are as recorded, with what the profiler added to them.\n"
        taken = sum(function.overhead for function in functions)
        error = sum(function.own_error for function in functions)
        text = f"Without {taken:.3f} seconds that the profiler added (+- {error:.3f})."
        pace = self.info["calibration"]["pace"]
        if pace > 1.0:
            text += (
                f"\nThis Python runs its code {pace:.2f} times as long while it is "
                "profiled: own times are divided by that."
            )
        return text + "\n"

    @property
    def truncated(self) -> bool:
        """Whether the node budget was used up.

        From then on calls were counted by function and by caller and callee: these
        figures are exact, the paths in the tree are not all there.
        """
        return any(thread[2] for thread in self._snapshot.threads)

    @property
    def complete(self) -> bool:
        """False when memory ran out: recording stopped there."""
        return bool(self.info["complete"])

    @property
    def warnings(self) -> list[str]:
        """What a reader of the figures must know, a sentence each; often nothing."""
        remarks = {
            "memory ran out: what came after that is not in the profile": (
                not self.complete
            ),
            "more paths than max_nodes: the call tree is cut off, and all calls, times "
            "and callers are exact": self.truncated,
            "the program put another profile function in our place: a thread is not in "
            "the profile from then on": self.info["hook_lost"],
            "a new thread had another profile function, and is not in the profile": (
                self.info["threads_lost"]
            ),
            "the clock was not steady: times may be off": self.info["clock_unstable"],
            "times are with what the profiler added to them: it could not be measured "
            "when recording began (docs/accuracy.md)": (
                self.info["compensate"] and self._snapshot.costs is None
            ),
        }
        return [remark for remark, applies in remarks.items() if applies]

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write a file that pstats, its viewers and `fastprof.load` read.

        Args:
            path: Where to; an existing file is replaced whole or not at all.
            format: "prof"; left out, the file's extension tells.

        Raises:
            UnknownFormatError: There is no such format.
            OSError: The file cannot be written.
        """
        path = os.fspath(path)
        chosen = os.path.splitext(path)[1][1:] if format is None else format
        if chosen != "prof":
            raise UnknownFormatError(
                f"{path}: no file format is called {chosen!r}; use the extension "
                '.prof or format="prof"'
            )
        replace_file(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The content of a .prof file."""
        snapshot = self._snapshot
        details = {
            "info": self.info,
            "functions": snapshot.functions,
            "seconds_per_tick": snapshot.seconds_per_tick,
            "trees": snapshot.encode(),
            "costs": snapshot.costs if self.compensated else None,
        }
        flat = pstats_dict(snapshot, self.info["subcalls"], self.compensated)
        return pack(flat, details)


def load(path: str | os.PathLike[str]) -> Stats:
    """Read a file that `save`, `dump_stats` or `python -m fastprof -o` wrote.

    Raises:
        ProfileFileError: It is no such file, or damaged.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        return _stats_of(unpack(data))
    except ProfileFileError as error:
        raise ProfileFileError(f"{os.fspath(path)}: {error}") from None


def _stats_of(details: "dict[str, Any]") -> Stats:
    """The native model from a file's second part, which is checked first."""
    try:
        info, functions = details["info"], details["functions"]
        trees, scale = details["trees"], details["seconds_per_tick"]
        costs = details["costs"]
        described = all(_is_function(function) for function in functions)
        if not described or not FLAGS <= info.keys():
            raise ProfileFileError("damaged: its list of functions cannot be read")
        if costs is not None and not isinstance(info["calibration"]["pace"], float):
            raise ProfileFileError("damaged: its calibration cannot be read")
        return Stats(Snapshot.decode(trees, functions, scale, costs), info)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, ProfileFileError):
            raise
        raise ProfileFileError(f"damaged: {error}") from None


def _is_function(function: "Any") -> bool:
    if not isinstance(function, tuple):
        return False
    file, line, name, qualname, module, kind = function
    texts = file, name, qualname, "" if module is None else module
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(line, int)
        and isinstance(kind, int)
        and kind in range(len(KINDS))
    )
