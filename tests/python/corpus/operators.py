"""Operators and built-ins that end in dunder methods, reflected and in place."""

from functools import total_ordering


@total_ordering
class Number:
    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        if not isinstance(other, Number):
            return NotImplemented
        return Number(self.value + other.value)

    def __radd__(self, other):
        return Number(other + self.value)

    def __iadd__(self, other):
        self.value += other.value
        return self

    def __neg__(self):
        return Number(-self.value)

    def __abs__(self):
        return Number(abs(self.value))

    def __eq__(self, other):
        return self.value == other.value

    def __lt__(self, other):
        return self.value < other.value

    def __hash__(self):
        return hash(self.value)

    def __bool__(self):
        return bool(self.value)

    def __int__(self):
        return int(self.value)

    def __index__(self):
        return self.value

    def __round__(self, digits=None):
        return round(self.value, digits)

    def __divmod__(self, other):
        return divmod(self.value, other)

    def __call__(self, *args):
        return self.value + len(args)


class Box:
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]

    def __setitem__(self, index, value):
        self.items[index] = value

    def __delitem__(self, index):
        del self.items[index]

    def __contains__(self, item):
        return item in self.items

    def __iter__(self):
        return iter(self.items)

    def __reversed__(self):
        return reversed(self.items)

    def __matmul__(self, other):
        return sum(a * b for a, b in zip(self, other, strict=False))


def main():
    one, two = Number(1), Number(2)
    one + two
    5 + one
    one += two
    -one, abs(one), bool(one), not one
    any([one >= two, one == two, not one != two, not one < two, not one <= two])
    {one: 1, two: 2}.get(Number(2))
    int(one), hex(one), round(one), divmod(one, 2), range(10)[one]
    one(), one(1, 2), sum([one, two], Number(0))
    sorted([two, one]), max(one, two)

    box = Box([1, 2, 3])
    len(box), box[0], 2 in box, list(box), list(reversed(box)), box @ box
    box[0] = 5
    del box[0]
    first, *rest = box
    return bool(box), first, rest
