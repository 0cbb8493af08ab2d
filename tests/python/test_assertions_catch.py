"""A project whose code is made slower: each assertion notices what it claims to.

The project's tests pass; after each change to its code exactly those fail that are
there for it.
"""

import sys

import pytest

pytest_plugins = ["pytester"]

SHOP = '''
import bisect


def query(keys):
    """What stands for the database."""
    found = {}
    for key in keys:
        found[key] = key * 2
    return found


def page(keys):
    rows = query(keys)
    return [line(rows[key]) for key in keys]


def line(row):
    return row + 1


def total(prices):
    return sum(line(price) for price in prices)


def sorted_by_hand(values):
    done = []
    for value in values:
        bisect.insort(done, value)
    return done


def check(text):
    return len(text)


def parse(text):
    check(text)
    found = []
    for word in text.split(","):
        for letter in word:
            found.append(letter)
    return found


def lookup(names, wanted):
    known = set(names)
    return [name for name in wanted if name in known]
'''

TESTS = """
import unittest

import pytest
import shop
from fastprof.testing import ProfileAssertions

KEYS = range(20)


@pytest.mark.fastprof(max_calls={shop.query: 1})
def test_marker_of_calls():
    shop.page(KEYS)


@pytest.mark.fastprof(max_calls=50)
def test_marker_of_all_calls():
    shop.page(KEYS)


@pytest.mark.fastprof(not_called_from=["json"])
def test_marker_of_modules():
    shop.page(KEYS)


@pytest.mark.fastprof(max_share={shop.check: 0.5})
def test_marker_of_shares():
    shop.parse("abcdefgh," * 2000)


@pytest.mark.fastprof(tree="tree.json", modules=["shop"])
def test_marker_of_trees():
    shop.page(KEYS)


def test_calls_per(fastprof):
    with fastprof:
        for _ in range(5):
            shop.page(KEYS)
    fastprof.assert_calls_per(shop.query, per=shop.page, at_most=1)


def test_wire(fastprof):
    with fastprof.tripwire(shop.query, calls=1, per=shop.page):
        shop.page(KEYS)
        shop.page(KEYS)


def test_growth_of_calls(fastprof):
    fastprof.assert_scales(shop.total, [50, 100, 200, 400], "n", make=range)


def test_growth_of_time(fastprof):
    fastprof.assert_scales(
        lambda names: shop.lookup(names, names),
        [500, 1000, 2000, 4000],
        "n",
        make=lambda n: [str(i) for i in range(n)],
        by="time",
    )


def test_faster(fastprof):
    names = [str(i) for i in range(2000)]

    def slowly():
        return [name for name in names[:200] if name in names]

    fastprof.assert_faster(lambda: shop.lookup(names, names[:200]), slowly, by=1.5)


class TestShop(ProfileAssertions, unittest.TestCase):
    def test_unit(self):
        with self.profile():
            shop.page(KEYS)
        self.assertCalls(shop.query, at_most=1)
"""

# No comprehension, which is a call of its own up to Python 3.11.
PER_KEY = (
    "rows = query(keys)",
    "rows = {}\n    for key in keys: rows[key] = query([key])[key]",
)
N_PLUS_1 = {
    "test_marker_of_calls",
    "test_marker_of_trees",
    "test_calls_per",
    "test_wire",
    "test_unit",
}
MUTATIONS = {
    "nothing": (("", ""), set()),
    "a query for each key": (PER_KEY, N_PLUS_1),
    "each line is made three times": (
        ("[line(rows[key])", "[line(line(line(rows[key])))"),
        {"test_marker_of_all_calls", "test_marker_of_trees"},
    ),
    "pages go through JSON": (
        ("rows = query(keys)", "import json; json.dumps([]); rows = query(keys)"),
        {"test_marker_of_modules"},
    ),
    "the check takes most of the time": (
        (
            "return len(text)",
            "for _ in range(40 * len(text)): text\n    return len(text)",
        ),
        {"test_marker_of_shares"},
    ),
    "the check sleeps": (
        ("return len(text)", "return __import__('time').sleep(0.2)"),
        set(),  # that is time of sleep: see the next test
    ),
    "totals of all that comes before": (
        ("sum(line(price) for", "sum(sum(map(line, prices[:price])) for"),
        {"test_growth_of_calls"},
    ),
    "names are looked up in a list": (
        ("set(names)", "list(names)"),
        {"test_growth_of_time", "test_faster"},
    ),
}


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    pytester.makepyfile(shop=SHOP, test_shop=TESTS)
    run(pytester, "--fastprof-update").assert_outcomes(passed=11)
    return pytester


def run(project, *options):
    return project.runpytest("-p", "fastprof.pytest_plugin", "-rf", *options)


def failed(result):
    lines = [line for line in result.outlines if line.startswith("FAILED ")]
    return {line.split(" - ")[0].split("::")[-1] for line in lines}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_change_fails_the_tests_that_are_there_for_it(project, name):
    (before, after), expected = MUTATIONS[name]
    assert before in SHOP
    project.makepyfile(shop=SHOP.replace(before, after))
    assert failed(run(project)) == expected


def test_sleep_has_its_share_where_it_is_called(project):
    sleeps = SHOP.replace("return len(text)", "return __import__('time').sleep(0.2)")
    tests = """
import shop

def test_share(fastprof):
    with fastprof:
        shop.parse("abcdefgh," * 2000)
    fastprof.assert_share(shop.check, at_most=0.5, of="cumulative")
"""
    project.makepyfile(test_shop=tests)
    assert failed(run(project)) == set()
    project.makepyfile(shop=sleeps)
    assert failed(run(project)) == {"test_share"}


def test_a_change_fails_the_run_by_the_baseline(project):
    baseline = "--fastprof-baseline=calls.json"
    tests = "import shop\n\ndef test_page():\n    shop.page(range(20))\n"
    project.makepyfile(test_shop=tests)
    assert run(project, baseline, "--fastprof-update").ret == 0
    assert run(project, baseline).ret == 0
    project.makepyfile(shop=SHOP.replace(*PER_KEY))
    result = run(project, baseline)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 -> 20 x shop:query"])
