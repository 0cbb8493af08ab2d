"""The calling-context tree, as it is walked in Python; the figures stay in C arrays."""

from collections.abc import Iterator

from ._core import Snapshot
from .precision import PRECISIONS, WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .precision import Precision

# File, first line, name, qualified name, module, number of the kind.
Description = tuple[str, int, str, str, str | None, int]

__all__ = [
    "full_name",
    "COLUMNS",
    "Columns",
    "KINDS",
    "Description",
    "Node",
    "Thread",
    "make_tree",
]

# By the numbers that the engine has for them.
KINDS = "python", "generator", "builtin", "method", "gc", "region"

# The format of each column's elements, as struct has it.
COLUMNS = {
    "parent": "I",
    "function": "I",
    "first_child": "I",
    "next_sibling": "I",
    "calls": "q",
    "raised": "q",
    "resumes": "q",
    "own": "d",
    "cumulative": "d",
    "own_cpu": "d",
    "cumulative_cpu": "d",
    "overhead": "d",
    "own_error": "d",
    "suspended": "d",
}


def full_name(description: Description) -> str:
    """`module:qualified name`; of a C function its label.

    Where no module is known, the file.
    """
    file, _, _, qualname, module, _ = description
    return qualname if file == "~" else f"{module or file}:{qualname}"


class Columns:
    """One tree's figures: a sequence for each name in `COLUMNS`.

    All have a place for each path: 0 for the root, a parent's before its children's.

    Attributes:
        functions: What the numbers in `function` stand for.
        precision: Of each of these, a number of `PRECISIONS`.
        has_cpu: Whether CPU times were recorded.
    """

    def __init__(
        self, snapshot: Snapshot, thread: int, compensated: bool, has_cpu: bool
    ) -> None:
        """As `make_tree`."""
        self.functions = snapshot.functions
        self.precision = snapshot.precision
        self.has_cpu = has_cpu
        content = snapshot.columns(thread, compensated)
        for name, form in COLUMNS.items():
            column = memoryview(content[name])
            setattr(self, name, column.cast(form))  # type: ignore[call-overload]

    if TYPE_CHECKING:
        parent: memoryview[int]
        function: memoryview[int]
        first_child: memoryview[int]
        next_sibling: memoryview[int]
        calls: memoryview[int]
        raised: memoryview[int]
        resumes: memoryview[int]
        own: memoryview[float]
        cumulative: memoryview[float]
        own_cpu: memoryview[float]
        cumulative_cpu: memoryview[float]
        overhead: memoryview[float]
        own_error: memoryview[float]
        suspended: memoryview[float]


