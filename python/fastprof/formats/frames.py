"""What several formats share."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..tree import Columns

__all__ = ["FIELDS", "NANOSECONDS", "as_bytes", "children"]

NANOSECONDS = 1e9

# Of a Function.
FIELDS = (
    "file",
    "line",
    "name",
    "qualname",
    "module",
    "kind",
    "calls",
    "primitive_calls",
    "resumes",
    "raised",
    "own",
    "cumulative",
    "suspended",
    "own_cpu",
    "cumulative_cpu",
    "own_error",
    "overhead",
    "precision",
)


def as_bytes(text: str) -> bytes:
    """UTF-8; what has no place in it (of the name of a file, say) as an escape."""
    return text.encode("utf-8", "backslashreplace")


def children(columns: "Columns", at: int) -> list[int]:
    """The places of a path's children, the one that took longest first."""
    found = []
    child = columns.first_child[at]
    while child:
        found.append(child)
        child = columns.next_sibling[child]
    return found
