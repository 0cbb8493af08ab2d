"""A terminal for a program under test: a pty, and what was written to it."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

PATIENCE = 60


class Terminal:
    """A program with a terminal of its own.

    Attributes:
        output: What it has written up to now.
        resume: Where `wait_for` goes on looking.
    """

    def __init__(self, command, rows=24, columns=80, cwd=None, **environ):
        self.output = b""
        self.resume = 0
        words = [str(word) for word in command]
        environment = {
            **{k: v for k, v in os.environ.items() if not k.endswith("_COLOR")},
            "TERM": "xterm-256color",
            **environ,
        }
        environment.pop("COLUMNS", None)
        self.process, self.master = pty.fork()
        if self.process == 0:
            size = struct.pack("HHHH", rows, columns, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            if cwd is not None:
                os.chdir(cwd)
            # Where the tests run in the background, Ctrl-C is ignored.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execve(words[0], words, environment)

    def read(self):
        """More of the output; False at its end."""
        if not select.select([self.master], [], [], PATIENCE)[0]:
            raise TimeoutError(f"no more than {self.output!r}")
        try:
            more = os.read(self.master, 65536)
        except OSError:  # nobody has the other side any more
            return False
        self.output += more
        return bool(more)

    def wait_for(self, text):
        """Until it has been written, since the last one that was waited for."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.output[self.resume :]:
            if not self.read() or time.monotonic() > deadline:
                raise AssertionError(f"{text!r} is not in {self.output!r}")
        self.resume = self.output.index(text, self.resume) + len(text)

    def type(self, keys):
        """As a person would."""
        os.write(self.master, keys)

    def end(self):
        """Until nobody writes any more; the exit code, or a signal's number below 0."""
        deadline = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < deadline, f"no end after {self.output!r}"
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
