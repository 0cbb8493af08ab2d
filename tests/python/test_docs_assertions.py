"""The examples of docs/assertions.md are tests, and pass."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "assertions.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
SHOP = """
def query(keys):
    return {key: key for key in keys}

def page(keys):
    rows = query(keys)
    return [line(rows[key]) for key in keys]

def line(row):
    return row + 1
"""


def test_there_are_examples():
    assert len(EXAMPLES) >= 7


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_passes(pytester, monkeypatch, number):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(shop=SHOP, test_example=EXAMPLES[number])
    result = pytester.runpytest("-p", "fastprof.pytest_plugin", "--strict-markers")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
