"""The errors that fastprof raises on purpose."""

__all__ = [
    "FastprofError",
    "ProfileFileError",
    "ProfilerConflictError",
    "UnknownFormatError",
]


class FastprofError(Exception):
    """Base of all errors of fastprof."""


class ProfilerConflictError(FastprofError, ValueError):
    """Another profiler is active; it is left undisturbed."""


class ProfileFileError(FastprofError, ValueError):
    """A file is not a profile of fastprof's, or is damaged."""


class UnknownFormatError(FastprofError, ValueError):
    """There is no such file format."""
