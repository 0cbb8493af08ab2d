"""The standard library's JSON decoder, its pure Python half."""

import json
from json.decoder import py_scanstring
from json.scanner import py_make_scanner

from workloads import check

SCALE = 300

DOCUMENT = [
    {
        "id": number,
        "name": f"item \u00e9 {number}",
        "price": number / 4,
        "tags": ["a", 'quoted "b"', None, True, False],
        "size": {"width": number * 2, "height": -number},
    }
    for number in range(40)
]
TEXT = json.dumps(DOCUMENT, indent=1)


def pure_decoder():
    """Make a decoder that uses none of the C accelerators for values."""
    decoder = json.JSONDecoder()
    decoder.parse_string = py_scanstring
    decoder.scan_once = py_make_scanner(decoder)
    return decoder


def main(scale):
    """Parse the document, once per unit."""
    decoder = pure_decoder()
    parsed = None
    for _ in range(scale):
        parsed = decoder.decode(TEXT)
    return check(parsed, DOCUMENT)
