"""One tool beside fastprof, in one order of starting and stopping; prints JSON.

``beside.py TOOL BACKEND STARTS_FIRST STOPS_FIRST``, where the last two are ``tool`` or
``ours``. The answer tells who was refused, in whose words, and what each has found of
one piece of work that lies between the last start and the first stop.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fastprof

FILE = Path(__file__).with_name("work_of_beside.py")
NAMES = ("leaf", "values", "failing", "work")


def counted(stats):
    """Calls of the program's functions, of a pstats dict."""
    return {key[2]: row[1] for key, row in sorted(stats.items()) if key[2] in NAMES}


class Ours:
    """fastprof itself."""

    def __init__(self, backend):
        self.profiler = fastprof.Profile(backend=backend)
        self.start, self.stop = self.profiler.enable, self.profiler.disable

    def found(self):
        self.profiler.snapshot_stats()
        return {
            "calls": counted(self.profiler.stats),
            "warnings": self.profiler.snapshot().warnings,
        }


class CProfile:
    def __init__(self, _):
        import cProfile

        self.profiler = cProfile.Profile()
        self.start, self.stop = self.profiler.enable, self.profiler.disable

    def found(self):
        self.profiler.snapshot_stats()
        return counted(self.profiler.stats)


class Coverage:
    """coverage.py with one of its cores."""

    def __init__(self, namespace, core):
        import os

        os.environ["COVERAGE_CORE"] = core
        import coverage

        self.coverage = coverage.Coverage(data_file=None, include=[str(FILE)])
        self.start, self.stop = self.coverage.start, self.coverage.stop

    def found(self):
        return sorted(self.coverage.get_data().lines(str(FILE)) or [])


class Yappi:
    def __init__(self, _):
        import yappi

        self.start, self.stop = yappi.start, yappi.stop

    def found(self):
        import yappi

        return {
            row.name: row.ncall
            for row in sorted(yappi.get_func_stats(), key=lambda row: row.name)
            if row.module == str(FILE)
        }


class LineProfiler:
    def __init__(self, namespace):
        import line_profiler

        self.profiler = line_profiler.LineProfiler(*map(namespace.get, NAMES))
        self.start = self.profiler.enable
        self.stop = self.profiler.disable

    def found(self):
        timings = self.profiler.get_stats().timings
        return {
            name: [hits for _, hits, _ in lines]
            for (_, _, name), lines in sorted(timings.items())
        }


class Trace:
    """`sys.settrace`, as pdb and others use it."""

    def __init__(self, _):
        self.events = []

    def start(self):
        sys.settrace(self.hook)

    def stop(self):
        sys.settrace(None)

    def hook(self, frame, event, argument):
        if frame.f_code.co_filename == str(FILE):
            self.events.append([event, frame.f_lineno])
        return self.hook

    def found(self):
        return self.events


class Debugger:
    """pdb, at a breakpoint from which it goes on."""

    def __init__(self, namespace):
        import pdb

        self.stops = []
        self.debugger = pdb.Pdb(nosigint=True)
        self.debugger.user_line = self.at_line
        for event in ("user_call", "user_return", "user_exception"):
            setattr(self.debugger, event, lambda *_: self.debugger.set_continue())
        self.line = namespace["leaf"].__code__.co_firstlineno + 1

    def at_line(self, frame):
        if frame.f_code.co_filename == str(FILE):
            self.stops.append([frame.f_code.co_name, frame.f_lineno])
        self.debugger.set_continue()

    def start(self):
        self.debugger.reset()
        assert self.debugger.set_break(str(FILE), self.line) is None
        self.debugger.botframe = sys._getframe()
        sys.settrace(self.debugger.trace_dispatch)

    def stop(self):
        sys.settrace(None)
        self.debugger.clear_all_breaks()

    def found(self):
        return self.stops


class Tracemalloc:
    def __init__(self, namespace):
        self.namespace = namespace

    def start(self):
        import tracemalloc

        tracemalloc.start()

    def stop(self):
        import tracemalloc

        self.snapshot = tracemalloc.take_snapshot()
        tracemalloc.stop()

    def found(self):
        return any("beside" in str(t.traceback) for t in self.snapshot.traces)


class Faulthandler:
    def __init__(self, _):
        pass

    def start(self):
        import faulthandler

        faulthandler.enable()

    def stop(self):
        import faulthandler

        self.was_on = faulthandler.is_enabled()
        faulthandler.disable()

    def found(self):
        return self.was_on


TOOLS = {
    "cProfile": CProfile,
    "coverage-ctrace": lambda namespace: Coverage(namespace, "ctrace"),
    "coverage-sysmon": lambda namespace: Coverage(namespace, "sysmon"),
    "yappi": Yappi,
    "line_profiler": LineProfiler,
    "settrace": Trace,
    "pdb": Debugger,
    "tracemalloc": Tracemalloc,
    "faulthandler": Faulthandler,
}


def main():
    """Run one order."""
    name, backend, starts_first, stops_first = sys.argv[1:]
    namespace = {"__name__": "work_of_beside", "__file__": str(FILE)}
    exec(compile(FILE.read_text(), str(FILE), "exec"), namespace)
    both = {}
    if name != "nothing":
        both["tool"] = TOOLS[name](namespace)
    if backend != "nothing":
        both["ours"] = Ours(backend)
    answer = {"refused": {}, "found": {}}
    for who in sorted(both, key=lambda who: who != starts_first):
        try:
            both[who].start()
        except Exception as error:
            answer["refused"][who] = f"{type(error).__name__}: {error}"
    started = [who for who in both if who not in answer["refused"]]
    answer["result"] = namespace["work"]()
    for who in sorted(started, key=lambda who: who != stops_first):
        both[who].stop()
    for who in started:
        answer["found"][who] = both[who].found()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
