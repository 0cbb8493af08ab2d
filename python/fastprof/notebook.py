"""The magics `%fastprof` and `%%fastprof` of IPython and Jupyter.

A cell that begins with `%%fastprof` stays IPython's to run: an input transformer makes
a call of its first line, and this call wraps what runs the cell's statements from there
on. So `await`, magics, the value of the last expression, tracebacks and the end of "Run
all" at an error are as without it. Recording begins inside the frames of IPython, which
therefore are not in the profile.
"""

import asyncio
import optparse
import re
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from functools import partial

from .control import Option
from .errors import FastprofError, MissingExtraError
from .formats.card import card
from .launch import (
    add_options,
    check_tree,
    make_profiler,
    save,
    table_of,
    writable_path,
)
from .profiler import Profiler
from .stats import Stats

try:
    from IPython.core.error import (  # type: ignore[import-not-found,unused-ignore]
        UsageError,
    )
    from IPython.core.magic import (  # type: ignore[import-not-found,unused-ignore]
        no_var_expand,
    )
    from IPython.display import (  # type: ignore[import-not-found,unused-ignore]
        display,
    )
except ImportError as error:
    raise MissingExtraError(
        "IPython is not installed: pip install 'fastprof[notebook]'"
    ) from error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, NoReturn

__all__ = ["load", "unload"]

LINE, CELL = "%fastprof", "%%fastprof"
FIRST_LINE = re.compile(rf"{CELL}(?:\s+(.*))?\s*$")
RESULT = "_fastprof"  # the last profile, for the user
STEP = "_fastprof_step"  # what runs a statement, while it runs
OUR_FILE = "<fastprof>"


class Parser(optparse.OptionParser):
    """Of a magic's line, where nobody is to be sent out of the notebook."""

    def __init__(self, name: str) -> None:
        """With the options of the command line that make sense here."""
        super().__init__(prog=name, add_help_option=False, option_class=Option)
        self.allow_interspersed_args = False
        add_options(self)
        self.set_defaults(threads="current")
        self.add_option(
            "-q",
            dest="is_quiet",
            action="store_true",
            default=False,
            help=f"show nothing; the profile is in {RESULT}",
        )
        if name == LINE:
            self.add_option(
                "-r",
                dest="is_result",
                action="store_true",
                default=False,
                help="be the profile, a fastprof.Stats",
            )

    def error(self, msg: str) -> "NoReturn":
        """Raise what IPython shows in a line."""
        raise UsageError(f"{self.prog}: {msg}")


class Recording:
    """What one magic asks for: how to record, and what becomes of the profile."""

    def __init__(
        self, shell: "Any", options: optparse.Values, command: list[str]
    ) -> None:
        """Find out whether it can be done.

        Args:
            shell: IPython's.
            options: As the magic's line has them.
            command: The magic and its line, for the head of the report.

        Raises:
            UsageError: It cannot.
        """
        self.shell = shell
        self.options = options
        self.command = command
        try:
            self.outfile = writable_path(options.outfile)
            self.profiler = make_profiler(options)
        except FastprofError as problem:
            raise UsageError(str(problem)) from None

    def deliver(self) -> Stats:
        """Show the profile, write the file, and leave the profile to the user."""
        stats = self.profiler.snapshot()
        stats.info["command"] = self.command
        self.shell.user_ns[RESULT] = stats
        if self.outfile is not None:
            save(self.profiler, self.outfile, self.options.tree)
        if not self.options.is_quiet:
            notes = "".join(f"Note: {remark}.\n" for remark in stats.warnings)
            text = notes + table_of(stats, self.options.sort)
            page = card(stats, report_first=True)
            display(  # type: ignore[no-untyped-call,unused-ignore]
                {"text/plain": text, "text/html": page}, raw=True
            )
        return stats


class Cell:
    """Takes the place of what runs a cell's statements, until the cell has ended."""

    def __init__(self, recording: Recording) -> None:
        """Begin with the statement after this one."""
        self.recording = recording
        self.shell = recording.shell
        self.run_code_of_shell = self.shell.run_code
        self.is_inside = False
        self.shell.run_code = self.run_code

    async def run_code(
        self, code: "Any", result: "Any" = None, *, async_: bool = False
    ) -> bool:
        """Have IPython run a call that runs the statement, recorded."""
        step: Any = Profiler.runctx
        call, flags = f"{STEP}()", 0
        if async_:
            step = start
            call, flags = f"await {call}", PyCF_ALLOW_TOP_LEVEL_AWAIT
        shell, displayhook = self.shell, sys.displayhook
        showtraceback = shell.showtraceback
        spaces = shell.user_global_ns, shell.user_ns
        shell.user_ns[STEP] = partial(step, self.recording.profiler, code, *spaces)
        shell.showtraceback = partial(show_without_our_frames, showtraceback)
        # In a function of ours, for such are not in profiles.
        sys.displayhook = lambda value: displayhook(value)
        # What the statement runs in its turn is to be in the profile, too.
        shell.run_code, self.is_inside = self.run_code_of_shell, True
        try:
            caller = compile(call, OUR_FILE, "exec", flags)
            return bool(await self.run_code_of_shell(caller, result, async_=async_))
        finally:
            shell.run_code, self.is_inside = self.run_code, False
            sys.displayhook, shell.showtraceback = displayhook, showtraceback
            shell.user_ns.pop(STEP, None)

    def end(self) -> None:
        """Show what has been recorded."""
        self.shell.run_code = self.run_code_of_shell
        self.recording.deliver()


