"""What a profiler does at a signal: toggle, or write a file."""

# The standard library's `signal` makes enums of it, and so is one module more that the
# program finds imported.
import _signal  # type: ignore[import-not-found,unused-ignore]
import os
from collections.abc import Callable
from time import monotonic

from . import _core
from .formats import FORMATS
from .remark import remark

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    import sys

    if sys.version_info >= (3, 11):
        from typing import Self
    else:
        from typing_extensions import Self

__all__ = ["OnSignal", "number_of", "numbered", "save_on", "toggle_on"]

# Not to be handled: by the system, or because the processor sends them anew as long as
# Python code, which comes later, has not run.
UNFIT = "SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"


def number_of(signal: int | str) -> int:
    """The number of a signal that can be handled, which has a name or is one.

    Raises:
        ValueError: There is no such signal, or it cannot be handled.
    """
    if isinstance(signal, str):
        number = None
        if signal.startswith("SIG") and signal[3:].isalnum():
            number = getattr(_signal, signal, None)
    else:
        number = int(signal) if signal in _signal.valid_signals() else None
    if number is None:
        raise ValueError(
            f"{signal!r} is no signal here: take one by its name, such as SIGUSR1 or "
            "SIGUSR2"
        )
    if number in [getattr(_signal, name, None) for name in UNFIT]:
        raise ValueError(
            f"{signal} cannot be handled: take another signal, such as SIGUSR1 or "
            "SIGUSR2"
        )
    return int(number)


class OnSignal:
    """Does something whenever a signal comes, in the main thread.

    A handler that the program installs later wins. In a forked child nothing is done.
    """

    def __init__(self, signal: int | str, act: Callable[[], None]) -> None:
        """Begin.

        Args:
            signal: Its number or name.
            act: What to do. Where it begins to record, that comes last: the frames here
                are not in the profile, so what they call would be.

        Raises:
            ValueError: There is no such signal, or it is in use by what is no Python
                code and so could not be restored; or this is not the main thread.
        """
        self._number = number_of(signal)
        self._name = signal if isinstance(signal, str) else f"signal {signal}"
        self._act = act
        self._process = os.getpid()
        self._began = monotonic()
        self._ended: float | None = None
        if _signal.getsignal(self._number) is None:
            raise ValueError(
                f"{self._name} has a handler that is not Python's: take another signal"
            )
        self._handler = self._handle
        self._before = _signal.signal(self._number, self._handler)

    def _handle(self, number: int, frame: object) -> None:
        if self._ended is not None or os.getpid() != self._process:
            return
        try:
            self._act()
        except Exception as error:
            remark(f"{self._name}: {error}")

    def stop(self) -> None:
        """Do nothing any more when the signal comes."""
        if self._ended is None:
            self._ended = monotonic()

    def end(self) -> None:
        """Restore the handler that was there before, if ours is still there.

        Raises:
            ValueError: This is not the main thread.
        """
        self.stop()
        if _signal.getsignal(self._number) is self._handler:
            _signal.signal(self._number, self._before)

    @property
    def elapsed(self) -> float:
        """Seconds from the beginning to the end, or until now."""
        return (self._ended or monotonic()) - self._began

    def __enter__(self) -> "Self":
        """It has begun."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """End; an exception passes."""
        self.end()


def toggle_on(profiler: _core.Profiler, signal: int | str) -> OnSignal:
    """Let a signal begin and end recording; see `Profiler.toggle_on`."""

    def toggle() -> None:
        if not profiler.enabled:
            remark("recording")
            profiler.toggle()
            return
        profiler.toggle()
        count, seconds, _ = profiler.spans
        remark(f"not recording; windows: {count}, seconds recorded: {seconds:.3f}")

    return OnSignal(signal, toggle)


def save_on(signal: int | str, path: str, save: Callable[[str], None]) -> OnSignal:
    """Let a signal write a file; see `Profiler.save_on`."""
    numbers = iter(range(1, 2**63))

    def write() -> None:
        target = numbered(path, next(numbers))
        try:
            save(target)
        except OSError as error:
            remark(f"cannot write {target!r}: {error.strerror}")
        else:
            remark(f"wrote {target}")

    return OnSignal(signal, write)


def numbered(path: str, number: int) -> str:
    """A path with a number before the extension, which may be one of two parts."""
    known = [
        extension
        for extensions in FORMATS.values()
        for extension in extensions
        if path.endswith(extension)
    ]
    extension = max(known, key=len, default=os.path.splitext(path)[1])
    return f"{path[: len(path) - len(extension)]}.{number}{extension}"
