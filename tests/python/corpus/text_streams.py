"""io and csv objects that call the write and read methods of Python classes."""

import csv
import io
import textwrap


class Recorder(io.RawIOBase):
    def __init__(self):
        self.chunks = []

    def writable(self):
        return True

    def write(self, data):
        self.chunks.append(bytes(data))
        return len(data)


class Rows:
    def __init__(self):
        self.lines = []

    def write(self, line):
        self.lines.append(line)
        return len(line)


def lines():
    yield "a,b\n"
    yield "1,2\n"


def main():
    rows = Rows()
    csv.writer(rows).writerows([[1, 2], ["x,y", 3]])
    print("to", "rows", file=rows)
    list(csv.reader(lines())), list(csv.DictReader(lines()))
    stream = io.TextIOWrapper(io.BufferedWriter(Recorder()), write_through=True)
    stream.write("text"), stream.flush(), stream.detach().flush()
    buffer = io.StringIO("one\ntwo\n")
    buffer.readline(), buffer.read(), buffer.seek(0), list(buffer)
    return textwrap.fill("some words " * 5, 20), textwrap.dedent("  a\n  b")
