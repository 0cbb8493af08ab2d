"""The code of docs/howto.md is run, and prints what stands there.

Of a section, blocks that begin with a comment `# name.py` are written to that file,
and console blocks are run in a shell: what is printed must have the lines that are
shown, in this order; `…` stands for others. Times and shares may differ, counts may
not.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fastprof
import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = Path(fastprof.__file__).parent / "assets/report.html"

SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"# (\w+\.py)\n")
SECTIONS = {
    title: BLOCK.findall(text)
    for title, text in SECTION.findall((DOCS / "howto.md").read_text("utf-8"))
}
# Its cells need a kernel: tests/tools/test_notebooks.py runs them.
OF_NOTEBOOKS = "Profile in a notebook"


class Shell:
    """Runs commands in a folder, where `python` and `fastprof` are those under test."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_NAME": "A" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "a@b" for who in ("AUTHOR", "COMMITTER")},
        }

    def run(self, command):
        result = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
        )
        assert result.returncode == 0, f"{command}:\n{result.stdout}"
        return result.stdout.splitlines()


def pattern_of(line):
    """What a printed line must be like: any time or share where one is shown."""
    words = [
        r"[-+]?[\d.]+s?" if re.fullmatch(r"[-+]?\d+\.\d+s?", word) else re.escape(word)
        for word in line.split()
    ]
    return r"\s*" + r"\s+".join(words) + r"\s*"


def check_printed(command, printed, shown):
    """Each line that is shown follows the one before it, or comes after a `…`."""
    at, may_skip = 0, False
    for line in shown:
        if line == "…":
            may_skip = True
            continue
        pattern = pattern_of(line)
        while may_skip and at < len(printed) and not re.fullmatch(pattern, printed[at]):
            at += 1
        found = printed[at] if at < len(printed) else "the end"
        assert re.fullmatch(pattern, found), f"{command}:\n{line}\nis not\n{found}"
        at, may_skip = at + 1, False
    assert may_skip or at == len(printed), f"{command}: more is printed: {printed[at]}"


def run_console(shell, block):
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        check_printed(command, shell.run(command), shown)


def test_what_is_shown_is_compared():
    printed = ["calls own", "   12  0.500  f", "the end"]
    check_printed("", printed, ["calls own", "12 3.25 f", "…"])
    check_printed("", printed, ["…", "the end"])
    for wrong in (
        ["calls own", "13 0.500 f", "…"],
        ["calls own", "the end"],
        ["calls own"],
        [*printed, "more"],
    ):
        with pytest.raises(AssertionError):
            check_printed("", printed, wrong)


def test_there_is_one_for_each_use():
    assert len(SECTIONS) == 7 and all(SECTIONS.values())


@pytest.mark.parametrize("title", [one for one in SECTIONS if one != OF_NOTEBOOKS])
def test_it_does_what_it_says(title, tmp_path):
    blocks = SECTIONS[title]
    commands = "".join(text for kind, text in blocks if kind == "console")
    if ".html" in commands and not PAGE.exists():
        pytest.skip("needs the page, which Node.js makes: runs in make test")
    if "git " in commands and not shutil.which("git"):
        pytest.skip("needs git: runs in make test")
    folder = tmp_path / "here"
    folder.mkdir()
    shell = Shell(folder)
    try:
        do_as_it_says(shell, folder, blocks, "git " in commands)
    finally:
        if (folder / "pid").exists():  # what was started, if it was not ended there
            shell.run("kill $(cat pid) 2>&1 || true")


def do_as_it_says(shell, folder, blocks, is_new):
    """`is_new`: the first file is what is on `main`."""
    for kind, text in blocks:
        if kind == "python":
            (folder / NAME.match(text)[1]).write_text(text, "utf-8")
            if is_new:
                shell.run("git init -q -b main && git add . && git commit -q -m Begin")
                is_new = False
        else:
            assert kind == "console"
            run_console(shell, text)


def test_links_within_it_lead_somewhere():
    text = (DOCS / "howto.md").read_text("utf-8")
    anchors = {
        re.sub(r"[^\w\- ]", "", title).replace(" ", "-").lower() for title in SECTIONS
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
