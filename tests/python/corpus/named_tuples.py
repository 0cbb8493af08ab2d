"""Named tuples, made by the factory and by class, and their methods."""

from collections import namedtuple
from typing import NamedTuple


class Pair(NamedTuple):
    left: int
    right: int = 0

    def total(self):
        return self.left + self.right


def main():
    point = namedtuple("Point", "x y", defaults=(0,))
    first = point(1)
    first._replace(y=5), first._asdict(), point._make([1, 2]), repr(first), first.x
    pair = Pair(1, right=2)
    pair.total(), pair[0], pair == (1, 2), pair.index(2), hash(pair)
    left, right = pair
    return sorted([Pair(2), Pair(1)]), left, right
