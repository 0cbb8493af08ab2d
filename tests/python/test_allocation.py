"""With an allocator that fails at random the program still has its own right result."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import unless_sanitized

pytestmark = unless_sanitized("has put itself in the allocator's place")

SOURCE = Path(__file__).with_name("extensions") / "failing_malloc.c"
PROGRAM = """
import ctypes, random, sys, threading
import fastprof, fastprof._fastprof

SEED, EVERY = map(int, sys.argv[2:])
shim = ctypes.CDLL(sys.argv[1])
shim.watch.restype = ctypes.c_uint64
shim.watch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint]


def code_of(library):
    with open("/proc/self/maps") as maps:
        places = [line.split()[0].split("-") for line in maps
                  if library in line and " r-xp " in line]
    return int(places[0][0], 16), int(places[-1][1], 16)


def make(number):
    scope = {}
    body = "return len(str(n)) + (g(g, n - 1) if n else 0)"
    exec(f"def f{number}(g, n): {body}", scope)
    return scope[f"f{number}"]


functions = [make(number) for number in range(200)]


def work(seed):
    chosen = random.Random(seed)
    total = 0
    for _ in range(300):
        f, g = chosen.choice(functions), chosen.choice(functions)
        total += f(g, chosen.randrange(80))
        total += sum(sorted(map(abs, range(-5, 5))))
    return total


def calls(profiler):
    profiler.snapshot_stats()
    return sum(row[1] for key, row in profiler.stats.items() if key[2][0] == "f")


expected = [work(seed) for seed in range(4)]
with fastprof.Profiler() as reference:
    for seed in range(4):
        work(seed)
profilers = [
    fastprof.Profiler(),
    fastprof.Profiler(max_nodes=50, backend="setprofile"),
    fastprof.Profiler(builtins=False),
]
start, end = code_of(fastprof._fastprof.__file__)
shim.watch(start, end, SEED, EVERY)
found, enabled = [0] * 4, []
for profiler in profilers:
    try:
        profiler.enable()
    except MemoryError:
        continue
    enabled.append(profiler)
threads = [
    threading.Thread(target=lambda n: found.__setitem__(n, work(n)), args=(number,))
    for number in range(1, 4)
]
for thread in threads:
    thread.start()
found[0] = work(0)
for thread in threads:
    thread.join()
for profiler in profilers:
    profiler.disable()
    try:
        profiler.snapshot_stats()
    except MemoryError:
        pass
refused = shim.watch(None, None, 0, 0)
assert found == expected, (found, expected)
# Whoever lost something says so; where nothing was refused, nothing is missing.
complete = [profiler.snapshot().complete for profiler in profilers]
if refused == 0:
    assert all(complete)
for profiler, is_complete in zip(profilers, complete):
    if is_complete and profiler in enabled:
        assert calls(profiler) == calls(reference)
for profiler in profilers:
    profiler.clear()
    with profiler:
        work(0)
    assert profiler.snapshot().complete
print(refused, complete.count(False) + len(profilers) - len(enabled))
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    if sys.platform != "linux":
        pytest.skip("needs /proc and LD_PRELOAD: runs on Linux")
    library = tmp_path_factory.mktemp("shim") / "failing_malloc.so"
    command = [
        "gcc",
        "-O1",
        "-shared",
        "-fPIC",
        str(SOURCE),
        "-o",
        str(library),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return library


def run(shim, seed, every):
    child = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM]
        + [str(shim), str(seed), str(every)],
        env={**os.environ, "LD_PRELOAD": str(shim)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (child.returncode, child.stderr) == (0, ""), child.stderr
    refused, told = map(int, child.stdout.split())
    return refused, told


@pytest.mark.parametrize("every", [1, 2, 5, 20, 100])
def test_the_program_has_its_result_whatever_is_refused(shim, every):
    outcomes = [run(shim, seed, every) for seed in range(4)]
    assert any(refused for refused, _ in outcomes)
    # By a MemoryError of enable(), or by a profile that is not complete.
    assert any(told for _, told in outcomes)


def test_nothing_is_missing_when_nothing_is_refused(shim):
    assert run(shim, 1, 0) == (0, 0)
