"""What several formats share: how a function is named, and what is told of it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..tree import Description

__all__ = ["FIELDS", "NANOSECONDS", "as_bytes", "label_of"]

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
    "raised",
    "own",
    "cumulative",
    "own_cpu",
    "cumulative_cpu",
    "own_error",
    "overhead",
)


def as_bytes(text: str) -> bytes:
    """UTF-8; what has no place in it (of the name of a file, say) as an escape."""
    return text.encode("utf-8", "backslashreplace")


def label_of(description: "Description") -> str:
    """`module:qualified name` of a Python function, the label of a C function."""
    file, _, _, qualname, module, _ = description
    if file == "~":
        return qualname
    return f"{module or file}:{qualname}"
