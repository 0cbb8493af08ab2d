"""Showing a profile: in the browser, and in what other people have written for it."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import webbrowser
from pathlib import Path

from .errors import MissingExtraError
from .formats import FORMATS

__all__ = ["VIEWERS", "command_of", "new_path", "show"]

# What shows a profile, and the format that it reads.
VIEWERS = {"html": "html", "snakeviz": "prof", "speedscope": "speedscope"}

STDERR = 2
NO_SNAKEVIZ = "snakeviz is not installed: pip install 'fastprof[snakeviz]'"
NO_SPEEDSCOPE = (
    "the command speedscope is not installed: npm install -g speedscope. Or write a "
    "file with `fastprof export FILE -o out.speedscope.json`, and drop it on "
    "https://www.speedscope.app, which keeps it in the browser"
)


def command_of(viewer: str) -> list[str]:
    """What is run with the path of a file; nothing for the browser.

    Raises:
        MissingExtraError: It is not installed; the message says how to get it.
    """
    if viewer == "snakeviz":
        if importlib.util.find_spec("snakeviz") is None:
            raise MissingExtraError(NO_SNAKEVIZ)
        return [sys.executable, "-m", "snakeviz"]
    if viewer == "speedscope":
        command = shutil.which("speedscope")
        if command is None:
            raise MissingExtraError(NO_SPEEDSCOPE)
        return [command]
    return []


def new_path(profile: str, viewer: str) -> str:
    """Where to write what a viewer reads: in a new folder that only the user can read.

    It stays there: nobody knows when a browser has read it, or will read it again.

    Raises:
        OSError: No folder can be made.
    """
    stem = os.path.splitext(os.path.basename(profile))[0]
    folder = tempfile.mkdtemp(prefix="fastprof-")
    return os.path.join(folder, stem + FORMATS[VIEWERS[viewer]][0])


def show(path: str, command: list[str]) -> str | None:
    """Open a file; the answer says why it could not be shown.

    Args:
        path: The file.
        command: The answer of `command_of`.
    """
    if not command:
        if webbrowser.open(Path(path).absolute().as_uri()):
            return None
        return f"no browser could be opened; the report is {path}"
    try:
        # Nothing on stdout: nothing was asked for.
        status = subprocess.call([*command, path], stdout=STDERR)
    except KeyboardInterrupt:  # which is how its server is ended
        return None
    except OSError as error:
        return f"cannot run {command[0]}: {error.strerror}"
    return f"{' '.join(command)} ended with {status}" if status else None
