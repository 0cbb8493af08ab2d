"""What is hot while the program runs: `--live`."""

import os
import sys
from time import monotonic

from .aside import Aside
from .profiler import Profiler
from .report import MARK, placed
from .screen import Screen, is_terminal
from .stats import Function
from .terminal import Line, heat, painter

__all__ = ["LiveView"]

INTERVAL = 1.0  # seconds
SHARE = 20  # what looks at the profile may take: one part in so many
LINES_OF_A_BLOCK = 12  # where stderr is no terminal
COLUMNS_OF_A_BLOCK = 120


class LiveView:
    """Shows now and then, on stderr, what has been recorded.

    On a terminal in its lower part; else a block of text each time, like `top -b`.
    """

    def __init__(self, profiler: Profiler) -> None:
        """Begin; the profiler is still to be enabled."""
        self._profiler = profiler
        self._began = self._last = monotonic()
        self._before: dict[int, tuple[int, float]] = {}
        self._stderr = sys.stderr.fileno()
        self._stderr_is = os.fstat(self._stderr)
        self._encoding = sys.stderr.encoding or "utf-8"
        self._paint = painter(sys.stderr)
        self._screen = Screen(self._stderr) if is_terminal(self._stderr) else None
        self._process = os.getpid()
        self._aside = Aside(self._look, INTERVAL)

    def end(self) -> None:
        """Show nothing any more; in a forked child nothing is shown anyway."""
        if os.getpid() == self._process:
            self._aside.end()
            if self._screen is not None and self._is_there():
                self._screen.close()

    def _is_there(self) -> bool:
        """Whether stderr is what it was: the program may have a file there now."""
        try:
            return os.path.samestat(os.fstat(self._stderr), self._stderr_is)
        except OSError:
            return False

    def _look(self) -> float | None:
        began = monotonic()
        try:
            if not self._is_there():
                return None
            self._show(began)
        except Exception as error:
            if self._screen is not None:
                self._screen.close()
                self._screen = None
            os.write(self._stderr, f"fastprof: --live ends: {error!r}\n".encode())
            return None
        return max(INTERVAL, SHARE * (monotonic() - began))

    def _show(self, now: float) -> None:
        columns, rows = COLUMNS_OF_A_BLOCK, LINES_OF_A_BLOCK
        if self._screen is not None:
            columns, rows = self._screen.columns, self._screen.rows
        text = self._paint(self._page(now, columns, rows))
        data = text.encode(self._encoding, "replace")
        if self._screen is not None:
            self._screen.draw(data)
        else:
            os.write(self._stderr, data + b"\n")

    def _page(self, now: float, width: int, height: int) -> list[Line]:
        """A line of sums, a head, and functions: those first that are hot now."""
        functions = self._functions()
        before = self._before
        recent = {
            one.number: max(0.0, one.own - before.get(one.number, (0, 0.0))[1])
            for one in functions
        }
        calls = sum(one.calls for one in functions)
        new_calls = calls - sum(count for count, _ in before.values())
        pace = new_calls / (now - self._last)
        self._before = {one.number: (one.calls, one.own) for one in functions}
        self._last = now
        functions.sort(key=lambda one: (-recent[one.number], -one.own))
        all_recent = sum(recent.values()) or 1.0
        total = sum(one.own for one in functions) or 1.0
        lines: list[Line] = [
            [
                (f"fastprof: {now - self._began:.0f} s", "bold"),
                (f", {calls:,} calls, {pace:,.0f} a second; ", ""),
                ("*", MARK),
                (" mostly the profiler's", ""),
            ],
            [(f"{'now %':>5} {'own':>9} {'%':>5} {'calls':>13}   function", "bold")],
        ]
        for one in functions[: height - len(lines)]:
            share = recent[one.number] / all_recent
            row = f"{100 * share:5.1f} {one.own:9.3f} {100 * one.own / total:5.1f} "
            row += f"{one.calls:13d}"
            mark = "*" if one.mostly_overhead else " "
            place = placed(one, width - len(row) - 3, heat(share))
            lines.append([(row, heat(share)), (f" {mark} ", MARK), *place])
        return lines

    def _functions(self) -> list[Function]:
        snapshot = self._profiler.take_snapshot()
        compensated = self._profiler.compensate and snapshot.costs is not None
        return [
            Function(number, snapshot.functions[number], sums, overhead, error, False)
            for number, sums, overhead, error in snapshot.totals(compensated, True)[0]
        ]
