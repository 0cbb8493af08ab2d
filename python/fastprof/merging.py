"""Profiles added up: of many processes, of many runs."""

from collections.abc import Iterable, Iterator

from ._core import Snapshot, merge
from .tree import Description

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

__all__ = ["merged"]

# What must be the same for figures to have a sum.
SAME = {
    "measures": "measure different things: clock={!r} and {!r}",
    "subcalls": "have callers and have none: subcalls={!r} and {!r}",
}

# What some profiles say of their processes.
LISTED = "workers", "missing"


class _Merging:
    """What is known while the profiles are gone through, one at a time.

    Attributes:
        functions: Descriptions, by their numbers in the sum.
        taken: Overhead and error of each.
        precision: Of each, as `Snapshot.precision` has it: the lower of all.
        info: Of the sum.
    """

    def __init__(self) -> None:
        self.functions: list[Description] = []
        self.taken: list[tuple[float, float]] = []
        self.precision = bytearray()
        self.info: dict[str, Any] = {}
        self._numbers: dict[Description, int] = {}

    def parts(self, profiles: "Iterable[Any]") -> "Iterator[tuple[Any, ...]]":
        for stats in profiles:
            self._add_info(stats)
            numbers = [self._number(one) for one in stats.snapshot.functions]
            for number, precision in zip(
                numbers, stats.snapshot.precision, strict=True
            ):
                self.precision[number] = max(self.precision[number], precision)
            for function in stats.functions:
                number = numbers[function.number]
                overhead, error = self.taken[number]
                self.taken[number] = (
                    overhead + function.overhead,
                    error + function.own_error,
                )
            yield stats.snapshot, numbers, stats.compensated

    def _number(self, description: Description) -> int:
        number = self._numbers.setdefault(description, len(self.functions))
        if number == len(self.functions):
            self.functions.append(description)
            self.taken.append((0.0, 0.0))
            self.precision.append(0)
        return number

    def _add_info(self, stats: "Any") -> None:
        profiles = stats.info.get("merged", {}).get("profiles", 1)
        if not self.info:
            self.info = dict(stats.info)
            self.info["merged"] = {
                "profiles": profiles,
                "compensated": stats.compensated,
            }
            return
        for name, problem in SAME.items():
            if self.info[name] != stats.info[name]:
                what = problem.format(self.info[name], stats.info[name])
                raise ValueError(f"these profiles have no sum: they {what}")
        if self.info["merged"]["compensated"] != stats.compensated:
            raise ValueError(
                "these profiles have no sum: what the profiler added is taken out of "
                "the times of one, and not of the other's (Stats.raw leaves it in)"
            )
        self.info["merged"]["profiles"] += profiles
        self.info["complete"] = self.info["complete"] and stats.info["complete"]
        for flag in ("hook_lost", "threads_lost", "clock_unstable", "focus"):
            self.info[flag] = self.info[flag] or stats.info[flag]
        self.info["negative_intervals"] += stats.info["negative_intervals"]
        windows, others = self.info.pop("windows", None), stats.info.get("windows")
        if windows and others:  # of a file of cProfile's it is not known
            self.info["windows"] = {one: windows[one] + others[one] for one in others}
        for name in LISTED:
            listed = [*self.info.get(name, ()), *stats.info.get(name, ())]
            if listed:
                self.info[name] = listed


def merged(profiles: "Iterable[Any]") -> "tuple[Snapshot, dict[str, Any]]":
    """The sum of some profiles, and its run information.

    Raises:
        ValueError: There are none, or they have no sum.
    """
    merging = _Merging()
    snapshot = merge(merging.parts(profiles), merging.functions, merging.precision)
    if not merging.info:
        raise ValueError("there are no profiles to merge")
    merging.info["merged"]["taken"] = merging.taken
    merging.info["threads"] = [
        (*one[:2], "merged", None, None) for one in snapshot.threads
    ]
    return snapshot, merging.info
