"""The two-part profile file: what pstats reads first, the call trees behind it.

docs/format.md describes it.
"""

import marshal
from typing import Any, Final

from .errors import ProfileFileError

__all__ = ["FORMAT_VERSION", "pack", "unpack"]

FORMAT_VERSION: Final = 1
MAGIC: Final = b"fastprof"
# Magic, format version, CRC-32 of both parts, their lengths.
TRAILER: Final = "<8sIIQQ"
TRAILER_SIZE: Final = 32

# struct and binascii are imported when they are needed: cProfile imports neither, and
# a program's own import of them is to be recorded as it is there.


def pack(flat: dict[Any, Any], details: dict[str, Any]) -> bytes:
    """Make the content of a profile file.

    Args:
        flat: The stats dict of pstats.
        details: What only fastprof reads; of types that marshal knows.
    """
    import binascii
    import struct

    # marshal notes that an object is referred to more than once, and then begins with
    # a byte that no text has; tuna takes a file that looks like text for a log.
    parts = marshal.dumps(flat), marshal.dumps(details)
    content = parts[0] + parts[1]
    return content + struct.pack(
        TRAILER,
        MAGIC,
        FORMAT_VERSION,
        binascii.crc32(content),
        len(parts[0]),
        len(parts[1]),
    )


def unpack(data: bytes) -> dict[str, Any]:
    """Read the second part, once both are known to be undamaged.

    Raises:
        ProfileFileError: It is no profile file, a damaged one, or of a later version.
    """
    import binascii
    import struct

    content = memoryview(data)[:-TRAILER_SIZE]
    if len(data) < TRAILER_SIZE or data[len(content) :][: len(MAGIC)] != MAGIC:
        raise ProfileFileError(
            "not a fastprof profile (no trailer at its end): it may be cut off, or "
            "written by cProfile or pstats; pstats.Stats(path) reads those"
        )
    _, version, checksum, *lengths = struct.unpack(
        TRAILER, data[len(content) :]
    )
    if version != FORMAT_VERSION:
        raise ProfileFileError(
            f"written in format {version}; this fastprof reads format {FORMAT_VERSION}"
        )
    if sum(lengths) != len(content) or binascii.crc32(content) != checksum:
        raise ProfileFileError("damaged: its content does not match its checksum")
    try:
        details = marshal.loads(content[lengths[0] :])
    except (ValueError, EOFError, TypeError) as error:
        raise ProfileFileError(f"damaged: {error}") from None
    if not isinstance(details, dict):
        raise ProfileFileError("damaged: its second part is not a dict")
    return details
