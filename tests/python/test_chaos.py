"""Profilers switched on and off at random, in a program that does a bit of everything.

The program keeps a ledger of the calls that begin. Each profiler must have those of its
own spans, to the last call, and the program the result that it has without profilers.
"""

import itertools
import os
import random
import sys
import threading
from collections import Counter

import fastprof
import pytest
from support import label

STEPS = 300
DEEP = 40
SLOTS = 6


here = threading.local()
numbers = itertools.count()


def thread_number():
    """A number that no other thread will have: idents are used again."""
    if not hasattr(here, "number"):
        here.number = next(numbers)
    return here.number


class OwnError(Exception):
    """The program's own."""


class Program:
    """What it does depends on the seed alone, and not on whether it is profiled."""

    def __init__(self, seed, profiled):
        self.random = random.Random(seed)
        self.profiled = profiled
        self.ledger = Counter()  # calls that began, by thread and function
        self.results = []
        self.suspended = []
        makers = random.Random(seed)
        self.slots = [Slot(makers) for _ in range(SLOTS)] if profiled else []

    def note(self, function):
        self.ledger[thread_number(), function] += 1

    def toggle(self):
        chosen = self.random.randrange(SLOTS)
        if self.profiled:
            self.slots[chosen].toggle(self.ledger)

    def leaf(self, value):
        self.note("leaf")
        return len(str(value))

    def recursive(self, depth):
        self.note("recursive")
        if self.random.random() < 0.05:
            self.toggle()
        return 0 if depth == 0 else 1 + self.recursive(depth - 1)

    def failing(self, depth):
        self.note("failing")
        if depth == 0:
            raise OwnError(depth)
        try:
            self.failing(depth - 1)
        finally:
            self.leaf(depth)

    def values(self, count):
        self.note("values")
        for value in range(count):
            yield value
            self.note("values")

    def from_c(self):
        self.note("from_c")
        return sorted(map(self.leaf, range(5)), key=lambda value: -value)

    def steps(self, count, may_start_threads):
        self.note("steps")
        for _ in range(count):
            self.step(self.random.randrange(9), may_start_threads)

    def step(self, kind, may_start_threads):
        self.note("step")
        if kind < 3:
            self.toggle()
        elif kind == 3:
            self.results.append(self.recursive(self.random.randrange(DEEP)))
        elif kind == 4:
            try:
                self.failing(self.random.randrange(5))
            except OwnError as error:
                self.results.append(repr(error))
        elif kind == 5:
            values = self.values(3)
            self.results.append(next(values))
            self.suspended.append(values)
        elif kind == 6 and self.suspended:
            chosen = self.random.randrange(len(self.suspended))
            self.results.append(list(self.suspended.pop(chosen)))
        elif kind == 7:
            self.results.append(self.from_c())
        elif kind == 8 and may_start_threads:
            thread = threading.Thread(target=self.steps, args=(20, False))
            thread.start()
            thread.join()


class Slot:
    """A profiler, and the calls that it must have."""

    def __init__(self, makers):
        options = {
            "max_nodes": makers.choice([1, 3, 2**20]),
            "builtins": makers.choice([True, False]),
            "backend": makers.choice(["auto", "setprofile"]),
        }
        self.all_threads = makers.random() < 0.5
        kind = fastprof.Profiler if self.all_threads else fastprof.Profile
        self.profiler = kind(**options)
        self.expected = Counter()
        self.before = self.thread = None

    def toggle(self, ledger):
        if self.profiler.enabled:
            self.profiler.disable()
            self.add_span(ledger)
        else:
            self.before, self.thread = ledger.copy(), thread_number()
            self.profiler.enable()

    def add_span(self, ledger):
        for (thread, function), count in (ledger - self.before).items():
            if self.all_threads or thread == self.thread:
                self.expected[function] += count

    def finish(self, ledger):
        if self.profiler.enabled:
            self.toggle(ledger)
        self.profiler.snapshot_stats()
        functions = (
            "leaf",
            "recursive",
            "failing",
            "values",
            "from_c",
            "steps",
            "step",
        )
        return {
            function: self.profiler.stats[key][1]
            for function in functions
            if (key := label(getattr(Program, function))) in self.profiler.stats
        }


def run(seed, profiled):
    program = Program(seed, profiled)
    program.steps(STEPS, True)
    # One that is collected later would be closed then, which is a call.
    while program.suspended:
        program.results.append(list(program.suspended.pop()))
    return program


@pytest.mark.parametrize("seed", range(1000 if os.environ.get("FASTPROF_LONG") else 30))
def test_each_profiler_has_the_calls_of_its_own_spans(seed):
    plain, profiled = run(seed, False), run(seed, True)
    assert profiled.results == plain.results
    assert sum(profiled.ledger.values()) == sum(plain.ledger.values())
    for slot in profiled.slots:
        recorded = slot.finish(profiled.ledger)
        assert recorded == +slot.expected
        assert slot.profiler.snapshot().complete
    assert fastprof.who() == []
    assert sys.getprofile() is None
