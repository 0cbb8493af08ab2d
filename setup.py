"""Build of ``fastprof._fastprof`` and of the page of the HTML reports.

Everything else is in pyproject.toml.

Environment:
    UTHASH_INCLUDE_DIR: Folder that holds ``uthash.h``, asked before all others.
    FASTPROF_DEV: ``1`` turns warnings into errors.
    FASTPROF_SANITIZE: Sanitizers to build with, such as ``address,undefined``.
    FASTPROF_COVERAGE: ``1`` builds for gcov.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
VENDORED = Path("csrc", "vendor")
PAGE = ROOT / "python" / "fastprof" / "assets" / "report.html"
SYSTEM_INCLUDE_DIRS = (
    Path("/usr/include"),
    Path("/usr/local/include"),
    Path("/opt/homebrew/include"),
    Path("/opt/local/include"),
    Path(sys.prefix, "include"),
)
NO_UTHASH = """\
fastprof needs the header uthash.h, which is not on this machine.
Install it (Debian and Ubuntu: apt-get install uthash-dev; Fedora: dnf install
uthash-devel; macOS: brew install uthash), or set UTHASH_INCLUDE_DIR to the folder
that holds it, or install fastprof from its sdist, which carries the header."""


def switched_on(name: str) -> bool:
    """Whether the environment variable `name` asks for its switch."""
    return os.environ.get(name, "") not in ("", "0")


def uthash_include_dir(
    environ: Mapping[str, str] = os.environ,
    vendored: Path = ROOT / VENDORED,
    system: Sequence[Path] = SYSTEM_INCLUDE_DIRS,
) -> Path:
    """The folder of ``uthash.h``: the builder's choice, the sdist's, the system's."""
    chosen = environ.get("UTHASH_INCLUDE_DIR")
    for folder in [Path(chosen)] if chosen else [vendored, *system]:
        if (folder / "uthash.h").is_file():
            return folder
    if chosen:
        raise SystemExit(f"UTHASH_INCLUDE_DIR={chosen}: there is no uthash.h in it.")
    raise SystemExit(NO_UTHASH)


def compile_flags(compiler_type: str) -> list[str]:
    """The flags for every C file, by what the environment asks for."""
    if compiler_type != "unix":
        return ["/std:c11"] if compiler_type == "msvc" else []
    flags = ["-std=c11", "-O3", "-fvisibility=hidden", "-fno-tree-slp-vectorize"]
    if sys.platform == "linux":
        flags += ["-fno-semantic-interposition", "-fno-plt"]
    if switched_on("FASTPROF_DEV"):
        flags += ["-Wall", "-Wextra", "-Wshadow", "-Werror"]
    if switched_on("FASTPROF_COVERAGE"):
        flags += ["-O0", "-fprofile-update=atomic"]
    return flags + instrumentation()


def instrumentation() -> list[str]:
    """The flags that the compiler and the linker must both be given."""
    flags = []
    sanitizers = os.environ.get("FASTPROF_SANITIZE")
    if sanitizers:
        flags += [
            f"-fsanitize={sanitizers}",
            "-fno-sanitize-recover=all",
            "-fno-omit-frame-pointer",
        ]
    if switched_on("FASTPROF_COVERAGE"):
        flags.append("--coverage")
    return flags


class BuildExtension(build_ext):
    """Compiles with the flags of the environment, found when the build begins."""

    def finalize_options(self) -> None:
        """Always compile: objects do not tell which flags they were made with."""
        super().finalize_options()
        self.force = True

    def build_extensions(self) -> None:
        """Add what depends on the compiler and on the machine."""
        for extension in self.extensions:
            extension.include_dirs.append(str(uthash_include_dir()))
            extension.extra_compile_args = compile_flags(self.compiler.compiler_type)
            extension.extra_link_args = instrumentation()
        super().build_extensions()


def make_page() -> None:
    """Make the page of the HTML reports where there is Node.js; an sdist carries it."""
    is_there = PAGE.exists() and not (ROOT / "web" / "node_modules").exists()
    if is_there or not all(map(shutil.which, ("bash", "node", "npm"))):
        return
    if subprocess.run(["bash", "tools/web.sh"], cwd=ROOT).returncode:
        print("fastprof is built without HTML reports.", file=sys.stderr)


class BuildPython(build_py):
    """Packs the page of the HTML reports, too."""

    def run(self) -> None:
        """Make it first."""
        make_page()
        super().run()


class SourceDistribution(sdist):
    """Carries what a person who installs from it need not have.

    ``uthash.h``, and the page of the HTML reports.
    """

    def run(self) -> None:
        """Make the page first."""
        make_page()
        super().run()

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Put the header into the tree that is packed, not into this one."""
        super().make_release_tree(base_dir, files)
        target = Path(base_dir, VENDORED)
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(uthash_include_dir() / "uthash.h", target / "uthash.h")


def relative_paths(*patterns: str) -> list[str]:
    """The files that match, as setuptools wants them: relative and in one order."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for pattern in patterns
        for path in ROOT.glob(pattern)
    )


def extension() -> Extension:
    """The extension, from the engine's and the binding's sources."""
    return Extension(
        "fastprof._fastprof",
        sources=relative_paths("csrc/engine/*.c", "csrc/binding/*.c"),
        depends=relative_paths("csrc/engine/*.h", "csrc/binding/*.h"),
        libraries=[] if sys.platform == "win32" else ["m"],
    )


if __name__ == "__main__":
    setup(
        ext_modules=[extension()],
        cmdclass={
            "build_ext": BuildExtension,
            "build_py": BuildPython,
            "sdist": SourceDistribution,
        },
    )
