"""What a profile says: the native model, and pstats' dict made from it."""

import os
import types

from ._core import Snapshot
from .errors import MissingExtraError, ProfileFileError, UnknownFormatError
from .exact import exact_dict, with_root
from .formats import FORMATS, check, encode, format_of
from .formats.frames import FIELDS
from .merging import merged
from .output import replace_file
from .precision import PRECISIONS, WORDS, least_precise, precision_of_edges, remark
from .profile_file import pack, unpack
from .tree import KINDS, Description, Node, Thread, full_name, make_tree

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    import pstats
    from collections.abc import Callable, Iterable
    from typing import Any

    from .precision import Precision

__all__ = ["Edge", "Function", "Stats", "cpu_times", "load", "pstats_dict"]

# As pstats has them: file, line, name.
Key = tuple[str, int, str]
# Calls, primitive calls, own and cumulative seconds.
Caller = tuple[int, int, float, float]
# Primitive calls, calls, own and cumulative seconds, callers.
Entry = tuple[int, int, float, float, dict[Key, Caller]]

# As `Snapshot.totals` has them.
Sums = tuple[int, int, int, float, float, float, float, int, int, float]

# What pstats' viewers find in a file.
TREES = "merged", "exact"

# What makes up a sum of functions.
SUMMED = (
    *("calls", "primitive_calls", "resumes", "raised", "own", "cumulative"),
    *("suspended", "own_cpu", "cumulative_cpu", "own_error", "overhead"),
)

# What `Stats` asks its run information for, and of which type it is.
FLAGS = {
    "fastprof": str,
    "command": list,
    "clock": str,
    "measures": str,
    "threads": list,
    "negative_intervals": int,
    "subcalls": bool,
    "complete": bool,
    "hook_lost": bool,
    "threads_lost": bool,
    "focus": bool,
    "clock_unstable": bool,
    "compensate": bool,
}
MOST_LINES = 2**31
MOST_WRAPPERS = 20  # of decorators around a function


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
    functions, edges, _ = snapshot.totals(compensated, False)
    flat: dict[Key, Entry] = {}
    for number, (calls, recursive, _, own, cumulative, *_), _, _ in functions:
        primitive = calls - recursive
        key = keys[number]
        if key in flat:
            was = flat[key]
            primitive, calls = primitive + was[0], calls + was[1]
            own, cumulative = own + was[2], cumulative + was[3]
        flat[key] = primitive, calls, own, cumulative, {}
    for caller, callee, (calls, recursive, _, own, cumulative, *_) in edges:
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
    for number, sums, _, _ in snapshot.totals(compensated, False)[0]:
        own, cumulative = sums[5:7]
        key = snapshot.functions[number][:3]
        before = times.get(key, (0.0, 0.0))
        times[key] = own + before[0], cumulative + before[1]
    return times


