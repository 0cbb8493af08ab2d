"""Trip wires: what happens at the very call that is one too many."""

import importlib
import inspect
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..profiler import Profiler
from ..stats import unwrapped
from .profiles import label_of, plural

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["TripwireError", "TripwireWarning", "tripwire"]

ACTIONS = "raise", "warn", "break"


class TripwireError(AssertionError):
    """A function was called once too often, or took too long."""


class TripwireWarning(UserWarning):
    """The same, as a warning."""


class tripwire:
    """Acts when a function is called once too often, or has taken too long.

        with tripwire(db.query, calls=10):
            render()

    It acts in the function's frame, when the call that is too many begins: before any
    of its code has run; a time that has passed is noticed when a call returns, and when
    the next one begins. By calls it is deterministic. All threads count. Other
    profilers go on recording, and see the exception.

    Attributes:
        count: Calls up to now; with `per`, in the call of it that is open.
        seconds_spent: What calls took that have ended, on the wall clock, with all they
            called; of recursive ones the outermost, but each of a generator.
        has_tripped: Whether it has acted.
    """

    def __init__(
        self,
        function: "Any",
        *,
        calls: int | None = None,
        seconds: float | None = None,
        per: "Any" = None,
        action: "str | Callable[[str], object]" = "raise",
    ) -> None:
        """What to watch; it is watched within `with`.

        Args:
            function: A function, its code object, or "module:qualified name"; of what
                a decorator has wrapped by `functools.wraps`, the one inside.
            calls: So many calls are right; 0: none. Of a generator or coroutine,
                begins.
            seconds: So much time is right.
            per: Another function: calls are counted in each of its calls, on its
                thread.
            action: "raise" a TripwireError, at each call that is too many; "warn" once,
                at that place; "break" into pdb once, there; or what is called with the
                message, in the function's frame, and may raise.

        Raises:
            TypeError: Neither calls nor seconds are given, or it is no Python function.
            LookupError: There is no function of that name.
            ValueError: There is no such action, or `per` is the function itself.
        """
        if calls is seconds is None:
            raise TypeError("say what is right: calls or seconds")
        if not callable(action) and action not in ACTIONS:
            raise ValueError(
                f"action must be one of {', '.join(ACTIONS)}, or be called, not "
                f"{action!r}"
            )
        self._code = _code_of(function)
        self._is_generator = bool(
            self._code.co_flags
            & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR)
        )
        self._per = None if per is None else _code_of(per)
        if self._per is self._code:
            raise ValueError(
                "per must be another function than the one that is watched"
            )
        self._label = label_of(function)
        self._per_label = "" if per is None else label_of(per)
        self._calls, self._seconds = calls, seconds
        self._action = action
        self._profiler: Profiler | None = None
        self._threads = threading.local()
        self._total = 0
        self.seconds_spent = 0.0
        self.has_tripped = False

    @property
    def count(self) -> int:
        """Calls up to now; with `per`, in the call of it that is open."""
        return self._total if self._per is None else self._mine.count

    def __enter__(self) -> "Self":
        """Watch from now on.

        Raises:
            ProfilerConflictError: Another profiler is in the way.
        """
        profiler = Profiler(builtins=False, max_nodes=1, compensate=False)
        wires: dict[int, Callable[[bool | None], object]]
        wires = {id(self._code): self._step}
        if self._per is not None:
            wires[id(self._per)] = self._step_per
        profiler.watch(wires)
        profiler.enable()
        self._profiler = profiler
        return self

    def __exit__(self, *_: object) -> None:
        """Watch no more."""
        if self._profiler is not None:
            self._profiler.disable()
            self._profiler = None

    @property
    def _mine(self) -> "_Thread":
        mine: _Thread | None = getattr(self._threads, "mine", None)
        if mine is None:
            mine = self._threads.mine = _Thread()
        return mine

    def _step_per(self, begins: bool | None) -> None:
        mine = self._mine
        frame = id(sys._getframe(1))
        if begins:
            mine.open_per.add(frame)
        else:
            mine.open_per.discard(frame)
        mine.count = 0

    def _step(self, begins: bool | None) -> None:
        """The function begins, or ends: `sys._getframe(1)` is its frame."""
        __tracebackhide__ = True  # pytest
        mine = self._mine
        frame = id(sys._getframe(1))
        now = time.perf_counter()
        if begins:
            self._total += 1
            mine.count += 1
            mine.open[frame] = now
        else:
            # Where a wire raises at a return, some versions tell of two ends.
            began = mine.open.pop(frame, None)
            if began is not None and (self._is_generator or not mine.open):
                self.seconds_spent += now - began
        if begins is None:
            return  # it has an exception already
        message = self._complaint(begins)
        if message is not None:
            self._trip(message)

    def _complaint(self, begins: bool) -> str | None:
        if self._seconds is not None and self.seconds_spent > self._seconds:
            return (
                f"{self._label} took {self.seconds_spent:.6f} seconds, not at most "
                f"{self._seconds:g}"
            )
        if not begins or self._calls is None or self.count <= self._calls:
            return None
        within = ""
        if self._per is not None:
            if not self._mine.open_per:
                return None
            within = f" in a call of {self._per_label}"
        return (
            f"{self._label} is called for the {_ordinal(self.count)} time{within}; "
            f"{plural(self._calls, 'call')} would be right"
        )

    def _trip(self, message: str) -> None:
        __tracebackhide__ = True
        first, self.has_tripped = not self.has_tripped, True
        frame = sys._getframe(2)
        if self._action == "raise":
            raise TripwireError(message)
        if callable(self._action):
            self._action(message)
        elif first and self._action == "warn":
            warnings.warn_explicit(
                message, TripwireWarning, frame.f_code.co_filename, frame.f_lineno
            )
        elif first:
            import pdb

            print(message, file=sys.stderr)
            pdb.Pdb().set_trace(frame)


class _Thread:
    """What one thread has open."""

    def __init__(self) -> None:
        self.count = 0  # of calls within the open call of `per`
        self.open_per: set[int] = set()  # frames of the open calls of `per`
        self.open: dict[int, float] = {}  # when the function's calls began, by frames


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def _code_of(function: "Any") -> types.CodeType:
    """The code of what is named; it is looked up where it is defined.

    Raises:
        LookupError: There is no such thing.
        TypeError: It is not written in Python.
    """
    found = function
    if isinstance(function, str):
        module, colon, qualname = function.partition(":")
        try:
            found = importlib.import_module(module)
            for part in qualname.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError, ValueError) as error:
            raise LookupError(
                f"there is no function {function!r} (names are 'module:qualified "
                f"name'): {error}"
            ) from None
    found = unwrapped(found)
    code = getattr(found, "__code__", found)
    if not isinstance(code, types.CodeType):
        raise TypeError(f"{function!r} is no function that is written in Python")
    return code
