"""`python -m fastprof`: a program behaves as it does without us, and leaves a profile.

Most tests run a program twice, by plain Python and under the profiler, and compare all
that can be seen from outside: stdout, stderr and the exit code.
"""

import errno
import importlib.util
import os
import pstats
import py_compile
import re
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import fastprof
import pytest

PROFILED = [sys.executable, "-m", "fastprof"]
OUR_DIRECTORY = importlib.util.find_spec("fastprof").submodule_search_locations[0]
EXEC = ("~", 0, "<built-in method builtins.exec>")

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX processes and files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /dev/full")


class Workplace:
    """A directory with a program in it, to run things in."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.profile = directory / "result" / "out.prof"
        self.profile.parent.mkdir()
        self.scratch = directory / "scratch"
        self.scratch.mkdir()

    def write(self, name: str, source: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    def run(self, command, **options):
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
            "TMPDIR": str(self.scratch),
            "PYTHONDONTWRITEBYTECODE": "1",
            **options.pop("environment", {}),
        }
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.directory,
            env=environment,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=120,
            **options,
        )

    def plain(self, *arguments, flags=(), **options):
        return self.run([sys.executable, *flags, *arguments], **options)

    def profiled(self, *arguments, flags=(), **options):
        return self.run([sys.executable, *flags, *PROFILED[1:], *arguments], **options)

    def check_same(self, *arguments, **options):
        """Run both ways, compare, and return what came of it."""
        plain = self.plain(*arguments, **options)
        profiled = self.profiled("-o", self.profile, *arguments, **options)
        assert profiled.stdout == plain.stdout
        assert profiled.stderr == plain.stderr
        assert profiled.returncode == plain.returncode
        return profiled

    def stats(self):
        return pstats.Stats(str(self.profile)).stats

    def rescued(self):
        return list(self.scratch.iterdir())


@pytest.fixture
def place(tmp_path):
    return Workplace(tmp_path)


def names_in(stats):
    return {name for _, _, name in stats}


# What a program can see of how it was started.

SHOW_MAIN = """
    import sys
    import __main__
    for name, value in list(vars(__main__).items()):
        print(name, type(value).__name__, end=" ")
        print(value if isinstance(value, (str, dict, type(None))) else "")
    print(vars(__main__) is globals(), __main__ is sys.modules["__main__"])
    print(__loader__.name, __loader__.path, __spec__ and __spec__.name)
    print(sys.argv, sys.path, sys._getframe().f_code.co_filename, sys.flags)
    print(sys.exc_info(), sys.getrecursionlimit())
