"""functools: caches, partials, single dispatch, cached properties."""

from functools import (
    cache,
    cached_property,
    lru_cache,
    partial,
    partialmethod,
    singledispatch,
)


@cache
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


@lru_cache(maxsize=2)
def bounded(n):
    return compute(n)


def compute(n, factor=1):
    return n * factor


@singledispatch
def describe(value):
    return "object"


@describe.register
def _(value: int):
    return "int"


@describe.register(list)
def _(value):
    return [describe(item) for item in value]


class Report:
    @cached_property
    def total(self):
        return compute(10)

    def scaled(self, factor):
        return compute(self.total, factor)

    tripled = partialmethod(scaled, 3)


def main():
    fibonacci.cache_clear()
    fibonacci(12)
    bounded.cache_clear()
    [bounded(n) for n in (1, 2, 1, 3, 2, 1)]
    double = partial(compute, factor=2)
    double(4), partial(double, 5)(), partial(len, "text")()
    describe(1), describe("text"), describe([1, "a", [2.0]])
    report = Report()
    return report.total, report.total, report.scaled(2), report.tripled()
