"""The command line: arguments to a program, its profile to a file or a table.

The program is to run as it does without us. So it gets a `__main__` module, a sys.argv
and a sys.path[0] as the interpreter would have made them, its errors are shown without
our frames, and nothing that it does to the interpreter keeps its profile from us.

Nothing is imported here that cProfile does not import: what is in sys.modules when the
program starts is missing from the profile of the program's own imports, and stands in
the way of modules that the program has under the same name. That holds for the whole
package. From Python 3.14 on typing and contextlib are among these modules, so
annotations that need typing are quoted, one by one: `__future__` is a module too.
"""

import builtins
import errno
import importlib.machinery
import importlib.util
import io
import marshal
import optparse
import os
import pstats
import runpy
import sys
import types

from .as_cprofile import install_as_cprofile
from .control import FLAGS, Control, Option, add_flags, check_flags
from .errors import FastprofError, MissingExtraError
from .formats import check, format_of
from .output import check_writable, create_rescue_file
from .profiler import Profiler
from .progress import Progress
from .table import make_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .live import LiveView
    from .stats import Stats

    # What stdout is when the program ends: a text stream, if the program left it at
    # that.
    Stream = Any

__all__ = ["main"]

USAGE = "python -m fastprof [-o FILE] [-s SORT] (-m MODULE | SCRIPT) [ARG]..."

# Exit codes, where it is not the program's own.
UNCAUGHT = 1
NOT_WRITTEN = 1
BAD_INPUT = 2
CLOSED_STDOUT = errno.EPIPE
INTERRUPTED = 130

PYC_HEADER_SIZE = 16

# The option `builtins` of a profiler, by its value on the command line.
BUILTINS: "dict[str, Any]" = {
    "yes": True,
    "no": False,
    "slow": "slow",
    "all": "all",
}

# Taken now, for the program may delete it.
display_error = sys.__excepthook__


class BadInputError(FastprofError):
    """What was asked for cannot be done; found out before the program runs."""


class Program:
    """What to run.

    Attributes:
        namespace: The dictionary of the `__main__` module to run it in.
        by_runpy: Python itself would run it through runpy, as it does for -m.
        code: None for a module that is still to be found.
    """

    def __init__(
        self,
        namespace: "dict[str, Any]",
        by_runpy: bool,
        code: types.CodeType | None = None,
    ) -> None:
        """As the attributes say."""
        self.namespace = namespace
        self.by_runpy = by_runpy
        self.code = code


def main() -> int:
    """Profile the program that sys.argv names.

    Returns:
        The exit code.

    Raises:
        SystemExit: The program's own, for the interpreter to act on.
    """
    process, stdout = os.getpid(), sys.stdout
    options, arguments = parse_arguments(sys.argv[1:])
    program = profiler = view = control = None
    try:
        outfile = writable_path(options.outfile)
        program = load(arguments, options.module)
        if options.as_cprofile:
            install_as_cprofile()
        else:
            profiler = make_profiler(options)
            control = Control(profiler, options, outfile)
            if options.live and sys.stderr is not None:
                view = make_view(profiler)
        error = record(control, program, arguments[0])
    except BadInputError as problem:
        complain(str(problem))
        return BAD_INPUT
    except BaseException as failure:
        # A syntax error, say. It is shown below, when it is no longer being handled:
        # otherwise it would be the context of whatever sys.excepthook raises.
        error = failure
    finally:
        if view is not None:
            view.end()
    status = 0
    # In a child that the program forked the profile is none of our business.
    if profiler is not None and os.getpid() == process:
        status = deliver(profiler, outfile, options, usable(stdout), error)
    if control is not None:
        control.end()
    return end(program, error, status)


