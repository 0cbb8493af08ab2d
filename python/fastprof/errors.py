"""The errors that fastprof raises on purpose."""

__all__ = [
    "BackendError",
    "FastprofError",
    "MissingExtraError",
    "ProfileFileError",
    "ProfilerConflictError",
    "UnknownFormatError",
]


class FastprofError(Exception):
    """Base of all errors of fastprof."""


class ProfilerConflictError(FastprofError, ValueError):
    """Another profiler is active; it is left undisturbed."""


class BackendError(FastprofError, ValueError):
    """What the environment asks for is not to be had on this machine: a clock."""


class ProfileFileError(FastprofError, ValueError):
    """A file is not a profile of fastprof's, or is damaged."""


class MissingExtraError(FastprofError, ImportError):
    """A package is missing that only this feature needs."""


class UnknownFormatError(FastprofError, ValueError):
    """There is no such file format."""
