"""Calls with unpacked arguments, keywords, defaults, and calls that fail to bind."""


def variadic(*args, **kwargs):
    return len(args) + len(kwargs)


def strict(a, b=2, /, c=3, *, d=4):
    return a + b + c + d


def provide():
    yield 1
    yield 2


def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except TypeError:
        return None


def main():
    values, options = [1, 2], {"c": 5, "d": 6}
    variadic(), variadic(*values), variadic(*provide(), **options)
    strict(1), strict(*values), strict(*values, **options), strict(1, c=2)
    attempt(strict), attempt(strict, 1, 2, 3, 4), attempt(strict, 1, e=1)
    attempt(variadic, *values, **options)
    max(*values), max(*values, key=lambda value: -value), print(*[], end="")
    attempt(len), attempt(len, 1, 2), attempt(max, *provide(), key=variadic)
    dict(**options), "{} {c}".format(*values, **options)
    return values.append(*values[:1]), sorted(*[values], **{"reverse": True})
