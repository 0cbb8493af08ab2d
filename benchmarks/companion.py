"""Known Python work in short units, on and on, for what runs on the same CPU.

Started by `measuring.companion_at_work`: ``companion.py FILE``. The shared file keeps
how many units are done, and the CPU seconds that they took, as two doubles.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from pathlib import Path
from time import process_time

from overhead_child import pin_to_one_cpu

NICE = 5  # it gets a quarter of the CPU beside a process of nice 0
PROGRESS = struct.Struct("dd")


class Point:
    """Something to make, and to add."""

    def __init__(self, x: int, y: int) -> None:
        """Keep both."""
        self.x = x
        self.y = y

    def plus(self, other: Point) -> Point:
        """Their sum."""
        return Point(self.x + other.x, self.y + other.y)


def unit() -> int:
    """A bit of everything, in about a third of a millisecond."""
    sums: dict[str, int] = {}
    point = Point(0, 1)
    queue: list[tuple[str, int]] = []
    for number in range(400):
        point = point.plus(Point(number, 1))
        key = str(number % 97)
        sums[key] = sums.get(key, 0) + point.x
        queue.append((key, number))
        if len(queue) > 50:
            queue.sort()
            queue = queue[:10]
    return sum(sums.values())


def progress(shared: mmap.mmap) -> tuple[float, float]:
    """The units that are done, and the CPU seconds that they took."""
    units, seconds = PROGRESS.unpack(shared[:])
    return units, seconds


def open_progress(path: str) -> mmap.mmap:
    """The shared file."""
    with Path(path).open("r+b") as file:
        return mmap.mmap(file.fileno(), PROGRESS.size)


def main() -> None:
    """Until it is killed."""
    pin_to_one_cpu()
    os.nice(NICE)
    shared = open_progress(sys.argv[1])
    units = 0
    while True:
        unit()
        units += 1
        shared[:] = PROGRESS.pack(units, process_time())


if __name__ == "__main__":
    main()
