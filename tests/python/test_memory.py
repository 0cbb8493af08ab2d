"""When memory runs out, recording stops and the program does not notice."""

import sys

import pytest
from support import run_isolated, unless_sanitized

# A million paths out of ten functions, in an address space that has no room for them;
# the program itself needs next to nothing.
HUNGRY = """
import resource
import fastprof

def make(name):
    exec(f"def {name}(depth):\\n"
         "    total = 1\\n"
         "    if depth:\\n"
         "        for function in functions:\\n"
         "            total += function(depth - 1)\\n"
         "    return total\\n", globals())
    return globals()[name]

functions = [make(f"f{i}") for i in range(10)]
expected = 1111111
profiler = fastprof.Profiler(max_nodes=10**7)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
_, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, hard))
profiler.enable()
total = functions[0](6)
profiler.disable()
resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
assert total == expected, total
snapshot = profiler.snapshot()
assert not snapshot.complete
assert not snapshot.truncated
assert [w for w in snapshot.warnings if "memory" in w] == snapshot.warnings != []
counted = sum(entry[1] for key, entry in snapshot.stats.items() if key[2][0] == "f")
assert 1000 < counted < expected, counted
snapshot.save(PATH)
assert not fastprof.load(PATH).complete
profiler.clear()
with profiler:
    functions[0](2)
assert profiler.snapshot().complete
assert sum(entry[1] for entry in profiler.snapshot().stats.values()) == 111
print("the program went on")
"""


@unless_sanitized("needs all addresses for itself")
@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS and /proc")
def test_recording_stops_and_the_program_goes_on(tmp_path):
    source = f"PATH = {str(tmp_path / 'out.prof')!r}\n{HUNGRY}"
    run_isolated(source, stdout="the program went on\n")
