"""What enabling and disabling a profiler costs: `python benchmarks/switching.py`.

The interpreter takes its time when it is told (`enable()`, `disable()`), and on
`sys.monitoring` once more in each function when it runs for the first time after that.
So of a program of N functions, each called once in a run, the first run after a switch
is compared with the next one. Each figure is the least of many rounds, for the machine
may do other things meanwhile. Of the Python and the event source that it runs with:

    python benchmarks/switching.py [--backend NAME] [--rounds N]
"""

import argparse
import sys
from time import perf_counter_ns

import fastprof

SIZES = 0, 100, 1_000, 10_000
ROUNDS = 40
# Functions of some length: it is the places in them that are switched over.
SOURCE = """
def f{number}(values=(1, 2, 3)):
    total = 0
    for value in values:
        total += value
    if total > 100:
        return abs(total)
    return total
"""


def make_program(size):
    """A function that calls `size` others, each once."""
    namespace = {}
    for number in range(size):
        exec(SOURCE.format(number=number), namespace)
    functions = [namespace[f"f{number}"] for number in range(size)]

    def run():
        for function in functions:
            function()

    return run


def timed(action):
    """How long it takes, in ns."""
    began = perf_counter_ns()
    action()
    return perf_counter_ns() - began


def measure(profiler, run, rounds):
    """The least ns of each step of a round, by its name."""
    steps = {
        "enable": profiler.enable,
        "first recorded": run,
        "next recorded": run,
        "disable": profiler.disable,
        "first plain": run,
        "next plain": run,
    }
    least = dict.fromkeys(steps, sys.maxsize)
    for _ in range(rounds):
        for name, action in steps.items():
            least[name] = min(least[name], timed(action))
    return least


def row(size, least):
    """A line of the table, in µs."""
    recorded = least["first recorded"] - least["next recorded"]
    plain = least["first plain"] - least["next plain"]
    figures = least["enable"], recorded, least["disable"], plain
    return f"| {size:,} | {' | '.join(f'{one / 1000:.1f}' for one in figures)} |"


def main():
    """Print a table for each size of the program."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}, backend {options.backend}, µs:\n")
    print("| functions | enable | first run after | disable | first run after |")
    print("|---|---|---|---|---|")
    for size in SIZES:
        profiler = fastprof.Profiler(backend=options.backend, compensate=False)
        print(row(size, measure(profiler, make_program(size), options.rounds)))


if __name__ == "__main__":
    main()
