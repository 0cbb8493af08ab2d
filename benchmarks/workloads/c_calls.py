"""Functions written in C, called from flat Python code."""

from workloads import check

SCALE = 650


def collect(words):
    """Count the words by length, with a built-in call for every step."""
    counts = {}
    seen = []
    for word in words:
        size = len(word)
        counts[size] = counts.get(size, 0) + 1
        if isinstance(word, str) and word.startswith("w"):
            seen.append(word.upper())
        if size > min(3, abs(-4)):
            seen.pop()
    return counts, len(seen)


WORDS = ["w" + "x" * (i % 5) for i in range(1000)]


def main(scale):
    """Count a thousand words, once per unit."""
    total = 0
    for _ in range(scale):
        counts, kept = collect(WORDS)
        total += counts[1] + kept
    return check(total, (200 + 600) * scale)
