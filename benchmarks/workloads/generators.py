"""Pipelines of generators, a recursive one, and one that is sent values."""

from workloads import check

SCALE = 1700


def numbers(count):
    """Yield the first numbers."""
    yield from range(count)


def only_odd(source):
    """Pass the odd numbers on."""
    for number in source:
        if number % 2:
            yield number


def squared(source):
    """Square what comes."""
    for number in source:
        yield number * number


def in_order(low, high):
    """Walk a balanced tree of the numbers, depth first."""
    if low < high:
        middle = (low + high) // 2
        yield from in_order(low, middle)
        yield middle
        yield from in_order(middle + 1, high)


def running_total():
    """Answer each number sent with the total so far."""
    total = 0
    while True:
        total += yield total


def main(scale):
    """Run 600 numbers through each kind of generator, once per unit."""
    result = 0
    for _ in range(scale):
        adder = running_total()
        next(adder)
        for number in squared(only_odd(numbers(600))):
            last = adder.send(number)
        adder.close()
        result += last + sum(in_order(0, 200))
    return check(result, (300 * (4 * 300**2 - 1) // 3 + 19_900) * scale)
