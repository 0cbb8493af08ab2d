"""`fastprof.testing.ProfileAssertions` in unittest, and `Recording`."""

import asyncio
import json
import subprocess
import sys
import textwrap
import unittest

import pytest
from fastprof.testing import ProfileAssertions, Recording


def query(key):
    return key


def render(count):
    for key in range(count):
        query(key)


def work():
    for _ in range(100_000):
        pass


async def fetch(count):
    await asyncio.sleep(0)
    render(count)


class Case(ProfileAssertions, unittest.TestCase):
    def right(self):
        with self.profile() as recording:
            render(3)
        recording.assert_calls(query, 3)
        self.assertCalls(query, 3)
        self.assertCallsPer(query, per=render, exactly=3)
        self.assertNotCalledFrom("json", "socket")
        self.assertShare(query, at_most=1.0)
        self.assertScales(render, [10, 20, 40], "n")
        self.assertFaster(lambda: render(1), lambda: render(1000))
        with self.tripwire(query, calls=3):
            render(3)

    def each_profile_begins_anew(self):
        for count in (3, 2):
            with self.subTest(count=count):
                with self.profile():
                    render(count)
                self.assertCalls(query, 3)

    def never_recorded(self):
        self.assertCalls(query, 3)

    def calls(self):
        with self.profile():
            render(3)
        self.assertCalls(query, at_most=2)

    def calls_per(self):
        with self.profile():
            render(3)
        self.assertCallsPer(query, per=render, at_most=2)

    def not_called_from(self):
        with self.profile():
            json.dumps([])
        self.assertNotCalledFrom("json")

    def share(self):
        with self.profile():
            work()
        self.assertShare(work, at_most=0.0)

    def tree(self):
        with self.profile():
            render(3)
        self.assertTree("there-is-no-such.json", update=False)

    def scales(self):
        self.assertScales(lambda n: render(n * n), [10, 20, 40, 80], "n")

    def faster(self):
        self.assertFaster(lambda: render(1000), lambda: render(1))

    def wire(self):
        with self.tripwire(query, calls=2):
            render(3)


class AsyncCase(ProfileAssertions, unittest.IsolatedAsyncioTestCase):
    async def right(self):
        with self.profile():
            await fetch(3)
        self.assertCalls(query, 3)
        self.assertCalls(fetch, 1)

    async def wrong(self):
        with self.profile():
            await fetch(3)
        self.assertCalls(query, 4)


def outcome(case, name):
    result = unittest.TestResult()
    case(name).run(result)
    return result


WRONG = {
    "calls": "query was called 3 times, not at most 2",
    "calls_per": "not at most 2 in each",
    "not_called_from": "of json were called",
    "share": "at most 0.0% is right",
    "tree": "there is no golden call tree yet",
    "scales": "does not grow by n",
    "faster": "is not 1 times as fast",
    "wire": "is called for the 3rd time",
}


def test_what_is_right():
    result = outcome(Case, "right")
    assert result.wasSuccessful(), result.failures + result.errors
    assert outcome(AsyncCase, "right").wasSuccessful()


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong(name):
    ((_, text),) = outcome(Case, name).failures
    assert WRONG[name] in text


def test_what_is_wrong_in_a_coroutine():
    ((_, text),) = outcome(AsyncCase, "wrong").failures
    assert "query was called 3 times, not 4" in text


def test_each_profile_begins_anew():
    ((case, text),) = outcome(Case, "each_profile_begins_anew").failures
    assert "(count=2)" in str(case)
    assert "query was called 2 times, not 3" in text


def test_the_traceback_ends_in_the_test():
    ((_, text),) = outcome(Case, "calls").failures
    files = [line for line in text.splitlines() if line.startswith('  File "')]
    assert len(files) == 1 and __file__ in files[0]


def test_nothing_was_recorded():
    ((_, text),) = outcome(Case, "never_recorded").errors
    assert "nothing was recorded: put the calls into a with block" in text


def test_golden_trees_are_beside_the_file(tmp_path):
    (tmp_path / "test_tree.py").write_text(
        textwrap.dedent("""
            import unittest
            from fastprof.testing import ProfileAssertions

            def work(): return abs(-1)

            class Tree(ProfileAssertions, unittest.TestCase):
                def test_tree(self):
                    with self.profile():
                        work()
                    self.assertTree("golden/work.json", root=work, update=True)
                    self.assertTree("golden/work.json", root=work)
        """)
    )
    command = [sys.executable, "-m", "unittest", "discover", "-s", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path.parent)
    tree = json.loads((tmp_path / "golden" / "work.json").read_text())["tree"]
    assert tree["test_tree:work"]["calls"] == 1


def test_a_recording_is_not_entered_twice():
    recording = Recording()
    with recording:
        with pytest.raises(RuntimeError, match="cannot be nested"), recording:
            pass
        render(2)
    recording.assert_calls(query, 2)
    with recording:
        pass
    recording.assert_calls(query, 0)
