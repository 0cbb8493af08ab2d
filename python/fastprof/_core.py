"""The extension module; nothing else in the package imports it."""

from . import _probes as _probes
from ._fastprof import (
    Profiler,
    Snapshot,
    active_profilers,
    checksum,
    clock_quality,
    measure,
    merge,
)

__all__ = [
    "Profiler",
    "Snapshot",
    "active_profilers",
    "checksum",
    "clock_quality",
    "measure",
    "merge",
]
