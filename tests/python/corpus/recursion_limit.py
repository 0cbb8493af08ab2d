"""Recursion that the interpreter stops, caught at the bottom and on the way up."""

import sys

DEPENDS_ON_STACK_DEPTH = True


def endless(n):
    return endless(n + 1)


def endless_callback(value):
    return list(map(endless_callback, [value]))


def persistent(n):
    try:
        return persistent(n + 1)
    except RecursionError:
        if n % 10 == 0:
            return n
        raise


def stack_depth():
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def attempt(function):
    try:
        return function(0)
    except RecursionError:
        return None


def main():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(stack_depth() + 150)
    try:
        attempt(endless)
        attempt(persistent)
        attempt(endless_callback)
    finally:
        sys.setrecursionlimit(limit)
