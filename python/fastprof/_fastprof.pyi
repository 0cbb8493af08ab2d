import types
from collections.abc import Callable
from typing import Any, Literal, TypedDict, final

from _typeshed import ReadableBuffer, structseq
from typing_extensions import Self, disjoint_base

_Timer = Callable[[], float]
# Calls, recursive calls, raised, own seconds, cumulative seconds.
_Sums = tuple[int, int, int, float, float]
# File, first line, name, qualified name, module.
_Function = tuple[str, int, str, str, str | None]

class _ClockInfo(TypedDict):
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
    def seconds_per_tick(self) -> float: ...
    @property
    def complete(self) -> bool: ...
    @property
    def hook_lost(self) -> bool: ...
    @property
    def threads_lost(self) -> bool: ...
    @property
    def threads(self) -> list[tuple[int, int, bool, int]]: ...
    def totals(
        self,
    ) -> tuple[list[tuple[int, _Sums]], list[tuple[int, int, _Sums]]]: ...
    def encode(self) -> bytes: ...
    @classmethod
    def decode(
        cls,
        data: ReadableBuffer,
        functions: tuple[_Function, ...],
        seconds_per_tick: float,
        /,
    ) -> Self: ...

@disjoint_base
class Profiler:
    def __init__(
        self,
        timer: _Timer | None = None,
        timeunit: float = 0.0,
        subcalls: bool = True,
        builtins: bool | Literal["all"] = True,
        *,
        threads: Literal["all", "current"] = "all",
        max_nodes: int = 1048576,
        backend: Literal["auto", "setprofile", "monitoring"] = "auto",
    ) -> None: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def enabled_at(self) -> tuple[str, int] | None: ...
    @property
    def subcalls(self) -> bool: ...
    @property
    def clock_info(self) -> _ClockInfo: ...
    def enable(
        self, subcalls: bool = ..., builtins: bool | Literal["all"] = ...
    ) -> None: ...
    def disable(self) -> None: ...
    def clear(self) -> None: ...
    def getstats(self) -> list[profiler_entry]: ...
    def take_snapshot(self) -> Snapshot: ...

def active_profilers() -> list[Profiler]: ...
def checksum(data: ReadableBuffer, /) -> int: ...
def _stop_after_fork() -> None: ...