def show_without_our_frames(
    showtraceback: "Callable[..., None]", *arguments: "Any", **options: "Any"
) -> None:
    """As IPython's, which then keeps the traceback for the debugger.

    Below its own frame there are those of the call in `Cell.run_code`, and of what that
    calls.
    """
    outer = sys.exc_info()[2]
    ours = outer and outer.tb_next
    if outer and ours and ours.tb_frame.f_code.co_filename == OUR_FILE:
        outer.tb_next = ours.tb_next and ours.tb_next.tb_next
    showtraceback(*arguments, **options)


def start(profiler: Profiler, *what: "Any") -> "Awaitable[None]":
    """Run code that awaits, in a task, so that it goes on outside IPython's frames."""
    try:
        return asyncio.get_running_loop().create_task(run(profiler, *what))
    except RuntimeError:  # %autoawait may have chosen another library
        return run(profiler, *what)


async def run(
    profiler: Profiler, code: "Any", globals: "dict[str, Any]", locals: "Any"
) -> None:
    """As `Profiler.runctx`; by its name it is not in the profile when it goes on."""
    profiler.enable()
    try:
        await eval(code, globals, locals)
    finally:
        profiler.disable()


class Magics:
    """The magics of one shell."""

    def __init__(self, shell: "Any") -> None:
        """Nothing is being profiled."""
        self.shell = shell
        self.cell: Cell | None = None

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    def line(self, line: str) -> Stats | None:
        """Profile a statement: %fastprof [OPTION]... STATEMENT."""
        parser = Parser(LINE)
        options, rest = parse(parser, line)
        if not rest:
            parser.error("a statement is missing")
        words = line.split(None, len(line.split()) - len(rest))
        code = compile(self.shell.transform_cell(words[-1]), OUR_FILE, "exec")
        recording = Recording(self.shell, options, [LINE, line])
        try:
            recording.profiler.runctx(
                code, self.shell.user_global_ns, self.shell.user_ns
            )
        finally:
            stats = recording.deliver()
        return stats if options.is_result else None

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    def begin(self, line: str, body: str | None) -> None:
        """Profile a cell: %%fastprof [OPTION]... in its first line."""
        # None: what comes after this call in the cell that it is in.
        if body is not None:
            self.shell.run_cell(f"{CELL} {line}\n{body}")
            return
        parser = Parser(CELL)
        options, rest = parse(parser, line)
        if rest:
            parser.error(f"no such argument: {rest[0]}")
        self.cell = Cell(Recording(self.shell, options, [CELL, line]))

    def end(self) -> None:
        """A cell has ended: the profiled one, or one that it has run."""
        if self.cell is not None and not self.cell.is_inside:
            cell, self.cell = self.cell, None
            cell.end()


# What `%fastprof?` shows.
for magic, name in (Magics.line, LINE), (Magics.begin, CELL):
    magic.__doc__ = f"{magic.__doc__}\n\n{Parser(name).format_option_help()}"


def parse(parser: Parser, line: str) -> tuple[optparse.Values, list[str]]:
    options, rest = parser.parse_args(line.split())
    check_tree(parser, options)
    return options, rest


def call_of_first_line(lines: list[str]) -> list[str]:
    """An input transformer: the cell keeps its lines, and IPython runs it."""
    found = FIRST_LINE.match(lines[0]) if lines else None
    if found is None:
        return lines
    call = f"get_ipython().run_cell_magic('fastprof', {found[1] or ''!r}, None)\n"
    return [call, *lines[1:]]


def load(shell: "Any") -> None:
    """Add the magics."""
    unload(shell)
    magics = Magics(shell)
    shell.register_magic_function(magics.line, "line", "fastprof")
    shell.register_magic_function(magics.begin, "cell", "fastprof")
    shell.events.register("post_execute", magics.end)
    shell.input_transformers_cleanup.append(call_of_first_line)


def unload(shell: "Any") -> None:
    """Take them away."""
    if call_of_first_line in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(call_of_first_line)
        del shell.magics_manager.magics["line"]["fastprof"]
        magic = shell.magics_manager.magics["cell"].pop("fastprof")
        shell.events.unregister("post_execute", magic.__self__.end)