"""


@pytest.mark.parametrize("docstring", ["", '"""What it does."""\n'])
def test_script_sees_the_same_main_argv_and_path(place, docstring):
    path = place.write("program.py", SHOW_MAIN)
    path.write_text(docstring + path.read_text())
    place.check_same("program.py", "first", "-o", "--", "last one")


@pytest.mark.parametrize(
    "name", ["program.py", "./program.py", "sub/../program.py", "sub/deep.py"]
)
def test_script_sees_the_same_however_it_is_named(place, name):
    place.write("sub/deep.py", SHOW_MAIN)
    place.write("program.py", SHOW_MAIN)
    place.check_same(name)
    place.check_same(place.directory / name)


@posix
def test_links_to_a_script_lead_to_the_directory_on_the_path(place):
    place.write("real/sub/program.py", SHOW_MAIN)
    (place.directory / "real" / "middle.py").symlink_to("sub/program.py")
    (place.directory / "link.py").symlink_to("real/middle.py")
    result = place.check_same("link.py")
    assert str(place.directory / "real" / "sub") in result.stdout


@posix
def test_script_from_a_pipe(place):
    source = textwrap.dedent(SHOW_MAIN)
    place.check_same("/dev/stdin", input=source)


@pytest.mark.parametrize("flags", [["-I"], ["-P"], ["-E"], ["-O"], ["-X", "utf8"]])
def test_flags_of_the_interpreter_are_obeyed(place, flags):
    if flags == ["-P"] and sys.version_info < (3, 11):
        pytest.skip("-P came with Python 3.11")
    place.write("program.py", SHOW_MAIN + "    print(__debug__)\n")
    place.check_same("program.py", flags=flags)


def test_module_sees_the_same_main_argv_and_path(place):
    place.write("program.py", SHOW_MAIN)
    place.check_same("-m", "program", "first", "-m", "last")


@pytest.mark.parametrize("name", ["package", "package.inner", "package.inner.module"])
def test_packages_import_their_parents_first(place, name):
    parent = """
        import sys
        print(__name__, sys.argv, sorted(vars(sys.modules["__main__"])))
    """
    place.write("package/__init__.py", parent)
    place.write("package/__main__.py", SHOW_MAIN)
    place.write("package/inner/__init__.py", parent)
    place.write("package/inner/__main__.py", SHOW_MAIN)
    place.write("package/inner/module.py", SHOW_MAIN)
    place.check_same("-m", name, "argument")


@pytest.mark.parametrize("flags", [[], ["-I"]])
def test_directory_with_a_main(place, flags):
    place.write("application/__main__.py", SHOW_MAIN + "    import helper\n")
    place.write("application/helper.py", "print(__file__)\n")
    place.check_same("application", "argument", flags=flags)


def test_zip_file_with_a_main(place):
    program = SHOW_MAIN.replace(
        "__loader__.name, __loader__.path", "__loader__.archive"
    )
    with zipfile.ZipFile(place.directory / "application.zip", "w") as archive:
        archive.writestr("__main__.py", textwrap.dedent(program))
    place.check_same("application.zip", "argument")


def test_compiled_script(place):
    source = place.write("program.py", SHOW_MAIN)
    py_compile.compile(str(source), str(place.directory / "compiled.pyc"))
    place.check_same("compiled.pyc")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "cp1251"])
def test_encoding_of_the_source(place, encoding):
    letter = "Ж" if encoding == "cp1251" else "é"
    declared = "" if encoding == "utf-8-sig" else f"# -*- coding: {encoding} -*-\n"
    path = place.directory / "program.py"
    path.write_bytes(f"{declared}print(ascii('{letter}'))\n".encode(encoding))
    result = place.check_same("program.py")
    assert result.stdout.strip() == ascii(letter)


def test_no_future_statement_of_ours_changes_the_program(place):
    place.write("program.py", "def f(x: 1 + 1): pass\nprint(f.__annotations__)\n")
    assert place.check_same("program.py").stdout == "{'x': 2}\n"


def test_program_finds_no_more_modules_imported_than_under_cprofile(place):
    # Modules that are there before the program starts are missing from its profile,
    # and hide modules of its own that have the same name.
    place.write("program.py", "import sys; print(*sys.modules)")
    command = [sys.executable, "-m", "cProfile", "-o", os.devnull, "program.py"]
    usual = set(place.run(command).stdout.split())
    ours = set(place.profiled("-o", place.profile, "program.py").stdout.split())
    extra = {name for name in ours - usual if name.partition(".")[0] != "fastprof"}
    assert not extra


# How a program ends.

ENDINGS = {
    "end": "print('done')",
    "exit 3": "import sys; sys.exit(3)",
    "exit 0": "import sys; sys.exit(0)",
    "exit None": "import sys; sys.exit()",
    "exit True": "import sys; sys.exit(True)",
    "exit -1": "import sys; sys.exit(-1)",
    "exit 256": "import sys; sys.exit(256)",
    "exit message": "import sys; sys.exit('it went wrong')",
    "exit object": "import sys; sys.exit(('a', 1))",
    "exit of site": "exit(4)",
    "exit subclass": """
        class Leave(SystemExit):
            pass
        raise Leave(5)
    """,
    "exit at once": "import os; os._exit(6)",
    "exit in handler": """
        import sys
        try:
            1 / 0
        except ZeroDivisionError:
            sys.exit("no message of the division")
    """,
    "error": "1 / 0",
    "error in functions": """
        def inner(n):
            return inner(n - 1) if n else {}["key"]

        def outer():
            inner(10)

        outer()
    """,
    "error while handling": """
        def first():
            raise ValueError("first")

        try:
            first()
        except ValueError:
            raise KeyError("second")
    """,
    "error with cause": """
        try:
            {}["key"]
        except KeyError as error:
            raise RuntimeError("by that") from error
    """,
    "error with hidden context": """
        try:
            {}["key"]
        except KeyError:
            raise RuntimeError("alone") from None
    """,
    "own error class": """
        class Odd(BaseException):
            def __str__(self):
                return "odd"
        raise Odd
    """,
    "error that cannot be printed": """
        class Unprintable(Exception):
            def __str__(self):
                raise TypeError
        raise Unprintable
    """,
    "error from C calling Python": """
        sorted([1, 2], key=lambda x: 1 / 0)
    """,
    "error from an import": "import no_such_module",
    "error from exec": "exec('def f(): 1 / 0\\nf()')",
    "broken pipe of its own": """
        import os
        reader, writer = os.pipe()
        os.close(reader)
        os.write(writer, b"x")
    """,
    "error of a thread": """
        import threading
        thread = threading.Thread(target=lambda: 1 / 0, name="worker")
        thread.start()
        thread.join()
    """,
    "syntax error": "print('never')\ndef f(:\n    pass\n",
    "indentation error": "if True:\npass\n",
    "syntax warning": "print(1 is 1)\n",
    "return outside": "return 1",
    "output after the last flush": "import sys; sys.stdout.write('no newline')",
}


@pytest.mark.parametrize("source", ENDINGS.values(), ids=ENDINGS.keys())
def test_script_ends_as_without_us(place, source):
    place.write("program.py", source)
    place.check_same("program.py")


@pytest.mark.parametrize(
    "name",
    [name for name in ENDINGS if not re.search("syntax error|indent|return", name)],
)
def test_module_ends_as_without_us(place, name):
    place.write("program.py", ENDINGS[name])
    place.check_same("-m", "program")


@pytest.mark.parametrize("arguments", [["-m", "package.module"], ["directory"]])
def test_errors_before_the_first_line_have_no_frame_of_ours(place, arguments):
    place.write("package/__init__.py", "1 / 0")
    place.write("package/module.py", "")
    place.write("directory/__main__.py", "def f(:")
    plain = place.plain(*arguments)
    profiled = place.profiled("-o", place.profile, *arguments)
    assert profiled.returncode == plain.returncode == 1
    assert OUR_DIRECTORY not in profiled.stderr
    assert profiled.stderr.splitlines()[-3:] == plain.stderr.splitlines()[-3:]
    # The import of packages is recorded, so there is a profile although it failed.
    assert place.profile.exists() == ("-m" in arguments)


HOOKS = {
    "replaced": """
        def hook(kind, error, traceback):
            print("hook", kind, error, traceback.tb_frame.f_code.co_name)
            print(traceback.tb_next, sys.exc_info(), error.__context__)
            print(sys.last_value is error, getattr(sys, "last_exc", None) is error)
            print(sys.last_type, sys.last_traceback is traceback)
        sys.excepthook = hook
    """,
    "failing": """
        def hook(*arguments):
            raise ValueError("hook failed")
        sys.excepthook = hook
    """,
    "leaving": "sys.excepthook = lambda *arguments: sys.exit(7)",
    "not callable": "sys.excepthook = None",
    "deleted": "del sys.excepthook, sys.__excepthook__",
}


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS.keys())
def test_sys_excepthook_is_honoured(place, hook):
    source = f"import sys\n{textwrap.dedent(hook)}\nraise LookupError('lost')\n"
    place.write("program.py", source)
    place.check_same("program.py")
    assert EXEC in place.stats()


ODD_PROGRAMS = {
    "changes argv": "import sys; sys.argv[:] = ['x', '-o', 'y']; del sys.argv",
    "changes path": "import sys; sys.path.clear()",
    "clears environment": "import os; os.environ.clear()",
    "deletes modules": """
        import sys
        for name in list(sys.modules):
            if name not in ("sys", "builtins", "__main__"):
                del sys.modules[name]
    """,
    "replaces main": """
        import sys, types
        sys.modules["__main__"] = types.ModuleType("__main__")
    """,
    "deletes main": "import sys; del sys.modules['__main__']",
    "has our names": """
        main = run = load = record = profiler = program = error = Profiler = sys = 1
        options = arguments = namespace = code = os = outfile = stdout = None
        print(sorted(globals()))
    """,
    "clears its globals": "globals().clear()",
    "overrides builtins": """
        import builtins
        builtins.print = builtins.compile = builtins.exec = None
    """,
    "at exit": """
        import atexit
        def last():
            print(sorted(name for name in globals() if name.startswith("__")))
        atexit.register(last)
    """,
    "at exit after sys.exit": """
        import atexit, sys
        atexit.register(lambda: print("__file__" in globals()))
        sys.exit(2)
    """,
    "at exit after an error": """
        import atexit
        atexit.register(lambda: print("__file__" in globals()))
        1 / 0
    """,
    "at exit after sys.exit in the hook": """
        import atexit, sys
        def hook(*error):
            print("__file__" in globals())
            sys.exit(3)
        sys.excepthook = hook
        atexit.register(lambda: print("__file__" in globals()))
        1 / 0
    """,
    "finaliser at shutdown": """
        class Last:
            def __del__(self):
                print("gone", __name__)
        last = Last()
    """,
    "thread outlives main": """
        import threading
        go = threading.Event()
        def work():
            threading.main_thread().join()
            print("worker ends")
        threading.Thread(target=work).start()
        print("main ends")
    """,
    "pickles its class": """
        import pickle
        class Point:
            pass
        print(pickle.loads(pickle.dumps(Point())).__class__ is Point)
    """,
    "reads stdin": "import sys; print(sys.stdin.read())",
    "forks": """
        import os, sys
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            print("child", os.waitstatus_to_exitcode(status), flush=True)
        else:
            sys.exit(9)
    """,
    "forks and falls off the end": """
        import os
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            print("child", os.waitstatus_to_exitcode(status))
        else:
            print("in child")
    """,
    "forks and fails": """
        import os
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            print("child", os.waitstatus_to_exitcode(status))
        else:
            raise ValueError("in child")
    """,
}


@pytest.mark.parametrize("source", ODD_PROGRAMS.values(), ids=ODD_PROGRAMS.keys())
def test_whatever_the_program_does_is_harmless(place, source):
    if "fork" in source and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    place.write("program.py", source)
    place.check_same("program.py", input="from stdin")
    assert EXEC in place.stats()
    assert place.rescued() == []


@posix
@pytest.mark.parametrize("ending", ["pass", "sys.exit(9)", "raise ValueError('child')"])
def test_a_forked_child_writes_and_prints_nothing_of_ours(place, ending):
    # A child that unwinds after its parent has ended would be the last to write.
    place.write(
        "program.py",
        f"""
        import os, sys
        reader, writer = os.pipe()
        out_reader, out_writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.dup2(out_writer, 1)
            os.close(out_writer)
            def only_in_child(): pass
            only_in_child()
            {ending}
        else:
            os.close(out_writer)
            os.waitpid(child, 0)
            print("from child:", os.read(out_reader, 100000))
        """,
    )
    result = place.profiled("program.py")
    assert "from child: b''\n" in result.stdout
    assert result.stdout.count("function calls") == 1
    place.profiled("-o", place.profile, "program.py")
    assert "only_in_child" not in names_in(place.stats())
    assert "waitpid" in str(place.stats())


MULTIPROCESSING = """
    import multiprocessing
    import sys

    class Point:
        def __init__(self, x):
            self.x = x

    def double(point):
        return Point(2 * point.x)

    def report(queue, point):
        queue.put((point.x, type(point) is Point, __name__))

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        with context.Pool(2) as pool:
            points = pool.map(double, [Point(n) for n in range(5)])
        print([point.x for point in points], {type(p) is Point for p in points})
        queue = context.Queue()
        process = context.Process(target=report, args=(queue, Point(7)))
        process.start()
        print(queue.get())
        process.join()
        print(process.exitcode)
