"""What this machine can do: clock, event sources, what an event costs, what is odd."""

import os
import platform
import sys
import sysconfig
from time import perf_counter

from . import _core
from ._version import __version__
from .errors import FastprofError
from .holders import who
from .profiler import Profiler

__all__ = ["costs_page", "doctor_page"]

CLOCK_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
BACKENDS = "monitoring", "setprofile"
# Events of `Profiler.calibration["aside"]`, which begin no call.
ASIDES = {
    "monitoring": "CALL of a Python function",
    "setprofile": "unrecorded C function",
}
# What to call the kinds of `Profiler.calibration`.
KINDS = {
    "python": "Python function",
    "generator": "resumed generator",
    "builtin": "C function",
    "method": "method in C",
    "python_raised": "Python function that raises",
    "generator_raised": "generator that raises",
    "builtin_raised": "C function that raises",
    "method_raised": "method in C that raises",
    "append": "list.append",
}


def costs_page() -> str:
    """What events cost here, a table for each event source, measured now.

    Raises:
        FastprofError: It could not be measured.
    """
    parts = []
    for backend in backends():
        profiler, seconds = calibrated(backend)
        costs = profiler.calibration
        if costs is None:
            raise FastprofError(
                "what events cost cannot be measured while a trace function or another "
                "profiler is active"
            )
        lines = [
            f"{backend}: measured in {seconds * 1e3:.0f} ms",
            f"  {'ns':28}{'inside':>9}{'outside':>9}{'together':>10}{'+-':>7}",
        ]
        for kind, name in {**KINDS, "aside": ASIDES[backend]}.items():
            inside, outside, error = costs[kind]  # type: ignore[literal-required]
            lines.append(
                f"  {name:28}{inside * 1e9:9.1f}{outside * 1e9:9.1f}"
                f"{(inside + outside) * 1e9:10.1f}{error * 1e9:7.1f}"
            )
        if costs["pace"] > 1.0:
            lines.append(f"  all Python code takes {costs['pace']:.2f} times as long")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def doctor_page() -> str:
    """All of it, for a person to read."""
    best = backends()[0]
    profiler, _ = calibrated(best)
    clock = profiler.clock_info
    reading, step = _core.clock_quality()
    lines = [
        f"fastprof {__version__}, {platform.python_implementation()} "
        f"{platform.python_version()} ({platform.python_compiler()}), "
        f"{platform.platform()}",
        "",
        f"clock          {clock['source']}, a reading takes {reading * 1e9:.1f} ns, "
        f"steps of {step * 1e9:.1f} ns",
        f"kernel's clock {first_line(CLOCK_SOURCE)}",
        f"event source   {best}"
        + (" (setprofile is there, too)" if len(backends()) > 1 else ""),
    ]
    costs = profiler.calibration
    if costs is not None:
        announced = sum(costs["aside"][:2]) if best == "monitoring" else 0.0
        each = {
            name: 1e9 * (sum(costs[kind][:2]) + extra)  # type: ignore[literal-required]
            for kind, name, extra in (
                ("python", "a Python function", announced),
                ("builtin", "a C function", 0.0),
                ("generator", "a resumed generator", 0.0),
            )
        }
        lines += [
            "cost of a call "
            + ", ".join(f"{name} {cost:.0f} ns" for name, cost in each.items()),
            f"               a million calls: about {each['a Python function']:.0f} ms "
            "in a short loop, up to twice that in a large program",
        ]
        if costs["pace"] > 1.0:
            lines.append(
                f"{'':15}all Python code takes {costs['pace']:.2f} times as long"
            )
    warnings = oddities(clock["source"], clock["unstable"])
    lines += ["", *(f"warning: {warning}" for warning in warnings)]
    if not warnings:
        lines.append("nothing is odd here")
    return "\n".join(lines) + "\n"


def backends() -> list[str]:
    """The event sources of this Python, the best one first."""
    return [name for name in BACKENDS if name == "setprofile" or has_monitoring()]


def has_monitoring() -> bool:
    return hasattr(sys, "monitoring")


def calibrated(backend: str) -> tuple[Profiler, float]:
    """A profiler that has been enabled once, and how long that took.

    Raises:
        FastprofError: It could not be enabled.
    """
    profiler = Profiler(backend=backend)  # type: ignore[arg-type]
    start = perf_counter()
    profiler.enable()
    seconds = perf_counter() - start
    profiler.disable()
    return profiler, seconds


def oddities(source: str, unstable: bool) -> list[str]:
    """What makes figures worse than they could be, a sentence each."""
    odd = []
    if source == "monotonic":
        odd.append(why_no_counter())
    if unstable:
        odd.append("the clock is not steady: times may be off")
    if sysconfig.get_config_var("Py_DEBUG"):
        odd.append("this Python is a debug build: all figures are those of that")
    odd += [
        f"{holder.name} is active ({holder.place}): it slows the program down, too"
        for holder in who()
        if holder.profiler is None
    ]
    odd += [
        f"{name} is set in the environment"
        for name in sorted(os.environ)
        if name.startswith("FASTPROF_")
    ]
    return odd


def why_no_counter() -> str:
    """Why the clock is a call of the kernel's instead of the processor's counter."""
    if os.environ.get("FASTPROF_CLOCK") == "monotonic":
        return "FASTPROF_CLOCK asks for the slower clock"
    flags = first_line("/proc/cpuinfo", "flags").split()
    source = first_line(CLOCK_SOURCE)
    if platform.machine() == "x86_64" and "nonstop_tsc" not in flags:
        return (
            "the processor's counter (TSC) is not invariant: the slower clock is used"
        )
    if source == "unknown":
        return (
            f"{CLOCK_SOURCE} cannot be read (a sandbox without /sys?), so nothing says "
            "that the processor's counter can be trusted: the slower clock is used"
        )
    return (
        f"the kernel's own clock is {source}, so it does not trust the processor's "
        "counter: the slower clock is used"
    )


def first_line(path: str, prefix: str = "") -> str:
    """The first line of a system file that begins so; "unknown" if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(prefix):
                    return line.strip()
    except OSError:
        pass
    return "unknown"
