"""Weak references whose callbacks run when the object goes."""

import weakref


class Node:
    pass


def forget(log):
    def callback(reference):
        log.append(reference())

    return callback


def farewell(log, word):
    log.append(word)


def main():
    log = []
    node = Node()
    reference = weakref.ref(node, forget(log))
    reference()
    del node

    finalized = Node()
    finalizer = weakref.finalize(finalized, farewell, log, "bye")
    assert finalizer.alive
    del finalized

    table = weakref.WeakValueDictionary()
    kept, lost = Node(), Node()
    table["kept"], table["lost"] = kept, lost
    del lost
    names = weakref.WeakSet([kept])
    return len(log), sorted(table), len(names), weakref.proxy(kept).__class__
