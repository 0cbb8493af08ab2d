"""Cycles of two and of three functions, entered at different points."""


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def rock(n):
    return n and paper(n - 1) + scissors(n - 2)


def paper(n):
    return n > 0 and rock(n - 1)


def scissors(n):
    return n > 0 and paper(n - 1) + rock(n - 2)


def main():
    return is_even(13), is_odd(8), rock(9), scissors(6)
