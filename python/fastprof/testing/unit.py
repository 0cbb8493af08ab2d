"""The assertions for `unittest`."""

import sys
from pathlib import Path
from typing import Any

from .recording import Recording

__all__ = ["ProfileAssertions"]

__unittest = True  # unittest shows no frames of this module


class ProfileAssertions:
    """To be inherited beside `unittest.TestCase`, or any other test case.

        class Pages(ProfileAssertions, unittest.TestCase):
            def test_one_query(self):
                with self.profile():
                    render()
                self.assertCalls(db.query, at_most=1)

    The assertions are those of `fastprof.testing`, on what the last `with
    self.profile()` of this test recorded. What that answers is a `Recording`, which has
    the assertions too, and `stats`.
    """

    __recording: Recording | None = None

    def profile(self) -> Recording:
        """What records all threads within `with`."""
        self.__recording = Recording(_directory_of(type(self)))
        return self.__recording

    @property
    def __recorded(self) -> Recording:
        return self.__recording or Recording()  # which says that nothing was recorded

    def assertCalls(self, *args: "Any", **kwargs: "Any") -> None:
        """As `assert_calls`: how often a function was called."""
        self.__recorded.assert_calls(*args, **kwargs)

    def assertCallsPer(self, *args: "Any", **kwargs: "Any") -> None:
        """As `assert_calls_per`: how often within each call of another one."""
        self.__recorded.assert_calls_per(*args, **kwargs)

    def assertNotCalledFrom(self, *modules: str) -> None:
        """As `assert_not_called_from`: that nothing of these modules was called."""
        self.__recorded.assert_not_called_from(*modules)

    def assertShare(self, *args: "Any", **kwargs: "Any") -> None:
        """As `assert_share`: a function's share of the time."""
        self.__recorded.assert_share(*args, **kwargs)

    def assertTree(self, *args: "Any", **kwargs: "Any") -> None:
        """As `assert_tree`; a relative path is beside the test's file."""
        self.__recorded.assert_tree(*args, **kwargs)

    def assertScales(self, *args: "Any", **kwargs: "Any") -> None:
        """As `assert_scales`: how calls, or time, grow with the size of the input."""
        Recording.assert_scales(*args, **kwargs)

    def assertFaster(self, *args: "Any", **kwargs: "Any") -> None:
        """As `assert_faster`: that one callable is faster than another."""
        Recording.assert_faster(*args, **kwargs)

    def tripwire(self, *args: "Any", **kwargs: "Any") -> "Any":
        """As `tripwire`: acts at the very call that is one too many."""
        return Recording.tripwire(*args, **kwargs)


def _directory_of(case: type) -> Path:
    file = getattr(sys.modules.get(case.__module__), "__file__", None)
    return Path(file).parent if file else Path()
