"""Comprehensions of every kind, nested, with calls inside and raising."""


def double(value):
    return value * 2


def refuse(value):
    if value > 2:
        raise ValueError(value)
    return value


def nested(n):
    return [[double(i) for i in range(j)] for j in range(n)]


def with_closure(factor):
    return [lambda value, i=i: double(value) + factor + i for i in range(3)]


def raising():
    try:
        return [refuse(i) for i in range(5)]
    except ValueError:
        return []


class Table:
    squares = [i * i for i in range(4)]


def main():
    nested(4)
    {double(i) for i in range(3)}
    {i: double(i) for i in range(3)}
    sum(double(i) for i in range(3) for _ in range(2))
    any(double(i) > 2 for i in range(5))
    [call(1) for call in with_closure(10)]
    raising()

    class Local:
        values = [double(i) for i in range(2)]

    return Local.values, Table.squares
