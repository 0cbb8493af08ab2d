"""Other tools at the same time: both find what each finds alone, or one is refused.

A tool that takes `PyEval_SetProfile` when it is started second takes our place without
asking anybody; then its figures are right, and ours say that they are not complete.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BESIDE = Path(__file__).with_name("beside.py")
HAS_MONITORING = sys.version_info >= (3, 12)
BACKENDS = ["monitoring", "setprofile"] if HAS_MONITORING else ["setprofile"]
TOOLS = {
    "cProfile": None,
    "coverage-ctrace": "coverage",
    "coverage-sysmon": "coverage",
    "yappi": "yappi",
    "line_profiler": "line_profiler",
    "settrace": None,
    "pdb": None,
    "tracemalloc": None,
    "faulthandler": None,
}
# Who uses the same thing as one of our event sources.
WITH_SETPROFILE = {"yappi"} if HAS_MONITORING else {"yappi", "cProfile"}

# Whose work our calibration does not disturb.
WITHOUT_EVENTS = {"tracemalloc", "faulthandler"}


def beside(tool, backend, starts_first="tool", stops_first="tool"):
    child = subprocess.run(
        [sys.executable, str(BESIDE), tool, backend, starts_first, stops_first],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout.splitlines()[-1])


@pytest.mark.parametrize("stops_first", ["tool", "ours"])
@pytest.mark.parametrize("starts_first", ["tool", "ours"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tool", TOOLS)
def test_both_are_right_or_one_is_refused(tool, backend, starts_first, stops_first):
    if TOOLS[tool] is not None:
        pytest.importorskip(TOOLS[tool], reason=f"{TOOLS[tool]}: make test has it")
    if tool == "coverage-sysmon" and not HAS_MONITORING:
        pytest.skip("sys.monitoring is there from 3.12 on")
    alone = {
        "tool": beside(tool, "nothing")["found"]["tool"],
        "ours": beside("nothing", backend)["found"]["ours"],
    }
    both = beside(tool, backend, starts_first, stops_first)
    assert both["result"] == beside("nothing", "nothing")["result"]
    takes_our_place = (
        tool in WITH_SETPROFILE and backend == "setprofile" and starts_first == "ours"
    )
    if takes_our_place and not both["refused"]:
        assert both["found"]["tool"] == alone["tool"]
        assert both["found"]["ours"]["warnings"]
        return
    assert len(both["refused"]) <= 1
    for who, message in both["refused"].items():
        assert who != starts_first
        assert "profil" in message or "tool" in message
    if (
        starts_first == "tool"
        and tool not in WITHOUT_EVENTS
        and "ours" in both["found"]
    ):
        # Calibration would run in the tool's view, so there is none.
        remark = both["found"]["ours"]["warnings"].pop()
        assert "could not be measured" in remark
    if tool == "line_profiler" and "ours" in both["found"]:
        # It shares our number of sys.monitoring, and hands on what it has taken over:
        # so nothing is missing, and we cannot know that.
        both["found"]["ours"]["warnings"] = []
    for who, found in both["found"].items():
        assert found == alone[who]
