"""Decorated functions: wraps, arguments, stacked, on methods, classes as decorators."""

import functools


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def repeated(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            return [function(*args) for _ in range(times)]

        return wrapper

    return decorate


class Counted:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function = function
        self.calls = 0

    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)


@logged
def plain(value):
    return value


@logged
@repeated(3)
@logged
def stacked(value):
    return plain(value)


@Counted
def counted(n):
    return n and counted(n - 1)


class Service:
    @logged
    def method(self):
        return self.name

    @property
    @logged
    def name(self):
        return "service"

    @classmethod
    @logged
    def make(cls):
        return cls()


def main():
    plain(1)
    stacked(2)
    counted(3)
    Service.make().method()

    @logged
    def local():
        return plain(3)

    return local()
