"""Generators that are made and then dropped, closed or thrown into at once."""


def idle():
    work()
    yield 1


def work():
    return len("work")


def dropped():
    idle()


def closed():
    idle().close()


def thrown_into():
    try:
        idle().throw(ValueError("too early"))
    except ValueError:
        work()


def sent_into():
    generator = idle()
    try:
        generator.send("not None")
    except TypeError:
        work()
    next(generator)


def main():
    for _ in range(2):
        dropped()
        closed()
        thrown_into()
        sent_into()
