"""What the command `fastprof` does with profiles that have been written."""

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator

from .difference import Change, Difference, diff
from .errors import FastprofError
from .formats import FORMATS
from .output import check_writable
from .precision import MARKS, explained
from .progress import Progress
from .report import SORTS, cut, report_page, tree_page
from .stats import TREES, Stats, load
from .terminal import Line, encoded, painter
from .viewers import VIEWERS, command_of, new_path, show

__all__ = ["BAD_INPUT", "VERBS", "BadProfileError", "do"]

FAILED = 1
BAD_INPUT = 2
WIDTH_OF_A_FILE = 120
LONGEST_NAME = 2000  # of a path


class BadProfileError(FastprofError):
    """What was asked for cannot be done; nothing was written."""


def do(verb: str, arguments: list[str]) -> int:
    """Do one of `VERBS`; the answer is the exit code.

    Raises:
        SystemExit: The arguments cannot be understood, or help was asked for.
        BadProfileError: A profile cannot be read, or the result not be written.
        BrokenPipeError: Nobody reads stdout any more.
    """
    describe, run, summary = VERBS[verb]
    parser = argparse.ArgumentParser(prog=f"fastprof {verb}", description=summary)
    describe(parser)
    return run(parser.parse_args(arguments))


# Reading and writing.


def read(path: str) -> Stats:
    try:
        return load(path)
    except OSError as error:
        raise BadProfileError(f"cannot read {path!r}: {error.strerror}") from error
    except FastprofError as error:
        raise BadProfileError(str(error)) from error


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """What is done in it may fail, and then says which file was not written."""
    try:
        yield
    except OSError as error:
        raise BadProfileError(f"cannot write {path!r}: {error.strerror}") from error
    except ValueError as error:
        raise BadProfileError(str(error)) from error


def check_output(path: str, form: str | None) -> None:
    """Found out first, for the rest may take long."""
    with writing(path):
        check_writable(path)
        Stats.choose_format(path, form)


def write(stats: Stats, path: str, form: str | None, tree: str = "merged") -> None:
    with writing(path), Progress(f"writing {path}"):
        stats.save(path, form, tree=tree)


def page_width() -> int:
    if sys.stdout is None or not sys.stdout.isatty():
        return WIDTH_OF_A_FILE
    return shutil.get_terminal_size().columns


def put_page(lines: list[Line]) -> None:
    if sys.stdout is not None:
        put(painter(sys.stdout)(lines))


def put(text: str) -> None:
    """Print a page; a letter that stdout does not have becomes a question mark."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    print(encoded(text, encoding).decode(encoding), end="")


def count(text: str) -> int:
    """Of an argument; argparse reports the ValueError."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def percent(text: str) -> float:
    """Likewise."""
    number = float(text)
    if not 0 <= number <= 100:
        raise ValueError
    return number


# The verbs: their arguments, and what they do.


def describe_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .prof file of fastprof's")
    parser.add_argument("-s", "--sort", choices=sorted(SORTS), default="own")
    parser.add_argument(
        "-n", "--limit", type=count, help="how many functions at most", metavar="N"
    )


def report(options: argparse.Namespace) -> int:
    stats = read(options.file)
    if options.sort.endswith("_cpu") and stats.info["measures"] != "both":
        raise BadProfileError(
            f"{options.file}: there are no CPU times to sort by; record them with "
            "--clock both"
        )
    put_page(report_page(stats, options.sort, options.limit, page_width()))
    return 0


def describe_tree(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .prof file of fastprof's")
    parser.add_argument(
        "--threshold",
        type=percent,
        default=1.0,
        metavar="PERCENT",
        help="fold paths that took less than this share (default: 1)",
    )
    parser.add_argument(
        "--thread",
        metavar="NAME",
        help="the tree of each thread of this name or ident (default: all merged)",
    )


def tree(options: argparse.Namespace) -> int:
    stats = read(options.file)
    roots = [stats.tree]
    if options.thread is not None:
        threads = stats.threads
        named = [t for t in threads if options.thread in (t.name, str(t.ident))]
        if not named:
            names = ", ".join(dict.fromkeys(thread.name for thread in threads))
            raise BadProfileError(
                f"{options.file}: there is no thread {options.thread!r}; there are: "
                f"{names}"
            )
        roots = [thread.tree for thread in named]
    for number, root in enumerate(roots):
        page = tree_page(root, options.threshold / 100, page_width())
        put_page([[], *page] if number else page)
    return 0


def describe_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .prof file of fastprof's")
    add_output(parser)
    parser.add_argument(
        "--tree",
        choices=TREES,
        default="merged",
        help="for a .prof file: exact makes each path a function of its own, for"
        " viewers that cannot read the call tree",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--outfile", required=True, metavar="FILE", help="where to write"
    )
    parser.add_argument(
        "--format",
        choices=sorted(FORMATS),
        help="what to write; left out, the extension of the file tells",
    )


def export(options: argparse.Namespace) -> int:
    check_output(options.outfile, options.format)
    write(read(options.file), options.outfile, options.format, options.tree)
    return 0


def describe_merge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="profiles to add up")
    add_output(parser)


