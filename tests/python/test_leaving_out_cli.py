"""The flags `--builtins slow` and `--max-overhead`."""

import subprocess
import sys

import fastprof
import pytest

PROFILED = [sys.executable, "-m", "fastprof"]
with_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="needs sys.monitoring: Python 3.12 and newer"
)
PROGRAM = """
def tiny(number):
    return abs(number)

def main():
    for number in range(200_000):
        tiny(number)

main()
"""


def run(tmp_path, *flags):
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    return subprocess.run(
        [*PROFILED, *flags, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@with_monitoring
@pytest.mark.parametrize("share", ["5%", "0.05", " 5 %"])
def test_a_bound(tmp_path, share):
    ended = run(tmp_path, "--max-overhead", share, "-o", "out.prof")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    stats = fastprof.load(tmp_path / "out.prof")
    assert not stats.is_exact
    assert {f.name: f.precision for f in stats.functions}["main"] == "exact"


@with_monitoring
def test_the_table_says_that_not_all_is_exact(tmp_path):
    ended = run(tmp_path, "--max-overhead", "5%")
    assert ended.returncode == 0
    assert "estimate" in ended.stdout


@with_monitoring
def test_slow(tmp_path):
    ended = run(tmp_path, "--builtins", "slow", "-o", "out.prof")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    precisions = {
        f.name: f.precision for f in fastprof.load(tmp_path / "out.prof").functions
    }
    assert precisions["tiny"] == "exact"
    assert precisions["<built-in method builtins.abs>"] == "lower_bound"


@pytest.mark.parametrize("share", ["much", "%", "0", "-5%", "2000%", "nan"])
def test_a_bound_that_is_none(tmp_path, share):
    ended = run(tmp_path, "--max-overhead", share)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "max" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("flags", [["--builtins", "slow"], ["--max-overhead", "5%"]])
def test_they_need_sys_monitoring(tmp_path, flags):
    ended = run(tmp_path, "--backend", "setprofile", *flags)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "sys.monitoring" in ended.stderr and "Traceback" not in ended.stderr


def test_as_cprofile_has_no_use_for_them(tmp_path):
    ended = run(tmp_path, "--as-cprofile", "--max-overhead", "5%")
    assert ended.returncode == 2 and "--max-overhead" in ended.stderr
