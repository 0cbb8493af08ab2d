"""Callables of numpy, Cython and pybind11 are counted, nested and named.

With `builtins="all"` every one of them is; without, those that cProfile sees.
"""

import functools
import gc
import importlib
import itertools
import os
import shutil
import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace

import fastprof
import pytest
from support import assert_counts, cprofile_counts, label, record

WHY_NOT = "numpy, Cython and pybind11 are there on Python 3.10 to 3.13: make test"
np = pytest.importorskip("numpy", reason=WHY_NOT)
pytest.importorskip("Cython", reason=WHY_NOT)
pytest.importorskip("pybind11", reason=WHY_NOT)

needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring is there from Python 3.12 on"
)
# cProfile of 3.12 and 3.13 takes the end of a C function that was called through a
# bound method, as all of pybind11's methods are, for the end of its caller.
CPROFILE_IS_BROKEN = sys.version_info[:2] in ((3, 12), (3, 13))

SOURCES = Path(__file__).parent / "extensions"
HERE = __name__

BUILD = """
import pybind11
from Cython.Build import cythonize
from setuptools import Extension, setup

bound = cythonize("cython_bound.pyx", language_level=3)
unbound = cythonize(
    "cython_unbound.pyx", language_level=3, compiler_directives={"binding": False}
)
pybind = Extension(
    "pybind11_functions",
    ["pybind11_functions.cpp"],
    include_dirs=[pybind11.get_include()],
    language="c++",
    extra_compile_args=["-std=c++17"],
)
setup(
    name="extensions",
    ext_modules=[*bound, *unbound, pybind],
    script_args=["-q", "build_ext", "--inplace", "--parallel=2"],
)
"""