class Node:
    """A path of calls: a function, as it was called from where `parent` is.

    Times are in seconds, and are those of the calls on this very path. The root stands
    for the thread, or for the program: it has no calls and no function, and its
    `cumulative` is all that was recorded.
    """

    __slots__ = ("_at", "columns")

    def __init__(self, columns: Columns, at: int = 0) -> None:
        """Made by `Stats.tree` and `Node.children`."""
        self.columns = columns
        self._at = at

    def __repr__(self) -> str:
        """The function, and what it took."""
        calls = f"{WORDS[self.precision]}{self.calls} calls"
        return (
            f"<{self.qualname}: {calls}, {self.own:.6f} s own, "
            f"{self.cumulative:.6f} s cumulative>"
        )

    def __eq__(self, other: object) -> bool:
        """Whether it is the same path of the same tree."""
        if not isinstance(other, Node):
            return NotImplemented
        return self.columns is other.columns and self._at == other._at

    def __hash__(self) -> int:
        """As equality."""
        return hash((id(self.columns), self._at))

    @property
    def description(self) -> Description:
        """File, first line, name, qualified name, module, number of the kind."""
        if self._at == 0:
            return ("~", 0, "<root>", "<root>", None, KINDS.index("builtin"))
        return self.columns.functions[self.columns.function[self._at]]

    @property
    def number(self) -> int:
        """Its function's, as `Function.number`; the root's means nothing."""
        return int(self.columns.function[self._at])

    @property
    def full_name(self) -> str:
        """As `Function.full_name`."""
        return full_name(self.description)

    @property
    def key(self) -> tuple[str, int, str]:
        """The function's key in pstats."""
        return self.description[:3]

    @property
    def file(self) -> str:
        """As pstats has it: "~" for a C function."""
        return self.description[0]

    @property
    def line(self) -> int:
        """The function's first one; 0 for a C function."""
        return self.description[1]

    @property
    def name(self) -> str:
        """The plain name."""
        return self.description[2]

    @property
    def qualname(self) -> str:
        """The qualified name (on Python 3.10 the plain one)."""
        return self.description[3]

    @property
    def module(self) -> str | None:
        """The module's name; None if it is not known."""
        return self.description[4]

    @property
    def kind(self) -> str:
        """As `Function.kind`."""
        return KINDS[self.description[5]]

    @property
    def calls(self) -> int:
        """Calls on this path; of a generator, how often it was begun there."""
        return int(self.columns.calls[self._at])

    @property
    def precision(self) -> "Precision":
        """What `calls` is: as `Function.precision`, of its function."""
        if self._at == 0:
            return "exact"
        return PRECISIONS[self.columns.precision[self.number]]

    @property
    def resumes(self) -> int:
        """How often a generator or coroutine went on there."""
        return int(self.columns.resumes[self._at])

    @property
    def suspended(self) -> float:
        """How long it had stood still when it went on there."""
        return float(self.columns.suspended[self._at])

    @property
    def raised(self) -> int:
        """Those that ended with an exception."""
        return int(self.columns.raised[self._at])

    @property
    def own(self) -> float:
        """Time in the function, and in nothing that it called."""
        return float(self.columns.own[self._at])

    @property
    def cumulative(self) -> float:
        """Own time, and that of all paths below."""
        return float(self.columns.cumulative[self._at])

    @property
    def own_cpu(self) -> float | None:
        """Of `own`, what the thread was on a CPU; None where that was not recorded."""
        if not self.columns.has_cpu:
            return None
        return float(self.columns.own_cpu[self._at])

    @property
    def cumulative_cpu(self) -> float | None:
        """The same of `cumulative`."""
        if not self.columns.has_cpu:
            return None
        return float(self.columns.cumulative_cpu[self._at])

    @property
    def own_error(self) -> float:
        """How far off `own` may be: what the profiler added is not known exactly."""
        return float(self.columns.own_error[self._at])

    @property
    def overhead(self) -> float:
        """What was taken out of `own`."""
        return float(self.columns.overhead[self._at])

    @property
    def parent(self) -> "Node | None":
        """Where it was called from; None for the root."""
        if self._at == 0:
            return None
        return Node(self.columns, self.columns.parent[self._at])

    @property
    def children(self) -> "list[Node]":
        """What it called, the one that took longest first."""
        columns = self.columns
        found = []
        at = columns.first_child[self._at]
        while at:
            found.append(Node(columns, at))
            at = columns.next_sibling[at]
        return found

    @property
    def path(self) -> "list[Node]":
        """The nodes from below the root down to this one."""
        node: Node | None = self
        found = []
        while node is not None and node._at:
            found.append(node)
            node = node.parent
        return found[::-1]

    def walk(self) -> "Iterator[Node]":
        """This node and all below, parents first, what took longer first."""
        columns = self.columns
        pending = [self._at]
        while pending:
            at = pending.pop()
            yield Node(columns, at)
            child = columns.first_child[at]
            below = []
            while child:
                below.append(child)
                child = columns.next_sibling[child]
            pending.extend(reversed(below))

    def find(self, *names: str) -> "Node":
        """The node that is reached by calling these functions one after the other.

        Of several such paths, the first that `walk` comes by.

        Args:
            *names: Qualified names, or plain ones.

        Raises:
            KeyError: There is no such path; it says what is there instead.
        """
        # Several that it called may have one name, as modules have: those of the same
        # depth are looked through together.
        nodes = [self]
        for name in names:
            children = [child for node in nodes for child in node.children]
            found = [one for one in children if name in (one.qualname, one.name)]
            if not found:
                there = ", ".join(child.qualname for child in children[:5])
                raise KeyError(
                    f"{nodes[0].qualname} did not call {name!r}; it called "
                    f"{there or 'nothing'}"
                )
            nodes = found
        return nodes[0]


class Thread:
    """One thread's part of a profile.

    Attributes:
        ident: `threading.get_ident()` there; another thread may have had it before.
        name: The last one that was known; "thread IDENT" if none was.
        began: When its first call began, in seconds from when recording did; None
            where that is not known: by a timer, of a sum, or if it called nothing.
        ended: When its last call ended, or the profile was taken; likewise.
        tree: The root of its call tree.
    """

    def __init__(
        self,
        ident: int,
        name: str | None,
        began: float | None,
        ended: float | None,
        tree: Node,
    ) -> None:
        """Made by `Stats.threads`."""
        self.ident = ident
        self.name = name or f"thread {ident}"
        self.began = began
        self.ended = ended
        self.tree = tree

    def __repr__(self) -> str:
        """Its name, and how long it was recorded."""
        return f"<{self.name}: {self.tree.cumulative:.6f} s>"


def make_tree(
    snapshot: Snapshot, thread: int, compensated: bool, has_cpu: bool
) -> Node:
    """The root of a call tree.

    Args:
        snapshot: What was recorded.
        thread: Which thread's, by its place in `Snapshot.threads`; -1: all merged.
        compensated: Whether times are without what the profiler added to them.
        has_cpu: Whether CPU times were recorded.
    """
    return Node(Columns(snapshot, thread, compensated, has_cpu))
