"""Enumerations made and used at run time."""

import enum


def make():
    class Colour(enum.Enum):
        RED = 1
        GREEN = 2
        CRIMSON = 1

        @property
        def short(self):
            return self.name[0]

        @classmethod
        def _missing_(cls, value):
            return cls.RED if value == "red" else None

    class Access(enum.Flag):
        READ = enum.auto()
        WRITE = enum.auto()
        BOTH = READ | WRITE

    return Colour, Access


def main():
    colour, access = make()
    colour.RED, colour(2), colour["GREEN"], colour("red"), colour.RED.short
    list(colour), colour.GREEN in colour, repr(colour.RED), str(colour.GREEN)
    access.READ | access.WRITE, access.BOTH & access.READ, bool(access(0))
    try:
        colour("blue")
    except ValueError:
        len(colour)
    return enum.IntEnum("Size", "SMALL LARGE").SMALL < 2
