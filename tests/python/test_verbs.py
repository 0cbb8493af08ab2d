"""The command `fastprof` and its verbs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import fastprof
import pytest

COMMAND = str(Path(sys.executable).with_name("fastprof"))
SOURCES = ["monitoring"] * (sys.version_info >= (3, 12)) + ["setprofile"]


def run(*words, **options):
    return subprocess.run(
        [COMMAND, *words], capture_output=True, text=True, timeout=120, **options
    )


def test_run_is_python_m_fastprof(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:])\nsys.exit(3)")
    profile = tmp_path / "out.prof"
    result = run("run", "-o", profile, script, "-o", "argument")
    assert (result.returncode, result.stderr) == (3, "")
    assert result.stdout == "['-o', 'argument']\n"
    assert (str(script), 1, "<module>") in fastprof.load(profile).stats


def test_a_module_can_be_run_as_the_command():
    words = [sys.executable, "-m", "fastprof.cli", "--help"]
    result = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: fastprof VERB")


def test_calibrate_prints_the_costs_of_each_event_source():
    result = run("calibrate")
    assert (result.returncode, result.stderr) == (0, "")
    tables = result.stdout.split("\n\n")
    assert [table.partition(":")[0] for table in tables] == SOURCES
    for table in tables:
        cost = re.search(r"Python function +(-?[\d.]+) +(-?[\d.]+) +([\d.]+) ", table)
        inside, outside, together = map(float, cost.groups())
        assert abs(inside + outside - together) < 0.2
        assert together > 0.0


def test_doctor_tells_what_there_is():
    result = run("doctor")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"fastprof {fastprof.__version__}" in result.stdout
    with fastprof.Profiler() as profiler:
        pass
    source = profiler.clock_info["source"]
    assert re.search(rf"^clock +{source}, a reading takes [\d.]", result.stdout, re.M)
    assert re.search(rf"^event source +{SOURCES[0]}", result.stdout, re.M)
    assert re.search(r"^cost of a call a Python function \d+ ns", result.stdout, re.M)


def test_doctor_warns_of_the_slower_clock():
    result = run("doctor", env={**os.environ, "FASTPROF_CLOCK": "monotonic"})
    assert "warning: FASTPROF_CLOCK asks for the slower clock" in result.stdout
    assert "nothing is odd here" not in result.stdout


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "a verb is missing"),
        (["dance"], "no such verb: 'dance'"),
        (["doctor", "who"], "doctor takes no arguments"),
    ],
)
def test_other_words_are_refused(words, problem):
    result = run(*words)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.endswith(f"\nfastprof: {problem}\n")


def test_a_clock_that_is_not_to_be_had_is_told_in_a_line():
    result = run("doctor", env={**os.environ, "FASTPROF_CLOCK": "sundial"})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("fastprof: the environment variable FASTPROF_CLOCK")
    assert result.stderr.count("\n") == 1


# What works on profiles.


def leaf():
    pass


def program(times):
    for _ in range(times):
        leaf()
    list(map(str, [1]))


def counted(path, times):
    """A profile whose clock ticks once, a second, at each event."""
    seconds = iter(range(1_000_000))
    profiler = fastprof.Profiler(timer=lambda: float(next(seconds)))
    profiler.runcall(program, times)
    profiler.save(path)
    return str(path)


@pytest.fixture
def old(tmp_path):
    return counted(tmp_path / "old.prof", 2)


@pytest.fixture
def new(tmp_path):
    return counted(tmp_path / "new.prof", 5)


def test_report_is_a_table_of_functions(old):
    result = run("report", old)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("3 calls, ")
    assert "Times are as recorded" in result.stdout
    row = re.search(
        r"^ +2 +2\.000 +([\d.]+) +2\.000   test_verbs:leaf", result.stdout, re.M
    )
    assert 20 < float(row[1]) < 60
    head = re.search(r"^ +calls .*", result.stdout, re.M)[0]
    assert head.split() == ["calls", "own", "%", "cumulative", "function"]


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("own", "program"),
        ("calls", "leaf"),
        ("cumulative", "program"),
        ("name", "leaf"),
    ],
)
def test_report_is_sorted_and_cut(new, sort, first):
    result = run("report", "-s", sort, "-n", "1", new)
    rows = [line for line in result.stdout.splitlines() if "test_verbs:" in line]
    assert len(rows) == 1
    assert f"test_verbs:{first} " in rows[0]
    assert "more functions" in result.stdout


def test_report_has_errors_marks_and_cpu_times(tmp_path):
    def calls():
        for _ in range(20000):
            leaf()

    with fastprof.Profiler(clock="both") as profiler:
        calls()
    profiler.save(tmp_path / "out.prof")
    result = run("report", tmp_path / "out.prof")
    head = re.search(r"^ +calls .*", result.stdout, re.M)[0].split()
    stats = profiler.snapshot()
    if stats.compensated:
        assert head[1:3] == ["own", "+-"]
        assert "that the profiler added" in result.stdout
    assert head[-3:] == ["own_cpu", "cumulative_cpu", "function"]
    (row,) = [line for line in result.stdout.splitlines() if ":leaf " in line]
    marked = any(function.mostly_overhead for function in stats.functions)
    assert ("* most of the own time" in result.stdout) is marked
    assert (" * " in row) is stats[leaf].mostly_overhead


def test_tree_shows_the_hot_paths(new):
    result = run("tree", new)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert re.match(
        r" +\d+\.000 100\.0 +\d+\.000 +1  test_verbs:program  test_verbs", lines[1]
    )
    assert re.match(r" +5\.000 +[\d.]+ +5\.000 +5    test_verbs:leaf ", lines[2])


def test_tree_folds_what_is_small(new):
    result = run("tree", "--threshold", "90", new)
    assert "leaf" not in result.stdout
    assert re.search(r"\d+ paths of less than 90 % each are folded", result.stdout)


def test_tree_of_a_thread(tmp_path):
    import threading

    with fastprof.Profiler() as profiler:
        thread = threading.Thread(target=program, args=(1,), name="other")
        thread.start()
        thread.join()
        leaf()
    profiler.save(tmp_path / "out.prof")
    result = run(
        "tree", "--thread", "MainThread", "--threshold", "0", tmp_path / "out.prof"
    )
    assert "test_verbs:leaf" in result.stdout
    assert "test_verbs:program" not in result.stdout
    result = run("tree", "--thread", "nobody", tmp_path / "out.prof")
    assert result.returncode == 2
    assert "there is no thread 'nobody'; there are: MainThread, other" in result.stderr


def test_merge_adds_up(old, new, tmp_path):
    result = run("merge", old, new, new, "-o", tmp_path / "all.prof")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert fastprof.load(tmp_path / "all.prof")["test_verbs:leaf"].calls == 12


def test_export_writes_what_the_extension_says(old, tmp_path):
    target = tmp_path / "out.collapsed"
    assert run("export", old, "-o", target).returncode == 0
    assert "test_verbs:program;test_verbs:leaf 2000000000\n" in target.read_text()
    assert run("export", old, "-o", tmp_path / "x", "--format", "csv").returncode == 0
    assert (tmp_path / "x").read_text().startswith("file,line,")


def test_diff_tells_what_changed(old, new):
    result = run("diff", old, new)
    assert (result.returncode, result.stderr) == (0, "")
    row = r"^ +2\.000 +5\.000 +\+3\.000 +\+3\.000 +\+0\.000 +2 +5   test_verbs:leaf$"
    assert re.search(row, result.stdout, re.M)
    result = run("diff", "--paths", old, new)
    assert "test_verbs:program;test_verbs:leaf\n" in result.stdout
    result = run("diff", "-n", "1", old, new)
    assert "1 more" in result.stdout


def test_diff_of_several_runs(old, new):
    runs = "--repeat-old", new, "--repeat-new", old, new
    result = run("diff", old, new, *runs, "--fail-if", "own>+10%")
    assert (result.returncode, result.stderr) == (0, "")
    row = r"^ +3\.500 +4\.000 +\+0\.500 .* 3\.5 +4 ~ test_verbs:leaf$"
    assert re.search(row, result.stdout, re.M)
    assert "~ may be chance: within the errors, or as runs differ" in result.stdout


def test_diff_fails_where_a_rule_is_broken(old, new):
    rules = "--fail-if", "calls>+100%", "--fail-if", "own>1000"
    result = run("diff", old, new, *rules)
    assert (result.returncode, result.stderr) == (1, "calls>+100%: test_verbs:leaf\n")
    assert run("diff", new, old, *rules).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("report", "missing.prof"),
        ("tree", "missing.prof"),
        ("export", "missing.prof", "-o", "out.csv"),
        ("merge", "missing.prof", "-o", "out.prof"),
        ("diff", "missing.prof", "missing.prof"),
        ("report", "broken.prof"),
        ("merge", "broken.prof", "-o", "out.prof"),
        ("export", "good.prof", "-o", "out.svg"),
        ("export", "good.prof", "-o", "nowhere/out.csv"),
        ("merge", "good.prof", "other.prof", "-o", "out.prof"),
        ("diff", "good.prof", "other.prof"),
        ("diff", "good.prof", "good.prof", "--fail-if", "nonsense"),
    ],
    ids=" ".join,
)
def test_bad_input_is_told_and_nothing_is_written(tmp_path, words):
    counted(tmp_path / "good.prof", 1)
    with fastprof.Profiler(clock="cpu") as profiler:
        leaf()
    profiler.save(tmp_path / "other.prof")
    (tmp_path / "broken.prof").write_bytes((tmp_path / "good.prof").read_bytes()[:-1])
    before = sorted(tmp_path.iterdir())
    result = run(*words, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("fastprof: ") and result.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_an_old_result_stays_when_a_new_one_cannot_be_made(tmp_path, old):
    target = tmp_path / "result.prof"
    target.write_text("old")
    assert run("merge", old, tmp_path / "missing.prof", "-o", target).returncode == 2
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    "words",
    [("report",), ("merge", "x"), ("report", "-s", "wrong", "x"), ("export", "x")],
)
def test_wrong_arguments_are_usage_errors(words):
    result = run(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"usage: fastprof {words[0]} ")


def test_help_of_a_verb():
    result = run("diff", "--help")
    assert result.returncode == 0
    assert "--fail-if" in result.stdout and '"own>+10%"' in result.stdout


def test_nobody_reads_the_table(new):
    process = subprocess.Popen(
        [COMMAND, "report", new], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 32


def test_stdout_takes_nothing(new):
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [COMMAND, "report", new], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (result.returncode, result.stderr) == (
        1,
        "fastprof: cannot print: No space left on device\n",
    )


def test_there_is_no_stdout(new, tmp_path):
    for words in f"export {new} -o {tmp_path}/out.csv", f"report {new}":
        result = subprocess.run(
            ["sh", "-c", f"exec {COMMAND} {words} >&-"], capture_output=True, text=True
        )
        assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "out.csv").read_text().startswith("file,")


@pytest.mark.parametrize("verb", ["report", "tree", "diff"])
def test_names_that_stdout_cannot_print(tmp_path, verb):
    namespace = {"__name__": "a\x1b[31m\nb"}
    exec("def na\u00efve(): pass", namespace)
    path = tmp_path / "out.prof"
    profiler = fastprof.Profiler()
    profiler.runcall(namespace["na\u00efve"])
    profiler.save(path)
    fastprof.Profiler().save(tmp_path / "none.prof")
    words = [path, tmp_path / "none.prof"] if verb == "diff" else [path]
    result = run(verb, *words, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (result.returncode, result.stderr) == (0, "")
    assert "a?[31m?b:na?ve" in result.stdout


def test_a_very_deep_tree_is_printed(tmp_path):
    def recursive(depth):
        if depth:
            recursive(depth - 1)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(5000)
    try:
        profiler = fastprof.Profiler()
        profiler.runcall(recursive, 3000)
    finally:
        sys.setrecursionlimit(limit)
    profiler.save(tmp_path / "out.prof")
    result = run("tree", "--threshold", "0", tmp_path / "out.prof")
    assert len(result.stdout.splitlines()) > 3001
    assert max(map(len, result.stdout.splitlines())) < 200
