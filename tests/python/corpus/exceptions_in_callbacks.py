"""Exceptions raised by Python functions that C functions call."""

import re
from functools import reduce


def refuse_seven(value):
    if value == 7:
        raise ValueError(value)
    return -value


def refuse_match(match):
    return str(refuse_seven(int(match.group())))


def add(left, right):
    return left + refuse_seven(right)


def attempt(function, *args):
    try:
        return function(*args)
    except ValueError:
        return None


def sort(values):
    return sorted(values, key=refuse_seven)


def main():
    for values in ([3, 1, 2], [3, 7, 2], [7]):
        attempt(sort, values)
        attempt(max, map(refuse_seven, values))
        attempt(reduce, add, values, 0)
        attempt(list, filter(refuse_seven, values))
        attempt(re.sub, r"\d", refuse_match, " ".join(map(str, values)))
