"""An event loop with tasks that yield to each other, fail and are cancelled."""

import asyncio


async def worker(queue, results):
    while True:
        item = await queue.get()
        if item is None:
            return
        results.append(transform(item))
        await asyncio.sleep(0)


def transform(item):
    return item * 2


async def failing():
    await asyncio.sleep(0)
    raise ValueError("failed")


async def endless():
    try:
        await asyncio.Event().wait()
    finally:
        transform(1)


async def scenario():
    queue, results = asyncio.Queue(), []
    workers = [asyncio.ensure_future(worker(queue, results)) for _ in range(2)]
    cancelled = asyncio.ensure_future(endless())
    for item in (1, 2, 3, None, None):
        await queue.put(item)
    await asyncio.gather(*workers, failing(), return_exceptions=True)
    cancelled.cancel()
    try:
        await cancelled
    except asyncio.CancelledError:
        transform(2)
    return results


def main():
    loop = asyncio.SelectorEventLoop()
    try:
        return loop.run_until_complete(scenario())
    finally:
        loop.close()
