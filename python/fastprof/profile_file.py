"""The two-part profile file: what pstats reads first, the call trees behind it.

docs/format.md describes it.
"""

import marshal

from ._core import checksum
from .errors import ProfileFileError
from .foreign_file import UNREADABLE, read_stats_dict

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["FORMAT_VERSION", "pack", "unpack"]

FORMAT_VERSION: "Final" = 8
MAGIC: "Final" = b"fastprof"
# Magic, format version, lengths of the two parts, checksum of both: 8 bytes each.
TRAILER_SIZE: "Final" = 40

# What is here can do without modules that cProfile does not import: the program's own
# import of them is to be recorded as it is there, and at the end the program may have
# left sys.path so that nothing can be imported.


def pack(flat: "dict[Any, Any]", details: "dict[str, Any]") -> bytes:
    """Make the content of a profile file.

    Args:
        flat: The stats dict of pstats.
        details: What only fastprof reads; of types that marshal knows.
    """
    # marshal notes that an object is referred to more than once, and then begins with
    # a byte that no text has; tuna takes a file that looks like text for a log.
    parts = marshal.dumps(flat), marshal.dumps(details)
    content = parts[0] + parts[1]
    numbers = FORMAT_VERSION, len(parts[0]), len(parts[1]), checksum(content)
    trailer = b"".join(number.to_bytes(8, "little") for number in numbers)
    return content + MAGIC + trailer


def unpack(data: bytes) -> "dict[str, Any]":
    """Read the second part, once both are known to be undamaged.

    Of a file without a trailer, which cProfile or pstats wrote, it is made.

    Raises:
        ProfileFileError: It is no profile file, a damaged one, or of a later version.
    """
    content, trailer = data[:-TRAILER_SIZE], data[-TRAILER_SIZE:]
    if len(trailer) < TRAILER_SIZE or trailer[:8] != MAGIC:
        return read_stats_dict(data)
    version, *lengths, expected = (
        int.from_bytes(trailer[at : at + 8], "little") for at in range(8, 40, 8)
    )
    if version != FORMAT_VERSION:
        raise ProfileFileError(
            f"written in format {version}; this fastprof reads format {FORMAT_VERSION}"
        )
    if sum(lengths) != len(content) or checksum(content) != expected:
        raise ProfileFileError("damaged: its content does not match its checksum")
    try:
        details = marshal.loads(content[lengths[0] :])
    except UNREADABLE as error:
        raise ProfileFileError(f"damaged: {error}") from None
    if not isinstance(details, dict):
        raise ProfileFileError("damaged: its second part is not a dict")
    return details
