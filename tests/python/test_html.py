"""The HTML report: the data in it, and what is said where it cannot be written.

The page itself is made by Node.js; here a short one stands in its place, and
tests/tools/test_html_report.py opens the real one in a browser.
"""

import json
import os
import stat
import subprocess
import sys
import threading

import fastprof
import pytest
from fastprof.formats import source
from support import counted, marked

FRONT, BACK = b"<script type=json>", b"</script><p>the page</p>"
# What the command `fastprof` does, with a page of our own.
COMMAND = """
import sys
from fastprof import cli
from fastprof.formats import page
page.PAGE = sys.argv.pop(1)
sys.exit(cli.main())
"""


@pytest.fixture(autouse=True)
def page(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_bytes(FRONT + b"/*data*/" + BACK)
    monkeypatch.setattr("fastprof.formats.page.PAGE", str(path))
    return path


def data_of(path):
    content = path.read_bytes()
    assert content.startswith(FRONT) and content.endswith(BACK)
    text = content[len(FRONT) : -len(BACK)]
    assert b"<" not in text
    return json.loads(text)


def report_of(stats, tmp_path):
    path = tmp_path / "out.html"
    stats.save(path)
    return data_of(path)


def number_of(data, name):
    return data["functions"]["name"].index(name)


def leaf():
    pass


def caller(times):
    for _ in range(times):
        leaf()


def program():
    caller(3)
    leaf()


def test_figures_callers_and_paths_are_those_of_the_profile(tmp_path):
    stats = counted(program)
    data = report_of(stats, tmp_path)
    (side,) = data["profiles"]
    # Without the profiler's own, which are known to it.
    assert len(stats.functions) < len(stats.snapshot.functions)
    assert len(data["functions"]["name"]) == len(stats.functions)
    for number, function in enumerate(stats.functions):
        figures = {name: column[number] for name, column in side["figures"].items()}
        assert figures["calls"] == function.calls
        assert figures["primitive_calls"] == function.primitive_calls
        assert figures["own"] == function.own * 1e9
        assert figures["cumulative"] == function.cumulative * 1e9
        assert data["functions"]["name"][number] == function.qualname
        assert data["functions"]["line"][number] == function.line
        file = data["files"][data["functions"]["file"][number]]
        module = data["modules"][data["functions"]["module"][number]]
        assert (file, module) == (function.file, function.module)
    edges = zip(*side["edges"].values(), strict=True)
    numbers = {one.number: new for new, one in enumerate(stats.functions)}
    expected = {
        (numbers[edge.function.number], number, edge.calls, edge.own, edge.cumulative)
        for number, function in enumerate(stats.functions)
        for edge in stats.callers(function)
    }
    found = {(*edge[:3], edge[3] / 1e9, edge[4] / 1e9) for edge in edges}
    assert found == expected and found
    (thread,) = side["threads"]
    assert paths_of(data, thread["tree"]) == {
        tuple(one.qualname for one in node.path): (node.calls, node.own * 1e9)
        for node in stats.tree.walk()
        if node.path
    }


def test_functions_and_callers_have_marks_with_their_meaning(tmp_path):
    def column(stats, of, name):
        (side,) = report_of(stats, tmp_path)["profiles"]
        return side[of][name]

    stats = counted(program)
    assert set(column(stats, "figures", "precision")) == {0}
    assert set(column(stats, "edges", "precision")) == {0}
    stats = marked(stats, leaf="lower_bound", caller="estimate")
    data = report_of(stats, tmp_path)
    (side,) = data["profiles"]
    names = data["functions"]["name"]
    assert dict(zip(names, side["figures"]["precision"], strict=True)) == {
        "program": 0,
        "caller": 2,
        "leaf": 1,
    }
    edges = side["edges"]
    found = {
        (names[caller], names[callee]): precision
        for caller, callee, precision in zip(
            edges["caller"], edges["callee"], edges["precision"], strict=True
        )
    }
    assert found == {
        ("program", "caller"): 2,
        ("caller", "leaf"): 2,
        ("program", "leaf"): 2,
    }
    assert [one["mark"] for one in data["precisions"]] == ["", "≥ ", "~ "]
    assert stats.inexact in data["head"]


def test_a_difference_has_the_marks_of_each_side(tmp_path):
    before, after = counted(program), marked(counted(program), leaf="lower_bound")
    fastprof.diff(before, after).save(tmp_path / "out.html")
    data = data_of(tmp_path / "out.html")
    leaf = number_of(data, "leaf")
    assert [one["figures"]["precision"][leaf] for one in data["profiles"]] == [0, 1]


def paths_of(data, tree):
    names, stacks, found = data["functions"]["name"], {0: ()}, {}
    for at in range(1, len(tree["parent"])):
        stacks[at] = (*stacks[tree["parent"][at]], names[tree["function"][at]])
        found[stacks[at]] = tree["calls"][at], tree["own"][at]
    return found


def test_each_thread_has_its_tree_the_busiest_first(tmp_path):
    ticks = iter(range(1_000_000))
    profiler = fastprof.Profiler(timer=lambda: next(ticks), timeunit=0.001)
    with profiler:
        for times in 10, 1000:
            thread = threading.Thread(target=caller, args=(times,))
            thread.start()
            thread.join()
    data = report_of(profiler.snapshot(), tmp_path)
    (side,) = data["profiles"]
    calls = [
        sum(
            calls
            for path, (calls, _) in paths_of(data, thread["tree"]).items()
            if path[-1] == "leaf"
        )
        for thread in side["threads"]
    ]
    # The first one is that which has waited for both.
    assert calls == [0, 1000, 10]
    assert side["threads"][0]["name"] == "MainThread"


def test_the_head_says_what_was_taken_out_and_functions_how_far_off_they_are(tmp_path):
    with fastprof.Profiler(clock="both") as profiler:
        caller(10_000)
    stats = profiler.snapshot()
    data = report_of(stats, tmp_path)
    assert data["head"][1:] == stats.head.splitlines()
    assert "that the profiler added" in data["head"][1]
    assert data["hasCpu"]
    figures = data["profiles"][0]["figures"]
    for name in "own_error", "own_cpu", "cumulative_cpu", "overhead":
        expected = [round(1e9 * getattr(one, name)) for one in stats.functions]
        assert figures[name] == expected and any(expected)


def numbers(count):
    yield from range(count)


def test_generators_have_resumes_and_time_in_which_they_stood_still(tmp_path):
    stats = counted(lambda: list(map(caller, numbers(3))))
    data = report_of(stats, tmp_path)
    figures = data["profiles"][0]["figures"]
    at, function = number_of(data, "numbers"), stats[numbers]
    assert (figures["calls"][at], figures["resumes"][at]) == (1, function.resumes)
    assert figures["suspended"][at] == round(1e9 * function.suspended) > 0


def test_warnings_are_in_the_report(tmp_path):
    with fastprof.Profiler(max_nodes=1) as profiler:
        program()
    stats = profiler.snapshot()
    assert "max_nodes" in stats.warnings[0]
    assert report_of(stats, tmp_path)["warnings"] == stats.warnings


def test_names_that_look_like_markup_or_are_no_text(tmp_path):
    odd = "</script><script>alert(1)</script>&'\"\u2028\udc80é"
    namespace = {"__name__": odd}
    exec(compile("def f(): pass", odd, "exec"), namespace)
    with fastprof.Profiler() as profiler:
        namespace["f"]()
    data = report_of(profiler.snapshot(), tmp_path)  # which has no "<" in it
    number = number_of(data, "f")
    assert data["modules"][data["functions"]["module"][number]] == odd
    assert data["files"][data["functions"]["file"][number]] == odd


def test_a_profile_without_a_tree_has_its_functions(tmp_path):
    import cProfile

    profiler = cProfile.Profile()
    profiler.runcall(program)
    profiler.dump_stats(tmp_path / "c.prof")
    data = report_of(fastprof.load(tmp_path / "c.prof"), tmp_path)
    assert not data["hasTrees"]
    assert data["profiles"][0]["figures"]["calls"][number_of(data, "leaf")] == 4
    assert "cProfile recorded it: callers are known, paths are not" in data["warnings"]


# Source


def test_a_function_has_its_own_lines(tmp_path):
    data = report_of(counted(program), tmp_path)
    assert data["sources"][str(number_of(data, "caller"))] == {
        "lines": ["def caller(times):", "    for _ in range(times):", "        leaf()"],
        "left_out": 0,
    }


def test_long_functions_are_cut_and_what_has_no_room_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MOST_LINES", 2)
    monkeypatch.setattr(source, "MOST_CHARACTERS", 50)
    data = report_of(counted(program), tmp_path)
    # The one with the most time comes first.
    assert data["sources"] == {
        str(number_of(data, "caller")): {
            "lines": ["def caller(times):", "    for _ in range(times):"],
            "left_out": 1,
        }
    }


@pytest.mark.parametrize(
    "content", [None, "short", "\n\n(((\n", "\n\n'''\n", "\n\ndef g(): pass"]
)
def test_a_file_that_is_gone_or_has_changed_has_no_source(tmp_path, content):
    path = tmp_path / "module.py"
    namespace = {"__name__": "module"}
    exec(compile("\n\ndef f(): pass", str(path), "exec"), namespace)
    stats = counted(namespace["f"])
    if content is not None:
        path.write_text(content)
    data = report_of(stats, tmp_path)
    assert str(number_of(data, "f")) not in data["sources"]


def test_files_that_are_no_source_are_not_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the password\n")
    namespace = {"__name__": "module"}
    exec(compile("def f(): pass", str(secret), "exec"), namespace)
    report_of(counted(namespace["f"]), tmp_path)
    assert b"the password" not in (tmp_path / "out.html").read_bytes()


# Differences


OLD = "def leaf(): pass\ndef gone(): pass\ndef main(): leaf(); leaf(); gone()"
NEW = "\ndef added(): pass\ndef leaf(): pass\ndef main(): leaf(); added()"


def in_a_module(text):
    namespace = {"__name__": "program"}
    exec(compile(text, "program.py", "exec"), namespace)
    return counted(namespace["main"])


def test_a_difference_has_both_sides_with_one_number_for_a_function(tmp_path):
    fastprof.diff(in_a_module(OLD), in_a_module(NEW)).save(tmp_path / "out.html")
    data = data_of(tmp_path / "out.html")
    names = data["functions"]["name"]
    before, after = (side["figures"]["calls"] for side in data["profiles"])
    calls = dict(zip(names, zip(before, after, strict=True), strict=True))
    expected = {"main": (1, 1), "leaf": (2, 1), "gone": (1, 0), "added": (0, 1)}
    assert {name: calls[name] for name in expected} == expected
    assert len(calls) == len(names)
    for side, path in zip(data["profiles"], ("gone", "added"), strict=True):
        assert ("main", path) in paths_of(data, side["threads"][0]["tree"])
    assert [line.split(":")[0] for line in data["head"]] == ["Before", "After"]


def test_a_difference_has_no_other_format(tmp_path):
    difference = fastprof.diff(in_a_module(OLD), in_a_module(NEW))
    with pytest.raises(fastprof.UnknownFormatError, match=r"written as \.html only"):
        difference.save(tmp_path / "out.prof")
    assert not (tmp_path / "out.prof").exists()


# Without a page


def test_without_a_page_it_is_said_how_to_get_one(tmp_path, page):
    page.unlink()
    (tmp_path / "out.html").write_text("the old one")
    stats = counted(program)
    with pytest.raises(fastprof.MissingExtraError, match=r"Node\.js.*make web"):
        stats.save(tmp_path / "out.html")
    with pytest.raises(fastprof.MissingExtraError):
        fastprof.diff(stats, stats).save(tmp_path / "out.html")
    assert (tmp_path / "out.html").read_text() == "the old one"
    stats.save(tmp_path / "out.json")


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "a b.prof"
    counted(program).save(path)
    return path


@pytest.fixture
def fastprof_command(tmp_path, page):
    """The command `fastprof`; its temporary folders are in `tmp_path`."""
    (tmp_path / "tmp").mkdir()

    def run(*words, **environ):
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *map(str, [page, *words])],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), **environ},
        )

    return run


