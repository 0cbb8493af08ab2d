"""`profile`: a decorator that records the calls of one function, and all they call."""

import functools
import sys
import threading
import types
import warnings
from collections.abc import AsyncGenerator, Callable, Generator
from typing import IO, TYPE_CHECKING, Any, overload

from .errors import ProfilerConflictError
from .profiler import Profiler
from .stats import Stats
from .table import make_table

if TYPE_CHECKING:
    import os

__all__ = ["FunctionProfile", "profile"]

CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200


class FunctionProfile:
    """What the calls of a decorated function have come to; its attribute `profile`.

    Calls of several threads at a time are recorded by a profiler each, and each records
    its thread only: so what others do meanwhile is not in it.
    """

    def __init__(self, name: str, options: "dict[str, Any]") -> None:
        """Nothing was called yet.

        Args:
            name: The function's, for messages.
            options: Those of `Profiler`.

        Raises:
            TypeError: There is no such option.
            ValueError: An option has an unknown value.
        """
        self._name = name
        self._options = {"threads": "current", **options}
        self._profilers = [Profiler(**self._options)]
        self._idle = list(self._profilers)
        self._local = threading.local()
        self._has_warned = False

    @property
    def stats(self) -> Stats:
        """What was recorded up to now, the sum of all calls."""
        if len(self._profilers) == 1:
            return self._profilers[0].snapshot()
        return Stats.merge([one.snapshot() for one in self._profilers])

    def print_stats(
        self, sort: "Any" = "cumulative", stream: "IO[str] | None" = None
    ) -> None:
        """Print the table of pstats.

        Args:
            sort: What `pstats.Stats.sort_stats` takes, or a tuple of such.
            stream: Where to; left out, stdout.
        """
        stats = self.stats
        print(stats.note_of_table, end="", file=stream)
        table = make_table(stats, stats.cpu_times, stream)
        keys = sort if isinstance(sort, tuple) else (sort,)
        table.strip_dirs().sort_stats(*keys).print_stats()

    def save(self, path: "str | os.PathLike[str]", format: str | None = None) -> None:
        """Write a file; see `Stats.save`."""
        self.stats.save(path, format)

    def clear(self) -> None:
        """Forget what was recorded."""
        for one in self._profilers:
            one.clear()

    def __enter__(self) -> None:
        """A call begins, or goes on; of those inside of each other only the first."""
        depth = getattr(self._local, "depth", 0)
        if not depth:
            self._local.profiler = self._begin()
        self._local.depth = depth + 1

    def _begin(self) -> Profiler:
        # No lock: a finalizer may run anywhere here, and call the same function.
        try:
            profiler = self._idle.pop()
        except IndexError:
            profiler = Profiler(**self._options)
            self._profilers.append(profiler)
        try:
            profiler.enable()
        except ProfilerConflictError as error:
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(
                    f"{self._name} runs without being profiled: {error}",
                    RuntimeWarning,
                    stacklevel=4,
                )
        return profiler

    def __exit__(self, *_: object) -> None:
        """It ends, or stands still."""
        self._local.depth -= 1
        if not self._local.depth:
            profiler = self._local.profiler
            profiler.disable()
            self._idle.append(profiler)


@overload
def profile(function: Callable[..., "Any"], /) -> "Any": ...


@overload
def profile(
    *, report: str | None = None, **options: "Any"
) -> "Callable[[Any], Any]": ...


def profile(
    function: "Any" = None, /, *, report: str | None = None, **options: "Any"
) -> "Any":
    """Record each call of a function, and all that it calls on its thread.

        @fastprof.profile
        def parse(text): ...

        @fastprof.profile(clock="cpu", report="exit")
        async def fetch(url): ...

        parse.profile.print_stats()

    Figures of all calls are added up. Generators and coroutines are recorded while they
    run. Where another profiler is in the way, the function runs without ours, and a
    RuntimeWarning tells so, once.

    Args:
        function: What is decorated; of a classmethod or staticmethod, what is inside.
        report: "exit": print the table to stderr when the program ends.
        **options: Those of `Profiler`; `threads` is "current" unless it is there.

    Raises:
        TypeError: It is no function; or there is no such option.
        ValueError: An option has an unknown value.
    """
    if report not in (None, "exit"):
        raise ValueError(f'report must be "exit" or None, not {report!r}')
    if function is None:
        return lambda function: _decorated(function, report, options)
    return _decorated(function, report, options)


def _decorated(function: "Any", report: str | None, options: "dict[str, Any]") -> "Any":
    if isinstance(function, classmethod | staticmethod):
        inside = _decorated(function.__func__, report, options)
        return type(function)(inside)
    if isinstance(function, type) or not callable(function):
        raise TypeError(
            f"profile is for functions and methods, and {function!r} is none"
        )
    name = getattr(function, "__qualname__", repr(function))
    recorded = FunctionProfile(name, options)
    wrapper: Any = functools.update_wrapper(_wrapper(function, recorded), function)
    wrapper.profile = recorded
    if report:
        import atexit

        atexit.register(lambda: recorded.print_stats(stream=sys.stderr))
    return wrapper


def _wrapper(function: "Any", recorded: FunctionProfile) -> Callable[..., "Any"]:
    """What stands in a function's place.

    All are named `run`, as what the profiler takes for calls on the program's behalf:
    other profilers show what is called, and not who of ours has called it.
    """
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    if flags & CO_ASYNC_GENERATOR:
        return _async_generator(function, recorded)
    if flags & CO_COROUTINE:
        return _coroutine(function, recorded)
    if flags & CO_GENERATOR:
        return _generator(function, recorded)

    def run(*args: "Any", **kwargs: "Any") -> "Any":
        with recorded:
            return function(*args, **kwargs)

    return run


def _generator(function: "Any", recorded: FunctionProfile) -> Callable[..., "Any"]:
    def run(*args: "Any", **kwargs: "Any") -> "Generator[Any, Any, Any]":
        return (yield from _steps(function(*args, **kwargs), recorded))

    return run


def _coroutine(function: "Any", recorded: FunctionProfile) -> Callable[..., "Any"]:
    async def run(*args: "Any", **kwargs: "Any") -> "Any":
        return await _awaited(function(*args, **kwargs), recorded)

    return run


def _async_generator(
    function: "Any", recorded: FunctionProfile
) -> Callable[..., "Any"]:
    async def run(*args: "Any", **kwargs: "Any") -> "AsyncGenerator[Any, Any]":
        generator = function(*args, **kwargs)
        step = generator.__anext__()
        while True:
            try:
                value = await _awaited(step, recorded)
            except StopAsyncIteration:
                return
            try:
                step = generator.asend((yield value))
            except GeneratorExit:
                await _awaited(generator.aclose(), recorded)
                raise
            except BaseException as error:
                step = generator.athrow(error)

    return run


def _make_steps() -> Callable[..., "Any"]:
    def run(inner: "Any", recorded: FunctionProfile) -> "Generator[Any, Any, Any]":
        """Run a generator or coroutine, and record it while it runs."""
        step, argument = inner.send, None
        while True:
            with recorded:
                try:
                    value = step(argument)
                except StopIteration as end:
                    return end.value
            try:
                step, argument = inner.send, (yield value)
            except GeneratorExit:
                with recorded:
                    inner.close()
                raise
            except BaseException as error:
                step, argument = inner.throw, error

    return run


_steps = _make_steps()
_awaited: Callable[..., Any] = types.coroutine(_make_steps())
