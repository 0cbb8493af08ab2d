"""`yield from` over generators, lists and iterators, with results and with send."""


def leaf(n):
    for i in range(n):
        yield n - i
    return n


def branch(n):
    total = 0
    for i in range(n):
        total += yield from leaf(i)
    return total


def tree(depth):
    if depth == 0:
        yield "leaf"
    else:
        yield from tree(depth - 1)
        yield from [depth]
        yield from tree(depth - 1)


def accumulate():
    total = 0
    while True:
        value = yield total
        if value is None:
            return total
        total += value


def relay(results):
    while True:
        results.append((yield from accumulate()))


def main():
    list(branch(4))
    list(tree(3))
    results = []
    relayed = relay(results)
    next(relayed)
    for value in (1, 2, None, 3, None):
        relayed.send(value)
    relayed.close()
    return results
