"""The pytest plugin: fixture, marker, and options."""

import functools
import json
import os
import subprocess
import sys

import fastprof
import fastprof.testing.recording
import pytest
from fastprof.formats import FORMATS
from fastprof.pytest_session import _merge

pytest_plugins = ["pytester"]

SHOP = """
def query(key):
    for _ in range(1000):
        pass
    return key

def render(count):
    return [query(key) for key in range(count)]

def cheap():
    return 1
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with a module `shop`, and its tests as a text."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # Other people's plugins would be imported anew in each run.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(shop=SHOP)
    pytester.makeini("[pytest]\naddopts = --strict-markers -p fastprof.pytest_plugin")

    def make(text, **files):
        pytester.makepyfile(
            test_shop=f"import pytest, shop, sys, time\n\n{text}", **files
        )
        return pytester

    return make


def run(project, *options):
    return project.runpytest("-q", *options)


def profiles(project, directory=".fastprof"):
    """The tests' profiles by the names of the tests."""
    return {
        path.name.rsplit("-", 1)[0].removeprefix("test_shop.py-"): fastprof.load(path)
        for path in (project.path / directory).glob("*-*.prof")
    }


# ---- the fixture ----


def test_the_fixture_records_and_asserts(project):
    tests = project("""
def test_right(fastprof):
    with fastprof:
        shop.render(3)
    fastprof.assert_calls(shop.query, 3)
    fastprof.assert_calls_per(shop.query, per=shop.render, exactly=3)
    fastprof.assert_not_called_from("json")
    fastprof.assert_share(shop.query, at_most=1.0)
    fastprof.assert_scales(shop.render, [10, 20, 40], "n")
    fastprof.assert_faster(shop.cheap, lambda: shop.render(1000))
    assert fastprof.stats[shop.render].calls == 1
    with fastprof.tripwire(shop.query, calls=3):
        shop.render(3)

def test_wrong(fastprof):
    with fastprof:
        shop.render(3)
    fastprof.assert_calls(shop.query, 2)

def test_never(fastprof):
    fastprof.assert_calls(shop.query, 2)
""")
    result = run(tests)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            ">       fastprof.assert_calls(shop.query, 2)",
            "E       AssertionError: shop:query was called 3 times, not 2",
            "E       RuntimeError: nothing was recorded: put the calls into a with *",
        ]
    )
    # No code of ours is shown.
    result.stdout.no_fnmatch_line("*raise *Error(*")


def test_golden_trees_are_beside_the_test(project):
    tests = project("""
def test_tree(fastprof):
    with fastprof:
        shop.render(3)
    fastprof.assert_tree("golden/fixture.json", modules=["shop"])

@pytest.mark.fastprof(tree="golden/marker.json", modules=["shop"])
def test_marker():
    shop.render(3)
""")
    result = run(tests)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*there is no golden call tree yet*"])
    run(tests, "--fastprof-update").assert_outcomes(passed=2)
    assert "FASTPROF_UPDATE" not in os.environ
    for name in ("fixture", "marker"):
        tree = json.loads((tests.path / "golden" / f"{name}.json").read_text())["tree"]
        assert tree["shop:render"]["calls"] == 1
    run(tests).assert_outcomes(passed=2)
    tests.makepyfile(shop=SHOP.replace("range(count)", "range(count + 1)"))
    result = tests.runpytest_subprocess("-q")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*3 -> 4 calls: *shop:query*"])


# ---- the marker ----

