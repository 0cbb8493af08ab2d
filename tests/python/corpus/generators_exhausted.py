"""Generators run to their end: by for, by next, by C functions, inside each other."""


def count(n):
    for i in range(n):
        yield square(i)


def square(i):
    return i * i


def evens(numbers):
    for number in numbers:
        if number % 2 == 0:
            yield number


def countdown(n):
    yield n
    if n:
        for value in countdown(n - 1):
            yield value + 1


def by_next():
    numbers = count(3)
    total = 0
    while True:
        try:
            total += next(numbers)
        except StopIteration:
            return total


def main():
    for _ in count(4):
        pass
    list(count(5))
    sum(evens(count(6)))
    by_next()
    return list(countdown(5)), sum(square(i) for i in range(4))