def parse_arguments(arguments: list[str]) -> tuple[optparse.Values, list[str]]:
    """The options, and the program with its own arguments.

    Raises:
        SystemExit: They cannot be understood, or help was asked for.
    """
    parser = optparse.OptionParser(USAGE, option_class=Option, prog="fastprof")
    parser.allow_interspersed_args = False
    add_options(parser)
    parser.add_option(
        "-m",
        dest="module",
        action="store_true",
        default=False,
        help="profile a module or package, as python -m runs it",
    )
    parser.add_option(
        "--live",
        action="store_true",
        default=False,
        help="show on stderr, each second, what is hot while the program runs",
    )
    add_flags(parser)
    parser.add_option(
        "--as-cprofile",
        action="store_true",
        default=False,
        help="profile nothing: run the program with fastprof where it imports cProfile",
    )
    options, program = parser.parse_args(arguments)
    if options.as_cprofile:
        for name in (
            *("outfile", "sort", "backend", "builtins", "clock", "tree", "compensate"),
            *("threads", "max_nodes", "max_overhead", "live"),
            *("include", "exclude", "stdlib", "site_packages"),
            *FLAGS,
        ):
            default = parser.defaults.get(name)
            if getattr(options, name) != default:
                flag = f"no-{name}" if default is True else name
                flag = flag.strip("_").replace("_", "-")
                parser.error(f"--as-cprofile profiles nothing: leave out --{flag}")
    check_tree(parser, options)
    check_flags(parser, options)
    if not program:
        parser.print_usage()
        parser.exit(BAD_INPUT)
    return options, program


def add_options(parser: optparse.OptionParser) -> None:
    """The options on recording and its result, which a notebook's magics have too."""
    parser.add_option(
        "-o",
        "--outfile",
        metavar="FILE",
        help="write the profile to FILE instead of printing a table; its extension"
        " tells the format: .prof, .speedscope.json, .collapsed, .callgrind, .pprof,"
        " .hatchet.json, .json, .csv, .html; any other is written as .prof",
    )
    parser.add_option(
        "-s",
        "--sort",
        default=2,
        choices=sorted(pstats.Stats.sort_arg_dict_default),
        help="order of the table, by a name that pstats knows",
    )
    parser.add_option(
        "--backend",
        default="auto",
        choices=["auto", "setprofile", "monitoring"],
        help="where events come from: monitoring (Python 3.12 and newer), setprofile,"
        " or auto, the best there is",
    )
    parser.add_option(
        "--builtins",
        default="yes",
        choices=sorted(BUILTINS),
        help="record C functions: yes or no; slow: not where they have shown to be"
        " quick; or all callables, classes too (these two: Python 3.12 and newer)",
    )
    parser.add_option(
        "--max-overhead",
        type="share",
        metavar="SHARE",
        help="take at most this share of the program's time, such as 5% or 0.05: fold"
        " the functions that cost most and tell least into their callers (Python 3.12"
        " and newer)",
    )
    parser.add_option(
        "--clock",
        default="wall",
        choices=["wall", "cpu", "both"],
        help="measure the time that passes (wall), what each thread is on a CPU (cpu),"
        " or both at once",
    )
    parser.add_option(
        "--threads",
        default="all",
        choices=["all", "current"],
        help="record all threads, or only the one that the program begins in",
    )
    parser.add_option(
        "--max-nodes",
        type="int",
        default=2**20,
        metavar="N",
        help="the most paths that the call trees may have; beyond that calls are"
        " counted by function and caller",
    )
    parser.add_option(
        "--tree",
        default="merged",
        choices=["merged", "exact"],
        help="for a .prof file: exact makes each path a function of its own, for"
        " viewers that cannot read the call tree, such as snakeviz",
    )
    for name, what in (
        ("include", "only what is in"),
        ("exclude", "nothing that is in"),
    ):
        parser.add_option(
            f"--{name}",
            action="append",
            metavar="NAME",
            help=f"record {what} this module, package, file or folder, or pattern of "
            "such; may be given again",
        )
    for name, whose in (
        ("stdlib", "the standard library"),
        ("site-packages", "installed packages"),
    ):
        parser.add_option(
            f"--no-{name}",
            dest=name.replace("-", "_"),
            action="store_false",
            default=True,
            help=f"record no Python functions of {whose}",
        )
    parser.add_option(
        "--no-compensate",
        dest="compensate",
        action="store_false",
        default=True,
        help="leave in the times what the profiler itself adds",
    )


def check_tree(parser: optparse.OptionParser, options: optparse.Values) -> None:
    """Refuse `--tree` where nothing is written that knows it."""
    if options.tree != "merged" and (
        options.outfile is None or format_of(options.outfile) not in (None, "prof")
    ):
        parser.error("--tree is for a .prof file, which -o names")


def writable_path(path: str | None) -> str | None:
    """The absolute path, for the program may change directory.

    Raises:
        BadInputError: Nothing can be written there.
    """
    if path is None:
        return None
    try:
        path = os.path.abspath(path)
        check_writable(path)
        check(format_of(path))
    except OSError as error:
        raise BadInputError(f"cannot write {path!r}: {error.strerror}") from error
    except MissingExtraError as error:
        raise BadInputError(f"cannot write {path!r}: {error}") from error
    return path


