"""`with` over classes, generators and stacks, also when the body raises."""

from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress


@contextmanager
def opened(name):
    enter(name)
    try:
        yield name
    finally:
        leave(name)


@contextmanager
def swallowing():
    try:
        yield
    except ValueError:
        leave("swallowed")


class Resource:
    def __enter__(self):
        enter(self)
        return self

    def __exit__(self, kind, value, traceback):
        leave(self)
        return kind is KeyError

    def close(self):
        leave(self)


def enter(what):
    return id(what)


def leave(what):
    return id(what)


@opened("decorator")
def decorated():
    return enter("body")


def failing(kind):
    raise kind("wanted")


def main():
    with opened("a"), Resource() as resource:
        enter(resource)
    with Resource():
        failing(KeyError)
    with swallowing():
        failing(ValueError)
    with suppress(ValueError), opened("b"):
        failing(ValueError)
    with ExitStack() as stack:
        stack.enter_context(Resource())
        stack.callback(leave, "callback")
        stack.enter_context(opened("c"))
    with closing(Resource()), nullcontext():
        decorated()
