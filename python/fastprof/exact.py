"""The call tree in the form of pstats' dict: for viewers that only know that.

pstats keeps callers and callees, and from these a viewer can only guess paths: it shows
what a function called in all, wherever it was called from. Here each path is a function
of its own, so that what the viewer draws is the tree.
"""

from .tree import Node

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    Key = tuple[str, int, str]
    Caller = tuple[int, int, float, float]
    Entry = tuple[int, int, float, float, dict[Key, Caller]]

__all__ = ["MOST_KEYS", "ROOT", "exact_dict", "with_root"]

# Of its parent's time; what took less is put together.
LEAST_SHARE = 0.001
MOST_KEYS = 50_000
FOLDED = "~", 0, "<folded>"
ROOT = "~", 0, "<root>"


def exact_dict(tree: Node, most: int = MOST_KEYS) -> "dict[Key, Entry]":
    """A dict of pstats with a key for each path.

    The second path of a function `c`, and so on, is named `c #2`. Children that took
    less than a thousandth of their parent's time are put together as `<folded>`, as are
    those that took least where there are more than `most` keys.
    """
    columns = tree.columns
    names = _Names()
    keys: dict[int, Key] = {}
    flat: dict[Key, Entry] = {}
    folded: dict[int, tuple[int, float]] = {}
    shown = _largest(tree, most // 2)  # each may have something folded
    for at in range(1, len(columns.parent)):
        parent = columns.parent[at]
        if parent and parent not in keys:
            continue  # it lies below what is folded
        calls = columns.calls[at] + columns.resumes[at]  # as pstats has them
        cumulative = columns.cumulative[at]
        if at not in shown:
            before = folded.get(parent, (0, 0.0))
            folded[parent] = before[0] + calls, before[1] + cumulative
            continue
        keys[at] = names.new(columns.functions[columns.function[at]][:3])
        flat[keys[at]] = _entry(calls, columns.own[at], cumulative, keys.get(parent))
    for parent, (calls, seconds) in folded.items():
        flat[names.new(FOLDED)] = _entry(calls, seconds, seconds, keys.get(parent))
    return flat


def _largest(tree: Node, most: int) -> set[int]:
    """The places of the paths that are shown, if those above them are."""
    parents, cumulative = tree.columns.parent, tree.columns.cumulative
    places = [
        at
        for at in range(1, len(parents))
        if cumulative[at] >= LEAST_SHARE * cumulative[parents[at]]
    ]
    # A parent took at least as long as its children, and stands before them.
    places.sort(key=lambda at: (-cumulative[at], at))
    return set(places[:most])


class _Names:
    """Keys that have not been there yet."""

    def __init__(self) -> None:
        self._used: set[Key] = set()
        self._counts: dict[Key, int] = {}

    def new(self, key: "Key") -> "Key":
        file, line, name = key
        fresh = key
        while fresh in self._used:
            self._counts[key] = number = self._counts.get(key, 1) + 1
            fresh = file, line, f"{name} #{number}"
        self._used.add(fresh)
        return fresh


def _entry(calls: int, own: float, cumulative: float, caller: "Key | None") -> "Entry":
    figures = calls, calls, own, cumulative
    return (*figures, {} if caller is None else {caller: figures})


def with_root(flat: "dict[Key, Entry]") -> "dict[Key, Entry]":
    """The same with one function that has called all that nobody has called.

    It has no calls and no time of its own: for viewers that draw from one function
    down.
    """
    total = 0.0
    rooted = {}
    for key, (primitive, calls, own, cumulative, callers) in flat.items():
        if not callers:
            total += cumulative
            callers = {ROOT: (calls, primitive, own, cumulative)}
        rooted[key] = primitive, calls, own, cumulative, callers
    rooted[ROOT] = 0, 0, 0.0, total, {}
    return rooted
