"""Exceptions thrown into generators that catch them, pass them on, or return."""


def echo():
    received = None
    while True:
        try:
            received = yield handle(received)
        except ValueError as error:
            received = error


def once():
    try:
        yield 1
    except KeyError:
        return


def fragile():
    yield 1
    yield 2


def handle(value):
    return repr(value)


def delegating():
    yield from echo()


def drive_echo(function):
    generator = function()
    next(generator)
    generator.send(1)
    generator.throw(ValueError("thrown"))
    generator.send(2)
    try:
        generator.throw(TypeError("passed on"))
    except TypeError:
        handle("type error")


def drive(function, error):
    generator = function()
    next(generator)
    try:
        generator.throw(error)
    except (StopIteration, KeyError):
        handle("over")


def main():
    drive_echo(echo)
    drive_echo(delegating)
    drive(once, KeyError("caught"))
    drive(fragile, KeyError("not caught"))
