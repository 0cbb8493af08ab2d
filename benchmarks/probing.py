"""How long a loop has to be for the processor to know it.

``probing.py``: nanoseconds a turn of the loops that calibration runs, without events,
for loops of several lengths that take turns as they do there. An empty turn is left
out. The least of all rounds, with and without a run before each that is not timed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from types import FunctionType

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fastprof import _probes  # noqa: E402
from overhead_child import pin_to_one_cpu  # noqa: E402

LENGTHS = 60, 150, 400, 1000
ROUNDS = 40
SHOWN = "function", "slot", "generator", "method", "other_method", "length", "ordinal"


def probes() -> dict[str, FunctionType]:
    """The loops, by name."""
    return {
        name: value
        for name, value in vars(_probes).items()
        if isinstance(value, FunctionType) and not name.startswith("_")
    }


def nanoseconds(length: int, is_warm: bool) -> dict[str, float]:
    """Of a turn of each loop."""
    turns = (None,) * length
    least = dict.fromkeys(probes(), float("inf"))
    for _ in range(ROUNDS):
        for name, probe in probes().items():
            if is_warm:
                probe(turns[:50])
            start = perf_counter()
            probe(turns)
            least[name] = min(least[name], perf_counter() - start)
    return {
        name: (seconds - least["empty"]) / length * 1e9
        for name, seconds in least.items()
    }


def main() -> None:
    """Print the table."""
    pin_to_one_cpu()
    print("turns  warm  ", *(f"{name:>12}" for name in SHOWN))
    for length in LENGTHS:
        for is_warm in False, True:
            took = nanoseconds(length, is_warm)
            figures = (f"{took[name]:12.1f}" for name in SHOWN)
            print(f"{length:5}  {'yes' if is_warm else 'no':4}  ", *figures)


if __name__ == "__main__":
    main()
