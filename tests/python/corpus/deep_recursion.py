"""Recursion thousands of frames deep, returning and unwinding."""

import sys

DEPTH = 5000


def descend(n):
    return n and 1 + descend(n - 1)


def fall(n):
    if n == 0:
        raise EOFError
    fall(n - 1)


def ping(n):
    return n and pong(n - 1)


def pong(n):
    return n and ping(n - 1)


def main():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(DEPTH + 1000)
    try:
        descend(DEPTH)
        ping(DEPTH)
        try:
            fall(DEPTH)
        except EOFError:
            descend(2)
    finally:
        sys.setrecursionlimit(limit)
