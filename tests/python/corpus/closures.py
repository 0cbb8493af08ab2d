"""Functions made by functions, sharing and changing their variables."""


def make_counter():
    count = 0

    def increment(step=1):
        nonlocal count
        count += step
        return count

    def reset():
        nonlocal count
        count = 0
        return increment()

    return increment, reset


def compose(*functions):
    def composed(value):
        for function in functions:
            value = function(value)
        return value

    return composed


def make_recursive():
    def inner(n):
        return n and inner(n - 1)

    return inner


def main():
    increment, reset = make_counter()
    other, _ = make_counter()
    increment(), increment(step=2), other(), reset()
    adders = [lambda value, step=step: value + step for step in range(3)]
    compose(*adders, compose(increment))(1)
    make_recursive()(3)
    return make_recursive()(2)
