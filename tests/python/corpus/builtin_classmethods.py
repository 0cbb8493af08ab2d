"""Class methods, static methods and constructors that are written in C."""

import datetime
import itertools


class Table(dict):
    pass


class Whole(int):
    pass


def main():
    dict.fromkeys("abc"), Table.fromkeys("ab", 1), {}.fromkeys("a")
    int.from_bytes(b"ab", "big"), Whole.from_bytes(b"a", "big"), (5).to_bytes(2, "big")
    float.fromhex("0x1p3"), bytes.fromhex("00ff"), str.maketrans("a", "b")
    bytearray.fromhex("00"), (1.5).hex(), (3.0).is_integer()
    itertools.chain.from_iterable([[1], [2]])
    datetime.date.fromordinal(730000).isoformat()
    object.__new__(object), int.__new__(Whole, 5), dict.__new__(Table)
    object(), dict(a=1), list("ab"), int, Whole("7")
