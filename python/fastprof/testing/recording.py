"""What a test records, with the assertions as methods; for pytest and unittest."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

from ..profiler import Profiler
from ..stats import Stats
from .counts import assert_calls, assert_calls_per, assert_not_called_from
from .golden import assert_tree
from .growth import assert_scales
from .speed import assert_faster, assert_share
from .wires import tripwire

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Recording"]

P = ParamSpec("P")


def _of_the_recording(
    assertion: Callable[Concatenate[Profiler | Stats, P], None],
) -> Callable[Concatenate["Recording", P], None]:
    @functools.wraps(assertion)
    def method(self: "Recording", *args: P.args, **kwargs: P.kwargs) -> None:
        __tracebackhide__ = True  # pytest
        assertion(self.stats, *args, **kwargs)

    return cast("Callable[Concatenate[Recording, P], None]", method)


class Recording:
    """Records all threads within `with`, and asserts on what was recorded.

        with recording:
            render(10)
        recording.assert_calls(db.query, at_most=1)

    Each `with` begins anew, and records both clocks, which `assert_share` is better
    for. The assertions are those of `fastprof.testing`, without the profile where they
    take one.
    """

    def __init__(self, directory: str | os.PathLike[str] = "") -> None:
        """To be entered.

        Args:
            directory: Where the golden files of `assert_tree` are.
        """
        self._directory = Path(directory)
        self._profiler: Profiler | None = None

    def __enter__(self) -> "Self":
        """Record from now on, and forget what was recorded before.

        Raises:
            ProfilerConflictError: Another profiler is in the way.
            RuntimeError: It records already.
        """
        if self._profiler is not None and self._profiler.enabled:
            raise RuntimeError("it records already: with blocks cannot be nested")
        self._profiler = profiler = Profiler(clock="both")
        profiler.enable()
        return self

    def __exit__(self, *_: object) -> None:
        """Record no more."""
        if self._profiler is not None:
            self._profiler.disable()

    @property
    def stats(self) -> Stats:
        """What was recorded up to now.

        Raises:
            RuntimeError: Nothing was.
        """
        __tracebackhide__ = True  # pytest
        if self._profiler is None:
            raise RuntimeError(
                "nothing was recorded: put the calls into a with block, as in "
                "`with fastprof: ...` (pytest) or `with self.profile(): ...` (unittest)"
            )
        return self._profiler.snapshot()

    assert_calls = _of_the_recording(assert_calls)
    assert_calls_per = _of_the_recording(assert_calls_per)
    assert_not_called_from = _of_the_recording(assert_not_called_from)
    assert_share = _of_the_recording(assert_share)
    assert_scales = staticmethod(assert_scales)
    assert_faster = staticmethod(assert_faster)
    tripwire = staticmethod(tripwire)

    def assert_tree(self, path: str | os.PathLike[str], **options: "Any") -> None:
        """As `fastprof.testing.assert_tree`; a relative path is below the directory."""
        __tracebackhide__ = True  # pytest
        assert_tree(self.stats, self._directory / path, **options)
