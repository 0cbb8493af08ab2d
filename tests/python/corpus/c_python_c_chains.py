"""C functions calling Python functions calling C functions, several levels deep."""

from functools import partial, reduce


def sort_each(rows):
    return sorted(map(sort_row, rows), key=weigh)


def sort_row(row):
    return sorted(row, key=weigh_cell)


def weigh(row):
    return sum(map(weigh_cell, row))


def weigh_cell(cell):
    return max(map(abs, (cell, -cell)))


def flatten(depth, items):
    if depth == 0:
        return list(items)
    return list(map(partial(flatten, depth - 1), [items, items]))


def fold(n):
    return reduce(lambda total, i: total + fold(i), range(n), 1)


def main():
    sort_each([[3, -1, 2], [-5, 4], [0]])
    flatten(3, (1, 2))
    return fold(4)
