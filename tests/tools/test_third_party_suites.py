"""Other projects' test suites have the same results under `python -m fastprof`."""

import os
import pstats
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

SDISTS = Path(__file__).resolve().parents[2] / "build" / "sdists"
# Distribution, where its package lies, what of its tests is left out, how many it has
# at least.
SUITES = [
    ("attrs==26.1.0", "src", "", 1300),
    ("click==8.5.1", "src", "", 2300),
    ("jinja2==3.1.6", "src", "", 850),
    ("pyflakes==4.0.3", ".", "", 750),
]
# Its timeouts wait for a host that the network may or may not refuse. Its server, the
# current httpbin, needs Python 3.12.
if sys.version_info >= (3, 12):
    SUITES.append(("requests==2.34.2", "src", "not Timeout", 580))


def sdist(distribution, folder):
    """The project's tree, from its sdist on PyPI; downloaded once."""
    project = distribution.partition("==")[0]
    name = distribution.replace("==", "-")
    archive = SDISTS / f"{name}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        # Not `:all:`, which builds the build tools from source as well: minutes.
        command += [f"--no-binary={project}", "--dest", str(SDISTS), distribution]
        subprocess.run(command, check=True, timeout=300)
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(folder)
    return folder / name


def run_suite(python_options, tree, package, left_out):
    """The exit code, and what came of each test."""
    report = tree / "report.xml"
    command = [sys.executable, *python_options, "-m", "pytest", "-q"]
    command += ["-p", "no:cacheprovider", f"--junitxml={report}", "-k", left_out]
    done = subprocess.run(
        command,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": package, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert report.exists(), done.stdout + done.stderr
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        what = [child.tag for child in case if child.tag != "properties"]
        outcomes.setdefault((case.get("classname"), case.get("name")), []).append(what)
    return done.returncode, outcomes


@pytest.mark.parametrize(
    ("distribution", "package", "left_out", "at_least"),
    SUITES,
    ids=[suite[0] for suite in SUITES],
)
def test_results_are_unchanged(tmp_path, distribution, package, left_out, at_least):
    trees = [sdist(distribution, tmp_path / place) for place in ("alone", "profiled")]
    profile = tmp_path / "suite.prof"
    options = [], ["-m", "fastprof", "-o", str(profile)]
    with ThreadPoolExecutor(2) as pool:
        alone, profiled = pool.map(
            lambda option, tree: run_suite(option, tree, package, left_out),
            options,
            trees,
        )
    assert profiled == alone
    assert len(alone[1]) > at_least
    assert pstats.Stats(str(profile)).total_calls > 100_000