def merge(options: argparse.Namespace) -> int:
    check_output(options.outfile, options.format)

    def profiles() -> Iterator[Stats]:
        for path in options.files:
            yield read(path)

    try:
        total = Stats.merge(profiles())
    except ValueError as error:
        if isinstance(error, FastprofError):
            raise
        raise BadProfileError(str(error)) from error
    write(total, options.outfile, options.format)
    return 0


def describe_diff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="OLD", help="a .prof file of fastprof's")
    parser.add_argument("after", metavar="NEW", help="another one")
    for side in ("old", "new"):
        parser.add_argument(
            f"--repeat-{side}",
            nargs="+",
            action="extend",
            default=[],
            metavar="FILE",
            help=f"more runs of {side.upper()}: what varies between runs is marked",
        )
    parser.add_argument(
        "-n",
        "--limit",
        type=count,
        default=30,
        help="how many lines at most",
        metavar="N",
    )
    parser.add_argument("--paths", action="store_true", help="paths, not functions")
    parser.add_argument(
        "-o",
        "--outfile",
        metavar="FILE",
        help="write an HTML report of it, instead of printing",
    )
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="RULE",
        help='METRIC>[+]N[%%], such as "own>+10%%" or "calls>1000" (METRIC: calls, '
        "own, cum; +: the change; %%: of the old figure); the exit code is 1 when a "
        "function breaks it",
    )


def compare(options: argparse.Namespace) -> int:
    if options.outfile is not None:
        with writing(options.outfile):
            Difference.check_path(options.outfile)
            check_writable(options.outfile)
    try:
        difference = diff(
            [read(path) for path in (options.before, *options.repeat_old)],
            [read(path) for path in (options.after, *options.repeat_new)],
        )
        broken = [(rule, difference.violations(rule)) for rule in options.fail_if]
    except ValueError as error:
        if isinstance(error, FastprofError):
            raise
        raise BadProfileError(str(error)) from error
    if options.outfile is not None:
        with writing(options.outfile):
            difference.save(options.outfile)
    else:
        changes = difference.paths if options.paths else difference.functions
        put(diff_page(changes, options.limit))
    return FAILED if complain(broken, difference) else 0


def complain(broken: list[tuple[str, list[Change]]], difference: Difference) -> bool:
    """Name what broke a rule; and say of what it is not known. Whether anything did."""
    for rule, changed in broken:
        for change in changed:
            caveat = f" ({change.caveat})" if change.caveat else ""
            print(f"{rule}: {change.name}{caveat}", file=sys.stderr)
        names = {change.name for change in changed}
        unknown = [
            one for one in difference.functions if one.caveat and one.name not in names
        ]
        if unknown:
            print(
                f"{rule}: {len(unknown)} more cannot be judged: their figures are not "
                "exact (docs/precision.md)",
                file=sys.stderr,
            )
    return any(changed for _, changed in broken)


def diff_page(changes: list[Change], limit: int) -> str:
    changed = [
        change
        for change in changes
        if change.own_change or change.calls[0] != change.calls[1]
    ]
    lines = [
        f"{'own before':>10} {'own after':>10} {'change':>9} {'by calls':>9} "
        f"{'by time':>9} {'calls before':>12} {'calls after':>12}   function"
    ]
    for one in changed[:limit]:
        mark = "~" if one.is_noise else " "
        before, after = (
            f"{MARKS[precision]}{calls:.10g}"
            for precision, calls in zip(one.precision, one.calls, strict=True)
        )
        lines.append(
            f"{one.own[0]:10.3f} {one.own[1]:10.3f} {one.own_change:+9.3f} "
            f"{one.by_calls:+9.3f} {one.by_time:+9.3f} {before:>12} "
            f"{after:>12} {mark} {cut(one.name, LONGEST_NAME)}"
        )
    if any(one.is_noise for one in changed[:limit]):
        lines += ["", "~ may be chance: within the errors, or as runs differ"]
    marks = explained(name for one in changed[:limit] for name in one.precision)
    lines += ["", *marks] if marks else []
    if len(changed) > limit:
        lines += ["", f"{len(changed) - limit} more"]
    return "\n".join(lines) + "\n"


def describe_view(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .prof file")
    parser.add_argument(
        "--with",
        dest="viewer",
        choices=sorted(VIEWERS),
        default="html",
        help="the HTML report (if left out), or another program",
    )
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="where to write the file that is shown; left out, in a new temporary"
        " folder, where it stays",
    )


def view(options: argparse.Namespace) -> int:
    viewer = options.viewer
    command = command_of(viewer)
    Stats.choose_format("", VIEWERS[viewer])
    stats = read(options.file)
    path = options.output
    if path is not None:
        check_output(path, VIEWERS[viewer])
    else:
        with writing("a temporary folder"):
            path = new_path(options.file, viewer)
    write(stats, path, VIEWERS[viewer])
    print(f"Showing {path}", file=sys.stderr)
    problem = show(path, command)
    if problem is not None:
        print(f"fastprof: {problem}", file=sys.stderr)
        return FAILED
    return 0


VERBS = {
    "report": (describe_report, report, "Print the table of a profile's functions."),
    "tree": (describe_tree, tree, "Print the hot paths of a profile."),
    "export": (describe_export, export, "Write a profile in another format."),
    "merge": (describe_merge, merge, "Add up profiles, of processes or runs."),
    "diff": (describe_diff, compare, "Print what changed from a profile to another."),
    "view": (describe_view, view, "Show a profile in the browser."),
}
