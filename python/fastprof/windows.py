"""Recording now and then: what `Profiler.schedule` asks for, and who does it."""

import os
import re
from _weakref import ref
from collections.abc import Callable
from math import inf
from time import monotonic

from . import _core
from .aside import Aside
from .remark import remark

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    import sys

    if sys.version_info >= (3, 11):
        from typing import Self
    else:
        from typing_extensions import Self

__all__ = ["Plan", "Windows"]

NUMBER = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
TEXT = re.compile("".join(rf"(?:{NUMBER}{unit})?" for unit in ("h", "m", "s", "ms")))
UNITS = 3600.0, 60.0, 1.0, 0.001

# What durations are, where they are not given.
LEFT_OUT = {"every": inf, "for_": inf, "start_after": 0.0, "stop_after": inf}

NOT_YET = 0.005  # seconds until the first window, which another thread opens, is open
LONGEST = 3600.0  # the longest that a thread is told to wait
LOOK = 0.05  # seconds between two looks at how many calls there are
SHARE = 100  # what looks may take: one part in so many


def seconds_of(name: str, duration: object) -> float:
    """A duration: a number of seconds, or text such as "10s".

    Raises:
        ValueError: It is none; `name` is what it was given for.
    """
    seconds = -1.0
    try:
        if isinstance(duration, str):
            found = TEXT.fullmatch(duration)
            if found and duration:
                parts = zip(found.groups("0"), UNITS, strict=True)
                seconds = sum(float(number) * unit for number, unit in parts)
            else:
                seconds = float(duration)
        elif isinstance(duration, int | float) and not isinstance(duration, bool):
            seconds = float(duration)
    except (ValueError, OverflowError):
        pass
    if not 0.0 <= seconds < inf:
        raise ValueError(
            f"{name}: {duration!r} is no duration: allowed are a number of seconds, and"
            ' hours, minutes, seconds and milliseconds, such as "10s", "250ms", "2m",'
            ' "1h30m"'
        )
    return seconds


class Plan:
    """When to record.

    Attributes:
        every: Seconds from the beginning of a window to that of the next one; inf:
            there is one window.
        for_: Seconds that a window lasts.
        start_after: Seconds until the first window.
        stop_after: Seconds from there until recording ends for good.
        max_calls: How many calls there may be, or inf.
    """

    def __init__(
        self,
        every: "float | str | None" = None,
        for_: "float | str | None" = None,
        start_after: "float | str | None" = None,
        stop_after: "float | str | None" = None,
        max_calls: int | None = None,
        spelled: Callable[[str], str] = str,
    ) -> None:
        """See `Profiler.schedule`; `spelled` makes what users know of a name here.

        Raises:
            ValueError: It cannot be understood, or contradicts itself.
        """
        durations = every, for_, start_after, stop_after
        if max_calls is None and durations == (None,) * len(durations):
            raise ValueError("nothing is asked for: say when recording begins or ends")
        self.every, self.for_, self.start_after, self.stop_after = (
            left_out if given is None else seconds_of(spelled(name), given)
            for (name, left_out), given in zip(LEFT_OUT.items(), durations, strict=True)
        )
        self.max_calls: float = inf if max_calls is None else max_calls
        self._check(spelled)

    def _check(self, spelled: Callable[[str], str]) -> None:
        if (self.every == inf) != (self.for_ == inf):
            raise ValueError(f"{spelled('every')} and {spelled('for_')} go together")
        if self.every < inf and not 0.0 < self.for_ < self.every:
            raise ValueError(
                f"{spelled('for_')} must be longer than nothing and shorter than "
                f"{spelled('every')}: not {self.for_:g} of {self.every:g} seconds"
            )
        if self.stop_after == 0.0:
            raise ValueError(f"{spelled('stop_after')} must be longer than nothing")
        if not (self.max_calls == inf or isinstance(self.max_calls, int)) or (
            self.max_calls < 1
        ):
            raise ValueError(
                f"{spelled('max_calls')} must be a whole number of calls, 1 or more, "
                f"not {self.max_calls!r}"
            )


class Windows:
    """The windows of one profiler: a thread beside the program opens and closes them.

    It does not keep the profiler. In a forked child there is no such thread, and no
    more windows.

    Attributes:
        error: Why the last window that could not begin did not; or None.
    """

    def __init__(self, profiler: _core.Profiler, plan: Plan) -> None:
        """Nothing happens before `begin`."""
        self.error: Exception | None = None
        self._profiler = ref(profiler)
        self._plan = plan
        self._process = os.getpid()
        self._began = monotonic()
        self._ended: float | None = None  # by `end`
        self._is_over = False
        self._is_ready = False
        self._is_open = False
        self._looks = 0.0

    def begin(self) -> None:
        """Let the first window begin: at once if nothing is to pass before it.

        Raises:
            ProfilerConflictError: It cannot; there will be none.
        """
        profiler, plan = self._profiler(), self._plan
        assert profiler is not None
        profiler.calibrate()
        self._began = monotonic()
        self._opens = self._began + plan.start_after
        self._closes = self._opens + plan.for_
        self._stops = self._opens + plan.stop_after
        self._is_open = plan.start_after == 0.0
        self._aside = Aside(self._step, plan.start_after or NOT_YET)
        if self._is_open and not profiler.enabled:
            try:
                profiler.enable()
            except BaseException:
                self.end()
                raise
        # Whatever was called here now would be in the profile: this frame is not.
        self._is_ready = True

    def end(self) -> None:
        """Stop recording if it is on; there are no more windows."""
        if self._ended is None:
            self._ended = monotonic()
        if self.has_ended:
            return
        self._is_over = True
        self._aside.end()
        profiler = self._profiler()
        if profiler is not None:
            profiler.disable()

    @property
    def has_ended(self) -> bool:
        """Whether there will be no more windows."""
        return self._is_over or os.getpid() != self._process

    @property
    def elapsed(self) -> float:
        """Seconds from when they were asked for to `end`, or until now."""
        return (self._ended or monotonic()) - self._began

    def __enter__(self) -> "Self":
        """They have begun."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """End them; an exception passes."""
        self.end()

    # What the thread does.

    def _step(self) -> float | None:
        """Do what is due; the answer is when to come again, as `Aside` has it."""
        if not self._is_ready:
            return NOT_YET
        profiler, now = self._profiler(), monotonic()
        if profiler is None:
            return None
        if now >= self._stops or self._has_enough(profiler, now):
            profiler.disable()
            self._is_over = True
            return None
        if self._is_open and now >= self._closes:
            profiler.disable()
            self._is_open = False
            every = self._plan.every
            self._opens += every * ((now - self._opens) // every + 1)
        elif not self._is_open and now >= self._opens:
            self._open(profiler)
            self._closes = monotonic() + self._plan.for_
        due = min(self._stops, self._closes if self._is_open else self._opens)
        if self._is_open and self._plan.max_calls < inf:
            due = min(due, self._looks)
        return max(0.0, min(due - monotonic(), LONGEST))

    def _has_enough(self, profiler: _core.Profiler, now: float) -> bool:
        if self._plan.max_calls == inf or now < self._looks:
            return False
        calls = profiler.count_calls()
        after = monotonic()
        self._looks = after + max(LOOK, SHARE * (after - now))
        return calls >= self._plan.max_calls

    def _open(self, profiler: _core.Profiler) -> None:
        self._is_open = True
        try:
            if not profiler.enabled:
                profiler.enable()
        except Exception as error:
            if self.error is None:
                remark(f"nothing is recorded for now: {error}")
            self.error = error
        if self.has_ended:  # meanwhile
            profiler.disable()
