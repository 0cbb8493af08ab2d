"""`include`, `exclude`, `stdlib`, `site_packages`: recording some functions only."""

import contextlib
import cProfile
import json
import os
import pstats
import subprocess
import sys
import threading
import types

import pytest
from fastprof import Profiler

BACKENDS = ["setprofile", *["monitoring"] * (sys.version_info >= (3, 12))]
MONITORING = sys.version_info >= (3, 12)


class Clock:
    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


CLOCK = Clock()


def module(name, source, file=None):
    made = types.ModuleType(name)
    vars(made)["CLOCK"] = CLOCK
    exec(compile(source, file or f"/somewhere/{name}.py", "exec"), vars(made))
    return made


# main (inside) calls helper (outside) calls leaf (inside), and C functions all over.
APP = """
def main(lib):
    CLOCK.now += 1
    len("")
    lib.helper(leaf)
    CLOCK.now += 1

def leaf():
    CLOCK.now += 100
    abs(1)

def generate(lib):
    for number in lib.numbers():
        yield number
        leaf()
"""
LIB = """
def helper(callback):
    CLOCK.now += 10
    len("")
    inner()
    for _ in range(3):
        callback()

def inner():
    CLOCK.now += 1000
    sorted([3, 1, 2], key=key)

def key(number):
    return number

def numbers():
    CLOCK.now += 10
    yield 1
    yield 2

def fail():
    raise KeyError
"""


@pytest.fixture
def app():
    return module("app", APP)


@pytest.fixture
def lib():
    return module("lib.sub", LIB)


@pytest.fixture(params=BACKENDS)
def backend(request):
    CLOCK.now = 0
    return request.param


def record(backend, function, *args, **options):
    profiler = Profiler(timer=CLOCK, timeunit=1.0, backend=backend, **options)
    with profiler:
        function(*args)
    return profiler.snapshot()


def calls(stats):
    return {one.name: one.calls for one in stats.functions if one.kind != "gc"}


LEN, ABS = "<built-in method builtins.len>", "<built-in method builtins.abs>"


@pytest.mark.parametrize("turns", [1, 5])
def test_what_is_outside_is_its_callers(backend, app, lib, turns):
    stats = record(
        backend, lambda: [app.main(lib) for _ in range(turns)], include=["app"]
    )
    assert calls(stats) == {
        "main": turns,
        "leaf": 3 * turns,
        LEN: turns,
        ABS: 3 * turns,
    }
    assert stats[app.main].own == 1012.0 * turns
    assert stats[app.main].cumulative == 1312.0 * turns
    assert [edge.function.name for edge in stats.callers(stats[app.leaf])] == ["main"]
    assert any("not all functions were recorded" in one for one in stats.warnings)


@pytest.mark.parametrize(
    "options",
    [
        {"include": ["app"]},
        {"include": "app"},
        {"include": ["a*p"]},
        {"include": ["app:*"]},
        {"include": ["/somewhere/app.py"]},
        {"include": ["/some*/app.py"]},
        {"include": lambda module, code: module == "app"},
        {"include": ["app", "lib"], "exclude": ["lib.sub"]},
        {"include": ["app", "lib"], "exclude": ["lib"]},
        {"include": ["app", "lib"], "exclude": lambda module, code: module != "app"},
        {"include": ["/somewhere"], "exclude": ["lib.*"]},
    ],
    ids=str,
)
def test_ways_to_say_it(backend, app, lib, options):
    stats = record(backend, app.main, lib, **options)
    assert calls(stats) == {"main": 1, "leaf": 3, LEN: 1, ABS: 3}


def test_functions_and_code_objects(backend, app, lib):
    stats = record(backend, app.main, lib, include=[app.leaf, lib.inner.__code__])
    assert calls(stats) == {
        "leaf": 3,
        ABS: 3,
        "inner": 1,
        "<built-in method builtins.sorted>": 1,
    }
    assert stats.tree.find("inner").own == 1000.0


@pytest.mark.parametrize("builtins", [True, False])
def test_functions_that_c_functions_call(backend, app, lib, builtins):
    stats = record(backend, app.main, lib, include=[lib.key], builtins=builtins)
    assert calls(stats) == {"key": 3}


def test_generators(backend, app, lib):
    stats = record(backend, lambda: list(app.generate(lib)), include=["app"])
    assert calls(stats) == {"generate": 1, "leaf": 2, ABS: 2}
    assert stats[app.generate].resumes == 2
    assert stats[app.generate].own == 10.0


def test_exceptions(backend, app, lib):
    def run():
        for _ in range(3):
            try:
                lib.fail()
            except KeyError:
                app.leaf()

    stats = record(backend, run, exclude=["lib.sub"], include=[app.leaf, run])
    assert calls(stats) == {"run": 1, "leaf": 3, ABS: 3}


def test_recording_that_begins_in_what_is_outside(backend, app, lib):
    profiler = Profiler(timer=CLOCK, timeunit=1.0, backend=backend, include=["app"])
    len("")
    profiler.enable()
    len("")
    app.leaf()
    profiler.disable()
    assert calls(profiler.snapshot()) == {"leaf": 1, ABS: 1}


def test_it_may_be_enabled_again(backend, app, lib):
    profiler = Profiler(timer=CLOCK, timeunit=1.0, backend=backend, include=["app"])
    for _ in range(3):
        with profiler:
            app.main(lib)
    assert calls(profiler.snapshot())["leaf"] == 9


