"""abc: registration, __subclasshook__, isinstance against abstract classes."""

import abc
from collections.abc import Hashable, Iterable, Mapping, Sized


def make():
    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self):
            return 0

        @classmethod
        def __subclasshook__(cls, other):
            if hasattr(other, "surface"):
                return True
            return NotImplemented

    class Square(Shape):
        def area(self):
            return super().area() + 4

    class Virtual:
        pass

    class Structural:
        surface = 1

    Shape.register(Virtual)
    return Shape, Square, Virtual, Structural


class Table(Mapping):
    def __getitem__(self, key):
        if key not in ("a", "b"):
            raise KeyError(key)
        return key

    def __iter__(self):
        return iter(("a", "b"))

    def __len__(self):
        return 2


def main():
    shape, square, virtual, structural = make()
    [isinstance(cls(), shape) for cls in (square, virtual, structural)]
    issubclass(int, shape), square().area()
    try:
        shape()
    except TypeError:
        isinstance([], (Iterable, Hashable))
    table = Table()
    "a" in table, table.get("c"), list(table.items()), table == {"a": 1}
    return isinstance(table, Sized), len(table.keys()), sorted(table.values())
