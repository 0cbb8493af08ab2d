"""C functions that are known not to block: `builtins="slow"` may switch them off.

They look at what they are given, or change it, and wait for nothing: no file, no lock,
no other process. Some call methods of the program's objects (`__len__`, `__hash__`,
`__eq__`…); Python functions among these are recorded as ever. Sorting and matching are
not in the list: how long they take is what people look for. Nor are `write` and `tell`,
even of memory: at the same place the next one may be a file's.
"""

import _random
import abc
import bisect
import builtins
import heapq
import io
import math
import operator
import os
import re
import struct
import sys
import threading
import time
from collections import OrderedDict, deque

__all__ = ["CHEAP"]

# By type; what has no such method on this Python is passed over.
METHODS: "dict[type, str]" = {
    list: "append clear copy extend index insert pop remove reverse"
    " __contains__ __getitem__",
    dict: "clear copy get items keys pop popitem setdefault update values"
    " __contains__ __getitem__",
    set: "add clear copy difference discard intersection isdisjoint issubset issuperset"
    " pop remove symmetric_difference union update __contains__",
    frozenset: "copy difference intersection isdisjoint issubset issuperset union"
    " __contains__",
    tuple: "count index",
    deque: "append appendleft clear copy count extend extendleft index insert pop"
    " popleft remove reverse rotate",
    str: "capitalize casefold center endswith expandtabs isalnum isalpha isascii"
    " isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle"
    " isupper ljust lower lstrip partition removeprefix removesuffix rjust"
    " rpartition rstrip startswith strip swapcase title upper zfill count encode"
    " find format index join replace rfind rindex rsplit split splitlines"
    " translate",
    bytes: "endswith hex isalnum isalpha isascii isdigit islower isspace isupper lower"
    " lstrip partition removeprefix removesuffix rstrip startswith strip upper"
    " count decode find index join replace rfind rindex rsplit split splitlines"
    " translate",
    bytearray: "append clear copy endswith extend insert pop remove reverse startswith",
    int: "as_integer_ratio bit_count bit_length conjugate to_bytes",
    float: "as_integer_ratio conjugate hex is_integer",
    complex: "conjugate",
    memoryview: "cast release tolist",
    slice: "indices",
    type: "mro",
    OrderedDict: "clear copy items keys move_to_end pop popitem setdefault update"
    " values",
    re.Match: "end group groupdict groups span start",
    struct.Struct: "pack pack_into unpack unpack_from",
    io.BytesIO: "getbuffer getvalue",
    io.StringIO: "getvalue",
    _random.Random: "getrandbits random",
}
BUILTINS = (
    "abs bin callable chr delattr divmod getattr hasattr hash hex id isinstance"
    " issubclass iter len max min oct ord round setattr"
)
MODULES = (math, operator)
# Of one item; what tells the time, or where the program is; `fspath` of a string.
OTHERS: "dict[object, str]" = {
    abc: "_abc_instancecheck _abc_subclasscheck",
    bisect: "bisect_left bisect_right insort_left insort_right",
    heapq: "heappop heappush heappushpop heapreplace",
    os: "fspath getpid",
    struct: "calcsize pack pack_into unpack unpack_from",
    sys: "_getframe exc_info intern",
    threading: "get_ident",
    time: "monotonic monotonic_ns perf_counter perf_counter_ns time time_ns",
}
# They may take long, with large numbers or with what they call.
NOT_CHEAP = {"factorial", "comb", "perm", "call", "methodcaller", "pow", "prod", "fsum"}


def cheap_callables() -> "tuple[object, ...]":
    """All of them, as far as they are C functions and methods of this Python."""
    found = [getattr(builtins, name) for name in BUILTINS.split()]
    for kind, names in METHODS.items():
        found += [getattr(kind, name) for name in names.split() if hasattr(kind, name)]
    for module in MODULES:
        found += [
            value
            for name, value in sorted(vars(module).items())
            if not name.startswith("_") and name not in NOT_CHEAP
        ]
    for place, names in OTHERS.items():
        found += [
            getattr(place, name) for name in names.split() if hasattr(place, name)
        ]
    return tuple(found)


CHEAP = cheap_callables()
