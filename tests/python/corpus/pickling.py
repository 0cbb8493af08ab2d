"""Pickle and copy, with __reduce__, __getstate__, __setstate__ and __deepcopy__."""

import copy
import io
import pickle


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __reduce__(self):
        return rebuild, (self.x, self.y)


class Stateful:
    def __init__(self):
        self.value = 1

    def __getstate__(self):
        return {"value": self.value}

    def __setstate__(self, state):
        self.__dict__.update(state)


class Inherited:
    def __reduce_ex__(self, protocol):
        return super().__reduce_ex__(protocol)


class Self:
    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return copy.copy(self)


def rebuild(x, y):
    return Point(x, y)


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        return super().find_class(module, name)


def main():
    values = [Point(1, 2), Stateful(), Inherited()]
    for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
        pickle.loads(pickle.dumps(values, protocol))
    Unpickler(io.BytesIO(pickle.dumps(values))).load()
    pickle._dumps(values[:1])
    try:
        pickle.dumps(lambda: None)
    except (pickle.PicklingError, AttributeError):
        rebuild(0, 0)
    return copy.copy(values), copy.deepcopy([*values, Self()])
