"""Plain programs for the benchmarks; none of them knows that profilers exist.

Each module has ``SCALE``, the amount of work of a measured run (about 0.2 s without
a profiler), and ``main(scale)``, which does that much work, checks its own result
and returns it. The result depends on nothing but the scale and the Python version.
"""

MICRO = (
    "fib",
    "methods",
    "c_calls",
    "loops",
    "ast_visitor",
    "json_parser",
    "mixture",
)
PROGRAMS = (
    "richards",
    "nqueens",
    "generators",
    "exceptions",
    "regex_callback",
    "templating",
    "difference",
)
ALL = MICRO + PROGRAMS


class WrongResultError(Exception):
    """A workload computed something else than it should have."""


def check(actual, expected):
    """Return the result of a workload, or raise when it is not the right one."""
    if actual != expected:
        raise WrongResultError(f"got {actual!r}, expected {expected!r}")
    return actual