# Loading: what the interpreter does between its start and the program's first line.


def load(arguments: list[str], is_module: bool) -> Program:
    """Set up `__main__`, sys.argv and sys.path[0] for a program, and compile it.

    A module is found when the program begins: the import of its packages is part of it.

    Raises:
        BadInputError: There is no such program.
        BaseException: The program's own: a syntax error, a parent package's failure.
    """
    namespace = install_main_module()
    sys.argv[:] = arguments
    if is_module:
        sys.argv[0] = "-m"
        return Program(namespace, by_runpy=True)
    path = arguments[0]
    try:
        if not os.path.isabs(path):
            path = os.path.join(os.getcwd(), path)
        if is_importable_from(path):
            return load_archive(path, namespace)
        return load_script(path, namespace)
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        raise BadInputError(f"can't open file {path!r}: {reason}") from error


def install_main_module() -> "dict[str, Any]":
    """Put a new `__main__` in the place of ours; the answer is its namespace."""
    main_module = types.ModuleType("__main__")
    namespace = vars(main_module)
    namespace["__loader__"] = importlib.machinery.BuiltinImporter
    if "__annotations__" in vars(sys.modules["__main__"]):  # up to Python 3.13
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = builtins
    sys.modules["__main__"] = main_module
    return namespace


def is_importable_from(path: str) -> bool:
    """Whether a path is a place to import modules from: a directory, a zip file."""
    for hook in sys.path_hooks:
        try:
            hook(path)
        except ImportError:
            continue
        return True
    return False


def load_archive(path: str, namespace: "dict[str, Any]") -> Program:
    """Find the `__main__` of a directory or zip file, which goes on sys.path."""
    put_first_on_path(path, replacing=not is_path_safe())
    _, spec, code = runpy._get_main_module_details(  # type: ignore[attr-defined]
        BadInputError
    )
    return program_of_spec(Program(namespace, by_runpy=True), code, spec)


def program_of_spec(
    program: Program,
    code: types.CodeType,
    spec: importlib.machinery.ModuleSpec,
) -> Program:
    program.code = code
    program.namespace.update(
        __file__=spec.origin,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )
    if sys.version_info < (3, 15):
        program.namespace["__cached__"] = spec.cached
    return program


def load_script(path: str, namespace: "dict[str, Any]") -> Program:
    """Compile a source file, or take the code of a compiled one."""
    with io.open_code(path) as file:
        content = file.read()  # at once, for a pipe cannot be read again
    if not is_path_safe():
        put_first_on_path(script_directory(path), replacing=True)
    loader: type = importlib.machinery.SourceFileLoader
    if content.startswith(importlib.util.MAGIC_NUMBER):
        loader = importlib.machinery.SourcelessFileLoader
        code = marshal.loads(content[PYC_HEADER_SIZE:])
    elif path.endswith(".pyc"):
        raise BadInputError(f"can't run {path!r}: bad magic number in .pyc file")
    else:
        code = compile(content, path, "exec", dont_inherit=True)
    namespace.update(__loader__=loader("__main__", path))
    namespace["__file__"] = path
    if sys.version_info < (3, 15):
        namespace["__cached__"] = None
    return Program(namespace, by_runpy=False, code=code)


def script_directory(path: str) -> str:
    """What the interpreter puts on sys.path: links followed as far as they lead."""
    try:
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    except OSError:
        pass  # it is no link
    try:
        path = os.path.realpath(path, strict=True)
    except OSError:
        pass  # a pipe in /dev/fd has no real path
    return os.path.dirname(path)


def is_path_safe() -> bool:
    """Whether sys.path begins with no directory that depends on how Python started."""
    return bool(getattr(sys.flags, "safe_path", sys.flags.isolated))


def put_first_on_path(directory: str, replacing: bool) -> None:
    """Put a directory on sys.path, or in the place of what `-m fastprof` put there."""
    sys.path[: 1 if replacing else 0] = [directory]


# Running, and what is done with the profile.


