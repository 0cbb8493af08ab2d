"""Work beside the program, in a thread that no profiler records."""

import _thread
from collections.abc import Callable

from ._core import leave_thread_out

__all__ = ["Aside"]

PATIENCE = 2.0  # seconds for work that is under way, when it is to end


class Aside:
    """A thread that does something again and again.

    It is none of `threading`'s, so the program does not see it there, and it keeps no
    process from ending. Profilers that are enabled after it was made do not record it.
    """

    def __init__(self, work: Callable[[], float | None], first: float) -> None:
        """Begin.

        Args:
            work: Does it once; the answer is the seconds until the next time, or None
                for the end. What it raises ends it, too: nobody would be told.
            first: Seconds until the first time.
        """
        self._work = work
        self._pause: float | None = first
        self._to_end, self._known, self._ended = (
            _thread.allocate_lock() for _ in range(3)
        )
        for lock in self._to_end, self._known, self._ended:
            lock.acquire()
        _thread.start_new_thread(self._run, ())
        self._known.acquire()

    def _run(self) -> None:
        leave_thread_out()
        self._known.release()
        try:
            while self._pause is not None and not self._to_end.acquire(
                timeout=self._pause
            ):
                self._pause = self._work()
        except Exception:
            pass
        finally:
            self._ended.release()

    def end(self) -> None:
        """Let work that is under way come to its end, and do it no more."""
        self._to_end.release()
        self._ended.acquire(timeout=PATIENCE)