"""


@posix
@pytest.mark.parametrize("as_module", [False, True], ids=["script", "module"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works_as_without_us(place, method, as_module):
    place.write("program.py", MULTIPROCESSING)
    program = ["-m", "program"] if as_module else ["program.py"]
    result = place.check_same(*program, method)
    assert result.returncode == 0
    assert "[0, 2, 4, 6, 8] {True}" in result.stdout
    assert ("__main__" if method == "fork" else "__mp_main__") in result.stdout
    assert "get_context" in names_in(place.stats())


# What is recorded, and where it goes.

WORK = """
    print("working")

    def work():
        return len("abc")

    for _ in range(3):
        work()
"""


def check_work(stats, path):
    """WORK is recorded under exec, to the last call."""
    module = (str(path), 1, "<module>")
    work = (str(path), 4, "work")
    assert stats[EXEC][:2] == (1, 1)
    assert stats[EXEC][4] == {}
    assert stats[module][:2] == (1, 1)
    assert {k: v[:2] for k, v in stats[module][4].items()} == {EXEC: (1, 1)}
    assert {k: v[:2] for k, v in stats[work][4].items()} == {module: (3, 3)}


def test_profile_is_the_program_under_exec_and_nothing_else(place):
    path = place.write("program.py", WORK)
    place.profiled("-o", place.profile, "program.py")
    check_work(place.stats(), path)
    assert {name for _, _, name in place.stats()} == {
        "<module>",
        "work",
        "<built-in method builtins.exec>",
        "<built-in method builtins.len>",
        "<built-in method builtins.print>",
    }


def test_a_module_is_recorded_with_the_import_of_its_packages(place):
    """As cProfile does: what a package does at its import is part of the program."""
    package = place.write("package/__init__.py", "def at_import(): pass\nat_import()")
    path = place.write("package/module.py", WORK)
    place.profiled("-o", place.profile, "-m", "package.module")
    stats = place.stats()
    assert stats[str(package), 1, "at_import"][:2] == (1, 1)
    assert not any(OUR_DIRECTORY in file for file, _, _ in stats)
    module = (str(path), 1, "<module>")
    execs = {callee: n for callee, entry in stats.items() for n in [entry[4].get(EXEC)]}
    assert execs[module][:2] == (1, 1)
    assert stats[str(path), 4, "work"][4][module][:2] == (3, 3)


@pytest.mark.parametrize("output", [["-o", "out.prof"], []])
def test_a_program_that_takes_our_hook_away_is_warned_of(place, output):
    """The profile used to end there, and nothing said so."""
    place.write("program.py", "import sys; sys.setprofile(None)")
    result = place.profiled(*output, "--backend", "setprofile", "program.py")
    assert result.returncode == 0
    assert "another profile function" in result.stderr
    assert result.stderr.startswith("fastprof: ") and result.stderr.count("\n") == 1


def test_table_follows_the_programs_output(place):
    place.write("program.py", WORK)
    result = place.profiled("program.py")
    assert result.returncode == 0
    assert result.stderr == ""
    output, _, table = result.stdout.partition("\n")
    assert output == "working"
    assert "function calls" in table
    assert "Ordered by: cumulative time" in table
    assert re.search(r"^ +3 .* program\.py:4\(work\)$", table, re.MULTILINE)


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("tottime", "internal time"),
        ("ncalls", "call count"),
        ("stdname", "standard name"),
    ],
)
@pytest.mark.parametrize("flag", ["-s", "--sort"])
def test_order_of_the_table(place, flag, key, order):
    place.write("program.py", WORK)
    result = place.profiled(flag, key, "program.py")
    assert f"Ordered by: {order}" in result.stdout


def test_the_table_says_what_was_taken_out_of_the_times(place):
    place.write("program.py", WORK)
    table = place.profiled("program.py").stdout.partition("working\n")[2]
    assert (
        "seconds that the profiler added (+- " in table.partition("function calls")[0]
    )
    table = place.profiled("--no-compensate", "program.py").stdout
    assert "Times are as recorded, with what the profiler added to them." in table


def test_a_file_is_compensated_or_not(place):
    place.write("program.py", WORK)
    for flags in [], ["--no-compensate"]:
        place.profiled("-o", place.profile, *flags, "program.py")
        assert fastprof.load(place.profile).compensated is (flags == [])


def test_only_what_is_in_the_focus_is_recorded(place):
    place.write("program.py", "import json, helper\njson.dumps([1])\nhelper.run()")
    place.write("helper.py", "def run(): return inner()\ndef inner(): pass")

    def names(*flags):
        place.profiled("-o", place.profile, *flags, "program.py")
        functions = fastprof.load(place.profile).functions
        return {one.full_name for one in functions if one.kind == "python"}

    assert names("--include", "helper") == {
        "helper:<module>",
        "helper:run",
        "helper:inner",
    }
    assert names("--include", "__main__", "--include", "helper:in*") == {
        "__main__:<module>",
        "helper:inner",
    }
    inside = names("--no-stdlib")
    assert {"helper:run", "__main__:<module>"} <= inside
    assert not {name for name in inside if name.startswith(("json", "importlib"))}
    assert "helper:run" not in names("--exclude", "helper")


def test_table_comes_before_the_traceback(place):
    place.write("program.py", "import sys; sys.stderr = sys.stdout\n1 / 0\n")
    result = place.profiled("program.py")
    assert result.returncode == 1
    assert result.stdout.index("function calls") < result.stdout.index("Traceback")


def test_output_path_is_that_of_the_start(place):
    place.write("program.py", "import os; os.chdir('scratch')")
    result = place.profiled("-o", "relative.prof", "program.py")
    assert result.returncode == 0
    assert (place.directory / "relative.prof").exists()


def test_profile_is_written_without_a_word(place):
    place.write("program.py", "")
    result = place.profiled("--outfile", place.profile, "program.py")
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)
    assert EXEC in place.stats()


@pytest.mark.parametrize(
    ("ending", "code"), [("pass", 1), ("exit(0)", 1), ("exit(3)", 3), ("1 / 0", 1)]
)
def test_profile_is_rescued_when_its_directory_has_gone(place, ending, code):
    place.write("program.py", f"import os\nos.rmdir('result')\n{ending}\n")
    result = place.profiled("-o", place.profile, "program.py")
    assert result.returncode == code
    (rescued,) = place.rescued()
    assert result.stderr.startswith(f"fastprof: cannot write '{place.profile}': ")
    assert f"the profile is in '{rescued}'\n" in result.stderr
    assert ("ZeroDivisionError" in result.stderr) == (ending == "1 / 0")
    assert EXEC in pstats.Stats(str(rescued)).stats


@linux
def test_profile_is_rescued_from_a_full_device(place):
    place.write("program.py", "")
    result = place.profiled("-o", "/dev/full", "program.py")
    assert result.returncode == 1
    (rescued,) = place.rescued()
    assert EXEC in pstats.Stats(str(rescued)).stats


def test_a_profile_that_fits_nowhere_costs_one_line(place):
    place.write(
        "program.py",
        """
        import os, shutil, tempfile
        shutil.rmtree("result")
        shutil.rmtree("scratch")
        tempfile.tempdir = os.path.abspath("scratch")
        """,
    )
    result = place.profiled("-o", place.profile, "program.py")
    assert result.returncode == 1
    assert "the profile is lost" in result.stderr
    assert result.stderr.count("\n") == 1


# Interruption and a stdout that goes away.


@pytest.fixture
def heeds_interrupts():
    """Let the programs heed SIGINT: what a shell runs in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("heeds_interrupts")
