"""Exceptions that pass many frames, one function or several, before they are caught."""


class Stop(Exception):
    pass


def dive(depth):
    if depth == 0:
        raise Stop
    dive(depth - 1)


def first(depth):
    second(depth)


def second(depth):
    third(depth)


def third(depth):
    if depth:
        first(depth - 1)
    raise ValueError(depth)


def attempt(function, argument):
    try:
        function(argument)
    except (Stop, ValueError):
        return recover()


def recover():
    return len("recovered")


def main():
    for depth in (0, 1, 25):
        attempt(dive, depth)
    attempt(first, 7)
