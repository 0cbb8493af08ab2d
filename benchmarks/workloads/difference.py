"""The standard library's difflib on two versions of a text."""

import difflib

from workloads import check

SCALE = 1400

OLD = [f"line {n}: {'abcdefgh'[n % 8] * 5}\n" for n in range(60)]
NEW = [line.replace("aaaaa", "changed") for n, line in enumerate(OLD) if n % 10 != 5]


def main(scale):
    """Compare the two versions and restore both from the result, once per unit."""
    delta = []
    for _ in range(scale):
        delta = list(difflib.ndiff(OLD, NEW))
    check(list(difflib.restore(delta, 1)), OLD)
    return check(list(difflib.restore(delta, 2)), NEW)
