"""Fixtures for every test: nothing of a profiler outlives the test that made it."""

import sys
import threading

import pytest


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
def unraisable(monkeypatch):
    """The exceptions given to sys.unraisablehook, as a list of types."""
    types = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda event: types.append(event.exc_type)
    )
    return types
