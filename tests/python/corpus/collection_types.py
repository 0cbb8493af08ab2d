"""collections: factories, missing keys, subclasses of built-in containers."""

from collections import (
    ChainMap,
    Counter,
    OrderedDict,
    UserDict,
    UserList,
    defaultdict,
    deque,
)


def factory():
    return [0]


class Squares(dict):
    def __missing__(self, key):
        self[key] = key * key
        return self[key]


class Loud(UserDict):
    def __setitem__(self, key, value):
        super().__setitem__(key, value)


class Eager(list):
    def append(self, value):
        super().append(value)
        super().append(value)

    def extend(self, values):
        for value in values:
            self.append(value)


def main():
    groups = defaultdict(factory)
    groups["a"].append(1), groups["a"].append(2), groups["b"]
    squares = Squares()
    squares[3], squares[3], squares.get(4)
    counter = Counter("mississippi")
    counter.update("is"), counter.most_common(2), counter + Counter("m")
    ordered = OrderedDict(a=1)
    ordered.move_to_end("a"), ordered.popitem()
    loud = Loud(a=1)
    loud["b"] = 2
    loud.update(c=3), loud.get("a"), "a" in loud
    eager = Eager()
    eager.extend([1, 2]), eager.append(3), list.append(eager, 4)
    queue = deque(maxlen=2)
    queue.extend("abc"), queue.rotate(1), queue.popleft()
    return ChainMap({"a": 1}, loud)["b"], UserList([2, 1]).sort()