@pytest.fixture(scope="session")
def extensions(tmp_path_factory):
    """The modules `cython_bound`, `cython_unbound` and `pybind11_functions`, built."""
    folder = tmp_path_factory.mktemp("extensions")
    for name in ("cython_bound", "cython_unbound"):
        shutil.copy(SOURCES / "cython_functions.pyx", folder / f"{name}.pyx")
    shutil.copy(SOURCES / "pybind11_functions.cpp", folder)
    build = subprocess.run(
        [sys.executable, "-c", BUILD],
        cwd=folder,
        env=os.environ | {"CFLAGS": "-O0 -g0", "CXXFLAGS": "-O0 -g0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert build.returncode == 0, build.stdout
    names = ["cython_bound", "cython_unbound", "pybind11_functions"]
    sys.path.insert(0, str(folder))
    try:
        return SimpleNamespace(**{n: importlib.import_module(n) for n in names})
    finally:
        sys.path.remove(str(folder))


@pytest.fixture
def bound(extensions):
    return extensions.cython_bound


@pytest.fixture
def unbound(extensions):
    return extensions.cython_unbound


@pytest.fixture
def pybind(extensions):
    return extensions.pybind11_functions


def answer(*arguments):
    return 1


def after():
    pass


def all_of(program, **options):
    """The profile of a program of which everything is recorded, after a first run."""
    program()
    profile = record(fastprof.Profiler(builtins="all", **options), program)
    profile.create_stats()
    return profile


def called_by(profile, caller):
    """How often a function called what, by name."""
    caller = caller if isinstance(caller, tuple) else label(caller)
    return {
        callee[2]: entry[4][caller][1]
        for callee, entry in profile.stats.items()
        if caller in entry[4]
    }


# ---- which, how often, under which name ----


@needs_monitoring
def test_numpys_functions():
    array = np.arange(4.0)
    from_python = np.frompyfunc(answer, 1, 1)
    from_c = np.frompyfunc(len, 1, 1)
    vectorized = np.vectorize(answer, otypes="d")

    def program():
        np.add(array, array)
        np.sqrt(array)
        np.sqrt(array, out=array)
        np.add.reduce(array)
        from_python(array)
        from_c(["abc"])
        vectorized(array)
        np.sum(array)
        np.sum(array, axis=0)
        np.concatenate([array, array])
        np.dot(array, array)
        np.linalg.norm(array)
        np.zeros(3)
        array.copy()
        np.float64(1)

    profile = all_of(program)
    assert called_by(profile, program) == {
        "<ufunc numpy.add>": 1,
        "<ufunc numpy.sqrt>": 2,
        "<method 'reduce' of 'numpy.ufunc' objects>": 1,
        f"<numpy.ufunc of {HERE}.answer>": 1,
        "<numpy.ufunc of builtins.len>": 1,
        "__call__": 1,
        "<numpy._ArrayFunctionDispatcher of numpy.sum>": 2,
        "<numpy._ArrayFunctionDispatcher of numpy.concatenate>": 1,
        "<numpy._ArrayFunctionDispatcher of numpy.dot>": 1,
        "<numpy._ArrayFunctionDispatcher of numpy.linalg.norm>": 1,
        "<built-in method numpy.zeros>": 1,
        "<method 'copy' of 'numpy.ndarray' objects>": 1,
        "<class 'numpy.float64'>": 1,
    }
    assert called_by(profile, label(f"<numpy.ufunc of {HERE}.answer>")) == {"answer": 8}


@needs_monitoring
def test_cythons_functions(bound):
    method = "cython_function_or_method cython_bound"
    thing = bound.Extension()
    bound_method = thing.method

    def program():
        bound.function(1)
        bound.function(2)
        bound.both(1)
        bound.outer()()
        bound.outer()()
        bound.decorated()
        bound.decorated_too()
        bound.decorator(answer)()
        bound.Extension()
        thing.method(1)
        bound.Extension.method(thing, 1)
        bound_method(1)
        thing.both(1)
        thing.of_class()
        bound.Extension.static(1)
        thing(answer)
        bound.Plain().calling(answer)
        functools.partial(bound.function, 1)()

    assert called_by(all_of(program), program) == {
        f"<{method}.function>": 2,
        f"<{method}.both>": 1,
        f"<{method}.outer>": 2,
        f"<{method}.outer.<locals>.closure>": 2,
        f"<{method}.decorated>": 1,
        f"<{method}.decorated_too>": 1,
        f"<{method}.decorator>": 1,
        f"<cython_function_or_method {HERE}.answer>": 1,
        "<class 'cython_bound.Extension'>": 1,
        f"<{method}.Extension.method>": 3,
        f"<{method}.Extension.both>": 1,
        f"<{method}.Extension.of_class>": 1,
        f"<{method}.Extension.static>": 1,
        "<cython_bound.Extension object>": 1,
        "<class 'cython_bound.Plain'>": 1,
        f"<{method}.Plain.calling>": 1,
        "<class 'functools.partial'>": 1,
        "<functools.partial of cython_bound.function>": 1,
    }


@needs_monitoring
def test_cythons_functions_without_binding(unbound):
    """They are C functions, and have the names that cProfile gives them."""
    thing = unbound.Extension()

    def program():
        unbound.function(1)
        unbound.both(1)
        unbound.outer()()
        unbound.outer()()
        thing.method(1)
        unbound.Extension.method(thing, 1)
        thing.both(1)
        thing.of_class()
        unbound.Extension.static(1)
        functools.partial(unbound.function, 1)()

    assert called_by(all_of(program), program) == {
        "<cython_unbound.function>": 1,
        "<built-in method cython_unbound.both>": 1,
        "<cython_unbound.outer>": 2,
        "<cython_unbound.closure>": 2,
        "<method 'method' of 'cython_unbound.Extension' objects>": 2,
        "<method 'both' of 'cython_unbound.Extension' objects>": 1,
        "<built-in method of_class>": 1,
        "<cython_unbound.static>": 1,
        "<class 'functools.partial'>": 1,
        "<functools.partial of cython_unbound.function>": 1,
    }


@needs_monitoring
def test_pybind11s_functions(pybind):
    pet = pybind.Pet(1)
    get = pet.get

    def program():
        pybind.add(1, 2)
        pybind.overloaded(1)
        pybind.overloaded(1.5)
        pybind.Pet(1)
        pet.get()
        get()
        pybind.Pet.get(pet)
        pybind.Pet.static(1)
        pet(answer)
        functools.partial(pybind.add, 1)(2)
        functools.partial(get)()

    assert called_by(all_of(program), program) == {
        "<built-in method pybind11_functions.add>": 1,
        "<built-in method pybind11_functions.overloaded>": 2,
        "<class 'pybind11_functions.Pet'>": 1,
        "<built-in method pybind11_functions.get>": 3,
        "<built-in method pybind11_functions.static>": 1,
        "<pybind11_functions.Pet object>": 1,
        "<class 'functools.partial'>": 2,
        "<functools.partial of pybind11_functions.add>": 1,
        "<functools.partial of pybind11_functions.get>": 1,
    }


# ---- exceptions ----


def assert_calls_end(calls, errors):
    """What follows calls that raise is not their callee, nor in their time."""

    def program():
        for call in calls:
            try:
                call()
            except errors:
                after()

    profile = all_of(program)
    assert list(profile.stats[label(after)][4]) == [label(program)]
    assert profile.stats[label(after)][1] == len(calls)
    return {key[2]: entry[1] for key, entry in profile.stats.items()}


def fail(*arguments):
    raise KeyError("raised")


@needs_monitoring
def test_numpys_calls_that_raise_end():
    from_python = np.frompyfunc(fail, 1, 1)
    partial_sum = functools.partial(np.sum, axis=2)
    calls = [
        lambda: np.add("a", 1),
        lambda: np.add(),
        lambda: np.concatenate(3),
        lambda: np.dot([1, 2], [1, 2, 3]),
        lambda: from_python(1),
        lambda: partial_sum([1]),
    ]
    counts = assert_calls_end(calls, (KeyError, TypeError, ValueError))
    assert counts["<ufunc numpy.add>"] == 2
    assert counts["<numpy._ArrayFunctionDispatcher of numpy.concatenate>"] == 1
    assert counts["<numpy._ArrayFunctionDispatcher of numpy.dot>"] == 1
    assert counts[f"<numpy.ufunc of {HERE}.fail>"] == counts["fail"] == 1
    assert counts["<functools.partial of numpy.sum>"] == 1


@needs_monitoring
def test_cythons_calls_that_raise_end(bound, unbound):
    for module in (bound, unbound):
        thing, plain = module.Extension(), module.Plain()
        calls = [
            lambda module=module: module.raising(),
            lambda module=module: module.function(),
            lambda module=module: module.calling(fail),
            lambda thing=thing: thing.raising(),
            lambda thing=thing: thing(fail),
            lambda plain=plain: plain.calling(fail),
        ]
        assert assert_calls_end(calls, (KeyError, TypeError))["fail"] == 3


@needs_monitoring
def test_pybind11s_calls_that_raise_end(pybind):
    pet = pybind.Pet(1)
    calls = [
        lambda: pybind.raising(),
        lambda: pybind.add("a"),
        lambda: pybind.call_std(fail),
        lambda: pybind.call_py(fail),
        lambda: pybind.Pet("a"),
        lambda: pet.raising(),
        lambda: pet.calling(fail),
        lambda: pet(fail),
    ]
    counts = assert_calls_end(calls, (KeyError, TypeError, RuntimeError))
    assert counts["fail"] == 4
    # Once of the module, once of Pet.
    assert counts["<built-in method pybind11_functions.raising>"] == 2
    assert counts["<built-in method pybind11_functions.add>"] == 1


# ---- calls back into Python ----


def calls_back(bound, unbound, pybind):
    """Calls of `answer` through something, and the name of that."""
    thing, pet, array = bound.Extension(), pybind.Pet(1), np.arange(1)
    from_python = np.frompyfunc(answer, 1, 1)
    partial, cached = functools.partial(answer), functools.lru_cache(answer)
    of_cython, pybinds = "cython_function_or_method cython_bound", "pybind11_functions"
    return {
        f"<numpy.ufunc of {HERE}.answer>": lambda: from_python(array),
        f"<functools.partial of {HERE}.answer>": lambda: partial(),
        f"<functools.lru_cache of {HERE}.answer>": lambda: (
            cached.cache_clear(),
            cached(),
        ),
        f"<{of_cython}.calling>": lambda: bound.calling(answer),
        "<cython_bound.Extension object>": lambda: thing(answer),
        "<cython_unbound.calling>": lambda: unbound.calling(answer),
        f"<built-in method {pybinds}.call_std>": lambda: pybind.call_std(answer),
        f"<built-in method {pybinds}.call_py>": lambda: pybind.call_py(answer),
        f"<built-in method {pybinds}.calling>": lambda: pet.calling(answer),
        f"<{pybinds}.Pet object>": lambda: pet(answer),
    }


@needs_monitoring
@pytest.mark.parametrize("max_nodes", [1, 2**20])
def test_python_functions_called_back_are_their_callees(
    bound, unbound, pybind, max_nodes
):
    calls = calls_back(bound, unbound, pybind)

    def program():
        for call in calls.values():
            call()

    profile = all_of(program, max_nodes=max_nodes)
    callers = profile.stats[label(answer)][4]
    assert {caller[2]: pair[:2] for caller, pair in callers.items()} == {
        name: (1, 1) for name in calls
    }
    for name in calls:
        own, cumulative = profile.stats[label(name)][2:4]
        of_answer = callers[label(name)][3]
        assert 0 < own < cumulative
        assert own + of_answer == pytest.approx(cumulative)


@needs_monitoring
def test_what_is_called_back_is_not_in_the_callers_own_time(bound, unbound, pybind):
    for name, call in calls_back(bound, unbound, pybind).items():
        clock = itertools.count()
        # A unit of time passes from each event to the next.
        profile = all_of(call, timer=lambda clock=clock: next(clock), timeunit=1.0)
        assert profile.stats[label(answer)][2:4] == (1.0, 1.0), name
        assert profile.stats[label(name)][2:4] == (2.0, 3.0), name


# ---- what cProfile sees ----


def test_counts_without_all_are_those_of_cprofile(bound, unbound, pybind):
    array = np.arange(4.0)
    from_python, vectorized = np.frompyfunc(answer, 1, 1), np.vectorize(answer)
    pet = pybind.Pet(1)

    def program():
        np.add(array, array)
        np.add.reduce(array)
        from_python(array)
        vectorized(array)
        np.sum(array)
        np.concatenate([array, array])
        np.dot(array, array)
        np.linalg.norm(array)
        np.zeros(3).copy()
        for module in (bound, unbound):
            thing = module.Extension()
            module.function(1)
            module.both(1)
            module.calling(answer)
            module.outer()()
            thing.method(1)
            thing.both(1)
            thing.of_class()
            thing.static(1)
            thing(answer)
            module.Plain().calling(answer)
            try:
                module.raising()
            except KeyError:
                after()
        pybind.add(1, 2)
        pybind.overloaded(1.5)
        pybind.call_std(answer)
        pybind.call_py(answer)
        pybind.Pet.static(1)
        pet(answer)
        try:
            pybind.raising()
        except RuntimeError:
            after()
        if not CPROFILE_IS_BROKEN:
            pet.get()
            pet.calling(answer)

    program()
    program()
    expected = cprofile_counts(program)
    assert_counts(record(fastprof.Profiler(), program), expected)
    if sys.version_info < (3, 12):
        return
    # With all of them recorded there are more, in between; the numbers stay.
    profile = all_of(program)
    for key, (primitive, calls, _) in expected.items():
        assert profile.stats[key][:2] == (primitive, calls), key


# ---- what is kept ----


class Thing:
    pass


@needs_monitoring
def test_functions_made_at_run_time_are_one_and_are_let_go(bound):
    """Each was a function of its own, and lived as long as the profile."""
    things = []

    def program():
        for _ in range(5):
            thing = Thing()
            things.append(weakref.ref(thing))
            bound.holding(thing)()
            np.frompyfunc(lambda x, thing=thing: x, 1, 1)(1)

    profile = all_of(program)
    gc.collect()
    assert [thing() for thing in things] == [None] * 10
    counts = called_by(profile, program)
    function = f"{HERE}.{program.__qualname__}.<locals>.<lambda>"
    assert counts[f"<numpy.ufunc of {function}>"] == 5
    cythons = "cython_function_or_method cython_bound.holding.<locals>.<lambda>"
    assert counts[f"<{cythons}>"] == 5
