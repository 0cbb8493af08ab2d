"""A line on stderr while the program runs."""

import os
import sys

__all__ = ["remark"]


def remark(message: str) -> None:
    """Say something, wherever the program is just now, and never fail.

    In one write to what is under `sys.stderr`: a thread or a signal handler may come
    while the program writes to the stream itself, which is not to be entered twice.
    """
    try:
        line = f"fastprof: {message}\n".encode(errors="backslashreplace")
        os.write(sys.stderr.fileno(), line)
    except Exception:
        pass  # nobody is there to be told
