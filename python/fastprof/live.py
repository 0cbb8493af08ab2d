"""What is hot while the program runs: `--live`."""

import os
import sys
from time import monotonic

from .aside import Aside
from .precision import MARKS, mark_of_sum
from .profiler import Profiler
from .report import MARK, cut, placed
from .screen import Descriptor, Screen, is_terminal
from .stats import Function
from .terminal import Line, encoded, heat, painter

__all__ = ["LiveView"]

INTERVAL = 1.0  # seconds
SHARE = 50  # what looks at the profile may take: one part in so many
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
        self._calls = 0
        self._before: dict[int, float] = {}  # own seconds by functions' numbers
        number = sys.stderr.fileno()
        self._stderr = Descriptor(number)
        self._encoding = sys.stderr.encoding or "utf-8"
        self._paint = painter(sys.stderr)
        self._screen = Screen(self._stderr) if is_terminal(number) else None
        self._process = os.getpid()
        self._aside = Aside(self._look, INTERVAL)

    def end(self) -> None:
        """Show nothing any more; in a forked child nothing is shown anyway."""
        if os.getpid() == self._process:
            self._aside.end()
            if self._screen is not None:
                self._screen.close()

    def _look(self) -> float | None:
        began = monotonic()
        try:
            if not self._stderr.is_there():
                return None
            self._show(began)
        except Exception as error:
            if self._screen is not None:
                self._screen.close()
                self._screen = None
            self._stderr.write(f"fastprof: --live ends: {error!r}\n".encode())
            return None
        return max(INTERVAL, SHARE * (monotonic() - began))

    def _show(self, now: float) -> None:
        width, height = self._room()
        functions = self._functions()
        calls = sum(one.calls for one in functions)
        pace = (calls - self._calls) / (now - self._last)
        sums = f"fastprof: {now - self._began:.0f} s, {mark_of_sum(functions)}"
        sums += f"{calls:,} calls, {pace:,.0f}/s"
        lines = self._table(functions, sums, width, height)
        self._calls, self._last = calls, now
        self._before = {one.number: one.own for one in functions}
        data = encoded(self._paint(lines), self._encoding)
        if self._screen is not None:
            self._screen.draw(data)
        else:
            self._stderr.write(data + b"\n")

    def _room(self) -> tuple[int, int]:
        """Columns and lines."""
        if self._screen is not None:
            return self._screen.columns, self._screen.rows
        if os.isatty(self._stderr.number):
            return os.get_terminal_size(self._stderr.number).columns, LINES_OF_A_BLOCK
        return COLUMNS_OF_A_BLOCK, LINES_OF_A_BLOCK

    def _table(
        self, functions: list[Function], sums: str, width: int, height: int
    ) -> list[Line]:
        """A line of sums, a head, and functions: those first that are hot now."""
        before = self._before
        recent = {
            one.number: max(0.0, one.own - before.get(one.number, 0.0))
            for one in functions
        }
        all_recent = sum(recent.values()) or 1.0
        total = sum(one.own for one in functions) or 1.0
        functions.sort(key=lambda one: (-recent[one.number], -one.own))
        shown = functions[: max(0, height - 2)]
        if any(one.mostly_overhead for one in shown):
            sums += "   * mostly the profiler's"
        precisions = {one.precision for one in shown}
        sums += "   ≥ at least" if "lower_bound" in precisions else ""
        sums += "   ~ an estimate" if "estimate" in precisions else ""
        head = f"{'now %':>5} {'own':>9} {'%':>5} {'calls':>13}   function"
        lines: list[Line] = [[(cut(text, width), "bold")] for text in (sums, head)]
        for one in shown:
            share = recent[one.number] / all_recent
            row = f"{100 * share:5.1f} {one.own:9.3f} {100 * one.own / total:5.1f} "
            row += f"{f'{MARKS[one.precision]}{one.calls}':>13}"
            mark = "*" if one.mostly_overhead else " "
            place = placed(one, width - len(row) - 3, heat(share))
            lines.append([(row, heat(share)), (f" {mark} ", MARK), *place])
        return lines

    def _functions(self) -> list[Function]:
        snapshot = self._profiler.take_snapshot()
        compensated = self._profiler.compensate and snapshot.costs is not None
        return [
            Function(number, snapshot, sums, overhead, error, False)
            for number, sums, overhead, error in snapshot.totals(compensated, True)[0]
        ]
