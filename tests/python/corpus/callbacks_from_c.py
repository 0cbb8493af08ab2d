"""Python functions that C functions call back."""

import re
from functools import cmp_to_key, reduce


def key(value):
    return -value


def compare(left, right):
    return (left > right) - (left < right)


def add(left, right):
    return left + right


def is_odd(value):
    return value % 2


def shout(match):
    return match.group().upper()


class Words:
    def __init__(self):
        self.left = 3

    def __call__(self):
        self.left -= 1
        return self.left


def main():
    values = [4, 1, 3, 2]
    sorted(values, key=key)
    values.sort(key=key, reverse=True)
    sorted(values, key=cmp_to_key(compare))
    min(values, key=key), max(values, key=key), min(3, 1, key=key)
    list(map(key, values)), list(map(add, values, values))
    list(filter(is_odd, values)), list(filter(None, values))
    reduce(add, values), reduce(add, [], 0)
    re.sub(r"\w+", shout, "one two three")
    list(iter(Words(), 0))
    list(map(str, values)), list(map(len, ["a", "bc"]))
    return sorted(values, key=lambda value: key(value))
