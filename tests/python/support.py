"""What the exactness tests share: programs, ways to record them, and comparison.

Counts are what a pstats dict holds without its times, in the same order:
`counts[label] = (primitive calls, calls, {caller label: (calls, primitive calls)})`.
"""

import cProfile
import gc
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from contextlib import contextmanager

import corpus
import fastprof
import pytest
from fastprof.precision import PRECISIONS
from fastprof.profile_file import pack, unpack

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SHOWN_DIFFERENCES = 12
_CPROFILE_FILE = cProfile.Profile.create_stats.__code__.co_filename
_CPROFILE_DISABLE = ("~", 0, "<method 'disable' of '_lsprof.Profiler' objects>")

IS_SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")

PROGRAM_NAMES = sorted(module.name for module in pkgutil.iter_modules(corpus.__path__))


def unless_sanitized(why):
    """Skip a test in `make sanitize`'s run of the Python tests."""
    return pytest.mark.skipif(
        IS_SANITIZED, reason=f"AddressSanitizer {why}: runs in `make test`"
    )


def import_program(name):
    """Import a corpus program without running it."""
    return importlib.import_module(f"corpus.{name}")


def warm_program(name):
    """Import a corpus program and run it until its caches have settled.

    Not once for all: other programs empty caches (of `re`, of `abc`) that it uses.
    """
    program = import_program(name)
    program.main()
    program.main()
    return program


@contextmanager
def collector_off():
    """Keep the garbage collector from running finalisers at moments of its own."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _record_runctx(profile, main):
    profile.runctx("main()", {"main": main}, {})


def _record_with(profile, main):
    with profile:
        main()


def _record_enable(profile, main, **options):
    profile.enable(**options)
    try:
        main()
    finally:
        profile.disable()


FORMS = {
    "runctx": _record_runctx,
    "with": _record_with,
    "enable": _record_enable,
}


def record(profile, main, form="enable", **options):
    """Run `main` under `profile` in one of the FORMS and return the profile.

    The form "enable" takes options.
    """
    with collector_off():
        FORMS[form](profile, main, **options)
    return profile


def without_addresses(text):
    """A repr without the part that is another one each time."""
    return _ADDRESS.sub("", text)


def label(code_or_name):
    """The pstats key of a code object, function or C function name."""
    if isinstance(code_or_name, str):
        return ("~", 0, without_addresses(code_or_name))
    code = getattr(code_or_name, "__code__", code_or_name)
    return (code.co_filename, code.co_firstlineno, code.co_name)


def _added(pairs):
    """Add up (label, pair of ints) by label."""
    total = {}
    for key, (first, second) in pairs:
        before = total.get(key, (0, 0))
        total[key] = (before[0] + first, before[1] + second)
    return total


def counts_of_entries(entries):
    """Counts from `getstats()`, entries with equal labels added up."""
    calls = _added((label(e.code), (e.callcount, e.reccallcount)) for e in entries)
    edges = _added(
        ((label(e.code), label(sub.code)), (sub.callcount, sub.reccallcount))
        for e in entries
        for sub in e.calls or ()
    )
    counts = {key: (nc - rec, nc, {}) for key, (nc, rec) in calls.items()}
    for (caller, callee), (nc, rec) in edges.items():
        # cProfile leaves out callees that were entered but never finished.
        if callee in counts:
            counts[callee][2][caller] = (nc, nc - rec)
    return counts


def counts_of_stats(stats):
    """Counts from a pstats dict, labels that differ in an address added up."""
    flat = _added((_plain(key), value[:2]) for key, value in stats.items())
    edges = _added(
        ((_plain(key), _plain(caller)), pair[:2])
        for key, value in stats.items()
        for caller, pair in value[4].items()
    )
    counts = {key: (cc, nc, {}) for key, (cc, nc) in flat.items()}
    for (callee, caller), pair in edges.items():
        counts[callee][2][caller] = pair
    return counts


def _plain(key):
    return (key[0], key[1], without_addresses(key[2]))


def times_of_entries(entries):
    """(own, cumulative) from `getstats()`, by label and by pair of labels.

    cProfile's own frames are left out.
    """
    times = {}

    def add(key, entry):
        own, cumulative = times.get(key, (0.0, 0.0))
        times[key] = (own + entry.inlinetime, cumulative + entry.totaltime)

    for entry in entries:
        caller = label(entry.code)
        if not _is_cprofiles_own(caller):
            add(caller, entry)
            for callee in entry.calls or ():
                add((caller, label(callee.code)), callee)
    return times


def cprofile_counts(main, form="enable", **options):
    """What cProfile counts for `main`, its own frames left out.

    From 3.14 on its `enable` forgets the options that it was made with.
    """
    profile = record(cProfile.Profile(), main, form, **options)
    counts = counts_of_entries(profile.getstats())
    return {
        key: (cc, nc, {c: n for c, n in callers.items() if not _is_cprofiles_own(c)})
        for key, (cc, nc, callers) in counts.items()
        if not _is_cprofiles_own(key)
    }


def _is_cprofiles_own(key):
    return key == _CPROFILE_DISABLE or key[0] == _CPROFILE_FILE


def assert_counts(profile, expected):
    """`profile` shows the expected counts in its stats and in its entries."""
    profile.create_stats()
    from_stats = differences(counts_of_stats(profile.stats), expected)
    from_entries = differences(counts_of_entries(profile.getstats()), expected)
    assert not from_stats, "stats differ:\n" + "\n".join(from_stats)
    assert not from_entries, "getstats() differs:\n" + "\n".join(from_entries)


def differences(ours, expected):
    """A line for each of the first labels whose counts are not the expected ones."""
    lines = [
        f"{key}: ours {ours.get(key)}, expected {expected.get(key)}"
        for key in sorted(ours.keys() | expected.keys())
        if ours.get(key) != expected.get(key)
    ]
    return lines[:_SHOWN_DIFFERENCES]


def counted(function, *arguments, **options):
    """A profile whose clock ticks once, a second, at each event."""
    seconds = iter(range(1_000_000))
    profiler = fastprof.Profiler(timer=lambda: float(next(seconds)), **options)
    profiler.runcall(function, *arguments)
    return profiler.snapshot()


def marked(stats, **marks):
    """A profile, loaded from a file that has these marks, by functions' names."""
    details = unpack(stats.to_bytes())
    details["precision"] = bytes(
        PRECISIONS.index(marks.get(name, "exact"))
        for _, _, name, *_ in details["functions"]
    )
    return fastprof.Stats.from_bytes(pack(stats.stats, details))


def run_isolated(source, *, returncode=0, stdout="", stderr="", **variables):
    """Run `source` in a fresh interpreter and check how it ended and what it wrote.

    Other arguments are for its environment.
    """
    child = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", source],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **variables},
    )
    outcome = (child.returncode, child.stdout, child.stderr)
    assert outcome == (returncode, stdout, stderr), child.stderr