RULES = {
    "max_calls=4": "the test made 5 calls, not at most 4:",
    "max_calls={shop.query: 3}": "shop:query was called 4 times, not at most 3",
    'max_calls={"shop:query": 3}': "shop:query was called 4 times, not at most 3",
    "max_share={shop.query: 0.0}": "*at most 0.0% is right",
    'not_called_from=["shop"]': "2 functions of shop were called:",
    'max_calls={"shop:qury": 1}': "*nor is there a function of that name*",
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_broken(project, rule):
    tests = project(f"""
@pytest.mark.fastprof({rule})
def test_wrong():
    {"[*map(shop.query, range(4))]; shop.cheap()"}
""")
    result = run(tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([RULES[rule]])
    result.stdout.no_fnmatch_line("*Error*fastprof*")
    result.stdout.no_fnmatch_line("*During handling*")


@pytest.mark.parametrize(
    "rule",
    [
        "max_calls=5",
        "max_calls={shop.query: 4}",
        "max_share={shop.query: 1.0}",
        'not_called_from=["json"]',
    ],
)
def test_a_rule_that_holds(project, rule):
    tests = project(f"""
@pytest.mark.fastprof({rule})
class TestAll:
    def test_right(self):
        [*map(shop.query, range(4))]; shop.cheap()

    @pytest.mark.fastprof(max_calls=4)
    def test_both(self):
        [*map(shop.query, range(4))]; shop.cheap()
""")
    run(tests).assert_outcomes(passed=1, failed=1)


def test_only_what_the_test_calls_counts(project):
    tests = project("""
import gc, threading

class Garbage:
    def __init__(self): self.itself = self
    def __del__(self): shop.render(50)

@pytest.fixture
def prepared():
    shop.render(100)
    yield
    shop.render(100)

@pytest.mark.fastprof(max_calls=3)
def test_right(prepared):
    import bisect_of_mine
    Garbage()
    gc.collect()
    shop.cheap()
""")
    tests.makepyfile(bisect_of_mine="import shop\nshop.render(20)\n")
    run(tests).assert_outcomes(passed=1)


def test_a_test_that_fails_or_is_skipped_is_not_judged(project):
    tests = project("""
@pytest.mark.fastprof(max_calls=0)
def test_fails():
    shop.cheap()
    assert shop.cheap() == 2

@pytest.mark.fastprof(max_calls=0)
def test_skips():
    shop.cheap()
    pytest.skip("for a reason")

@pytest.mark.xfail(strict=True)
@pytest.mark.fastprof(max_calls=0)
def test_is_expected_to_fail():
    shop.cheap()
""")
    result = run(tests)
    result.assert_outcomes(failed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["E       assert 1 == 2"])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("max_cals=3", "not max_cals"),
        ("3", "not 3"),
        ("", "not nothing"),
        ("max_calls=-1", "max_calls= must be a dict*-1"),
        ("max_calls=True", "max_calls= must be a dict*True"),
        ("max_share={shop.query: 50}", "max_share= must be a dict*"),
        ('not_called_from="json"', "not_called_from= must be a list of modules*"),
        ('modules=["shop"]', "modules= is for tree=*"),
    ],
)
def test_a_marker_that_cannot_be_understood(project, arguments, problem):
    tests = project(f"""
@pytest.mark.fastprof({arguments})
def test_any():
    pass
""")
    result = run(tests)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: test_shop.py::test_any: *{problem}"])


def test_the_marker_is_documented(pytester):
    result = pytester.runpytest("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.fastprof(max_calls, max_share, *"])


# ---- --fastprof ----

TWO = """
@pytest.fixture
def prepared():
    shop.render(7)
    yield
    shop.render(7)

def test_one(prepared):
    shop.render(10_000)

@pytest.mark.parametrize("path", ["a/b", "a:b"])
def test_two(path):
    shop.cheap()
"""


def test_each_test_is_profiled(project):
    tests = project(TWO)
    result = run(tests, "--fastprof")
    result.assert_outcomes(passed=3)
    found = profiles(tests)
    assert found["test_one"]["shop:query"].calls == 10_000
    files = sorted(path.name for path in (tests.path / ".fastprof").iterdir())
    assert len(files) == 4 and "all.prof" in files
    total = fastprof.load(tests.path / ".fastprof" / "all.prof")
    assert total["shop:query"].calls == 10_000
    assert total["shop:cheap"].calls == 2
    result.stdout.fnmatch_lines(
        [
            "slowest tests, without fixtures, of 3:",
            "* s *10,00? calls  test_shop.py::test_one",
            "hottest functions, of all tests:",
            "* 10000 *shop:query*",
            "profiles: *.fastprof (all.prof is the sum of 3)",
        ]
    )


def test_the_whole_run_is_profiled(project):
    tests = project(TWO)
    result = run(tests, "--fastprof=run", "--fastprof-dir", "out/put")
    result.assert_outcomes(passed=3)
    stats = fastprof.load(tests.path / "out" / "put" / "run.prof")
    assert stats["shop:query"].calls == 10_014
    result.stdout.fnmatch_lines(
        ["slowest tests*of 3:", "hottest functions*", "profiles: *put (all.prof*of 1)"]
    )


def test_the_fixture_and_the_marker_count_at_the_same_time(project):
    tests = project("""
@pytest.mark.fastprof(max_calls={shop.query: 9})
def test_both(fastprof):
    shop.render(5)
    with fastprof:
        shop.render(4)
    fastprof.assert_calls(shop.query, 4)
""")
    run(tests, "--fastprof").assert_outcomes(passed=1)
    assert profiles(tests)["test_both"]["shop:query"].calls == 9


