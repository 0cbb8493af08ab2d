"""The page of the HTML report, which is made from web/ when fastprof is built."""

import os

from ..errors import MissingExtraError

__all__ = ["check_page", "read_page"]

PAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "assets/report.html")
NO_PAGE = (
    "this fastprof cannot write HTML reports: it was installed from source on a "
    "machine without Node.js. Install a wheel of it, or install Node.js with npm, and "
    "run `make web` and `pip install .` in the source tree"
)


def check_page() -> None:
    """Find out whether there is one.

    Raises:
        MissingExtraError: There is none; it says how to get it.
    """
    if not os.path.exists(PAGE):
        raise MissingExtraError(NO_PAGE)


def read_page() -> bytes:
    """With a place for a profile.

    Raises:
        MissingExtraError: There is none.
    """
    check_page()
    with open(PAGE, "rb") as file:
        return file.read()
