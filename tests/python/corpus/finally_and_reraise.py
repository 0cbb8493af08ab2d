"""Frames that do work while an exception passes, replace it, or swallow it."""


def cleanup():
    return abs(-1)


def failing(kind):
    raise kind("wanted")


def with_finally():
    try:
        failing(ValueError)
    finally:
        cleanup()


def with_reraise():
    try:
        with_finally()
    except ValueError:
        cleanup()
        raise


def with_replacement():
    try:
        with_reraise()
    except ValueError as error:
        raise KeyError("other") from error


def with_return_in_finally():
    try:
        with_replacement()
    except KeyError:
        return cleanup()
    finally:
        cleanup()


def with_nested_failure():
    try:
        failing(TypeError)
    except TypeError:
        try:
            failing(OSError)
        except OSError:
            return cleanup()


def main():
    for _ in range(3):
        with_return_in_finally()
        with_nested_failure()
