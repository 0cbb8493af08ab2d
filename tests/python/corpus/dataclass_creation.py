"""Dataclasses made at run time (the stdlib executes generated code for them)."""

import dataclasses
from dataclasses import dataclass, field


def make():
    @dataclass(order=True, frozen=True)
    class Version:
        major: int
        minor: int = 0
        tags: list = field(default_factory=list, compare=False)

        def __post_init__(self):
            check(self.major)

    @dataclass
    class Named:
        name: str = "x"

    return Version, Named


def check(value):
    if value < 0:
        raise ValueError(value)


def main():
    version, named = make()
    one, two = version(1), version(1, 2)
    one < two, one == two, hash(one), repr(one)
    dataclasses.asdict(two), dataclasses.astuple(one), dataclasses.replace(one, minor=3)
    try:
        version(-1)
    except ValueError:
        check(0)
    try:
        one.major = 2
    except dataclasses.FrozenInstanceError:
        check(0)
    return sorted([two, one]), named() == named("y")
