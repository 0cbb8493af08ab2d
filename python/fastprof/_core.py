"""The extension module; nothing else in the package imports it."""

from ._fastprof import Profiler, Snapshot, checksum

__all__ = ["Profiler", "Snapshot", "checksum"]
