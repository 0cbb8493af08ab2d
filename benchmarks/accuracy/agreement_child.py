"""One run of `clock="cpu"`: what it says of threads, and what they ask themselves.

``agreement_child.py PROGRAM RSEQ`` prints a JSON list of the relative errors, one for
each thread; RSEQ is 1, or 0 for the way without the kernel's areas.
"""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable

used: dict[str, float] = {}


def leaf(number: int) -> int:
    """Next to nothing."""
    return number * 3 + 1


def medium(turns: int) -> int:
    """A loop of its own."""
    total = 0
    for number in range(turns):
        total += number * number
    return total


def calls() -> None:
    """Many calls of a small function."""
    for number in range(300_000):
        leaf(number)


def computes() -> None:
    """Few calls that take long."""
    for _ in range(4000):
        medium(300)


def library() -> None:
    """What the standard library does in C and in Python."""
    table = {"a": list(range(50)), "b": {str(number): number for number in range(50)}}
    for _ in range(3000):
        json.loads(json.dumps(table))


def mixture() -> None:
    """All kinds, and a sleep in between."""
    for _ in range(40):
        medium(5000)
        time.sleep(0.001)
        for number in range(1500):
            leaf(number)
        re.sub("a+", "b", "aaabbb" * 200)


def naps() -> None:
    """Sleeps as short as they get."""
    for number in range(3000):
        time.sleep(0.00001)
        leaf(number)


there: queue.Queue[int] = queue.Queue()
back: queue.Queue[int] = queue.Queue()


def ping() -> None:
    """Wait for the other thread, often."""
    for number in range(5000):
        there.put(number)
        back.get()


def pong() -> None:
    """The other thread."""
    for _ in range(5000):
        back.put(there.get())


# By name: what the threads do, and whether a neighbour is busy on the same CPU.
PROGRAMS: dict[str, tuple[list[Callable[[], None]], bool]] = {
    "one thread, many calls": ([calls], False),
    "three threads, many calls": ([calls] * 3, False),
    "three threads, few calls": ([computes] * 3, False),
    "three threads, json": ([library] * 3, False),
    "three threads, a mixture with sleeps": ([mixture] * 3, False),
    "3000 sleeps of 10 µs": ([naps], False),
    "two threads that wait for each other": ([ping, pong], False),
    "a busy neighbour on the same CPU": ([calls], True),
}


def timed(name: str, work: Callable[[], None]) -> Callable[[], None]:
    """A function of this name that notes what the thread used in it."""
    namespace = {"work": work, "used": used, "now": time.thread_time}
    source = f"def {name}():\n begin = now()\n work()\n used[{name!r}] = now() - begin"
    exec(source, namespace)
    function: Callable[[], None] = namespace[name]  # type: ignore[assignment]
    return function


def main() -> None:
    """Print the errors."""
    os.environ["FASTPROF_RSEQ"] = sys.argv[2]
    import fastprof  # now, for it looks at the environment

    work, is_crowded = PROGRAMS[sys.argv[1]]
    names = [f"thread{number}" for number in range(len(work))]
    threads = [
        threading.Thread(target=timed(name, one))
        for name, one in zip(names, work, strict=True)
    ]
    neighbour = None
    if is_crowded:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    # What is asked is what the clock says, so nothing is taken from it.
    profiler = fastprof.Profiler(clock="cpu", compensate=False)
    try:
        with profiler:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        if neighbour is not None:
            neighbour.kill()
            neighbour.wait()
    said = {one.name: one.cumulative for one in profiler.snapshot().functions}
    print(json.dumps([said[name] / used[name] - 1 for name in names]))


if __name__ == "__main__":
    main()
