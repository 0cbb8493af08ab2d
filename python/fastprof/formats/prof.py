"""The .prof file: pstats' dict, and the call trees behind it (docs/format.md)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]


def encode(stats: "Any") -> bytes:
    """What `fastprof.load` and pstats read."""
    content: bytes = stats.to_bytes()
    return content
