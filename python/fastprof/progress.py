"""A line on stderr while something takes long, for who waits at a terminal."""

import os
import sys
from time import monotonic

from .aside import Aside
from .screen import is_terminal
from .terminal import shorten

__all__ = ["Progress"]

PATIENCE = 1.0  # seconds, before anything is said
INTERVAL = 0.5


class Progress:
    """Says what is being done, and for how long; at the end the line is gone."""

    def __init__(self, what: str) -> None:
        """Begin at `with`; `what` is such as "writing out.prof"."""
        self._what = what
        self._aside: Aside | None = None
        self._is_shown = False

    def __enter__(self) -> None:
        """Nothing is said yet."""
        self._began = monotonic()
        try:
            self._descriptor = sys.stderr.fileno()
            if is_terminal(self._descriptor):
                self._aside = Aside(self._say, PATIENCE)
        except Exception:
            pass  # there is no such stderr, or no more threads: it is done all the same

    def __exit__(self, *exc_info: object) -> None:
        """What is printed next begins where the line was."""
        if self._aside is not None:
            self._aside.end()
            if self._is_shown:
                self._print("")

    def _say(self) -> float:
        self._is_shown = True
        seconds = monotonic() - self._began
        self._print(f"fastprof: {self._what} ... {seconds:.0f} s")
        return INTERVAL

    def _print(self, text: str) -> None:
        width = os.get_terminal_size(self._descriptor).columns - 1
        line = f"\r{shorten(text, width)}\x1b[K"
        os.write(self._descriptor, line.encode(errors="replace"))
