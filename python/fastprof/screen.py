"""The lower part of a terminal, which is kept apart from what a program prints there.

The terminal itself keeps it apart: the program's lines scroll in the rows above, which
are its scrolling region. A process beside ours puts the terminal in order when ours has
gone without a word: by os._exit, by execv, by a signal.
"""

import os

__all__ = ["Descriptor", "Screen", "is_terminal"]

SAVE_CURSOR, RESTORE_CURSOR = "\x1b7", "\x1b8"  # with its colours
WHOLE_REGION = "\x1b[r"  # which moves the cursor, as any region does
DOWN = "\x1bD"  # a row, in the same column; scrolls at the end of the region
NO_WRAP, WRAP = "\x1b[?7l", "\x1b[?7h"
PLAIN, CLEAR_LINE, CLEAR_BELOW = "\x1b[0m", "\x1b[K", "\x1b[J"

MOST_ROWS = 24
# What the process beside ours is told.
DRAWN, IN_ORDER = b"+", b"-"


def is_terminal(descriptor: int) -> bool:
    """Whether it is a terminal that has a cursor to move."""
    return os.isatty(descriptor) and os.environ.get("TERM", "dumb") != "dumb"


class Descriptor:
    """A descriptor, as long as the program puts nothing else in its place.

    Attributes:
        number: By which the system knows it.
    """

    def __init__(self, number: int) -> None:
        """As it is now."""
        self.number = number
        self._is = os.fstat(number)

    def is_there(self) -> bool:
        """Whether it is what it was when this was made."""
        try:
            return os.path.samestat(os.fstat(self.number), self._is)
        except OSError:
            return False

    def write(self, data: bytes) -> None:
        """Write, if it is there: asked just before, whatever was known earlier."""
        if self.is_there():
            os.write(self.number, data)

    def close(self) -> None:
        """Close it, if it is there."""
        if self.is_there():
            os.close(self.number)


class Screen:
    """Where to draw.

    Attributes:
        columns, rows: What there is room for.
    """

    def __init__(self, descriptor: Descriptor) -> None:
        """Begin; nothing is drawn yet."""
        self._descriptor = descriptor
        self._size: os.terminal_size | None = None
        self._guard = Descriptor(_start_guard(descriptor.number))
        self.columns, self.rows = _room(_size_of(descriptor))
        # In a forked child: the guard is to wait for the parent only.
        os.register_at_fork(after_in_child=self._guard.close)

    def draw(self, text: bytes) -> None:
        """Put lines in place of the last ones; no more than `rows`.

        Raises:
            OSError: The terminal is gone.
        """
        size = _size_of(self._descriptor)
        out = ""
        if self._size is None:
            self._guard.write(DRAWN)
        if size != self._size:
            self._size = size
            self.columns, self.rows = _room(size)
            # Room below the cursor, in the same column of the same line.
            out = SAVE_CURSOR + WHOLE_REGION + RESTORE_CURSOR
            out += DOWN * self.rows + f"\x1b[{self.rows}A"
        last = size.lines - self.rows
        out += SAVE_CURSOR + f"\x1b[1;{last}r" + PLAIN + NO_WRAP
        lines = text.splitlines()[: self.rows]
        parts = [out.encode()]
        for row in range(self.rows):
            parts.append(f"\x1b[{last + 1 + row};1H{CLEAR_LINE}".encode())
            parts += lines[row : row + 1]
        parts.append((WRAP + RESTORE_CURSOR).encode())
        self._descriptor.write(b"".join(parts))  # at once: nothing gets in between

    def close(self) -> None:
        """Give the terminal back; if it is not there, the process beside ours does."""
        if self._descriptor.is_there():
            if self._size is not None:
                _put_in_order(self._descriptor, self._size)
            self._guard.write(IN_ORDER)
        self._guard.close()


def _size_of(descriptor: Descriptor) -> os.terminal_size:
    size = os.get_terminal_size(descriptor.number)
    return size if min(size) > 0 else os.terminal_size((80, 24))


def _room(size: os.terminal_size) -> tuple[int, int]:
    """Columns and rows to draw in, of a terminal of this size."""
    return size.columns, min(MOST_ROWS, size.lines // 2)


def _put_in_order(descriptor: Descriptor, size: os.terminal_size) -> None:
    """Nothing is kept apart any more, and what was drawn is gone."""
    top = size.lines - _room(size)[1] + 1
    out = f"{SAVE_CURSOR}{WHOLE_REGION}{PLAIN}\x1b[{top};1H{CLEAR_BELOW}"
    descriptor.write((out + WRAP + RESTORE_CURSOR).encode())


def _start_guard(terminal: int) -> int:
    """Start the process beside ours; the answer is the end of a pipe to it.

    It is no child of ours: the program might wait for all its children.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _guard(reading, terminal)
    os.close(reading)
    os.waitpid(child, 0)
    return writing


def _guard(reading: int, output: int) -> None:
    """Wait for the end of the other process, and put the terminal in order."""
    try:
        if os.fork() == 0:
            os.setsid()  # Ctrl-C is for the program
            os.dup2(reading, 0)
            os.dup2(output, 1)
            # Whoever waits for the end of a pipe is not to wait for us.
            os.closerange(2, os.sysconf("SC_OPEN_MAX"))
            if os.read(0, 1) == DRAWN and os.read(0, 1) != IN_ORDER:
                terminal = Descriptor(1)
                _put_in_order(terminal, _size_of(terminal))
    finally:
        os._exit(0)