def test_without_a_page_a_program_is_not_run_in_vain(tmp_path, page, fastprof_command):
    page.unlink()
    script = tmp_path / "script.py"
    script.write_text("print('it runs')")
    result = fastprof_command("run", "-o", "out.html", script)
    assert (result.returncode, result.stdout) == (2, "")
    assert "make web" in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize(
    "words",
    [("export", "-o", "x.html"), ("view",), ("diff", "a b.prof", "-o", "x.html")],
)
def test_without_a_page_verbs_refuse(tmp_path, page, profile, fastprof_command, words):
    page.unlink()
    result = fastprof_command(words[0], profile, *words[1:])
    assert (result.returncode, result.stdout) == (2, "")
    assert "make web" in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "x.html").exists() and not any((tmp_path / "tmp").iterdir())


# The command line


def test_run_writes_the_report(tmp_path, fastprof_command):
    script = tmp_path / "script.py"
    script.write_text("def work(): pass\nwork()\n")
    result = fastprof_command("run", "-o", "out.html", script)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    data = data_of(tmp_path / "out.html")
    assert data["title"] == "script.py"
    assert data["sources"][str(number_of(data, "work"))]["lines"] == [
        "def work(): pass"
    ]


def test_diff_writes_the_report_instead_of_printing(
    tmp_path, profile, fastprof_command
):
    result = fastprof_command("diff", profile, profile, "-o", "out.html")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert len(data_of(tmp_path / "out.html")["profiles"]) == 2
    rule = ("--fail-if", "calls>0")
    assert (
        fastprof_command("diff", profile, profile, "-o", "o.html", *rule).returncode
        == 1
    )


