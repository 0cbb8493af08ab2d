"""What a person at a terminal sees, without rich; with it: tests/tools."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import fastprof
import pytest
from fastprof.aside import Aside
from fastprof.progress import Progress
from fastprof.report import SORTS
from fastprof.terminal import shorten
from terminals import Terminal

COMMAND = str(Path(sys.executable).with_name("fastprof"))
SOURCES = ["monitoring"] * (sys.version_info >= (3, 12)) + ["setprofile"]
REGION = re.compile(rb"\x1b\[(?:1;\d+)?r")  # set, or given back
GIVEN_BACK = b"\x1b[r"
# Looks come as fast as they can.
LIVE = """
import sys, fastprof.live, fastprof.launch
fastprof.live.INTERVAL = fastprof.live.SHARE = 0.01
sys.exit(fastprof.launch.main())
"""


@pytest.fixture
def no_rich(tmp_path):
    """The environment of a Python that has no rich."""
    folder = tmp_path / "no_rich"
    folder.mkdir()
    (folder / "rich.py").write_text("raise ImportError")
    return {"PYTHONPATH": str(folder)}


# Report and tree.


@pytest.fixture
def profile(tmp_path):
    """Of functions whose names are long, and differ in the beginning or in the end."""
    namespace = {"__name__": "package.with_a_name.of_some_length.module"}
    names = [f"{part}_function_of_a_class_{part}" for part in ("one", "two", "three")]
    for number, name in enumerate(names):
        source = "\n" * number + f"def {name}(n):\n if n: {name}(n - 1)"
        exec(compile(source, "/somewhere/file.py", "exec"), namespace)
    seconds = iter(range(1_000_000))
    profiler = fastprof.Profiler(timer=lambda: float(next(seconds)))
    for number, name in enumerate(names):
        profiler.runcall(namespace[name], number)
        profiler.runcall(namespace[name], 0)
    profiler.save(tmp_path / "out.prof")
    return str(tmp_path / "out.prof")


@pytest.mark.parametrize("verb", ["report", "tree"])
def test_without_rich_a_terminal_has_the_text_that_a_pipe_has(profile, verb, no_rich):
    terminal = Terminal([COMMAND, verb, profile], columns=120, **no_rich)
    assert terminal.end() == 0
    piped = subprocess.run([COMMAND, verb, profile], capture_output=True)
    assert terminal.output.replace(b"\r\n", b"\n") == piped.stdout


@pytest.mark.parametrize("verb", ["report", "tree"])
@pytest.mark.parametrize("columns", [70, 80, 100])
def test_names_fit_and_are_told_apart(profile, verb, columns, no_rich):
    terminal = Terminal([COMMAND, verb, profile], columns=columns, **no_rich)
    assert terminal.end() == 0
    lines = terminal.output.decode().splitlines()
    rows = [line for line in lines if re.search(r"pa.*_(one|two|three)", line)]
    if verb == "report":
        assert len({row.split()[-2] + row.split()[-1] for row in rows}) == 3
    assert all(len(row) <= columns for row in rows)


def test_what_is_missing_is_missing_in_the_middle():
    assert shorten("abcdefghij", 10) == "abcdefghij"
    assert shorten("abcdefghij", 7) == "ab…ghij"
    assert shorten("abcdefghij", 7, 1.0) == "abcdef…"
    assert shorten("abcdefghij", 1) == "…"
    assert shorten("abcdefghij", 0) == ""


def leaf():
    raise ValueError


def program(times):
    for _ in range(times):
        try:
            leaf()
        except ValueError:
            pass


@pytest.mark.parametrize("sort", sorted(SORTS))
def test_a_report_is_sorted_by_each_column(tmp_path, sort):
    with fastprof.Profiler(clock="both") as profiler:
        program(300)
        sorted([2, 1])
    profiler.save(tmp_path / "out.prof")
    functions = fastprof.load(tmp_path / "out.prof").functions
    key = {"name": lambda one: one.full_name, "file": lambda one: (one.file, one.line)}
    by = key.get(sort, lambda one: getattr(one, sort))
    functions.sort(key=by, reverse=SORTS[sort])
    result = subprocess.run(
        [COMMAND, "report", "-s", sort, tmp_path / "out.prof"],
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    head = re.search(r"^ +calls .*", result.stdout, re.M)[0].split()
    assert sort in head or sort in ("name", "file", "primitive_calls", "own_error")
    table = result.stdout.partition(head[-1] + "\n")[2].splitlines()
    names = [row.split(None, len(head) - 1)[-1] for row in table[: len(functions)]]
    for name, one in zip(names, functions, strict=True):
        shown = one.name if one.file == "~" else one.qualname
        assert shown in name


def test_there_are_no_cpu_times_to_sort_by(profile):
    words = [COMMAND, "report", "-s", "own_cpu", profile]
    result = subprocess.run(words, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert "there are no CPU times to sort by" in result.stderr


# --live.


@pytest.fixture
def live(tmp_path, no_rich):
    """Runs a program with --live in a terminal."""

    def run(source, rows=20, columns=80, **environ):
        script = tmp_path / "script.py"
        script.write_text(textwrap.dedent(source))
        words = [sys.executable, "-c", LIVE, "--live", "-o", tmp_path / "live.prof"]
        environ = {**no_rich, **environ}
        return Terminal([*words, script], rows=rows, columns=columns, **environ)

    return run


WAITS = """
    import sys
    def hot():
        sys.stdin.readline()
    print("before")
    hot()
    print("after")
