"""What several formats share."""

__all__ = ["FIELDS", "NANOSECONDS", "as_bytes"]

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
)


def as_bytes(text: str) -> bytes:
    """UTF-8; what has no place in it (of the name of a file, say) as an escape."""
    return text.encode("utf-8", "backslashreplace")