def test_threads(backend, app, lib):
    with Profiler(backend=backend, include=["app"]) as profiler:
        threads = [threading.Thread(target=app.main, args=(lib,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    stats = profiler.snapshot()
    assert calls(stats) == {"main": 4, "leaf": 12, LEN: 4, ABS: 12}


@pytest.mark.skipif(
    not MONITORING, reason="sys.monitoring is there from Python 3.12 on"
)
@pytest.mark.parametrize("first", ["focus", "all"])
def test_one_that_records_all_beside_it(app, lib, first):
    """Places that are off for one are on again for the other."""
    focused, whole = Profiler(include=["app"]), Profiler()
    with focused:
        app.main(lib)
    inner = focused if first == "all" else whole
    outer = whole if first == "all" else focused
    with outer:
        app.main(lib)
        with inner:
            app.main(lib)
        app.main(lib)
    counts = calls(whole.snapshot())
    expected = 3 if first == "all" else 1
    assert (counts["main"], counts["helper"], counts["key"]) == (
        expected,
        expected,
        3 * expected,
    )
    assert calls(focused.snapshot())["leaf"] == (6 if first == "all" else 12)


def test_afterwards_everybody_sees_every_call(backend, app, lib):
    for _ in range(2):
        record(backend, app.main, lib, include=["app"])
    with cProfile.Profile() as theirs:
        app.main(lib)
    flat = {key[2]: row[1] for key, row in pstats.Stats(theirs).stats.items()}
    assert (flat["helper"], flat["inner"], flat["key"]) == (1, 1, 3)
    counts = calls(record(backend, app.main, lib))
    assert (counts["helper"], counts["inner"], counts["key"]) == (1, 1, 3)
    assert counts[LEN] == 2


@pytest.mark.skipif(
    not MONITORING, reason="sys.monitoring is there from Python 3.12 on"
)
def test_what_is_outside_costs_one_event_for_each_place(app, lib):
    """A counting tool beside us cannot tell; so the predicate and time are asked."""
    asked = []

    def predicate(module, code):
        asked.append(code)
        return module == "app"

    with Profiler(include=predicate) as profiler:
        for _ in range(50):
            app.main(lib)
    assert len(asked) == len(set(asked))
    assert calls(profiler.snapshot())["leaf"] == 150


def test_the_standard_library_and_packages(backend):
    def work():
        json.dumps({"a": [1]}, indent=1)
        return os.path.join("a", "b")

    names = calls(record(backend, work, stdlib=False))
    assert names.pop("work") == 1
    assert all(name.startswith("<") for name in names)
    inside = record(backend, work, exclude=["json.encoder"])
    assert "dumps" in calls(inside) and "join" in calls(inside)
    assert "_iterencode" not in calls(inside)
    plugin = module("plugin", "def run(): pass", "/x/site-packages/plugin.py")
    assert calls(record(backend, plugin.run, site_packages=False)) == {}
    assert calls(record(backend, plugin.run, stdlib=False)) == {"run": 1}


def test_a_predicate_that_fails_is_reported_and_all_is_recorded(backend, app, lib):
    program = """
import sys
from fastprof import Profiler
def leaf(): pass
def main(): leaf()
with Profiler(include=lambda module, code: 1 / 0, backend=sys.argv[1]) as profiler:
    main()
print(sorted(one.name for one in profiler.snapshot().functions))
"""
    result = subprocess.run(
        [sys.executable, "-c", program, backend], capture_output=True, text=True
    )
    assert result.stdout == "['leaf', 'main']\n"
    assert "ZeroDivisionError" in result.stderr


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"include": 5}, TypeError),
        ({"include": [5]}, TypeError),
        ({"exclude": [len]}, TypeError),
        ({"exclude": [""]}, TypeError),
        ({"stdlib": "no"}, ValueError),
        ({"site_packages": None}, ValueError),
    ],
    ids=str,
)
def test_what_is_no_focus(options, error):
    with pytest.raises(error, match=next(iter(options))):
        Profiler(**options)


def test_files_and_sums_say_so(backend, app, lib, tmp_path):
    import fastprof

    stats = record(backend, app.main, lib, include=["app"])
    stats.save(tmp_path / "a.prof")
    loaded = fastprof.load(tmp_path / "a.prof")
    assert loaded.warnings == stats.warnings
    total = loaded + record(backend, app.main, lib)
    assert total.info["focus"]


def test_a_focus_does_not_keep_the_profiler_alive(app):
    import gc
    import weakref

    class Predicate:
        def __call__(self, module, code):
            return module == "app"

    predicate = Predicate()
    profiler = Profiler(include=predicate)
    predicate.profiler = profiler
    with profiler:
        app.leaf()
    gone = weakref.ref(predicate)
    del predicate, profiler
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("what", ["disable", "drop", "clear"])
def test_a_predicate_may_end_the_recording(backend, app, lib, what):
    """Wherever it is asked: at a begin, at a C function's, at a return."""
    held = []

    def predicate(module, code):
        if what == "drop":
            held.clear()
        elif held:
            with contextlib.suppress(RuntimeError):
                getattr(held[0], what)()
        return True

    def run():
        profiler = Profiler(include=predicate, backend=backend)
        held.append(profiler)
        profiler.enable()
        del profiler
        len("")
        app.main(lib)

    for _ in range(20):
        run()
        while held:
            held.pop().disable()
