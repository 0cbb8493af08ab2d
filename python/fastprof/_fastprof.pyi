import types
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypedDict, final

from _typeshed import ReadableBuffer, structseq
from typing_extensions import Self, disjoint_base

_Timer = Callable[[], float]
# Calls, recursive calls, raised, own seconds, cumulative seconds, both on a CPU,
# resumes, recursive resumes, seconds suspended.
_Sums = tuple[int, int, int, float, float, float, float, int, int, float]
# File, first line, name, qualified name, module, kind.
_Function = tuple[str, int, str, str, str | None, int]
# Seconds inside the callee's time, outside it, error.
_Cost = tuple[float, float, float]

class _Calibration(TypedDict):
    python: _Cost
    generator: _Cost
    builtin: _Cost
    method: _Cost
    python_raised: _Cost
    generator_raised: _Cost
    builtin_raised: _Cost
    method_raised: _Cost
    append: _Cost
    aside: _Cost
    pace: float

class _ClockInfo(TypedDict):
    measures: Literal["wall", "cpu", "both", "custom"]
    source: Literal["tsc", "cntvct", "monotonic", "custom"]
    seconds_per_tick: float
    unstable: bool

@final
class profiler_subentry(
    structseq[Any], tuple[types.CodeType | str, int, int, float, float]
):
    __match_args__ = ("code", "callcount", "reccallcount", "totaltime", "inlinetime")
    @property
    def code(self) -> types.CodeType | str: ...
    @property
    def callcount(self) -> int: ...
    @property
    def reccallcount(self) -> int: ...
    @property
    def totaltime(self) -> float: ...
    @property
    def inlinetime(self) -> float: ...

@final
class profiler_entry(
    structseq[Any],
    tuple[types.CodeType | str, int, int, float, float, list[profiler_subentry] | None],
):
    __match_args__ = (
        "code",
        "callcount",
        "reccallcount",
        "totaltime",
        "inlinetime",
        "calls",
    )
    @property
    def code(self) -> types.CodeType | str: ...
    @property
    def callcount(self) -> int: ...
    @property
    def reccallcount(self) -> int: ...
    @property
    def totaltime(self) -> float: ...
    @property
    def inlinetime(self) -> float: ...
    @property
    def calls(self) -> list[profiler_subentry] | None: ...

@final
class Snapshot:
    @property
    def functions(self) -> tuple[_Function, ...]: ...
    @property
    def precision(self) -> bytes: ...
    @property
    def paces(self) -> bytes | None: ...
    @property
    def seconds_per_tick(self) -> float: ...
    @property
    def complete(self) -> bool: ...
    @property
    def hook_lost(self) -> bool: ...
    @property
    def threads_lost(self) -> bool: ...
    @property
    def threads(
        self,
    ) -> list[
        tuple[int, int, bool, int, tuple[str | None, float | None, float | None] | None]
    ]: ...
    @property
    def costs(self) -> tuple[float, ...] | None: ...
    def totals(
        self, compensated: bool, collections_apart: bool, /
    ) -> tuple[
        list[tuple[int, _Sums, float, float]],
        list[tuple[int, int, _Sums]],
        float,
    ]: ...
    def columns(self, thread: int, compensated: bool, /) -> dict[str, bytes]: ...
    def encode(self) -> bytes: ...
    @classmethod
    def decode(
        cls,
        data: ReadableBuffer,
        functions: tuple[_Function, ...],
        seconds_per_tick: float,
        costs: tuple[float, ...] | None,
        precision: bytes,
        paces: bytes | None,
        /,
    ) -> Self: ...

@final
class measure:
    def __new__(cls, label: str) -> Self: ...
    @property
    def label(self) -> str: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
        /,
    ) -> None: ...

@disjoint_base
class Profiler:
    def __init__(
        self,
        timer: _Timer | None = None,
        timeunit: float = 0.0,
        subcalls: bool = True,
        builtins: bool | Literal["all", "slow"] = True,
        *,
        threads: Literal["all", "current"] = "all",
        max_nodes: int = 1048576,
        backend: Literal["auto", "setprofile", "monitoring"] = "auto",
        compensate: bool = True,
        clock: Literal["wall", "cpu", "both"] = "wall",
        max_overhead: float | None = None,
    ) -> None: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def enabled_at(self) -> tuple[str, int] | None: ...
    @property
    def subcalls(self) -> bool: ...
    @property
    def compensate(self) -> bool: ...
    @property
    def clock_info(self) -> _ClockInfo: ...
    @property
    def calibration(self) -> _Calibration | None: ...
    @property
    def spans(self) -> tuple[int, float, float]: ...
    def enable(
        self, subcalls: bool = ..., builtins: bool | Literal["all", "slow"] = ...
    ) -> None: ...
    def disable(self) -> None: ...
    def toggle(self) -> None: ...
    def calibrate(self) -> None: ...
    def clear(self) -> None: ...
    def focus(
        self, predicate: Callable[[str | None, types.CodeType], object], /
    ) -> None: ...
    def watch(self, wires: dict[int, Callable[[bool | None], object]], /) -> None: ...
    def getstats(self) -> list[profiler_entry]: ...
    def count_calls(self) -> int: ...
    def take_snapshot(self) -> Snapshot: ...

def active_profilers() -> list[Profiler]: ...
def known_work() -> float: ...
def clock_quality() -> tuple[float, float]: ...
def leave_thread_out() -> None: ...
def merge(
    parts: Iterable[tuple[Snapshot, list[int], bool]],
    functions: list[_Function],
    precision: bytearray,
    /,
) -> Snapshot: ...
def align(
    before: tuple[ReadableBuffer, ReadableBuffer, ReadableBuffer],
    after: tuple[ReadableBuffer, ReadableBuffer, ReadableBuffer],
    name_count: int,
    /,
) -> tuple[bytes, bytes, bytes, bytes]: ...
def checksum(data: ReadableBuffer, /) -> int: ...
def _stop_after_fork() -> None: ...
