"""The clock of the timed assertions."""

import time

__all__ = ["unhindered_time"]

WAITED = "/proc/thread-self/schedstat"
TRIES = 10


def unhindered_time() -> float:
    """The time that passes, without what this thread waits for a CPU; in seconds.

    A busy neighbour makes each sample longer that does not fit into a turn of the
    scheduler's, and the shortest of many is then too long, too. Sleeping and waiting
    for input count, as they would not by CPU time. Where Linux does not tell how long a
    thread has waited, it is the time that passes.
    """
    for _ in range(TRIES):
        waited, now = _seconds_waited(), time.perf_counter()
        if waited == _seconds_waited():
            break  # it did not have to wait between the two
    return now - waited


def _seconds_waited() -> float:
    try:
        with open(WAITED, "rb", buffering=0) as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0
