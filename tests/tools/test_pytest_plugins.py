"""The pytest plugin with pytest-xdist and pytest-cov: each finds what it does alone."""

import json
import os
import subprocess
import sys

import fastprof
import pytest

PLUGINS = "-p", "fastprof.pytest_plugin", "-p", "xdist", "-p", "pytest_cov"
TESTS = 4
HAS_MONITORING = sys.version_info >= (3, 12)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shop.py").write_text(
        "def query(key):\n"
        "    return key\n"
        "\n"
        "def render(count):\n"
        "    for key in range(count):\n"
        "        query(key)\n"
        "    if count < 0:\n"
        "        return None\n"
    )
    (tmp_path / "test_shop.py").write_text(
        "import pytest, shop\n"
        f"@pytest.mark.parametrize('count', [10] * {TESTS})\n"
        "@pytest.mark.fastprof(max_calls={shop.query: 10})\n"
        "def test_render(count, fastprof):\n"
        "    with fastprof:\n"
        "        shop.render(count)\n"
        "    fastprof.assert_calls(shop.query, 10)\n"
        "    fastprof.assert_calls_per(shop.query, per=shop.render, exactly=10)\n"
    )
    return tmp_path


def run(project, *options, status=0, **environment):
    command = [sys.executable, "-m", "pytest", "-q", *PLUGINS, *options]
    child = subprocess.run(
        command,
        cwd=project,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert child.returncode == status, child.stdout + child.stderr
    return child.stdout


def total(project):
    return fastprof.load(project / ".fastprof" / "all.prof")


def test_workers_are_added_up(project):
    text = run(project, "-n2", "--fastprof")
    assert f"slowest tests, without fixtures, of {TESTS}:" in text
    assert text.count("hottest functions") == 1
    assert f"(all.prof is the sum of {TESTS})" in text
    assert total(project)["shop:query"].calls == 10 * TESTS


def test_runs_of_workers_are_added_up(project):
    text = run(project, "-n2", "--fastprof=run", "--fastprof-dir=profiles")
    assert "(all.prof is the sum of 2)" in text
    names = {path.name for path in (project / "profiles").iterdir()}
    assert names == {"run-gw0.prof", "run-gw1.prof", "all.prof"}
    stats = fastprof.load(project / "profiles" / "all.prof")
    assert stats["shop:query"].calls == 10 * TESTS


def test_a_worker_that_dies_takes_only_its_test_with_it(project):
    with open(project / "test_shop.py", "a") as file:
        file.write("\ndef test_dies():\n    import os\n    os._exit(3)\n")
    text = run(project, "-n2", "--fastprof", status=1)
    assert f"(all.prof is the sum of {TESTS})" in text


def test_a_baseline_by_workers(project):
    baseline = "--fastprof-baseline=calls.json"
    run(project, baseline, "--fastprof-update")
    alone = json.loads((project / "calls.json").read_text())["tests"]
    (project / "calls.json").unlink()
    run(project, "-n2", baseline, "--fastprof-update")
    workers = json.loads((project / "calls.json").read_text())["tests"]
    assert {name: one["calls"] for name, one in workers.items()} == {
        name: one["calls"] for name, one in alone.items()
    }
    run(project, "-n2", baseline)
    code = (project / "shop.py").read_text()
    slower = code.replace("query(key)\n    if", "[query(0) for _ in '123']\n    if")
    (project / "shop.py").write_text(slower)
    tests = (project / "test_shop.py").read_text()
    (project / "test_shop.py").write_text(
        tests.replace("10}", "30}").replace("10)", "30)")
    )
    text = run(project, "-n2", baseline, status=1)
    assert f"{TESTS} tests make more calls" in text


def test_a_marker_that_cannot_be_understood_by_workers(project):
    text = (project / "test_shop.py").read_text()
    (project / "test_shop.py").write_text(text.replace("max_calls", "max_cals"))
    text = run(project, "-n2", status=1)
    assert "the marker fastprof takes" in text
    assert f"{TESTS} failed" in text
    assert "INTERNALERROR" not in text


@pytest.mark.parametrize("workers", [[], ["-n2"]])
@pytest.mark.parametrize("mode", ["test", "run"])
@pytest.mark.parametrize("core", ["ctrace", "sysmon"])
def test_coverage_at_the_same_time(project, core, mode, workers):
    if core == "sysmon" and not HAS_MONITORING:
        pytest.skip("sys.monitoring is there from 3.12 on")
    text = run(
        project,
        *workers,
        f"--fastprof={mode}",
        "--cov=shop",
        "--cov-report=term-missing",
        COVERAGE_CORE=core,
    )
    (line,) = [line for line in text.splitlines() if line.startswith("shop.py")]
    assert line.split() == ["shop.py", "7", "1", "86%", "8"]
    assert total(project)["shop:query"].calls == 10 * TESTS
