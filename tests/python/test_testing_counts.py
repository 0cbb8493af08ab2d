"""`fastprof.testing`: assertions that count."""

import functools
import json
import os
import time

import pytest
from fastprof import Profiler
from fastprof.testing import (
    assert_calls,
    assert_calls_per,
    assert_not_called_from,
    assert_tree,
)


def query(key):
    return key


def render(count):
    for key in range(count):
        query(key)


def page(counts):
    for count in counts:
        render(count)


def other():
    query(1)


@functools.wraps(other)
def wrapper():
    return other()


def never():
    pass


def numbers(limit):
    yield from range(limit)


@pytest.fixture
def profile():
    with Profiler() as profiler:
        page([2, 3])
        other()
        list(numbers(5))
        time.sleep(0)
    return profiler


@pytest.mark.parametrize("what", [query, query.__code__, f"{__name__}:query"])
def test_calls_that_are_right(profile, what):
    assert_calls(profile, what, 6)
    assert_calls(profile.snapshot(), what, at_least=6, at_most=6)
    assert_calls(profile, what, at_most=7)
    assert_calls(profile, what, at_least=1)


def test_functions_of_all_kinds(profile):
    assert_calls(profile, never, 0)
    assert_calls(profile, numbers, 1)
    assert_calls(profile, time.sleep, 1)
    assert_calls(profile, len, 0)
    assert_calls(profile, f"{__name__}:never", 0)


def test_a_decorated_function_is_the_one_inside(profile):
    assert_calls(profile, wrapper, 1)


def test_calls_that_are_wrong_name_the_callers(profile):
    with pytest.raises(AssertionError) as failure:
        assert_calls(profile, query, 5)
    assert str(failure.value) == (
        f"{__name__}:query was called 6 times, not 5\n"
        "called by:\n"
        f"           5 x {__name__}:render\n"
        f"           1 x {__name__}:other"
    )
    with pytest.raises(
        AssertionError, match="render was called 2 times, not at most 1"
    ):
        assert_calls(profile, render, at_most=1)
    with pytest.raises(AssertionError, match="page was called once, not at least 2"):
        assert_calls(profile, page, at_least=2)
    with pytest.raises(AssertionError, match="never was called never, not 1 to 2"):
        assert_calls(profile, never, at_least=1, at_most=2)


@pytest.mark.parametrize(
    "name",
    [f"{__name__}:qeury", "nowhere_at_all:query", "query", f"{__name__}:query.x", ""],
)
def test_a_name_that_is_misspelt_is_no_success(profile, name):
    with pytest.raises(LookupError):
        assert_calls(profile, name, 0)


def test_what_cannot_be_asserted(profile):
    with pytest.raises(TypeError, match="exactly, at_least or at_most"):
        assert_calls(profile, query)
    with pytest.raises(TypeError, match="either"):
        assert_calls(profile, query, 1, at_most=2)
    with pytest.raises(TypeError, match="is a class"):
        assert_calls(profile, Profiler, 0)
    with pytest.raises(TypeError, match="not dict"):
        assert_calls({}, query, 0)


def test_calls_per(profile):
    assert_calls_per(profile, query, render, at_most=3)
    assert_calls_per(profile, query, page, 5)
    assert_calls_per(profile, query, other, 1)
    assert_calls_per(profile, never, per=page, exactly=0)
    assert_calls_per(profile, render, page, at_least=1, at_most=2)


def test_the_n_plus_1_query(profile):
    with pytest.raises(AssertionError) as failure:
        assert_calls_per(profile, query, per=render, at_most=1)
    message = str(failure.value)
    assert "query was called 5 times in 2 calls of" in message
    assert "not at most 1 in each" in message
    assert f"{__name__}:page > {__name__}:render" in message
    with pytest.raises(AssertionError, match="never was called never in 1 call of"):
        assert_calls_per(profile, never, per=page, at_least=1)


def test_each_path_is_asserted():
    def clean():
        for _ in range(100):
            render(1)

    def dirty():
        render(5)

    with Profiler() as profiler:
        clean()
        dirty()
    # 105 calls in 101: on average they would be right.
    with pytest.raises(AssertionError, match=r"dirty > .*render") as failure:
        assert_calls_per(profiler, query, render, at_most=1)
    assert "clean" not in str(failure.value)