@pytest.mark.parametrize("with_file", [False, True], ids=["table", "file"])
def test_interrupt_leaves_the_profile_and_the_plain_traceback(place, with_file):
    place.write("program.py", "import signal\nsignal.raise_signal(signal.SIGINT)\n")
    plain = place.plain("program.py")
    output = ["-o", place.profile] if with_file else []
    result = place.profiled(*output, "program.py")
    assert result.returncode == 130
    assert result.stderr == plain.stderr
    assert "raise_signal" in (str(place.stats()) if with_file else result.stdout)


@posix
@pytest.mark.usefixtures("heeds_interrupts")
def test_control_c_from_outside(place):
    source = "import sys\nprint('ready', flush=True)\nsys.stdin.buffer.read()\n"
    place.write("program.py", source)
    process = subprocess.Popen(
        [*PROFILED, "-o", place.profile, "program.py"],
        cwd=place.directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == b"KeyboardInterrupt"
    assert OUR_DIRECTORY.encode() not in stderr
    assert EXEC in place.stats()


@pytest.fixture
def closed_pipe():
    """The end to write to of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


PRINTING = {
    "much": "for n in range(100000): print('line', n)",
    "little": "print('line')",
    "nothing": "",
    "flushed": "print('line', flush=True)",
    "and exits": "import sys; print('line'); sys.exit(0)",
}


@posix
@pytest.mark.parametrize("flags", [[], ["-u"]], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("source", PRINTING.values(), ids=PRINTING.keys())
def test_closed_stdout_makes_no_noise(place, closed_pipe, source, flags):
    place.write("program.py", source)
    result = place.profiled("program.py", flags=flags, stdout=closed_pipe)
    assert (result.stderr, result.returncode) == ("", errno.EPIPE)
    result = place.profiled(
        "-o", place.profile, "program.py", flags=flags, stdout=closed_pipe
    )
    expected = errno.EPIPE if source else 0
    assert (result.stderr, result.returncode) == ("", expected)
    assert EXEC in place.stats()


@posix
def test_own_ending_outweighs_a_closed_stdout(place, closed_pipe):
    place.write("program.py", "import sys\nprint('line')\nsys.exit(3)\n")
    result = place.profiled("program.py", stdout=closed_pipe)
    assert (result.stderr, result.returncode) == ("", 3)
    place.write("program.py", "print('line')\n1 / 0\n")
    result = place.profiled("program.py", stdout=closed_pipe)
    assert result.returncode == 1
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")


@posix
@pytest.mark.parametrize(
    "source",
    [
        "import sys; sys.stdout.close()",
        "import sys; sys.stdout = None; sys.__stdout__.close()",
    ],
)
def test_a_table_goes_to_the_descriptor_under_a_closed_stdout(place, source):
    """As `-m json.tool` leaves it: the stream is closed, its descriptor is not."""
    place.write("program.py", source)
    result = place.profiled("program.py")
    assert result.returncode == 0
    assert result.stderr == ""
    assert "function calls" in result.stdout
    assert place.rescued() == []


@posix
@pytest.mark.parametrize(
    ("source", "code"),
    [("import sys; sys.stdout.detach()", 120), ("import os; os.close(1)", 1)],
)
def test_a_table_that_cannot_be_printed_is_rescued(place, source, code):
    """The interpreter itself ends with 120 when it cannot flush stdout."""
    place.write("program.py", source)
    plain = place.plain("program.py")
    result = place.profiled("program.py")
    assert result.returncode == code
    (rescued,) = place.rescued()
    assert EXEC in pstats.Stats(str(rescued)).stats
    warning, _, rest = result.stderr.partition("\n")
    assert warning.startswith("fastprof: cannot print: ")
    assert warning.endswith(f"; the profile is in '{rescued}'")
    assert rest == plain.stderr


@linux
def test_a_table_for_a_full_device_is_rescued(place):
    place.write("program.py", "")
    with open("/dev/full", "w") as full:
        result = place.profiled("program.py", stdout=full)
    (rescued,) = place.rescued()
    assert result.returncode == 1
    assert result.stderr == (
        f"fastprof: cannot print: No space left on device; "
        f"the profile is in '{rescued}'\n"
    )


@pytest.mark.parametrize(
    "source",
    [
        "import io, sys; sys.stdout = io.StringIO()",
        "import sys; sys.stdout = None",
        "import sys; del sys.stdout",
        "import sys; sys.stdout = 5",
        "import io, sys; sys.stdout = io.TextIOWrapper(sys.stdout.detach())",
    ],
)
def test_table_gets_out_although_the_program_replaced_stdout(place, source):
    place.write("program.py", source)
    plain = place.plain("program.py")
    result = place.profiled("program.py")
    assert "function calls" in result.stdout
    assert (result.stderr, result.returncode) == (plain.stderr, plain.returncode)


def test_names_that_stdout_cannot_encode_are_escaped(place):
    place.write("program.py", "def grüße(): pass\ngrüße()\n")
    environment = {"PYTHONIOENCODING": "ascii:strict"}
    result = place.profiled("program.py", environment=environment)
    assert (result.stderr, result.returncode) == ("", 0)
    assert r"gr\xfc\xdfe" in result.stdout


# What cannot work.


def one_line(result):
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("fastprof: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize("arguments", [[], ["-m"], ["-o", "out.prof"], ["-s", "calls"]])
def test_without_a_program_there_is_usage(place, arguments):
    result = place.profiled(*arguments)
    assert result.returncode == 2
    assert result.stderr == ""
    assert result.stdout.startswith("Usage: python -m fastprof [-o FILE] [-s SORT] ")
    assert not (place.directory / "out.prof").exists()


def test_a_program_can_have_us_as_cprofile(place):
    place.write(
        "program.py",
        """
        import cProfile, sys
        profile = cProfile.Profile()
        profile.runcall(len, "abc")
        print(type(profile).__module__, sys.argv[1:])
        sys.exit(3)
        """,
    )
    result = place.profiled("--as-cprofile", "program.py", "-o", "theirs")
    assert result.stdout == "fastprof.profiler ['-o', 'theirs']\n"
    assert (result.returncode, result.stderr) == (3, "")


def test_help_is_no_error(place):
    result = place.profiled("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--outfile" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-s", "demo", "program.py"], "option -s: invalid choice: 'demo'"),
        (["--unknown", "program.py"], "no such option: --unknown"),
        (["-o"], "-o option requires 1 argument"),
        (["--as-cprofile", "-o", "x", "program.py"], "leave out --outfile"),
        (["--as-cprofile", "--builtins=no", "program.py"], "leave out --builtins"),
        (["--as-cprofile", "--no-compensate", "x"], "leave out --no-compensate"),
        (["--as-cprofile", "--include", "a", "x"], "leave out --include"),
        (["--as-cprofile", "--no-site-packages", "x"], "leave out --no-site-packages"),
        (["--as-cprofile", "--max-nodes=9", "program.py"], "leave out --max-nodes"),
        (["--threads", "some", "program.py"], "option --threads: invalid choice"),
    ],
)
def test_usage_errors_are_told_as_cprofile_tells_them(place, arguments, message):
    place.write("program.py", "print('must not run')")
    result = place.profiled(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "can't open file '{place}/missing.py': [Errno 2] "),
        (["empty"], "can't find '__main__' module in '{place}/empty'"),
        (["stale.pyc"], "can't run '{place}/stale.pyc': bad magic number"),
        (["-m", "missing"], "No module named missing"),
        (["-m", "missing.module"], "Error while finding module specification for "),
        (["-m", "empty"], "No module named empty.__main__; 'empty' is a package"),
        (["-m", "program.py"], "Try using 'program' instead of 'program.py'"),
        (["-m", ".program"], "Relative module names not supported"),
    ],
)
def test_a_missing_program_is_told_in_one_line(place, arguments, message):
    place.write("program.py", "")
    place.write("empty/module.py", "")
    (place.directory / "stale.pyc").write_bytes(b"\0\0\r\n" + bytes(12))
    result = place.profiled("-o", place.profile, *arguments)
    assert message.format(place=place.directory) in one_line(result)
    assert not place.profile.exists()


def test_threads_and_paths_are_as_many_as_asked_for(place):
    place.write(
        "program.py",
        """
        import threading

        def in_thread():
            pass

        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        """,
    )
    place.profiled("-o", place.profile, "--threads", "current", "program.py")
    assert "in_thread" not in names_in(place.stats())
    result = place.profiled("-o", place.profile, "--max-nodes", "1", "program.py")
    assert "in_thread" in names_in(place.stats())
    assert "more paths than max_nodes" in result.stderr
    assert "max_nodes must be" in one_line(
        place.profiled("--max-nodes", "0", "program.py")
    )


@posix
def test_an_unreadable_program_is_told_in_one_line(place):
    # A link to itself cannot be read even by root.
    (place.directory / "loop.py").symlink_to("loop.py")
    assert "can't open file" in one_line(place.profiled("loop.py"))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere/out.prof", "its directory does not exist"),
        ("result", "Is a directory"),
        ("program.py/out.prof", "Not a directory"),
        ("", "Is a directory"),
    ],
)
def test_unwritable_output_is_found_out_before_the_program_runs(place, path, reason):
    place.write("program.py", "print('must not run')")
    assert reason in one_line(place.profiled("-o", path, "program.py"))


def test_another_profiler_is_told_and_left_alone(place):
    place.write("program.py", "print('must not run')")
    place.write(
        "outer.py",
        """
        import runpy, sys
        def hook(*event): pass
        sys.setprofile(hook)
        sys.argv = ["fastprof", "--backend", "setprofile", "program.py"]
        try:
            runpy.run_module("fastprof", run_name="__main__", alter_sys=True)
        finally:
            assert sys.getprofile() is hook
        """,
    )
    one_line(place.run([sys.executable, "outer.py"]))
