"""match statements: class patterns, guards, __match_args__, isinstance hooks."""


class Point:
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self._y = x, y

    @property
    def y(self):
        return self._y


class Anything(type):
    def __instancecheck__(cls, instance):
        return check(instance)


class Wild(metaclass=Anything):
    pass


def check(value):
    return value is not None


def classify(value):
    match value:
        case Point(0, y):
            return y
        case Point(x=1) if check(value):
            return 1
        case [first, *rest] if check(first):
            return len(rest)
        case {"kind": str(kind), **others}:
            return kind.upper(), others
        case Wild():
            return "wild"
        case _:
            return None


def main():
    values = [Point(0, 2), Point(1, 1), Point(2, 2), [1, 2], [None], {"kind": "a"}, 5]
    return [classify(value) for value in [*values, None]]
