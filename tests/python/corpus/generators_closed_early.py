"""Generators that end before their last item: break, close, deletion, return."""


def numbers():
    value = 0
    while True:
        yield value
        value += 1


def careful():
    try:
        yield 1
        yield 2
    finally:
        cleanup()


def stubborn():
    while True:
        try:
            yield 1
        except GeneratorExit:
            cleanup()
            return


def disobedient():
    try:
        yield 1
    except GeneratorExit:
        yield 2


def cleanup():
    return len("clean")


def broken_out_of():
    for value in numbers():
        if value == 3:
            break


def closed(function):
    generator = function()
    next(generator)
    generator.close()
    generator.close()


def dropped(function):
    generator = function()
    next(generator)
    del generator


def main():
    broken_out_of()
    for function in (numbers, careful, stubborn):
        closed(function)
        dropped(function)
    try:
        closed(disobedient)
    except RuntimeError:
        cleanup()