def make_profiler(options: optparse.Values) -> Profiler:
    """A profiler with the options of the command line.

    Raises:
        BadInputError: They, or the environment, ask for what there is not.
    """
    try:
        return Profiler(
            backend=options.backend,
            builtins=BUILTINS[options.builtins],
            compensate=options.compensate,
            clock=options.clock,
            include=options.include,
            exclude=options.exclude,
            stdlib=options.stdlib,
            site_packages=options.site_packages,
            threads=options.threads,
            max_nodes=options.max_nodes,
            max_overhead=options.max_overhead,
        )
    except (FastprofError, ValueError) as error:
        raise BadInputError(str(error)) from error


def make_view(profiler: Profiler) -> "LiveView":
    """What `--live` shows, with rich if it is there: its modules are the price.

    Raises:
        BadInputError: There is no room for it: no more processes, say.
    """
    from .live import LiveView

    try:
        return LiveView(profiler)
    except (OSError, RuntimeError) as error:
        raise BadInputError(f"--live cannot begin: {describe(error)}") from error


def record(
    control: Control | None, program: Program, name: str
) -> BaseException | None:
    """Run a program under a profiler; the answer is the exception that ended it.

    Raises:
        BadInputError: Another profiler is in the way, or there is no module of that
            name; the program did not run.
    """
    try:
        if control is not None:
            control.begin()
    except (FastprofError, ValueError, OSError) as error:
        raise BadInputError(str(error)) from error
    try:
        if program.code is None:
            # Private, but the standard library's own launchers use it too: the public
            # functions of runpy do not find a module without running it. Called from
            # here, for what a function of ours calls does not show.
            _, spec, code = runpy._get_module_details(  # type: ignore[attr-defined]
                name, BadInputError
            )
            sys.argv[0] = spec.origin
            program_of_spec(program, code, spec)
        assert program.code is not None
        exec(program.code, program.namespace)
    except BadInputError:
        raise
    except BaseException as error:
        return error
    finally:
        if control is not None:
            control.stop()
    return None


def deliver(
    profiler: Profiler,
    outfile: str | None,
    options: optparse.Values,
    stdout: "Stream",
    error: BaseException | None,
) -> int:
    """Write the profile; the answer is the exit code for a program that ended well."""
    is_open = flush(getattr(sys, "stdout", None)) and flush(stdout)
    if isinstance(error, BrokenPipeError):
        is_open = is_open and not reader_is_gone(stdout)
    status = 0
    if outfile is not None:
        status = save(profiler, outfile, options.tree)
    elif is_open:
        status = print_table(profiler, options.sort, stdout)
    try:
        for remark in profiler.snapshot().warnings:
            complain(remark)
    except Exception:
        pass  # how the program ended is still to be told
    if not is_open or status == CLOSED_STDOUT:
        drop_pending(stdout)
        return CLOSED_STDOUT
    return status


def save(profiler: Profiler, outfile: str, tree: str) -> int:
    """Write the profile to a file, or to another one; the answer is as above."""
    try:
        with Progress(f"writing {outfile}"):
            profiler.dump_stats(outfile, tree=tree)
    except Exception as error:
        # Whatever it is, how the program ended is still to be told.
        rescue(profiler, outfile, f"cannot write {outfile!r}: {describe(error)}")
        return NOT_WRITTEN
    return 0


def print_table(profiler: Profiler, sort: str | int, stdout: "Stream") -> int:
    """Print the table; the answer is the exit code for a program that ended well."""
    try:
        write_text(stdout, table_of(profiler.snapshot(), sort))
    except BrokenPipeError:
        return CLOSED_STDOUT
    except Exception as error:
        # The program may have closed stdout, or the descriptor under it.
        if isinstance(error, OSError):
            drop_pending(stdout)
        rescue(profiler, "fastprof.prof", f"cannot print: {describe(error)}")
        return NOT_WRITTEN
    return 0


def table_of(stats: "Stats", sort: str | int) -> str:
    text = io.StringIO()
    table = make_table(stats, stats.cpu_times, text)
    table.strip_dirs().sort_stats(sort).print_stats()  # type: ignore[arg-type]
    return stats.head_of_table + text.getvalue()


def rescue(profiler: Profiler, name: str, reason: str) -> None:
    """Save a profile where there is room, and say why and where."""
    try:
        path = create_rescue_file(os.path.splitext(name)[0] + ".prof")
        profiler.dump_stats(path)
    except Exception as error:
        complain(f"{reason}; the profile is lost: {describe(error)}")
    else:
        complain(f"{reason}; the profile is in {path!r}")