def counts(sums: "Sums") -> tuple[int, int]:
    """Calls, and those that were not recursive; without resumes."""
    calls, recursive, resumes, recursive_resumes = *sums[:2], *sums[7:9]
    calls -= resumes
    return calls, calls - (recursive - recursive_resumes)


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
        calls: Calls; of a generator or coroutine, how often it was begun. In pstats
            each resume is a call, too.
        primitive_calls: Those that were not recursive.
        resumes: How often a generator or coroutine went on.
        raised: Calls and resumes that ended with an exception.
        own: Time in it, and in nothing that it called.
        cumulative: Time from its calls to their ends, recursion counted once.
        suspended: How long generators had stood still when they went on. One that
            yields on one thread and goes on on another is not seen to stand still.
        own_cpu: Of `own`, what the thread was on a CPU; None where that was not
            recorded (`clock="wall"`, a timer).
        cumulative_cpu: The same of `cumulative`.
        own_error: How far off `own` may be, for what the profiler added to it is not
            known exactly; 0.0 when nothing was taken out.
        number: Its place in the profile's list of functions.
        parts: Those whose sum it is; itself, if it is one.
        overhead: What was taken out of `own`. It may be below zero: on Python 3.10 a
            call takes less of its function's time while there are events.
        precision: What `calls` and the other counts are: "exact"; "lower_bound": there
            may have been more; "estimate": from some time on they were not seen. Times
            are of the calls that were seen (docs/precision.md).
    """

    def __init__(
        self,
        number: int,
        snapshot: Snapshot,
        sums: "Sums",
        overhead: float,
        own_error: float,
        has_cpu: bool,
    ) -> None:
        """Made by `Stats.functions`."""
        self.number = number
        description = snapshot.functions[number]
        self.file, self.line, self.name, self.qualname, self.module, kind = description
        self.kind = KINDS[kind]
        self.precision: Precision = PRECISIONS[snapshot.precision[number]]
        self.calls, self.primitive_calls = counts(sums)
        self.raised, self.own, self.cumulative = sums[2:5]
        self.own_cpu: float | None = sums[5] if has_cpu else None
        self.cumulative_cpu: float | None = sums[6] if has_cpu else None
        self.resumes, self.suspended = sums[7], sums[9]
        self.own_error = own_error
        self.overhead = overhead
        self._parts: list[Function] = []

    def __repr__(self) -> str:
        """Its name and what it took."""
        calls = f"{WORDS[self.precision]}{self.calls} calls"
        return f"<{self.qualname}: {calls}, {self.own:.6f} s own>"

    @classmethod
    def sum(cls, parts: "list[Function]") -> "Function":
        """The figures of some together, named as the first.

        Cumulative times are added up, also where one of them calls another.
        """
        total = cls.__new__(cls)
        vars(total).update(vars(parts[0]))
        for name in SUMMED:
            if getattr(total, name) is not None:
                setattr(total, name, sum(getattr(part, name) for part in parts))
        total.precision = least_precise(part.precision for part in parts)
        total._parts = [single for part in parts for single in part.parts]
        return total

    @property
    def parts(self) -> "list[Function]":
        """Those whose sum it is."""
        return self._parts or [self]

    @property
    def key(self) -> Key:
        """Its key in pstats."""
        return self.file, self.line, self.name

    @property
    def full_name(self) -> str:
        """`module:qualified name`; of a C function its label.

        Where no module is known, the file.
        """
        return full_name((*self.key, self.qualname, self.module, 0))

    @property
    def mostly_overhead(self) -> bool:
        """Whether most of the own time that was recorded was the profiler's."""
        return self.overhead > self.own


class Edge:
    """The calls of a function by one of its callers; times in seconds.

    Attributes:
        function: The caller, or the callee: whichever was asked for.
        calls, primitive_calls, resumes, raised, own, cumulative, suspended: As
            `Function` has them, of the callee in these calls.
        precision: As `Function` has it; "estimate" also where calls may have been made
            by a function that is not exact, and that the caller called.
    """

    __slots__ = (
        *("calls", "primitive_calls", "resumes", "raised", "own", "cumulative"),
        *("suspended", "function", "precision"),
    )

    def __init__(
        self, function: Function, sums: "Sums", precision: "Precision"
    ) -> None:
        """Made by `Stats.callers` and `Stats.callees`."""
        self.function = function
        self.precision = precision
        self.calls, self.primitive_calls = counts(sums)
        self.raised, self.own, self.cumulative = sums[2:5]
        self.resumes, self.suspended = sums[7], sums[9]

    def __repr__(self) -> str:
        """The other function, and what came of the calls."""
        calls = f"{WORDS[self.precision]}{self.calls} calls"
        return (
            f"<{self.function.qualname}: {calls}, {self.raised} raised, "
            f"{self.cumulative:.6f} s cumulative>"
        )


