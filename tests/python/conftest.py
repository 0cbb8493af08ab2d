"""Fixtures for every test: nothing of a profiler outlives the test that made it."""

import sys
import threading
from contextlib import contextmanager

import pytest

# Those of sys.monitoring that a profiler may take.
TOOL_IDS = (2, 3, 4)


@pytest.fixture(autouse=True)
def no_hook_is_left():
    """Fail a test that leaves a profile hook or a monitoring tool behind."""
    before = _hooks()
    yield
    after = _hooks()
    sys.setprofile(None)
    threading.setprofile(None)
    assert after == before


def _hooks():
    monitoring = getattr(sys, "monitoring", None)
    tools = [monitoring.get_tool(i) for i in range(6)] if monitoring else []
    return sys.getprofile(), threading._profile_hook, tools


@pytest.fixture
def foreign_profiler():
    """A context in which another profiler has what ours needs by default."""

    @contextmanager
    def active():
        if hasattr(sys, "monitoring"):
            for tool in TOOL_IDS:
                sys.monitoring.use_tool_id(tool, "other")
        else:
            sys.setprofile(lambda *event: None)
        try:
            yield
        finally:
            sys.setprofile(None)
            for tool in TOOL_IDS if hasattr(sys, "monitoring") else ():
                sys.monitoring.free_tool_id(tool)

    return active


@pytest.fixture
def unraisable(monkeypatch):
    """The exceptions given to sys.unraisablehook, as a list of types."""
    types = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda event: types.append(event.exc_type)
    )
    return types
