"""What a person at a terminal sees with rich, on the screen of a terminal emulator."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import fastprof
import pyte
import pytest

TESTS = Path(__file__).resolve().parents[1]
Terminal = runpy.run_path(str(TESTS / "python" / "terminals.py"))["Terminal"]
COMMAND = str(Path(sys.executable).with_name("fastprof"))
CODES = re.compile(rb"\x1b\[[\d;]*m")
LIVE = """
import sys, fastprof.live, fastprof.launch
fastprof.live.INTERVAL = fastprof.live.SHARE = 0.01
sys.exit(fastprof.launch.main())
"""


def leaf():
    pass


def program():
    for _ in range(100_000):
        pass
    leaf()


@pytest.fixture
def profile(tmp_path):
    with fastprof.Profiler() as profiler:
        program()
    profiler.save(tmp_path / "out.prof")
    return str(tmp_path / "out.prof")


@pytest.mark.parametrize("verb", ["report", "tree"])
def test_a_terminal_has_colours_and_the_text_that_a_pipe_has(profile, verb):
    terminal = Terminal([COMMAND, verb, profile], columns=120)
    assert terminal.end() == 0
    piped = subprocess.run([COMMAND, verb, profile], capture_output=True).stdout
    assert CODES.sub(b"", terminal.output).replace(b"\r\n", b"\n") == piped
    (row,) = [line for line in terminal.output.splitlines() if b":program" in line]
    assert row.startswith(b"\x1b[1;31m")  # hot
    assert re.search(rb"\x1b\[2m  test_terminal_colours.py:\d+\x1b\[0m", row)  # faint
    assert b"\x1b" not in piped


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours_where_none_are_wanted(profile, variable):
    terminal = Terminal([COMMAND, "report", profile], **variable)
    assert terminal.end() == 0
    assert not re.search(rb"\x1b\[[\d;]*3\d", terminal.output)


def test_colours_in_a_pipe_where_they_are_forced(profile):
    environ = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    environ.pop("NO_COLOR", None)
    words = [COMMAND, "report", profile]
    piped = subprocess.run(words, capture_output=True, env=environ).stdout
    assert b"\x1b[1;31m" in piped


def test_what_the_program_prints_stays_whole_above_the_live_view(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "for number in range(50): print('line', number)\n"
        "sys.stdin.readline()\n"
        "for number in range(50, 70): print('line', number)\n"
        "sys.stdin.readline()\n"
    )
    words = [sys.executable, "-c", LIVE, "--live", "-o", tmp_path / "o.prof", script]
    terminal = Terminal(words, rows=20, columns=80)
    screen = pyte.Screen(80, 20)
    stream = pyte.ByteStream(screen)
    terminal.wait_for(b"line 49")
    terminal.wait_for(b"fastprof: ")
    terminal.type(b"\n")
    terminal.wait_for(b"line 69")
    terminal.wait_for(b"fastprof: ")
    terminal.wait_for(b"readline")
    terminal.wait_for(b"\x1b8")
    stream.feed(terminal.output)
    rows = [row.rstrip() for row in screen.display]
    assert rows[:10] == [f"line {number}" for number in range(61, 70)] + [""]
    assert rows[10].startswith("fastprof: ")
    assert rows[11] == "now %       own     %         calls   function"
    assert any("readline" in row for row in rows[12:])
    seen = len(terminal.output)
    terminal.type(b"\n")
    assert terminal.end() == 0
    stream.feed(terminal.output[seen:])
    assert screen.margins is None
    assert not any(row.strip() for row in screen.display[10:])
    stats = fastprof.load(tmp_path / "o.prof")
    assert len(stats.threads) == 1
    assert not [one for one in stats.functions if "rich" in one.full_name]
