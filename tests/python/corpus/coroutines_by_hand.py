"""Coroutines driven with send and throw, no event loop."""

import types


@types.coroutine
def suspend(value):
    return (yield value)


class Ready:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield self.value
        return self.value + 1


async def inner(n):
    total = 0
    for i in range(n):
        total += await suspend(i)
    return total


async def outer():
    first = await inner(3)
    second = await Ready(first)
    async with Session():
        return first + second


class Session:
    async def __aenter__(self):
        await suspend("enter")

    async def __aexit__(self, *exc_info):
        await suspend("exit")


async def fails():
    try:
        await suspend("waiting")
    except ValueError:
        await suspend("recovering")
        raise


def drive(coroutine):
    value = None
    while True:
        try:
            coroutine.send(value)
        except StopIteration as stop:
            return stop.value
        value = 2


def interrupt(coroutine):
    coroutine.send(None)
    coroutine.throw(ValueError("interrupted"))
    try:
        coroutine.send(None)
    except ValueError:
        return True


def abandon(coroutine):
    coroutine.send(None)
    coroutine.close()


def main():
    drive(outer())
    interrupt(fails())
    abandon(outer())
    inner(2).close()
