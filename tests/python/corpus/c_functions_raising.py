"""C functions that raise, caught in the caller and further up."""


def parse(text):
    try:
        return int(text)
    except ValueError:
        return None


def measure(value):
    try:
        return len(value)
    except TypeError:
        return 0


def find(values, wanted):
    try:
        return values.index(wanted)
    except ValueError:
        return -1


def fail_deep(n):
    return fail_deep(n - 1) if n else [].pop()


def exhaust(iterator):
    try:
        while True:
            next(iterator)
    except StopIteration:
        return True


def main():
    [parse(text) for text in ("1", "x")]
    [measure(value) for value in ("text", 1)]
    find([1, 2], 2), find([1, 2], 3)
    exhaust(iter([1, 2]))
    for failing in (lambda: {}.pop("x"), lambda: ord("xy"), lambda: "x".index("y")):
        try:
            failing()
        except (KeyError, TypeError, ValueError):
            measure("caught")
    try:
        fail_deep(4)
    except IndexError:
        return measure("caught")
