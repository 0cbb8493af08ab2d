"""Method descriptors of built-in types called with a self of another type."""


def attempt(function, *args):
    try:
        return function(*args)
    except TypeError:
        return note()


def note():
    return len("refused")


def direct():
    try:
        list.append(1, 2)
    except TypeError:
        note()


def missing_self():
    try:
        str.upper()
    except TypeError:
        note()
    try:
        object.__reduce__()
    except TypeError:
        note()


def right_self():
    values = []
    list.append(values, 1)
    return str.upper("text")


def main():
    direct()
    missing_self()
    right_self()
    attempt(list.append, 1, 2)
    attempt(str.join, 1, ["a"])
    attempt(dict.get, [], 1)
    right_self()