class Stats:
    """What had been recorded at one moment.

    `pstats.Stats(stats)` takes it as it takes a profiler.

    Attributes:
        info: How and when it was recorded: a dict of plain values, among them
            `clock` (the source of the times), `threads` (for each its ident and the
            number of paths in its call tree) and `python`.
        compensated: Whether times are without what the profiler itself added to them.
        snapshot: What was recorded, in C.
    """

    def __init__(
        self, snapshot: Snapshot, info: "dict[str, Any]", compensated: bool = True
    ) -> None:
        """Made by `Profiler.snapshot`, `load` and `raw`."""
        self.snapshot = snapshot
        self._flat: dict[Key, Entry] | None = None
        self._tree: Node | None = None
        self._all_totals: tuple[list[Any], list[Any], float] | None = None
        self._precision_of_edges: bytes | None = None
        self.info = info
        self._sum = info.get("merged")
        if self._sum is not None:
            self.compensated = self._sum["compensated"]
        else:
            self.compensated = compensated and snapshot.costs is not None

    def __repr__(self) -> str:
        """How much there is of it."""
        paths = sum(thread[1] for thread in self.snapshot.threads)
        threads = len(self.snapshot.threads)
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
        # pstats empties it when it has taken it: then it is made anew.
        self._flat = flat or None

    def create_stats(self) -> None:
        """Make `stats` anew; pstats asks for this."""
        self._flat = pstats_dict(self.snapshot, self.info["subcalls"], self.compensated)

    @property
    def raw(self) -> "Stats":
        """The same with the times as they were recorded; of a sum the same."""
        return Stats(self.snapshot, self.info, compensated=False)

    @classmethod
    def merge(cls, profiles: "Iterable[Stats]") -> "Stats":
        """The sum of some profiles: of processes, of runs.

        Functions are the same where all that is known of them is; paths, where the
        functions on them are. Threads are merged. Each profile is read when it is its
        turn, and may be gone then: an iterator that loads them needs the memory of one.

        Raises:
            ValueError: There are none, or they have no sum: times of different clocks,
                or what the profiler added is taken out of some only.
        """
        return cls(*merged(profiles))

    def __add__(self, other: object) -> "Stats":
        """The sum of two profiles, as `merge`."""
        if not isinstance(other, Stats):
            return NotImplemented
        return Stats.merge([self, other])

    @property
    def functions(self) -> list[Function]:
        """What was called, in the order in which it was first seen."""
        found = []
        for number, sums, overhead, error in self._totals[0]:
            if self._sum is not None:
                overhead, error = self._sum["taken"][number]
            found.append(
                Function(number, self.snapshot, sums, overhead, error, self._has_cpu)
            )
        return found

    @property
    def _totals(self) -> "tuple[list[Any], list[Any], float]":
        if self._all_totals is None:
            self._all_totals = self.snapshot.totals(self.compensated, True)
        return self._all_totals

    @property
    def tree(self) -> Node:
        """The call trees of all threads, merged: the root."""
        if self._tree is None:
            self._tree = self._tree_of(-1)
        return self._tree

    @property
    def has_tree(self) -> bool:
        """Whether there are paths: a file of cProfile's has none."""
        return any(paths for _, paths, *_ in self.snapshot.threads)

    @property
    def threads(self) -> list[Thread]:
        """The threads, in the order in which they were first seen, with their trees."""
        return [
            Thread(ident, name, began, ended, self._tree_of(number))
            for number, (ident, _, name, began, ended) in enumerate(
                self.info["threads"]
            )
        ]

    def __getitem__(self, what: "Any") -> Function:
        """One function's figures.

        Args:
            what: A function (of what a decorator has wrapped by `functools.wraps`, the
                one inside) or a code object, "module:qualified name" (of a C function
                its label, such as "<built-in method time.sleep>"), or a key of pstats.

        Returns:
            Where several code objects have the name, the sum of their figures, with
            each one's in `parts`.

        Raises:
            KeyError: It was not called, or there is no such function; names that are
                near are in the message.
        """
        wanted = _matcher(what)
        found = [function for function in self.functions if wanted(function)]
        if not found:
            raise KeyError(f"{what!r} was not called{self._near(what)}")
        return found[0] if len(found) == 1 else Function.sum(found)

    def _near(self, what: "Any") -> str:
        import difflib  # with all that it needs, for an error that hardly ever comes

        name = what if isinstance(what, str) else getattr(what, "__qualname__", "")
        names = {function.full_name for function in self.functions}
        near = difflib.get_close_matches(str(name), names, 3, 0.5)
        return f"; do you mean {' or '.join(map(repr, near))}?" if near else ""

    def select(
        self,
        *,
        module: str | None = None,
        file: str | None = None,
        pattern: str | None = None,
        kind: str | None = None,
        least: float = 0.0,
    ) -> list[Function]:
        """The functions that fulfil all conditions, in the order of own time.

        Args:
            module: Those of this module, and of the modules in this package.
            file: Those whose file matches, by the rules of `fnmatch`.
            pattern: Those whose `full_name` has a match of this regular expression.
            kind: Those of this `Function.kind`.
            least: Those whose own time is at least this share (0 to 1) of all.
        """
        import fnmatch
        import re

        functions = self.functions
        total = sum(function.own for function in functions)
        found = [
            one
            for one in functions
            if (module is None or f"{one.module}.".startswith(f"{module}."))
            and (file is None or fnmatch.fnmatch(one.file, file))
            and (pattern is None or re.search(pattern, one.full_name))
            and (kind is None or one.kind == kind)
            and one.own >= least * total
        ]
        return sorted(found, key=lambda one: -one.own)

    def group(self, by: str) -> "dict[str, list[Function]]":
        """The functions by what they belong to, the group of most own time first.

        Args:
            by: "module", "package" (the first part of the module's name), "file" or
                "kind". What has no module is in the group "".

        Raises:
            ValueError: They are not grouped by that.
        """
        if by not in GROUPS:
            raise ValueError(f"by must be one of {', '.join(GROUPS)}, not {by!r}")
        groups: dict[str, list[Function]] = {}
        for function in self.functions:
            groups.setdefault(GROUPS[by](function), []).append(function)
        return dict(
            sorted(groups.items(), key=lambda item: -sum(one.own for one in item[1]))
        )

    def callers(self, function: Function) -> "list[Edge]":
        """Who called it, most time first."""
        return self._edges(function, 1, 0)

    def callees(self, function: Function) -> "list[Edge]":
        """What it called, most time first."""
        return self._edges(function, 0, 1)

    def _edges(self, function: Function, its: int, other: int) -> "list[Edge]":
        by_number = {one.number: one for one in self.functions}
        numbers = {part.number for part in function.parts}
        found = [
            Edge(by_number[edge[other]], edge[2], PRECISIONS[precision])
            for edge, precision in zip(
                self._totals[1], self._edge_precision, strict=True
            )
            if edge[its] in numbers
        ]
        return sorted(found, key=lambda one: -one.cumulative)

    @property
    def _edge_precision(self) -> bytes:
        """Of the edges in `_totals`, numbers of `PRECISIONS`."""
        if self._precision_of_edges is None:
            self._precision_of_edges = precision_of_edges(
                self.snapshot.precision, self._totals[1]
            )
        return self._precision_of_edges

    def _tree_of(self, thread: int) -> Node:
        return make_tree(self.snapshot, thread, self.compensated, self._has_cpu)

    @property
    def _has_cpu(self) -> bool:
        return self.info["measures"] in ("cpu", "both")

    @property
    def cpu_times(self) -> dict[Key, tuple[float, float]]:
        """By the keys of `stats`: own and cumulative seconds on a CPU.

        Empty where both were not recorded (`clock="both"`).
        """
        if self.info["measures"] != "both":
            return {}
        return cpu_times(self.snapshot, self.compensated)

    @property
    def clamped_seconds(self) -> float:
        """What should have been taken from the times, but there was no more."""
        return self._totals[2]

    @property
    def head(self) -> str:
        """What to say above figures: of their times, and which counts are exact."""
        inexact = f"{self.inexact}\n" if self.inexact else ""
        return self._head_of_times + self._head_of_windows + inexact

    @property
    def _head_of_windows(self) -> str:
        windows = self.info.get("windows")
        if windows is None or windows["recorded"] >= windows["elapsed"]:
            return ""
        count = windows["count"]
        return (
            f"Recorded {windows['recorded']:.3f} of {windows['elapsed']:.3f} seconds, "
            f"in {count} window{'s' * (count != 1)}.\n"
        )

    @property
    def _head_of_times(self) -> str:
        if not self.compensated:
            return "Times are as recorded, with what the profiler added to them.\n"
        functions = self.functions
        taken = sum(function.overhead for function in functions)
        error = sum(function.own_error for function in functions)
        text = f"Without {taken:.3f} seconds that the profiler added (+- {error:.3f})."
        pace = (self.info["calibration"] or {}).get("pace", 1.0)
        if pace > 1.0:
            text += (
                f"\nThis Python runs its code some {pace:.1f} times as long while it "
                "is profiled: by its instructions, that is taken from own times."
            )
        return text + "\n"

    @property
    def note_of_table(self) -> str:
        """That there are no marks in pstats' table, where there should be some."""
        if not self.inexact:
            return ""
        return (
            f"{self.inexact}\n"
            "Function.precision and `fastprof report` tell which they are.\n"
        )

    @property
    def head_of_table(self) -> str:
        """The same for pstats' table: what it does not have, too."""
        text = self._head_of_times + self.note_of_table
        for function in self.functions:
            if function.kind == "gc":
                text += (
                    f"The garbage collector ran {function.calls} times, for "
                    f"{function.own:.3f} seconds, in the times of functions.\n"
                )
        return text

    @property
    def truncated(self) -> bool:
        """Whether the node budget was used up.

        From then on calls were counted by function and by caller and callee: these
        figures are exact, the paths in the tree are not all there.
        """
        return any(thread[2] for thread in self.snapshot.threads)

    @property
    def is_exact(self) -> bool:
        """Whether the counts of all functions are: `Function.precision`."""
        return not any(self.snapshot.precision)

    @property
    def inexact(self) -> str:
        """Of how many functions the counts are not exact, in words; empty: of none."""
        return remark(function.precision for function in self.functions)

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
            "not all functions were recorded: the time of the others is in that of the "
            "functions that called them": self.info["focus"],
            "the clock was not steady: times may be off": self.info["clock_unstable"],
            "cProfile recorded it: callers are known, paths are not": (
                self.info["clock"] == "cProfile"
            ),
            "times are with what the profiler added to them: it could not be measured "
            "when recording began (docs/accuracy.md)": (
                self.info["compensate"]
                and self.snapshot.costs is None
                and not self.compensated
            ),
        }
        said = [remark for remark, applies in remarks.items() if applies]
        missing = self.info.get("missing")
        if missing:
            said.append(f"not in the profile, as they should be: {', '.join(missing)}")
        return said

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from .formats.card import card

        return card(self)

    def save(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,
        *,
        tree: str = "merged",
        viewer_root: bool = False,
    ) -> None:
        """Write a file.

        Args:
            path: Where to; an existing file is replaced whole or not at all.
            format: "prof" (which pstats, its viewers and `fastprof.load` read), or
                "speedscope", "collapsed", "callgrind", "pprof", "hatchet", "json",
                "csv" or "html"; left out, the file's extension tells.
            tree: What pstats' viewers find in a .prof file. "merged": functions, as
                ever. "exact": each path of the call tree as a function of its own (the
                second one of a function `c` is named `c #2`), so that viewers that can
                only guess paths from callers (snakeviz, tuna) show the true ones. What
                took less than a thousandth of its caller's time is put together, and
                there are at most 50,000 keys. `fastprof.load` reads the same from both.
            viewer_root: Whether pstats' viewers find one function more in a .prof file,
                with no calls, which has called all that nobody has called.

        Raises:
            UnknownFormatError: There is no such format.
            MissingExtraError: This installation cannot write HTML.
            ValueError: There is no such tree, or the format knows no such thing.
            OSError: The file cannot be written.
        """
        path = os.fspath(path)
        chosen = self.choose_format(path, format)
        if tree not in TREES:
            raise ValueError(f"tree must be one of {', '.join(TREES)}, not {tree!r}")
        if chosen != "prof":
            if tree != "merged" or viewer_root:
                raise ValueError(f"{path}: tree and viewer_root are for .prof files")
            replace_file(path, encode(self, chosen))
            return
        replace_file(path, self.to_bytes(tree, viewer_root))

    @staticmethod
    def choose_format(path: str, format: str | None) -> str:
        """The name of the format of a file, as `save` has it.

        Raises:
            UnknownFormatError: There is no such format.
            MissingExtraError: This installation cannot write it.
        """
        chosen = format_of(path) if format is None else format
        if chosen in FORMATS:
            check(chosen)
            return chosen
        extensions = " ".join(sum(FORMATS.values(), ()))
        asked = "its extension is that of no" if format is None else f"{format!r} is no"
        raise UnknownFormatError(
            f"{path}: {asked} file format; formats are {', '.join(FORMATS)}, and "
            f"extensions {extensions}"
        )

    def to_pstats(self) -> "pstats.Stats":
        """A `pstats.Stats` of it."""
        import pstats

        return pstats.Stats(self)  # type: ignore[arg-type]

    def to_pandas(self) -> "Any":
        """A pandas.DataFrame with a row for each function, in the order of `functions`.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError as error:
            raise MissingExtraError(
                "to_pandas needs pandas: pip install 'fastprof[pandas]'"
            ) from error
        functions = self.functions
        return pandas.DataFrame(
            {name: [getattr(one, name) for one in functions] for name in FIELDS}
        )

    def flat_figures(
        self,
    ) -> "tuple[tuple[Description, ...], list[Any], list[Any]]":
        """Descriptions of functions; own times by their numbers; calls between them.

        Returns:
            descriptions, [(number, own seconds)], and [(caller, callee, calls,
            own and cumulative seconds, precision)].
        """
        functions, edges, *_ = self._totals
        return (
            self.snapshot.functions,
            [(number, sums[3]) for number, sums, *_ in functions],
            [
                (caller, callee, counts(sums)[0], sums[3], sums[4], precision)
                for (caller, callee, sums), precision in zip(
                    edges, self._edge_precision, strict=True
                )
            ],
        )

    def to_bytes(self, tree: str = "merged", viewer_root: bool = False) -> bytes:
        """The content of a .prof file; the arguments are those of `save`."""
        snapshot = self.snapshot
        details = {
            "info": self.info,
            "functions": snapshot.functions,
            "seconds_per_tick": snapshot.seconds_per_tick,
            "trees": snapshot.encode(),
            "costs": snapshot.costs if self.compensated else None,
        }
        if not self.is_exact:
            details["precision"] = snapshot.precision
        if self.compensated and snapshot.paces is not None:
            details["paces"] = snapshot.paces
        if tree == "exact":
            flat = exact_dict(self.tree)
        else:
            flat = pstats_dict(snapshot, self.info["subcalls"], self.compensated)
        return pack(with_root(flat) if viewer_root else flat, details)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Stats":
        """What `to_bytes` made bytes of; see `load`.

        Raises:
            ProfileFileError: It did not.
        """
        return _stats_of(unpack(data))

    def __reduce__(self) -> "tuple[Callable[[bytes], Stats], tuple[bytes]]":
        """It is pickled as the content of a .prof file."""
        return Stats.from_bytes, (self.to_bytes(),)


# What functions are grouped by.
GROUPS: "dict[str, Callable[[Function], str]]" = {
    "module": lambda one: one.module or "",
    "package": lambda one: (one.module or "").partition(".")[0],
    "file": lambda one: one.file,
    "kind": lambda one: one.kind,
}


def unwrapped(function: "Any") -> "Any":
    """The function of a method, and the one inside of what decorators have wrapped."""
    function = getattr(function, "__func__", function)
    for _ in range(MOST_WRAPPERS):
        function = getattr(function, "__wrapped__", function)
    return function


def _matcher(what: "Any") -> "Callable[[Function], bool]":
    """Whether a function is the one that was asked for."""
    if isinstance(what, str):
        return lambda one: one.full_name == what
    if isinstance(what, tuple):
        return lambda one: one.key == what
    what = unwrapped(what)
    code = getattr(what, "__code__", what)
    if isinstance(code, types.CodeType):
        key = code.co_filename, code.co_firstlineno, code.co_name
        qualname = getattr(code, "co_qualname", code.co_name)
        return lambda one: one.key == key and one.qualname == qualname
    if isinstance(what, types.BuiltinFunctionType):
        owner = what.__self__
        if owner is None or isinstance(owner, types.ModuleType):
            label = f"<built-in method {what.__module__}.{what.__name__}>"
            return lambda one: one.name == label
        what = getattr(type(owner), what.__name__, what)
    return lambda one: one.file == "~" and one.name == repr(what)


def load(path: str | os.PathLike[str]) -> Stats:
    """Read a file that `save`, `dump_stats` or `python -m fastprof -o` wrote.

    One of cProfile's or pstats' is read too: it has functions and callers, and no tree.
    What such a file holds goes to `marshal`, which can be made to crash by a file that
    was written for that: read none from people whom you do not trust.

    Raises:
        ProfileFileError: It is no such file, or damaged.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        return Stats.from_bytes(data)
    except ProfileFileError as error:
        raise ProfileFileError(f"{os.fspath(path)}: {error}") from None


