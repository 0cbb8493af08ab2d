"""Golden call trees: structure and counts in a file. Deterministic."""

import difflib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..output import replace_file
from ..profiler import Profiler
from ..stats import Stats
from .profiles import find, inexact, label_of, stats_of

if TYPE_CHECKING:
    from ..stats import Function
    from ..tree import Node

__all__ = ["UPDATE_VARIABLE", "assert_tree"]

SCHEMA = "fastprof-golden-1"
UPDATE_VARIABLE = "FASTPROF_UPDATE"
INDENT = 2

# What the tree says of one function under one caller: calls, and what it called, by
# name.
Branch = dict[str, "Any"]


def assert_tree(
    profile: Profiler | Stats,
    path: str | os.PathLike[str],
    *,
    root: "Any" = None,
    modules: Iterable[str] | None = None,
    tolerance: float = 0.0,
    update: bool | None = None,
) -> None:
    """Assert that the call tree is that of a golden file: deterministic.

    Who called whom is compared, and how often; times are not. Where several paths have
    the same functions by name, they are added up.

    Args:
        profile: Where it was recorded, with all paths.
        path: The file; JSON, made for being read in reviews.
        root: A function: what it called is compared, wherever that was called from.
            Left out, all that was recorded.
        modules: Only functions of these modules and packages; what others called counts
            as called by the nearest caller that is one of them. Name yours: then
            neither another Python nor another version of a library changes the tree.
        tolerance: By how much of the golden count calls may differ, 0.1 for a tenth.
        update: Write the file instead, and assert nothing. Left out, the environment
            variable FASTPROF_UPDATE says so if it is set, and not "0" (pytest's option
            --fastprof-update sets it).

    Raises:
        AssertionError: The trees differ, and how; or there is no golden file yet.
        ValueError: The profile does not have all paths, the calls of one of these
            functions are not exact, or the file is not one of these.
    """
    __tracebackhide__ = True  # pytest
    stats = stats_of(profile, need_tree=True)
    actual = _tree_of(stats, root, modules)
    path = Path(path)
    if update is None:
        update = os.environ.get(UPDATE_VARIABLE, "0") not in ("", "0")
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"schema": SCHEMA, "tree": actual}
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        replace_file(os.fspath(path), text.encode("utf-8", "backslashreplace"))
        return
    how = f"write it with update=True, {UPDATE_VARIABLE}=1, or pytest --fastprof-update"
    if not path.exists():
        raise AssertionError(f"{path}: there is no golden call tree yet; {how}")
    golden = _load(path)
    differences = _compare(golden, actual, tolerance)
    if differences:
        shown = "\n".join(_diff(golden, actual))
        raise AssertionError(
            f"the call tree is not that of {path}:\n"
            + "\n".join(differences)
            + f"\n\n{shown}\n\nIf that is meant to be so, {how}."
        )


def _tree_of(stats: Stats, root: "Any", modules: Iterable[str] | None) -> Branch:
    """Nested dicts: {name: {"calls": …, "called": {…}}}, sorted by name."""
    if isinstance(modules, str):
        raise TypeError("modules must be several names, not one string")
    packages = None if modules is None else tuple(modules)
    numbers = None
    if root is not None:
        found = find(stats, root)
        if found is None:
            raise AssertionError(f"{label_of(root)} was not called")
        numbers = {part.number for part in found.parts}
    for one in stats.functions:
        if one.precision != "exact" and _is_in(one, packages):
            raise inexact(one)
    tree: Branch = {}
    pending: list[tuple[Node, Branch | None]] = [
        (child, tree if numbers is None else None) for child in stats.tree.children
    ]
    while pending:
        node, into = pending.pop()
        if into is None and numbers is not None and node.number in numbers:
            into = tree
        if into is not None and node.kind != "gc" and _is_in(node, packages):
            branch = into.setdefault(node.full_name, {"calls": 0, "called": {}})
            branch["calls"] += node.calls
            into = branch["called"]
        pending += [(child, into) for child in node.children]
    return _sorted(tree)


def _is_in(node: "Function | Node", packages: tuple[str, ...] | None) -> bool:
    return packages is None or any(
        f"{node.module}.".startswith(f"{package}.") for package in packages
    )


def _sorted(tree: Branch) -> Branch:
    return {
        name: {"calls": branch["calls"], "called": _sorted(branch["called"])}
        for name, branch in sorted(tree.items())
    }


def _load(path: Path) -> Branch:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        tree = document["tree"]
        if document["schema"] != SCHEMA or not _is_tree(tree):
            raise ValueError("another schema")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: not a golden call tree of fastprof's ({error})"
        ) from None
    return dict(tree)


def _is_tree(tree: "Any") -> bool:
    return isinstance(tree, dict) and all(
        isinstance(branch, dict)
        and isinstance(branch.get("calls"), int)
        and _is_tree(branch.get("called"))
        for branch in tree.values()
    )


def _compare(golden: Branch, actual: Branch, tolerance: float) -> list[str]:
    """What differs, a line each."""
    lines = []
    pending: list[tuple[tuple[str, ...], Branch, Branch]] = [((), golden, actual)]
    while pending:
        above, old, new = pending.pop()
        for name in sorted({*old, *new}):
            where = " > ".join((*above, name))
            if name not in new:
                lines.append(f"  gone: {where}")
            elif name not in old:
                lines.append(f"  new: {where} ({new[name]['calls']} calls)")
            else:
                before, now = old[name]["calls"], new[name]["calls"]
                if abs(now - before) > tolerance * before:
                    lines.append(f"  {before} -> {now} calls: {where}")
                pending.append(
                    ((*above, name), old[name]["called"], new[name]["called"])
                )
    return lines


def _diff(golden: Branch, actual: Branch) -> "Iterable[str]":
    return difflib.unified_diff(
        _lines(golden), _lines(actual), "golden", "now", n=2, lineterm=""
    )


def _lines(tree: Branch, depth: int = 0) -> list[str]:
    lines = []
    for name, branch in tree.items():
        lines.append(f"{' ' * (INDENT * depth)}{branch['calls']} x {name}")
        lines += _lines(branch["called"], depth + 1)
    return lines