"""


def test_live_shows_what_is_hot_now_and_goes_without_a_trace(live, tmp_path):
    terminal = live(WAITS)
    terminal.wait_for(b"fastprof: 0 s")
    terminal.wait_for(b"now %       own     %         calls   function")
    terminal.wait_for(b"readline")
    terminal.type(b"\n")
    assert terminal.end() == 0
    output = terminal.output
    assert b"before" in output and b"after" in output
    assert b"\x1b[1;10r" in output  # the upper half of 20 rows is the program's
    assert REGION.findall(output)[-1] == GIVEN_BACK
    assert b"\x1b[?25l" not in output  # the cursor is never hidden
    stats = fastprof.load(tmp_path / "live.prof")
    assert len(stats.threads) == 1
    assert not [one for one in stats.functions if "fastprof" in one.full_name]
    assert {one.calls for one in stats.functions if one.name == "hot"} == {1}


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("os._exit(3)", 3),
        ("sys.exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("os.execv('/bin/true', ['true'])", 0),
        ("raise ValueError", 1),
        ("if os.fork(): os._exit(0)\n    sys.stdin.readline()", 0),
    ],
)
def test_the_terminal_is_in_order_however_the_program_ends(live, end, code):
    terminal = live(f"""
    import os, signal, sys
    sys.stdin.readline()
    {end}
    """)
    terminal.wait_for(b"fastprof: ")
    terminal.type(b"\n")
    if "fork" in end:  # not only when the child has ended, too
        terminal.wait_for(GIVEN_BACK)
        terminal.type(b"\n")
    assert terminal.end() == code
    assert REGION.findall(terminal.output)[-1] == GIVEN_BACK


def test_the_terminal_is_in_order_after_control_c(live):
    terminal = live(WAITS)
    # Python itself does not see a signal that comes just before it begins to read: so
    # not when the call is drawn for the first time.
    for _ in range(3):
        terminal.wait_for(b"readline")
    terminal.type(b"\x03")
    assert terminal.end() == 130
    assert b"KeyboardInterrupt" in terminal.output
    assert REGION.findall(terminal.output)[-1] == GIVEN_BACK


def test_where_nothing_was_drawn_nothing_is_touched(tmp_path, no_rich):
    script = tmp_path / "script.py"
    script.write_text("import os; os._exit(0)")
    words = [sys.executable, "-m", "fastprof", "--live", script]
    terminal = Terminal(words, **no_rich)
    assert terminal.end() == 0
    assert terminal.output == b""


def test_a_fork_does_not_end_the_view_of_the_parent(live):
    terminal = live("""
    import os, sys
    sys.stdin.readline()
    child = os.fork()
    if child == 0:
        sys.exit(0)
    os.waitpid(child, 0)
    print("forked")
    sys.stdin.readline()
    """)
    terminal.wait_for(b"fastprof: ")
    terminal.type(b"\n")
    terminal.wait_for(b"forked")
    terminal.wait_for(b"fastprof: ")
    terminal.type(b"\n")
    assert terminal.end() == 0


def test_the_program_has_no_child_and_no_thread_that_it_did_not_start(live):
    terminal = live("""
    import os, threading
    print(threading.enumerate() == [threading.main_thread()])
    try:
        os.wait()
    except ChildProcessError:
        print("no child")
    """)
    assert terminal.end() == 0
    assert b"True" in terminal.output and b"no child\r\n" in terminal.output


def test_nothing_is_written_to_a_file_that_the_program_puts_in_our_place(
    live, tmp_path
):
    terminal = live(f"""
    import os, sys, warnings
    warnings.simplefilter("ignore")  # debug builds warn of files that are open
    sys.stdin.readline()
    for number in 2, *range(3, 40):
        try:
            os.close(number)
        except OSError:
            pass
    files = [open({str(tmp_path)!r} + f"/file{{i}}", "wb") for i in range(40)]
    sys.stdin.readline()
    """)
    terminal.wait_for(b"fastprof: ")
    terminal.type(b"\n")
    terminal.type(b"\n")
    assert terminal.end() == 0
    assert [(tmp_path / f"file{i}").read_bytes() for i in range(40)] == [b""] * 40


@pytest.mark.parametrize("fails", ["", "1 / 0"])
def test_nothing_is_written_to_a_file_that_comes_while_a_look_is_taken(
    live, tmp_path, fails
):
    terminal = live(f"""
    import os, sys, fastprof.live, threading
    was, seen = fastprof.live.LiveView._functions, threading.Event()
    file = os.open({str(tmp_path / "file")!r}, os.O_WRONLY | os.O_CREAT)

    def functions(self):
        os.dup2(file, 2)
        seen.set()
        {fails}
        return was(self)

    sys.stdin.readline()
    fastprof.live.LiveView._functions = functions
    assert seen.wait(60)
    """)
    terminal.wait_for(b"fastprof: ")
    terminal.type(b"\n")
    assert terminal.end() == 0
    assert (tmp_path / "file").read_bytes() == b""
    assert REGION.findall(terminal.output)[-1] == GIVEN_BACK


def test_live_without_a_terminal_is_a_block_of_text_each_time(tmp_path, no_rich):
    script = tmp_path / "script.py"
    script.write_text("print(input())")
    words = [sys.executable, "-c", LIVE, "--live", "-o", tmp_path / "o.prof", script]
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **no_rich},
    )
    waits = blocks = 0  # in how many blocks the program is seen to wait, of how many
    while not waits or blocks < 2:
        assert blocks < 50
        block = list(iter(process.stderr.readline, "\n"))
        assert re.match(r"fastprof: \d+ s, ", block[0])
        assert block[1].split() == ["now", "%", "own", "%", "calls", "function"]
        waits += any("builtins.input" in row for row in block)
        blocks += 1
    output, rest = process.communicate("word\n")
    assert (process.returncode, output) == (0, "word\n")
    assert "\x1b" not in rest


def test_a_look_that_fails_is_a_line_and_the_program_goes_on(tmp_path, no_rich):
    script = tmp_path / "script.py"
    script.write_text("print(input())")
    breaks = "fastprof.live.LiveView._functions = lambda self: 1 / 0\nsys.exit"
    words = [sys.executable, "-c", LIVE.replace("sys.exit", breaks), "--live", script]
    terminal = Terminal(words, **no_rich)
    terminal.wait_for(b"fastprof: --live ends: ZeroDivisionError")
    terminal.type(b"word\n")
    assert terminal.end() == 0
    assert terminal.output.count(b"--live ends") == 1
    assert b"word\r\nword\r\n" in terminal.output  # as echoed, and as printed


def test_live_has_nowhere_to_show(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('done')")
    words = f"exec {sys.executable} -m fastprof --live -o {tmp_path}/o.prof {script}"
    result = subprocess.run(["sh", "-c", f"{words} 2>&-"], stdout=subprocess.PIPE)
    assert (result.returncode, result.stdout) == (0, b"done\n")


def test_there_is_nothing_to_show_as_cprofile():
    words = [sys.executable, "-m", "fastprof", "--as-cprofile", "--live", "x"]
    result = subprocess.run(words, capture_output=True, text=True)
    assert result.returncode == 2
    assert "leave out --live" in result.stderr


@pytest.mark.parametrize("backend", SOURCES)
@pytest.mark.parametrize("is_other_enabled_meanwhile", [False, True])
def test_no_profiler_records_what_is_done_aside(backend, is_other_enabled_meanwhile):
    times = []

    def work():
        leaf_of_aside()
        return 0.001

    def leaf_of_aside():
        times.append(None)

    def wait_for_work():
        enough = len(times) + 2
        while len(times) < enough:
            pass

    aside = Aside(work, 0.0)
    with fastprof.Profiler(backend=backend) as profiler:
        wait_for_work()
        if is_other_enabled_meanwhile:
            with fastprof.Profiler(backend=backend):
                wait_for_work()
        wait_for_work()
    aside.end()
    stats = profiler.snapshot()
    names = {function.name for function in stats.functions}
    assert not names & {"work", "leaf_of_aside"}
    assert len(stats.threads) == 1


# Progress.


@pytest.mark.parametrize("how", ["run", "export"])
def test_a_line_tells_of_a_profile_that_takes_long_to_be_written(
    tmp_path, profile, how
):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)  # which takes until somebody reads it
    script = tmp_path / "script.py"
    script.write_text("pass")
    words = {
        "run": [sys.executable, "-m", "fastprof", "-o", pipe, script],
        "export": [COMMAND, "export", profile, "-o", pipe],
    }
    terminal = Terminal(words[how], columns=200)
    terminal.wait_for(f"\rfastprof: writing {pipe} ... 1 s\x1b[K".encode())
    assert pipe.read_bytes().startswith(b"file,")
    assert terminal.end() == 0
    assert terminal.output.endswith(b"\r\x1b[K")


def test_a_line_fits(tmp_path, profile):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    terminal = Terminal([COMMAND, "export", profile, "-o", pipe], columns=40)
    terminal.wait_for(b" s\x1b[K")
    line = terminal.output.decode().strip("\r").partition("\x1b")[0]
    assert len(line) < 40
    assert pipe.read_bytes().startswith(b"file,")
    assert terminal.end() == 0


def test_no_line_without_a_terminal(monkeypatch, capfd):
    import _thread

    monkeypatch.setattr("fastprof.progress.PATIENCE", 0.0)
    before = _thread._count()
    with Progress("writing"):
        assert _thread._count() == before
    monkeypatch.setattr(sys, "stderr", None)
    with Progress("writing"):
        assert _thread._count() == before
    assert capfd.readouterr() == ("", "")