def test_calls_of_recursive_functions_count_for_the_innermost():
    def down(depth):
        query(depth)
        if depth:
            down(depth - 1)

    with Profiler() as profiler:
        down(10)
    assert_calls_per(profiler, query, down, 1)


def test_calls_per_what_was_not_called(profile):
    with pytest.raises(AssertionError, match="never was not called"):
        assert_calls_per(profile, query, never, at_most=1)


def test_calls_per_need_all_paths():
    with Profiler(max_nodes=2) as profiler:
        page([2, 3])
    assert_calls(profiler, query, 5)
    with pytest.raises(ValueError, match="max_nodes"):
        assert_calls_per(profiler, query, render, at_most=1)


def test_modules_that_are_forbidden(profile):
    assert_not_called_from(profile, "socket", "asyncio")
    with pytest.raises(AssertionError) as failure:
        assert_not_called_from(profile, "time")
    assert "1 x <built-in method time.sleep>" in str(failure.value)

    with Profiler() as profiler:
        json.dumps({"a": [1]})
    with pytest.raises(AssertionError, match=r"by these paths:\n    json:dumps$"):
        assert_not_called_from(profiler, "json")
    with pytest.raises(AssertionError):
        assert_not_called_from(profiler, "json.encoder")
    assert_not_called_from(profiler, "js", "json.enc")
    with pytest.raises(TypeError):
        assert_not_called_from(profiler)


def test_golden_trees(profile, tmp_path):
    path = tmp_path / "new" / "golden.json"
    with pytest.raises(AssertionError, match="no golden call tree yet"):
        assert_tree(profile, path, root=page)
    assert_tree(profile, path, root=page, modules=[__name__], update=True)
    assert json.loads(path.read_text()) == {
        "schema": "fastprof-golden-1",
        "tree": {
            f"{__name__}:page": {
                "calls": 1,
                "called": {
                    f"{__name__}:render": {
                        "calls": 2,
                        "called": {f"{__name__}:query": {"calls": 5, "called": {}}},
                    }
                },
            }
        },
    }
    assert_tree(profile, path, root=page, modules=[__name__])


def test_a_tree_that_differs_is_shown(tmp_path):
    path = tmp_path / "golden.json"

    def record(*counts, also=()):
        with Profiler() as profiler:
            page(counts)
            for function in also:
                function()
        return profiler

    options = {"modules": [__name__]}
    assert_tree(record(10, also=[never]), path, update=True, **options)
    assert_tree(record(11, also=[never]), path, tolerance=0.1, **options)
    with pytest.raises(AssertionError) as failure:
        assert_tree(record(12, also=[other]), path, tolerance=0.1, **options)
    message = str(failure.value)
    name = f"{__name__}:page > {__name__}:render > {__name__}:query"
    assert f"  10 -> 12 calls: {name}" in message
    assert f"  gone: {__name__}:never" in message
    assert f"  new: {__name__}:other (1 calls)" in message
    assert f"-    10 x {__name__}:query" in message
    assert f"+    12 x {__name__}:query" in message


def test_the_environment_says_that_trees_are_written(profile, tmp_path, monkeypatch):
    path = tmp_path / "golden.json"
    monkeypatch.setenv("FASTPROF_UPDATE", "1")
    assert_tree(profile, path)
    monkeypatch.setenv("FASTPROF_UPDATE", "0")
    assert_tree(profile, path)
    assert path.stat().st_size > 100


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "x", "tree": {}}', "\xff"])
def test_a_golden_file_that_is_none(profile, tmp_path, content):
    path = tmp_path / "golden.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"golden\.json: not a golden call tree"):
        assert_tree(profile, path)


def test_a_golden_file_that_cannot_be_written(profile, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        assert_tree(profile, tmp_path / "file" / "golden.json", update=True)
    assert os.listdir(tmp_path) == ["file"]


def test_the_root_of_a_tree_must_have_been_called(profile, tmp_path):
    with pytest.raises(AssertionError, match="never was not called"):
        assert_tree(profile, tmp_path / "golden.json", root=never)
    with pytest.raises(TypeError, match="several names"):
        assert_tree(profile, tmp_path / "golden.json", modules="json")
