"""Which functions are recorded: `include`, `exclude`, `stdlib`, `site_packages`."""

import os
import types
from collections.abc import Callable, Iterable

from .stats import unwrapped

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

    Predicate = Callable[[str | None, types.CodeType], object]

__all__ = ["predicate_of"]

PACKAGE_FOLDERS = "site-packages", "dist-packages"


def predicate_of(
    include: "Any", exclude: "Any", stdlib: bool, site_packages: bool
) -> "Predicate | None":
    """What tells whether a function is recorded; None: all are.

    Raises:
        TypeError, ValueError: An option is none.
    """
    for name, flag in (("stdlib", stdlib), ("site_packages", site_packages)):
        if not isinstance(flag, bool):
            raise ValueError(f"{name} must be True or False, not {flag!r}")
    if include is None and exclude is None and stdlib and site_packages:
        return None
    wanted = None if include is None else _test_of("include", include)
    unwanted = None if exclude is None else _test_of("exclude", exclude)

    def is_inside(module: str | None, code: types.CodeType) -> bool:
        if wanted is not None and not wanted(module, code):
            return False
        if unwanted is not None and unwanted(module, code):
            return False
        if stdlib and site_packages:
            return True
        place = _place_of(code.co_filename)
        return (stdlib or place != "stdlib") and (site_packages or place != "site")

    return is_inside


def _test_of(option: str, value: "Any") -> "Predicate":
    """Of a list, whether any of its items fits; a predicate is its own."""
    if isinstance(value, str):
        value = [value]
    elif callable(value):
        predicate: Predicate = value
        return predicate
    if not isinstance(value, Iterable):
        raise TypeError(
            f"{option} must be a list of modules, patterns and functions, or a "
            f"predicate, not {value!r}"
        )
    codes: set[int] = set()
    kept: list[types.CodeType] = []  # so that no other code gets the address
    patterns: list[str] = []
    for item in value:
        if isinstance(item, str) and item:
            patterns.append(item)
            continue
        code = _code_of(item)
        if code is None:
            raise TypeError(
                f"{option}: {item!r} is no module's name, no pattern and no function "
                "that is written in Python"
            )
        codes.add(id(code))
        kept.append(code)

    def fits(module: str | None, code: types.CodeType) -> bool:
        return id(code) in codes or any(_fits(one, module, code) for one in patterns)

    fits.kept = kept  # type: ignore[attr-defined]
    return fits


def _code_of(item: "Any") -> types.CodeType | None:
    item = unwrapped(item)
    code = getattr(item, "__code__", item)
    return code if isinstance(code, types.CodeType) else None


def _fits(pattern: str, module: str | None, code: types.CodeType) -> bool:
    """A module or package, "module:qualified name", or a path; all may be patterns."""
    from fnmatch import fnmatchcase

    if os.sep in pattern or pattern.endswith(".py"):
        file = os.path.abspath(code.co_filename)
        path = os.path.abspath(pattern)
        return fnmatchcase(file, path) or file.startswith(path + os.sep)
    name = module or ""
    if ":" in pattern:
        qualname = getattr(code, "co_qualname", code.co_name)
        return fnmatchcase(f"{name}:{qualname}", pattern)
    if fnmatchcase(name, pattern):
        return True
    return name.startswith(f"{pattern}.")


def _place_of(file: str) -> str:
    """Which kind of code: "site" if installed, "stdlib", "" if the program's own."""
    if file.startswith("<frozen "):
        return "stdlib"
    folders = os.path.abspath(file).split(os.sep)
    if any(folder in PACKAGE_FOLDERS for folder in folders):
        return "site"
    # The folder that os.py is in: sysconfig would have to be imported.
    root = os.path.dirname(os.path.abspath(os.__file__))
    prefix = os.path.join(os.path.realpath(root), "")
    return "stdlib" if os.path.realpath(file).startswith(prefix) else ""
