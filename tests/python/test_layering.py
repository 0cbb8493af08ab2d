"""Dependencies point one way: engine, binding, python, and in each along its chain."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "csrc" / "engine"
BINDING = ROOT / "csrc" / "binding"
PACKAGE = ROOT / "python" / "fastprof"

# A file may use what stands to its left; a file that is in no chain has no place yet.
ENGINE_CHAIN = (
    "alloc",
    "status",
    "hash",
    "clock",
    "presence",
    "calltree",
    "suspensions",
    "pairs",
    "slowness",
    "recorder",
    "folding",
    "snapshot",
    "correction",
    "figures",
    "stats",
    "merge",
    "align",
    "codec",
)
BINDING_CHAIN = (
    "compat",
    "state",
    "work",
    "key",
    "label",
    "callable",
    "focus",
    "callsite",
    "thrift",
    "session",
    "making",
    "pace",
    "thread",
    "hook",
    "tool",
    "monitor",
    "bound",
    "monitored",
    "choosy",
    "collector",
    "region",
    "hook_setprofile",
    "hook_monitoring",
    "calibration",
    "export",
    "merging",
    "aligning",
    "profiler",
    "module",
)
PACKAGE_CHAIN = (
    "_version",
    "errors",
    "output",
    "_probes",
    "_core",
    "varint",
    "foreign_file",
    "cheap",
    "profile_file",
    "precision",
    "tree",
    "exact",
    "merging",
    "formats",
    "stats",
    "difference",
    "table",
    "focus",
    "aside",
    "remark",
    "windows",
    "signals",
    "profiler",
    "decorating",
    "testing",
    "dask",
    "holders",
    "as_cprofile",
    "terminal",
    "report",
    "screen",
    "live",
    "progress",
    "control",
    "launch",
    "notebook",
    "doctor",
    "viewers",
    "pytest_session",
    "pytest_plugin",
    "verbs",
    "cli",
    "__main__",
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
VERSION_QUESTION = re.compile(r"\bPY_(VERSION_HEX|(MAJOR|MINOR|MICRO)_VERSION)\b")

ENGINE_FILES = sorted(ENGINE.glob("*.[ch]"))
BINDING_FILES = sorted(BINDING.glob("*.[ch]"))
PACKAGE_FILES = sorted(PACKAGE.rglob("*.py"))


def of_the_right(chain, name, used):
    """What `name` uses although it does not stand to its left in the chain."""
    allowed = chain[: chain.index(name) + 1]
    return [other for other in used if other not in allowed]


def includes(text, opening):
    """The names in the includes that open with `opening`: a quote or a bracket."""
    return [name for delimiter, name in INCLUDE.findall(text) if delimiter == opening]


def stems(names):
    """The names without their ending, as the chains have them."""
    return [name.removesuffix(".h") for name in names]


def fastprof_modules_imported(source):
    """The modules of the package that a module of it imports, at whatever level."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "fastprof." if node.level else ""
            modules.update(
                f"{base}{node.module}" if node.module else f"{base}{name.name}"
                for name in node.names
            )
            if node.module == "fastprof" and not node.level:
                modules.update(f"fastprof.{name.name}" for name in node.names)
    return sorted(m.split(".")[1] for m in modules if m.startswith("fastprof."))


def by_name(path):
    """A file's name, as the name of a case."""
    return path.name


def test_there_are_files_to_judge():
    assert ENGINE_FILES and BINDING_FILES and PACKAGE_FILES


def test_what_stands_to_the_right_is_noticed():
    assert of_the_right(("a", "b", "c"), "b", ["a", "b", "c", "d"]) == ["c", "d"]


def test_every_way_to_write_an_include_is_noticed():
    text = '#include "a.h"\n  # include "b.h"\n#include <c.h>\n// #include "d.h"\n'
    assert includes(text, '"') == ["a.h", "b.h"]
    assert includes(text, "<") == ["c.h"]


@pytest.mark.parametrize(
    "source",
    [
        "import fastprof.stats",
        "from fastprof.stats import Stats",
        "from fastprof import stats",
        "from . import stats",
        "from .stats import Stats",
        "def late():\n    from .stats import Stats",
    ],
)
def test_every_way_to_write_an_import_is_noticed(source):
    assert fastprof_modules_imported(source) == ["stats"]


@pytest.mark.parametrize("path", ENGINE_FILES, ids=by_name)
def test_the_engine_uses_only_what_stands_to_the_left(path):
    used = stems(includes(path.read_text("utf-8"), '"'))
    assert of_the_right(ENGINE_CHAIN, path.stem, used) == []


@pytest.mark.parametrize("path", ENGINE_FILES, ids=by_name)
def test_the_engine_knows_nothing_of_python(path):
    text = path.read_text("utf-8")
    assert not [name for name in includes(text, "<") if "ython" in name]
    assert not re.search(r"\bPy[A-Z_]\w*", text)


@pytest.mark.parametrize("path", BINDING_FILES, ids=by_name)
def test_the_binding_uses_the_engine_and_what_stands_to_the_left(path):
    used = stems(includes(path.read_text("utf-8"), '"'))
    from_engine = [f"../engine/{name}" for name in ENGINE_CHAIN]
    own = [name for name in used if name not in from_engine]
    assert of_the_right(BINDING_CHAIN, path.stem, own) == []


def test_only_compat_asks_for_the_python_version():
    asking = [p.name for p in BINDING_FILES if VERSION_QUESTION.search(p.read_text())]
    assert sorted(asking) == ["compat.c", "compat.h"]


def test_only_hash_includes_uthash():
    files = ENGINE_FILES + BINDING_FILES
    users = [p.name for p in files if re.search(r'[<"/]uthash\.h', p.read_text())]
    assert users == ["hash.h"]


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=by_name)
def test_the_package_uses_only_what_stands_to_the_left(path):
    used = fastprof_modules_imported(path.read_text("utf-8"))
    if path == PACKAGE / "__init__.py":
        assert set(used) <= set(PACKAGE_CHAIN) - {
            "testing",
            "dask",
            "pytest_session",
            "pytest_plugin",
            "launch",
            "doctor",
            "viewers",
            "verbs",
            "cli",
            "__main__",
        }
    else:
        name, siblings = path.stem, {"_fastprof"}
        if path.parent != PACKAGE:
            name = path.parent.name
            siblings = {sibling.stem for sibling in path.parent.glob("*.py")}
        used = [module for module in used if module not in siblings]
        assert of_the_right(PACKAGE_CHAIN, name, used) == []


def test_only_core_imports_the_extension():
    importers = [
        path.name
        for path in PACKAGE_FILES
        if "_fastprof" in fastprof_modules_imported(path.read_text("utf-8"))
    ]
    assert importers == ["_core.py"]
