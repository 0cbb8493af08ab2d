"""__del__ methods that run in the middle of other calls."""


class Tracked:
    def __init__(self, log):
        self.log = log

    def __del__(self):
        note(self.log)


class Raising:
    def __init__(self, log):
        self.inner = Tracked(log)


def note(log):
    log.append(len(log))


def temporary(log):
    Tracked(log)
    return Tracked(log)


def replaced(log):
    value = Tracked(log)
    value = Tracked(log)
    value = None
    return value


def dropped_by_exception(log):
    value = Tracked(log)
    raise ValueError(value)


def held_by_generator(log):
    held = Tracked(log)
    yield held


def main():
    log = []
    temporary(log)
    replaced(log)
    try:
        dropped_by_exception(log)
    except ValueError:
        note(log)
    next(held_by_generator(log))
    values = [Raising(log) for _ in range(3)]
    values.pop()
    values.clear()
    {"key": Tracked(log)}.pop("key")
    return log
