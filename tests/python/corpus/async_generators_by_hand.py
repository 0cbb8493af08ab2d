"""Asynchronous generators, iteration and comprehensions without an event loop."""

import types


@types.coroutine
def suspend():
    yield


async def ticker(n):
    try:
        for i in range(n):
            await suspend()
            yield i
    finally:
        await suspend()


class Countdown:
    def __init__(self, start):
        self.value = start

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.value == 0:
            raise StopAsyncIteration
        self.value -= 1
        return self.value


async def consume():
    seen = []
    async for value in ticker(3):
        seen.append(value)
    async for value in Countdown(2):
        seen.append(value)
    return seen


async def comprehend():
    return [value async for value in ticker(2) if value]


async def close_early():
    generator = ticker(5)
    await generator.__anext__()
    await generator.aclose()


async def throw_into():
    generator = ticker(5)
    await generator.asend(None)
    try:
        await generator.athrow(ValueError("thrown"))
    except ValueError:
        return len("thrown")


def drive(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def main():
    return [drive(start()) for start in (consume, comprehend, close_early, throw_into)]
