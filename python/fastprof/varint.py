"""Numbers in groups of seven bits, as our files and protocol buffers have them."""

__all__ = ["varint"]


def varint(value: int) -> bytes:
    """The lowest group first; the high bit of a byte says that more follow."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
