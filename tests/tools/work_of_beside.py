"""What beside.py watches: calls, generators, C functions, an exception."""


def leaf(value):
    return len(str(value))


def values(count):
    for value in range(count):
        yield leaf(value)


def failing():
    try:
        raise KeyError(leaf(0))
    except KeyError:
        return leaf(1)


def work():
    return sum(values(3)) + failing()