# Ending as the interpreter does.


def end(program: Program | None, error: BaseException | None, status: int) -> int:
    """Show what ended the program; the answer is the exit code.

    Args:
        program: None if it could not be loaded.
        error: What ended it; None if it came to its end.
        status: The exit code if the program's own is 0.

    Raises:
        SystemExit: The program's own, or that of its sys.excepthook.
    """
    if sys.version_info >= (3, 14):
        forget_file(program)
    if isinstance(error, SystemExit):
        if status and is_success(error.code):
            return status
        raise error
    is_told = status == CLOSED_STDOUT and isinstance(error, BrokenPipeError)
    if error is None or is_told:
        code = status
    else:
        error.__traceback__ = program_traceback(program, error)
        show(error)
        code = INTERRUPTED if type(error) is KeyboardInterrupt else UNCAUGHT
    forget_file(program)
    return code


def forget_file(program: Program | None) -> None:
    """Take from a script what the interpreter takes before it shuts down.

    Up to 3.13 not from one that ends with SystemExit; from 3.14 on from every one, and
    before what ended it is shown.
    """
    if program is not None and not program.by_runpy:
        for name in ("__file__", "__cached__"):
            program.namespace.pop(name, None)


def is_success(code: object) -> bool:
    return code is None or (isinstance(code, int) and code % 256 == 0)


def program_traceback(
    program: Program | None, error: BaseException
) -> types.TracebackType | None:
    """The traceback of a program's error as it would be without us."""
    traceback = without_our_frames(error.__traceback__)
    if program is None or program.code is None or not program.by_runpy:
        return traceback
    # Plain Python shows the frames of runpy, and we run under the same ones.
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals is vars(runpy):
            traceback = types.TracebackType(
                traceback, frame, frame.f_lasti, frame.f_lineno
            )
        frame = frame.f_back
    return traceback


def without_our_frames(
    traceback: types.TracebackType | None,
) -> types.TracebackType | None:
    while traceback is not None and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    return traceback


def show(error: BaseException) -> None:
    """Hand an error to sys.excepthook, in the way of the interpreter.

    Raises:
        SystemExit: The hook's.
    """
    arguments = (type(error), error, error.__traceback__)
    sys.last_type, sys.last_value, sys.last_traceback = arguments
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    try:
        hook = sys.excepthook
    except AttributeError:
        write_error("sys.excepthook is missing\n")
        hook = display_error
    try:
        hook(*arguments)
    except SystemExit:
        raise
    except BaseException as failure:
        failure.__traceback__ = without_our_frames(failure.__traceback__)
        write_error("Error in sys.excepthook:\n")
        display_error(type(failure), failure, failure.__traceback__)
        write_error("\nOriginal exception was:\n")
        display_error(*arguments)


# Streams, which the program may have replaced, closed or taken from under Python.


def usable(stdout: "Stream") -> "Stream":
    """The stdout we started with, else what the program has put in its place."""
    try:
        if stdout is not None and not stdout.closed:
            return stdout
    except ValueError:  # the program detached it
        stdout = None
    stream = getattr(sys, "stdout", None)
    if stdout is not None and getattr(stream, "closed", True):
        # The program closed the stream; the descriptor under it is open as ever.
        try:
            return open(1, "w", encoding=stdout.encoding, closefd=False)
        except OSError:
            pass
    return stream


def flush(stream: "Stream") -> bool:
    """Let the program's output come before ours; False if nobody reads it any more."""
    try:
        stream.flush()
    except BrokenPipeError:
        return False
    except Exception:
        pass  # closed, full, or no stream at all: as bad without us
    return True


def reader_is_gone(stream: "Stream") -> bool:
    """Whether a stream is a pipe that has lost its other end."""
    try:
        import select

        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except Exception:
        return False


def drop_pending(stream: "Stream") -> None:
    """Let what cannot be written go nowhere: shutdown would complain about it."""
    try:
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
    except Exception:
        pass


def write_text(stream: "Stream", text: str) -> None:
    if stream is None:
        raise ValueError("there is no stdout")
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a function's name, or a file's
        encoding = stream.encoding
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def complain(message: str) -> None:
    write_error(f"fastprof: {message}\n")


def write_error(text: str) -> None:
    try:
        sys.stderr.write(text)
    except Exception:
        pass  # nobody is left to be told


def describe(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
