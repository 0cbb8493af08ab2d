"""struct, array, memoryview, hashlib, zlib, base64: C modules with objects."""

import array
import base64
import binascii
import hashlib
import struct
import zlib


def pack(values):
    return b"".join(struct.pack("<I", value) for value in values)


def unpack(data):
    return [value for (value,) in struct.iter_unpack("<I", data)]


def main():
    data = pack(range(5))
    unpack(data)
    layout = struct.Struct(">HH")
    layout.unpack(layout.pack(1, 2)), struct.calcsize("<IQ")
    numbers = array.array("i", [1, 2])
    numbers.append(3), numbers.tobytes(), numbers.tolist()
    memoryview(data)[:4].tobytes(), memoryview(data).cast("I").tolist()
    digest = hashlib.sha256(data)
    digest.update(b"more"), digest.hexdigest()
    zlib.decompress(zlib.compress(data)), zlib.crc32(data)
    base64.b64decode(base64.b64encode(data)), binascii.hexlify(data)
    try:
        struct.unpack("<I", b"1")
    except struct.error:
        return len(data)