@pytest.mark.parametrize("target", ["out.json", "missing/out.html"])
def test_diff_refuses_what_it_cannot_write(tmp_path, profile, fastprof_command, target):
    result = fastprof_command("diff", profile, profile, "-o", target)
    assert (result.returncode, result.stdout) == (2, "")
    assert target in result.stderr and len(result.stderr.splitlines()) == 1


def program_that_notes_its_arguments(path, code=0):
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{path}.words"\nexit {code}\n')
    path.chmod(0o755)
    return path


def words_of(program):
    return program.with_name(program.name + ".words").read_text().splitlines()


def test_view_opens_a_private_report_in_the_browser(
    tmp_path, profile, fastprof_command
):
    browser = program_that_notes_its_arguments(tmp_path / "browser")
    result = fastprof_command("view", profile, BROWSER=f"{browser} %s")
    assert (result.returncode, result.stdout) == (0, "")
    (report,) = (tmp_path / "tmp").glob("fastprof-*/*")
    assert words_of(browser) == [report.as_uri()]
    assert report.name == "a b.html" and str(report) in result.stderr
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700
    data_of(report)


def test_view_says_where_the_report_is_when_no_browser_opens_it(
    tmp_path, profile, fastprof_command
):
    browser = program_that_notes_its_arguments(tmp_path / "browser", code=1)
    result = fastprof_command(
        "view", profile, "--output", "here.html", BROWSER=f"{browser} %s", PATH=""
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "no browser could be opened; the report is here.html" in result.stderr
    data_of(tmp_path / "here.html")


@pytest.mark.parametrize("code", [0, 3])
def test_view_runs_speedscope(tmp_path, profile, fastprof_command, code):
    (tmp_path / "bin").mkdir()
    program = program_that_notes_its_arguments(tmp_path / "bin" / "speedscope", code)
    result = fastprof_command(
        "view", profile, "--with", "speedscope", PATH=str(program.parent)
    )
    assert (result.returncode, result.stdout) == (1 if code else 0, "")
    (path,) = words_of(program)
    assert path.endswith("/a b.speedscope.json")
    with open(path) as file:
        assert json.load(file)["exporter"].startswith("fastprof")
    assert (f"{program} ended with 3" in result.stderr) == bool(code)


def test_view_runs_snakeviz(tmp_path, profile, fastprof_command):
    """Which is a module of this Python; its server is ended by Ctrl-C."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "snakeviz.py").write_text(
        "import os, signal, sys, pstats\n"
        "pstats.Stats(sys.argv[1])\nprint('serving', sys.argv[1])\n"
        "os.kill(os.getppid(), signal.SIGINT)\n"
    )
    result = fastprof_command(
        "view", profile, "--with", "snakeviz", PYTHONPATH=str(tmp_path / "lib")
    )
    assert (result.returncode, result.stdout) == (0, "")
    assert "/a b.prof\n" in result.stderr.partition("serving")[2]


@pytest.mark.parametrize(
    ("viewer", "hint"),
    [
        ("speedscope", "npm install -g speedscope"),
        ("snakeviz", r"pip install 'fastprof[snakeviz]'"),
    ],
)
def test_view_says_how_to_get_a_viewer(
    tmp_path, profile, fastprof_command, viewer, hint
):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['snakeviz']=None"
    )
    result = fastprof_command(
        "view", profile, "--with", viewer, PATH="", PYTHONPATH=str(tmp_path)
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert hint in result.stderr and len(result.stderr.splitlines()) == 1
    assert not any((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("name", ["missing.prof", "page.html"])
def test_view_refuses_what_is_no_profile(tmp_path, fastprof_command, name):
    result = fastprof_command("view", name, BROWSER="/bin/false")
    assert (result.returncode, result.stdout) == (2, "")
    assert name in result.stderr and len(result.stderr.splitlines()) == 1
    assert not any((tmp_path / "tmp").iterdir())
