"""All kinds of Cython's callables. Built twice: with and without `binding`."""

cimport cython

import functools


def function(x):
    return x


cpdef int both(int x):
    return x


def raising():
    raise KeyError("raised")


def calling(python_function):
    return python_function()


def outer():
    def closure():
        return 1

    return closure


def decorator(wrapped):
    @functools.wraps(wrapped)
    @cython.binding(True)
    def wrapper():
        return wrapped()

    return wrapper


@decorator
def decorated():
    return 1


@decorator
def decorated_too():
    return 1


def holding(thing):
    """A closure that holds what it is given."""
    return lambda: thing


cdef class Extension:
    def method(self, x):
        return x

    cpdef both(self, x):
        return x

    @classmethod
    def of_class(cls):
        return cls

    @staticmethod
    def static(x):
        return x

    def raising(self):
        raise KeyError("raised")

    def __call__(self, python_function):
        return python_function()


class Plain:
    def __init__(self):
        self.number = 1

    def calling(self, python_function):
        return python_function()
