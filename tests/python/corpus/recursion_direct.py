"""A function that calls itself, once and twice per level."""


def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def main():
    return factorial(20), fibonacci(11), factorial(5)
