"""The table of pstats, with CPU times beside where they were recorded."""

import io
import pstats

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import IO, Any

    from .stats import Key

__all__ = ["make_table"]

LAST_COLUMN = "filename:lineno(function)"


def make_table(
    source: "Any",
    cpu_times: "dict[Key, tuple[float, float]]",
    stream: "IO[str] | None" = None,
) -> pstats.Stats:
    """What prints the figures, once it has been sorted.

    Args:
        source: What pstats takes, with figures in its `stats`, or with none.
        cpu_times: Own and cumulative seconds on a CPU; empty: not recorded.
        stream: Where to print; None: stdout.
    """
    # pstats refuses a profile with nothing in it, but can print that it is empty.
    sources = [source] if source.stats else []
    if cpu_times:
        return _TableWithCpu(cpu_times, *sources, stream=stream)
    return pstats.Stats(*sources, stream=stream)


class _TableWithCpu(pstats.Stats):
    """Two more columns, in front of the function's name."""

    def __init__(
        self,
        cpu_times: "dict[Key, tuple[float, float]]",
        *sources: "Any",
        stream: "IO[str] | None",
    ) -> None:
        super().__init__(*sources, stream=stream)
        self.cpu_times = cpu_times

    def strip_dirs(self) -> "_TableWithCpu":
        stripped: dict[Key, tuple[float, float]] = {}
        for key, (own, cumulative) in self.cpu_times.items():
            key = pstats.func_strip_path(key)  # type: ignore[attr-defined]
            before = stripped.get(key, (0.0, 0.0))
            stripped[key] = own + before[0], cumulative + before[1]
        self.cpu_times = stripped
        super().strip_dirs()
        return self

    def print_title(self) -> None:
        self._print_before(super().print_title, LAST_COLUMN, " own_cpu cumulative_cpu")

    def print_line(self, func: "Any") -> None:
        own, cumulative = self.cpu_times[func]
        name = pstats.func_std_string(func)  # type: ignore[attr-defined]
        figures = f"{own:8.3f} {cumulative:14.3f}"
        self._print_before(
            lambda: super(_TableWithCpu, self).print_line(func), name, figures
        )

    def _print_before(self, print_all: "Any", last: str, columns: str) -> None:
        """Print what is printed, with more columns in front of the last one."""
        stream: Any = self.stream  # type: ignore[has-type]
        self.stream = io.StringIO()
        try:
            print_all()
            text = self.stream.getvalue()
        finally:
            self.stream = stream
        front = text[: -len(last) - 1]
        print(f"{front}{columns} {last}", file=stream)
