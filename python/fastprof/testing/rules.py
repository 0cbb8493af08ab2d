"""What pytest's marker asserts on a test."""

from collections.abc import Mapping, Sequence
from typing import Any

from .baseline import figures_of
from .profiles import MOST_LINES, stats_of
from .recording import Recording

__all__ = ["Rules"]

KNOWN = "max_calls", "max_share", "not_called_from", "tree", "modules"


class Rules:
    """The arguments of `@pytest.mark.fastprof`."""

    def __init__(self, *unnamed: "Any", **named: "Any") -> None:
        """Check them.

        Raises:
            TypeError: There is no such argument, or it is of another type.
        """
        unknown = [repr(value) for value in unnamed] + [
            name for name in named if name not in KNOWN
        ]
        if unknown or not named:
            raise TypeError(
                f"the marker fastprof takes {', '.join(f'{name}=' for name in KNOWN)}, "
                f"not {', '.join(unknown) or 'nothing'}"
            )
        most = named.get("max_calls", {})
        self._total = most if _is_count(most) else None
        self._calls = {} if _is_count(most) else _limits("max_calls", most, _is_count)
        self._shares = _limits("max_share", named.get("max_share", {}), _is_share)
        self._forbidden = _names("not_called_from", named.get("not_called_from", ()))
        self._tree = named.get("tree")
        self._modules = (
            _names("modules", named["modules"]) if "modules" in named else None
        )
        if self._tree is None and self._modules is not None:
            raise TypeError("modules= is for tree=, the path of a golden call tree")

    def judge(self, recording: Recording, test: "Any") -> None:
        """Assert all on what a test has called.

        Args:
            recording: What was recorded.
            test: The test function; None if it is not known.

        Raises:
            AssertionError: A rule is broken.
            LookupError: There is no function of a name.
            ValueError: The profile, or the golden file, cannot be judged.
        """
        if self._total is not None:
            stats = stats_of(recording.stats, need_tree=True)
            _judge_total(figures_of(stats, test), self._total)
        for function, most in self._calls.items():
            recording.assert_calls(function, at_most=most)
        if self._forbidden:
            recording.assert_not_called_from(*self._forbidden)
        for function, share in self._shares.items():
            recording.assert_share(function, at_most=share)
        if self._tree is not None:
            recording.assert_tree(self._tree, root=test, modules=self._modules)


def _judge_total(figures: "dict[str, Any]", most: int) -> None:
    if figures["calls"] > most:
        shown = list(figures["functions"].items())[:MOST_LINES]
        raise AssertionError(
            f"the test made {figures['calls']:,} calls, not at most {most:,}:\n"
            + "\n".join(f"{count:12,} x {name}" for name, count in shown)
        )


def _is_count(value: "Any") -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: "Any") -> bool:
    return isinstance(value, int | float) and 0.0 <= value <= 1.0


def _limits(name: str, value: "Any", is_right: "Any") -> "dict[Any, Any]":
    if not isinstance(value, Mapping) or not all(map(is_right, value.values())):
        what = "calls, or a number" if is_right is _is_count else "shares from 0 to 1"
        raise TypeError(f"{name}= must be a dict of functions and {what}: {value!r}")
    return dict(value)


def _names(name: str, value: "Any") -> tuple[str, ...]:
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(isinstance(one, str) for one in value)
    ):
        raise TypeError(f"{name}= must be a list of modules, not {value!r}")
    return tuple(value)
