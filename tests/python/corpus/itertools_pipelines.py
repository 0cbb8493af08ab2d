"""Chains of itertools objects that pull items through Python functions."""

import itertools
import operator


def source(n):
    yield from range(n)


def square(value):
    return value * value


def small(value):
    return value < 10


def parity(value):
    return value % 2


def main():
    list(itertools.takewhile(small, map(square, source(10))))
    list(itertools.dropwhile(small, source(12)))
    list(itertools.filterfalse(parity, source(5)))
    list(itertools.accumulate(source(5), operator.add))
    list(itertools.accumulate(source(5), lambda a, b: a + b))
    {k: list(g) for k, g in itertools.groupby(sorted(source(6), key=parity), parity)}
    list(itertools.starmap(pow, zip(source(3), source(3), strict=False)))
    list(itertools.islice(itertools.chain(source(2), source(9)), 4))
    list(itertools.chain.from_iterable(map(source, [1, 2])))
    first, second = itertools.tee(source(3))
    list(zip(first, second, source(2), strict=False))
    list(itertools.compress(source(4), map(parity, source(4))))
    return max(itertools.product(source(2), repeat=2), key=sum)