def _stats_of(details: "dict[str, Any]") -> Stats:
    """The native model from a file's second part, which is checked first."""
    try:
        info, functions = details["info"], details["functions"]
        trees, scale = details["trees"], details["seconds_per_tick"]
        costs = details["costs"]
        described = all(_is_function(function) for function in functions)
        if not described:
            raise ProfileFileError("damaged: its list of functions cannot be read")
        if not _is_info(info):
            raise ProfileFileError("damaged: its run information cannot be read")
        if costs is not None and info["calibration"] is None:
            raise ProfileFileError("damaged: its calibration is missing")
        if "merged" in info and not _is_sum(info["merged"], len(functions)):
            raise ProfileFileError("damaged: what it is the sum of cannot be read")
        precision = details.get("precision", bytes(len(functions)))
        paces = details.get("paces")
        snapshot = Snapshot.decode(trees, functions, scale, costs, precision, paces)
        if [one[:2] for one in info["threads"]] != [
            one[:2] for one in snapshot.threads
        ]:
            raise ProfileFileError("damaged: its list of threads cannot be read")
        return Stats(snapshot, info)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, ProfileFileError):
            raise
        raise ProfileFileError(f"damaged: {error}") from None


def _is_info(info: "dict[str, Any]") -> bool:
    return (
        all(isinstance(info[name], kind) for name, kind in FLAGS.items())
        and _is_plain(info, 6)
        and all(isinstance(word, str) for word in info["command"])
        and all(isinstance(lost, str) for lost in info.get("missing", ()))
        and all(_is_thread(*thread) for thread in info["threads"])
        and _is_calibration(info["calibration"])
        and ("windows" not in info or _is_windows(**info["windows"]))
    )


