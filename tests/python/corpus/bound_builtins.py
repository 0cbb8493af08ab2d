"""Built-in functions bound to an object with types.MethodType."""

from types import MethodType


def helper():
    return len("helper")


def call_bound(value):
    bound = MethodType(len, value)
    result = bound()
    helper()
    return result


def call_bound_failing():
    try:
        MethodType(len, 1)()
    except TypeError:
        helper()


class Sized:
    size = len

    def __init__(self):
        self.bound = MethodType(len, [1, 2])


def main():
    call_bound([1, 2, 3])
    call_bound("text")
    call_bound_failing()
    Sized().bound()
    helper()