def test_tests_of_unittest(project):
    tests = project("""
import unittest

class TestShop(unittest.TestCase):
    def test_one(self):
        shop.render(3)

    @pytest.mark.fastprof(max_calls=3)
    def test_two(self):
        shop.render(3)
""")
    result = run(tests, "--fastprof")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the test made * calls, not at most 3:"])
    assert profiles(tests)["TestShop-test_one"]["shop:query"].calls == 3


class Html:
    """Stands for the module that writes HTML."""

    @staticmethod
    def encode(stats):
        return b"<html>%d" % stats["shop:query"].calls


def test_html(project, monkeypatch):
    monkeypatch.setitem(FORMATS, "html", (".html",))
    monkeypatch.setitem(sys.modules, "fastprof.formats.html", Html)
    tests = project("def test_one():\n    shop.render(3)")
    run(tests, "--fastprof", "--fastprof-html").assert_outcomes(passed=1)
    pages = sorted((tests.path / ".fastprof").glob("*.html"))
    assert [page.read_text() for page in pages] == ["<html>3", "<html>3"]
    assert pages[0].name == "all.html"


def test_no_html(project, monkeypatch):
    monkeypatch.delitem(FORMATS, "html", raising=False)
    tests = project("def test_one():\n    shop.render(3)")
    result = run(tests, "--fastprof", "--fastprof-html")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*hottest functions*", "fastprof: *.html: *format*"])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--fastprof=rnu"], "*takes test or run, not 'rnu'*"),
        (["--fastprof", "test_shop.py"], "*write --fastprof=test before a path"),
        (["--fastprof-html"], "ERROR: *are for --fastprof, which is missing"),
        (["--fastprof", "--fastprof-dir=shop.py"], "ERROR: *cannot make *shop.py: *"),
    ],
)
def test_options_that_cannot_be_understood(project, options, problem):
    result = run(project("def test_one(): pass"), *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([problem])


def test_a_profile_that_cannot_be_written(project):
    tests = project("""
def test_one():
    import shutil
    shutil.rmtree(".fastprof")
""")
    result = run(tests, "--fastprof")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["fastprof: cannot write *.prof: No such file*"])


def test_another_profiler_in_the_way(project, foreign_profiler):
    tests = project("""
@pytest.mark.fastprof(max_calls=0)
def test_one():
    shop.cheap()

def test_two():
    shop.cheap()
""")
    for mode, problem in (("test", "tests were"), ("run", "the run was")):
        with foreign_profiler():
            result = run(tests, f"--fastprof={mode}")
        result.assert_outcomes(passed=2, warnings=1)
        result.stdout.fnmatch_lines(
            [
                "*the marker fastprof is not judged: *",
                f"fastprof: {problem} not recorded*",
            ]
        )
        text = result.stdout.str()
        assert text.count("not recorded") == 1


def test_profiles_of_which_some_are_compensated_have_a_sum(tmp_path):
    files = []
    for compensate in (True, False):
        with fastprof.Profiler(compensate=compensate) as profiler:
            abs(-1)
        files.append(tmp_path / f"{compensate}.prof")
        profiler.save(files[-1])
    total = _merge(files)
    assert total[abs].calls == 2
    assert not total.compensated


# ---- --fastprof-baseline ----

GROWING = """
def test_one():
    shop.render({})

def test_two():
    shop.cheap()
"""


def baseline(project, *options):
    return run(project, "--fastprof-baseline", "calls.json", *options)


def test_calls_that_grow_fail_the_run(project):
    tests = project(GROWING.format(100))
    assert baseline(tests).ret == pytest.ExitCode.USAGE_ERROR
    baseline(tests, "--fastprof-update").assert_outcomes(passed=2)
    assert baseline(tests).ret == pytest.ExitCode.OK
    assert not (tests.path / ".fastprof").exists()
    project(GROWING.format(1000))
    result = baseline(tests)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "baseline: *calls.json: 1 tests make more calls",
            "  test_shop.py::test_one: 10? -> 1,00? calls",
            "    100 -> 1,000 x shop:query",
            "  time (not judged): * s -> * s",
        ]
    )
    baseline(tests, "--fastprof-update").assert_outcomes(passed=2)
    assert baseline(tests).ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("before", "now", "ret"),
    [(100, 109, 0), (100, 120, 1), (5, 15, 0), (5, 16, 1), (100, 50, 0)],
)
def test_a_tenth_and_ten_calls_more_are_none(project, before, now, ret):
    tests = project(GROWING.format(before))
    baseline(tests, "--fastprof-update")
    project(GROWING.format(now))
    assert baseline(tests).ret == ret


