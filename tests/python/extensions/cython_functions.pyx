"""All kinds of Cython's callables. Built twice: with and without `binding`."""

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
