"""Iterators written as classes, driven by for, by C functions and by unpacking."""


class Countdown:
    def __init__(self, start):
        self.value = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.value == 0:
            raise StopIteration
        self.value -= 1
        return self.value


class Sequence:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index >= 3:
            raise IndexError(index)
        return index


class Failing:
    def __iter__(self):
        raise TypeError("not today")


class Hinted:
    def __iter__(self):
        return Countdown(2)

    def __length_hint__(self):
        return 2


def main():
    for _ in Countdown(3):
        pass
    list(Countdown(4)), sum(Countdown(3)), 2 in Countdown(5), tuple(Hinted())
    list(Sequence()), 1 in Sequence(), list(reversed(Sequence())), [*Sequence()]
    first, *_ = Countdown(3)
    a, b = Hinted()
    dict(zip(Countdown(2), enumerate(Sequence()), strict=False))
    try:
        list(Failing())
    except TypeError:
        len(Sequence())
    return first, a, b, next(Countdown(0), "default"), max(Countdown(3), default=0)
