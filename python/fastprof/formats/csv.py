"""One line for each function, for spreadsheets and data frames."""

import csv
import io

from .frames import FIELDS, as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]


def encode(stats: "Any") -> bytes:
    """With a head line; the one that took longest itself comes first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for function in sorted(stats.functions, key=lambda one: -one.own):
        writer.writerow(getattr(function, field) for field in FIELDS)
    return as_bytes(text.getvalue())
