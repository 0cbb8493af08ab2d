"""Exceptions raised, re-raised, wrapped and cleaned up after, through many frames."""

from workloads import check

SCALE = 650


class RejectedError(Exception):
    """A value that was not wanted."""


class Journal:
    """A context manager that notes how its blocks ended."""

    def __init__(self):
        """Begin with nothing noted."""
        self.failed = 0
        self.left = 0

    def __enter__(self):
        """Begin a block."""
        return self

    def __exit__(self, kind, error, traceback):
        """Note how the block ended."""
        self.left += 1
        self.failed += kind is not None


def dig(depth, value):
    """Go down, and fail at the bottom unless the value divides by three."""
    if depth:
        return dig(depth - 1, value)
    if value % 3:
        raise ValueError(value)
    return value


def guarded(value, journal):
    """Turn the error from below into one of ours."""
    with journal:
        try:
            return dig(5, value)
        except ValueError as error:
            raise RejectedError(value) from error


def main(scale):
    """Try 300 values, two thirds of which are rejected, once per unit."""
    journal = Journal()
    accepted = rejected = 0
    for _ in range(scale):
        for value in range(300):
            try:
                guarded(value, journal)
                accepted += 1
            except RejectedError:
                rejected += 1
    result = (accepted, rejected, journal.failed, journal.left)
    return check(result, (100 * scale, 200 * scale, 200 * scale, 300 * scale))
