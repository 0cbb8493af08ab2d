"""fastprof behind `import cProfile`, for tools that are built on that."""

import sys

from .profiler import Profile, run, runctx

__all__ = ["install_as_cprofile"]

# What a tool takes from cProfile; where 3.15 keeps it, too.
NAMES = {"Profile": Profile, "run": run, "runctx": runctx}
MODULES = ("cProfile", "profiling.tracing")


def install_as_cprofile() -> None:
    """Let `cProfile.Profile`, `run` and `runctx` be fastprof's in this process.

    The module stays what it is, so tools that have imported it already use fastprof
    from now on. Not reached is what has taken a name out of it before
    (`from cProfile import Profile`), nor `python -m cProfile` in another process.
    """
    import cProfile  # noqa: F401

    for name in MODULES:
        if name in sys.modules:
            vars(sys.modules[name]).update(NAMES)
