"""A scanner made of one regular expression, and re.sub with a Python callback."""

import re

from workloads import check

SCALE = 1000

TOKEN = re.compile(
    r"(?P<number>\d+)|(?P<name>[a-z_]+)|(?P<operator>[-+*/=()])|(?P<space>\s+)"
)
PLACEHOLDER = re.compile(r"\{(\w+)\}")
PROGRAM = "total = price * (amount + 12) - discount / 4\n" * 25
LETTER = "Dear {name}, your {item} costs {price}; {name} owes {price}.\n" * 40
VALUES = {"name": "Ada", "item": "engine", "price": "100"}
FILLED = LETTER.format(**VALUES)


def scan(text):
    """Yield (kind, text) for every token but the spaces."""
    for match in TOKEN.finditer(text):
        kind = match.lastgroup
        if kind != "space":
            yield kind, match.group()


def fill(text):
    """Replace the placeholders."""

    def value_of(match):
        return VALUES[match.group(1)]

    return PLACEHOLDER.sub(value_of, text)


def main(scale):
    """Scan the program and fill in the letter, once per unit."""
    counts = {}
    for _ in range(scale):
        for kind, _text in scan(PROGRAM):
            counts[kind] = counts.get(kind, 0) + 1
        check(fill(LETTER), FILLED)
    wanted = {"name": 4, "operator": 7, "number": 2}
    return check(counts, {kind: n * 25 * scale for kind, n in wanted.items()})