def test_tests_that_are_not_in_the_baseline(project):
    tests = project(GROWING.format(3))
    baseline(tests, "--fastprof-update", "-k", "test_one")
    result = baseline(tests)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["  1 tests are not in it; --fastprof-update adds them"]
    )
    baseline(tests, "--fastprof-update", "-k", "test_two")
    stored = json.loads((tests.path / "calls.json").read_text())["tests"]
    assert set(stored) == {"test_shop.py::test_one", "test_shop.py::test_two"}
    assert stored["test_shop.py::test_one"]["functions"]["shop:query"] == 3


def test_a_failed_test_is_neither_stored_nor_compared(project):
    tests = project("def test_one():\n    assert shop.cheap() == 2")
    baseline(tests, "--fastprof-update").assert_outcomes(failed=1)
    assert json.loads((tests.path / "calls.json").read_text())["tests"] == {}


def test_a_profile_without_all_paths_is_no_proof(project, monkeypatch):
    small = functools.partial(fastprof.Profiler, max_nodes=20)
    tests = project("""
def test_one():
    shop.render(3)

@pytest.mark.fastprof(max_calls=1000)
def test_two():
    shop.render(3)
""")
    monkeypatch.setattr(fastprof.testing.recording, "Profiler", small)
    result = baseline(tests, "--fastprof-update")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "the profile does not have all paths: *",
            "fastprof: test_shop.py::test_one: more paths than are kept: *",
        ]
    )
    assert json.loads((tests.path / "calls.json").read_text())["tests"] == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "there is no such baseline yet; pytest --fastprof-update writes it"),
        ("{", "this is no baseline of fastprof's*"),
        ('{"schema": 1}', "this is no baseline of fastprof's*"),
        ('{"schema": "x", "python": "3.1", "tests": {}}', "'x' is not *"),
        (
            '{"schema": "fastprof-baseline-1", "python": "3.1", "tests": {}}',
            "it is of Python 3.1, and this is *",
        ),
        (
            '{"schema": "fastprof-baseline-1", "python": "3.1", "tests": {"a": {}}}',
            "this is no baseline of fastprof's*",
        ),
    ],
)
def test_a_baseline_that_cannot_be_used(project, text, problem):
    tests = project("def test_one(): pass")
    if text is not None:
        (tests.path / "calls.json").write_text(text)
    result = baseline(tests)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --fastprof-baseline: *calls.json: {problem}"])


# ---- pytest itself ----


def test_pytest_finds_the_plugin_and_imports_no_more(pytester):
    pytester.makepyfile("""
import sys

def test_one():
    names = [name for name in sys.modules if name.startswith("fastprof.")]
    assert "fastprof.pytest_plugin" in names
    assert not [name for name in names if "testing" in name or "session" in name]
""")
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_pytest_runs_without_the_plugin(pytester):
    pytester.makepyfile("def test_one(): pass")
    pytester.runpytest_subprocess("-p", "no:fastprof").assert_outcomes(passed=1)
    result = pytester.runpytest_subprocess("-p", "no:fastprof", "--fastprof")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_run_that_is_itself_profiled(project):
    tests = project("""
@pytest.mark.fastprof(max_calls={shop.query: 3})
def test_one():
    shop.render(3)
""")
    command = [sys.executable, "-m", "fastprof", "-o", "outer.prof", "-m", "pytest"]
    subprocess.run([*command, "-q", "--fastprof"], check=True, cwd=tests.path)
    outer = fastprof.load(tests.path / "outer.prof")
    assert outer["shop:query"].calls == 3
    assert not outer.select(module="fastprof")
    assert profiles(tests)["test_one"]["shop:query"].calls == 3


def test_a_run_under_cprofile(project):
    """From 3.12 on both record; before that there is room for one."""
    tests = project("def test_one():\n    shop.render(3)")
    command = [sys.executable, "-m", "cProfile", "-o", "outer.prof", "-m", "pytest"]
    child = subprocess.run(
        [*command, "-q", "--fastprof"], cwd=tests.path, capture_output=True, text=True
    )
    assert child.returncode == 0, child.stdout + child.stderr
    outer = fastprof.load(tests.path / "outer.prof")
    (query,) = outer.select(pattern=":query$", file="*shop.py")
    assert query.calls == 3
    if sys.version_info >= (3, 12):
        assert profiles(tests)["test_one"]["shop:query"].calls == 3
    else:
        assert "fastprof: tests were not recorded:" in child.stdout
        assert "1 passed" in child.stdout


def test_a_profiled_pytest_whose_warnings_are_errors(tmp_path, monkeypatch):
    """It finds our plugin by itself, and us imported before it."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert 1\n")
    command = [sys.executable, "-m", "fastprof", "-o", tmp_path / "run.prof"]
    command += ["-m", "pytest", "-q", "-W", "error::pytest.PytestAssertRewriteWarning"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
