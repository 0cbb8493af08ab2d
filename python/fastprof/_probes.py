"""What calibration runs: loops that make one kind of call, once for each turn.

docs/design.md says what is made of their times.
"""

from collections.abc import Iterator


def _function(_: object, number: int) -> int:
    return number * number


def _work() -> int:
    # What programs do between their calls, a little of each, and each once. What is
    # made is freed here: otherwise that would come after the event of the return.
    point, items = _POINT, _ITEMS
    total = items[0] * point.x + items[2]
    point.y = total
    if total is not None and total > point.x:
        total = point.y - items[1]
    table = {"a": items[1], "b": 2}
    pair = [table["b"], total]
    first, second = pair
    total = first + second + point.y
    del table, pair
    return total


class _Point:
    x = 3
    y = 0


_POINT = _Point()
_ITEMS = [1, 2, 3]


def _raising() -> None:
    raise _Signal


class _Signal(Exception):
    pass


class _Made:
    def __init__(self, number: int) -> None:
        self.number = number


class _Base:
    def twice(self, number: int) -> int:
        return number + number


class _Derived(_Base):
    def twice(self, number: int) -> int:
        return super().twice(number)


class _Subscripted:
    def __getitem__(self, number: int) -> int:
        return number * number


def _numbers(turns: tuple[None, ...]) -> Iterator[int]:
    number = 3
    for _ in turns:
        yield number * number


def empty(turns: tuple[None, ...]) -> None:
    """No call."""
    for _ in turns:
        pass


def function(turns: tuple[None, ...]) -> None:
    """A Python function."""
    for _ in turns:
        result = _function(None, 3)  # noqa: F841


def work(turns: tuple[None, ...]) -> None:
    """A Python function that takes longer."""
    call = _work
    for _ in turns:
        call()


def slot(turns: tuple[None, ...]) -> None:
    """A Python function that no CALL event announces."""
    subscripted = _Subscripted()
    for _ in turns:
        result = subscripted[3]  # noqa: F841


def class_call(turns: tuple[None, ...]) -> None:
    """A class, which is not recorded."""
    number = 1.0
    for _ in turns:
        float(number)


def generator(turns: tuple[None, ...]) -> None:
    """A resumed generator."""
    for number in _numbers(turns):
        result = number  # noqa: F841


def instance(turns: tuple[None, ...]) -> None:
    """A class with an `__init__` in Python."""
    make = _Made
    for _ in turns:
        make(3)


def super_call(turns: tuple[None, ...]) -> None:
    """A method that calls the one it replaces."""
    call = _Derived().twice
    for _ in turns:
        call(3)


def method(turns: tuple[None, ...]) -> None:
    """A method in C that takes no argument."""
    text = "a"
    for _ in turns:
        text.isalpha()


def other_method(turns: tuple[None, ...]) -> None:
    """One that takes its arguments as a tuple, up to Python 3.12."""
    text = "a"
    for _ in turns:
        text.startswith("b")


def append(turns: tuple[None, ...]) -> None:
    """The method that the interpreter has an instruction for."""
    items: list[None] = []
    for _ in turns:
        items.append(None)


def length(turns: tuple[None, ...]) -> None:
    """A C function."""
    pair = None, None
    for _ in turns:
        len(pair)


def ordinal(turns: tuple[None, ...]) -> None:
    """Another one."""
    for _ in turns:
        ord("a")


def raising(turns: tuple[None, ...]) -> None:
    """A Python function that ends with an exception."""
    call = _raising
    for _ in turns:
        try:
            call()
        except _Signal:
            pass


def builtin_raising(turns: tuple[None, ...]) -> None:
    """A C function that ends with an exception."""
    nothing = iter(())
    for _ in turns:
        try:
            next(nothing)
        except StopIteration:
            pass
