"""What a person installs is whole: the extension, its stub, and the uthash header.

With the page of the HTML reports, where there is Node.js to make it.
"""

import importlib.metadata
import os
import runpy
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import fastprof
import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = Path(fastprof.__file__).resolve().parent

A_TINY_PROFILE = """
import pstats
import fastprof

profiler = fastprof.Profile()
assert profiler.runcall(sorted, [2, 1], key=lambda number: -number) == [2, 1]
calls = {key[2]: figures[1] for key, figures in pstats.Stats(profiler).stats.items()}
assert calls["<lambda>"] == 2, calls
"""


def run(*command, **environ):
    """Run a command to its end; its output, or a failure that shows it."""
    completed = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environ,
    )
    assert completed.returncode == 0, completed.stdout
    return completed.stdout


@pytest.fixture(scope="module")
def uthash_include_dir():
    """The function of setup.py that finds the header."""
    return runpy.run_path(str(ROOT / "setup.py"))["uthash_include_dir"]


@pytest.fixture
def folders(tmp_path):
    """Three folders, the first of which holds no uthash.h."""
    empty, one, other = (tmp_path / name for name in ("empty", "one", "other"))
    for folder in (empty, one, other):
        folder.mkdir()
    for folder in (one, other):
        (folder / "uthash.h").touch()
    return empty, one, other


def test_the_installed_package_is_tested():
    site_packages = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    assert str(INSTALLED.parent) in {str(Path(p).resolve()) for p in site_packages}


def test_the_version_is_the_same_everywhere():
    assert fastprof.__version__ == importlib.metadata.version("fastprof")


def test_types_are_installed():
    assert (INSTALLED / "py.typed").is_file()
    assert (INSTALLED / "_fastprof.pyi").is_file()


def test_the_stub_tells_what_the_extension_has(tmp_path):
    run(
        sys.executable,
        *("-m", "mypy.stubtest", "fastprof._fastprof"),
        MYPY_CACHE_DIR=str(tmp_path),
    )


def test_the_folder_that_the_builder_names_is_asked_first(uthash_include_dir, folders):
    _, one, other = folders
    assert uthash_include_dir({"UTHASH_INCLUDE_DIR": str(one)}, other, [other]) == one


def test_the_sdists_own_header_goes_before_the_systems(uthash_include_dir, folders):
    _, one, other = folders
    assert uthash_include_dir({}, one, [other]) == one


def test_the_systems_header_is_found(uthash_include_dir, folders):
    empty, one, other = folders
    assert uthash_include_dir({}, empty, [empty, one, other]) == one


def test_a_folder_named_in_vain_is_an_error(uthash_include_dir, folders):
    empty, one, other = folders
    with pytest.raises(SystemExit, match="UTHASH_INCLUDE_DIR=.*empty"):
        uthash_include_dir({"UTHASH_INCLUDE_DIR": str(empty)}, one, [other])


def test_without_the_header_the_builder_is_told_what_to_install(
    uthash_include_dir, folders
):
    empty, _, _ = folders
    with pytest.raises(SystemExit, match="uthash-dev"):
        uthash_include_dir({}, empty, [empty])


@pytest.fixture
def make_page(tmp_path, monkeypatch):
    """The function of setup.py, for another tree, and where the page is to be.

    Programs are those in `tmp_path`; bash makes the page.
    """
    function = runpy.run_path(str(ROOT / "setup.py"))["make_page"]
    monkeypatch.setitem(function.__globals__, "ROOT", tmp_path)
    page = tmp_path / "report.html"
    monkeypatch.setitem(function.__globals__, "PAGE", page)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in "bash", "npm", "node":
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n[ $1 = tools/web.sh ] && echo new > {page}\n")
        program.chmod(0o755)
    return function, page


def test_the_page_is_made_where_there_is_node(make_page):
    make, page = make_page
    make()
    assert page.read_text() == "new\n"


def test_the_sdists_own_page_is_kept(make_page):
    make, page = make_page
    page.write_text("the sdist's")
    make()
    assert page.read_text() == "the sdist's"


@pytest.mark.parametrize("missing", ["node", "npm", "bash"])
def test_without_node_the_page_is_left_out(make_page, missing):
    make, page = make_page
    (page.parent / missing).unlink()
    make()
    assert not page.exists()


def test_when_the_page_cannot_be_made_the_rest_is_built(make_page, capfd):
    make, page = make_page
    (page.parent / "bash").write_text("#!/bin/sh\nexit 1\n")
    make()
    assert "without HTML reports" in capfd.readouterr().err
    assert not page.exists()


def test_the_sdist_installs_where_there_is_no_uthash(tmp_path):
    run(sys.executable, "-m", "build", "--sdist", f"--outdir={tmp_path}", str(ROOT))
    (sdist,) = tmp_path.glob("fastprof-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"csrc/vendor/uthash.h", "csrc/engine/hash.h", "LICENSE"} <= names

    # CPATH comes after the build's own -I and before the system: who looks for the
    # header anywhere but in the sdist gets this one.
    poisoned = tmp_path / "poisoned"
    poisoned.mkdir()
    (poisoned / "uthash.h").write_text("#error the header of the system was taken\n")
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=True)
    python = str(fresh / "bin" / "python")
    run(python, "-m", "pip", "install", str(sdist), CPATH=str(poisoned))
    run(python, "-c", A_TINY_PROFILE)
