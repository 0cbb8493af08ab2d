"""Applications from PyPI, at work on files of the standard library.

Each function imports one, reads what it is to work on, and returns what does the
work once.
"""

from __future__ import annotations

import ast
import email.parser
import importlib.metadata
import sysconfig
from collections.abc import Callable
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))


def sources(*names: str) -> dict[str, str]:
    """Texts of the standard library, by the names of their files."""
    return {name: (LIBRARY / name).read_text(encoding="utf-8") for name in names}


def yapf() -> Callable[[], object]:
    """Format Python: the program of ``make demo``."""
    from yapf.yapflib import yapf_api

    texts = sources("json/encoder.py", "json/scanner.py", "http/__init__.py")

    def work() -> None:
        for text in texts.values():
            yapf_api.FormatCode(text, style_config="pep8")

    return work


def pygments() -> Callable[[], object]:
    """Highlight Python as HTML."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    texts = sources("dataclasses.py", "textwrap.py")

    def work() -> None:
        for text in texts.values():
            highlight(text, PythonLexer(), HtmlFormatter())

    return work


def lark() -> Callable[[], object]:
    """Parse Python with a grammar that the parser generator ships."""
    from lark import Lark
    from lark.indenter import PythonIndenter

    parser = Lark.open_from_package(
        "lark",
        "python.lark",
        ["grammars"],
        parser="lalr",
        postlex=PythonIndenter(),
        start="file_input",
    )
    texts = sources("textwrap.py", "bisect.py", "heapq.py")

    def work() -> None:
        for text in texts.values():
            parser.parse(text + "\n")

    return work


def pyflakes() -> Callable[[], object]:
    """Look for mistakes in Python."""
    from pyflakes.checker import Checker

    trees = [ast.parse(text) for text in sources("argparse.py", "typing.py").values()]

    def work() -> None:
        for tree in trees:
            Checker(tree)

    return work


def pycodestyle() -> Callable[[], object]:
    """Check the style of Python."""
    from pycodestyle import StyleGuide

    texts = {
        name: text.splitlines(keepends=True)
        for name, text in sources("json/decoder.py", "textwrap.py").items()
    }

    def work() -> None:
        guide = StyleGuide(quiet=2, paths=[], parse_argv=False, config_file=False)
        for name, lines in texts.items():
            guide.input_file(name, lines=lines)

    return work


def descriptions() -> list[str]:
    """The pages that some packages have on PyPI, in Markdown."""
    packages = ("mistune", "sqlglot", "lark", "rich", "pyinstrument", "scalene")
    parse = email.parser.Parser().parsestr
    return [
        parse(importlib.metadata.distribution(name).read_text("METADATA")).get_payload()
        for name in packages
    ]


def mistune() -> Callable[[], object]:
    """Render Markdown."""
    import mistune

    render = mistune.create_markdown(plugins=["table", "strikethrough", "footnotes"])
    pages = descriptions()

    def work() -> None:
        for page in pages:
            render(page)

    return work


def markdown() -> Callable[[], object]:
    """Render Markdown in the other, older way."""
    import markdown

    pages = descriptions()

    def work() -> None:
        for page in pages:
            markdown.markdown(page, extensions=["extra", "toc"])

    return work


KNOWN = {
    function.__name__: function
    for function in (yapf, pygments, lark, pyflakes, pycodestyle, mistune, markdown)
}


def load(name: str) -> Callable[[int], object]:
    """Make an application ready: what repeats its work."""
    work = KNOWN[name]()

    def main(scale: int) -> None:
        for _ in range(scale):
            work()

    return main