def _is_windows(count: "Any", recorded: "Any", elapsed: "Any") -> bool:
    return isinstance(count, int) and all(
        isinstance(seconds, float) for seconds in (recorded, elapsed)
    )


def _is_thread(
    ident: "Any", paths: "Any", name: "Any", began: "Any", ended: "Any"
) -> bool:
    return (name is None or isinstance(name, str)) and all(
        moment is None or isinstance(moment, float) for moment in (began, ended)
    )


def _is_plain(value: "Any", depth: int) -> bool:
    """Whether all of it could stand in JSON: what else a file may hold is a trap."""
    if depth == 0:
        return False
    if isinstance(value, dict):
        return all(
            isinstance(key, str) and _is_plain(inside, depth - 1)
            for key, inside in value.items()
        )
    if isinstance(value, list | tuple):
        return all(_is_plain(inside, depth - 1) for inside in value)
    if type(value) is int:
        return abs(value) < 2**64
    return value is None or type(value) in (str, bool, float)


def _is_calibration(calibration: "Any") -> bool:
    return calibration is None or (
        isinstance(calibration, dict) and isinstance(calibration.get("pace"), float)
    )


def _is_sum(merged: "Any", functions: int) -> bool:
    return (
        isinstance(merged["compensated"], bool)
        and isinstance(merged["profiles"], int)
        and isinstance(merged["taken"], list | tuple)
        and len(merged["taken"]) == functions
        and all(
            isinstance(pair, tuple)
            and len(pair) == 2
            and all(isinstance(number, float) for number in pair)
            for pair in merged["taken"]
        )
    )


def _is_function(function: "Any") -> bool:
    if not isinstance(function, tuple):
        return False
    file, line, name, qualname, module, kind = function
    texts = file, name, qualname, "" if module is None else module
    return (
        all(isinstance(text, str) for text in texts)
        and type(line) is int
        and 0 <= line < MOST_LINES
        and type(kind) is int
        and kind in range(len(KINDS))
    )
