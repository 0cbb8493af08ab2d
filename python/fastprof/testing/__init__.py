"""Assertions on what was called, how often, and how long it took.

They need no test framework, and work in any. For pytest there is a fixture and a marker
(`fastprof.pytest_plugin`), for unittest the class `ProfileAssertions`.

An assertion takes a profile: a `Profiler`, or a `Stats`. When it fails it raises an
AssertionError that shows what broke the rule.

| | what is asserted |
|---|---|
| `assert_calls` | how often a function was called |
| `assert_calls_per` | how often within each call of another one: the N+1 query test |
| `assert_not_called_from` | that nothing of a module was called |
| `assert_tree` | structure and counts of a call tree, by a golden file |
| `assert_scales` | how calls, or time, grow with the size of the input |
| `assert_share` | a function's share of the time |
| `assert_faster` | that one callable is faster than another |
| `tripwire` | acts at the very call that is one too many |

Deterministic are those that count: `assert_calls`, `assert_calls_per`,
`assert_not_called_from`, `assert_tree`, `assert_scales` by calls, and `tripwire` by
calls. They give the same answer on each machine, as far as the program does the same.
The others measure time, and are made to fail only where chance can be ruled out.

Functions are named by themselves (what a decorator has wrapped by `functools.wraps` is
unwrapped), by code objects, as "module:qualified name", or by keys of pstats, as in
`Stats[...]`.
"""

from .counts import assert_calls, assert_calls_per, assert_not_called_from
from .golden import assert_tree
from .growth import assert_scales
from .recording import Recording
from .speed import assert_faster, assert_share
from .unit import ProfileAssertions
from .wires import TripwireError, tripwire

__all__ = [
    "ProfileAssertions",
    "Recording",
    "TripwireError",
    "assert_calls",
    "assert_calls_per",
    "assert_faster",
    "assert_not_called_from",
    "assert_scales",
    "assert_share",
    "assert_tree",
    "tripwire",
]
