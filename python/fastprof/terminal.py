"""Text for people: lines of styled parts, with colours where a terminal shows them."""

import os
from collections.abc import Callable

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Line", "encoded", "heat", "painter", "plain", "shorten"]

# Text, and its style as rich has it: "bold red", "" for none.
Part = tuple[str, str]
Line = list[Part]

# Of shares from here on; a smaller one has no style.
HEAT = {0.2: "bold red", 0.05: "yellow"}
DOTS = "…"


def heat(share: float) -> str:
    """The style of a function with this share of the time."""
    return next((style for least, style in HEAT.items() if share >= least), "")


def shorten(text: str, width: int, front: float = 1 / 3) -> str:
    """At most so many characters; what is missing is missing in the middle.

    The end is kept longest: in `package.module:Class.method` it tells most. `front` is
    the share of what is kept that is kept of the beginning.
    """
    if len(text) <= width:
        return text
    kept = max(width - len(DOTS), 0)
    begin = int(kept * front)
    return text[:begin] + DOTS[:width] + text[len(text) - kept + begin :]


def encoded(text: str, encoding: str) -> bytes:
    """What there is no letter for is a question mark, and "≥ " is as wide without."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("≥ ", ">=").encode(encoding, "replace")


def plain(lines: list[Line]) -> str:
    """The text alone."""
    return "".join("".join(text for text, _ in line) + "\n" for line in lines)


def painter(stream: "Any") -> Callable[[list[Line]], str]:
    """What makes text of lines: `plain`, or with colours.

    These need rich, and a stream that shows them: a terminal, or what $FORCE_COLOR
    says is one. rich asks $NO_COLOR and $TERM.
    """
    if not stream.isatty() and not os.environ.get("FORCE_COLOR"):
        return plain
    try:
        from rich.console import Console  # type: ignore[import-not-found,unused-ignore]
        from rich.text import Text  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return plain
    console = Console(file=stream)

    def paint(lines: list[Line]) -> str:
        with console.capture() as captured:
            for line in lines:
                console.print(Text.assemble(*line), soft_wrap=True)
        return str(captured.get())

    return paint if console.is_terminal else plain
