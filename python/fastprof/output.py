"""Files that hold a result: the old one stays until the new one is complete."""

import errno
import os
import stat

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from typing import Any

__all__ = ["check_writable", "create_rescue_file", "replace_file"]


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out whether `replace_file` can write to a path, and change nothing there.

    What is found out is true now; the final write may fail all the same.

    Args:
        path: The file to be written later.

    Raises:
        OSError: It cannot be written; `strerror` says why.
    """
    path = os.fspath(path)
    mode = _mode_of(path)
    if _is_replaceable(path):
        _check_directory_of(path)
    if mode is None:
        return
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)


def replace_file(path: "str | bytes | int | os.PathLike[Any]", data: bytes) -> None:
    """Write a file so that whoever reads it sees the old content or all of the new.

    A link is followed. An existing file keeps its permission bits. What is not a
    regular file (a device, a pipe) cannot be replaced and is written directly.

    Args:
        path: The file to write; its directory must exist. The number of an open file
            is written to directly.
        data: The whole new content.

    Raises:
        OSError: It was not written; the old file, if there was one, is as it was.
    """
    target = path if isinstance(path, int) else os.fsdecode(path)
    if isinstance(target, str) and _is_replaceable(target):
        _write_beside_and_rename(os.path.realpath(target), data, _mode_of(target))
    else:
        with open(target, "wb") as file:
            file.write(data)


def create_rescue_file(path: str | os.PathLike[str]) -> str:
    """Make a new empty file for a result that cannot go where it should.

    Args:
        path: Where the result should have gone; the new file is named after it.

    Returns:
        The new file's path, in `tempfile.gettempdir()`.

    Raises:
        OSError: No file can be made there either.
    """
    stem, suffix = os.path.splitext(os.path.basename(path))
    # Cut short, for a very long name would leave no room for what makes it new.
    stem, suffix = stem[:32], suffix[:32]
    try:
        import tempfile  # with its random and hashlib, for what hardly ever comes
    except Exception:  # the program has left Python so that nothing can be imported
        directory = os.environ.get("TMPDIR", "/tmp")
        rescue = os.path.join(directory, f"{stem}-{os.urandom(8).hex()}{suffix}")
        descriptor = os.open(rescue, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    else:
        descriptor, rescue = tempfile.mkstemp(suffix, f"{stem}-")
    os.close(descriptor)
    return rescue


def _mode_of(path: str) -> int | None:
    """The mode of what a path leads to; None where there is nothing yet."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _is_replaceable(path: str) -> bool:
    """Whether it leads to a regular file that has a name, or to nothing yet."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return True
    if not stat.S_ISREG(found.st_mode):
        return False
    try:
        return os.path.samestat(found, os.stat(os.path.realpath(path)))
    except FileNotFoundError:
        return False  # /dev/fd/N, and the file behind it has been unlinked


def _check_directory_of(path: str) -> None:
    """Make a file where `replace_file` would make its own, and remove it.

    os.access would not do: it takes no notice of a full disk, and for root not even
    of a directory that takes no files.
    """
    temporary = _temporary_beside(os.path.realpath(path))
    try:
        with open(temporary, "xb"):
            pass
    except OSError as error:
        if not os.path.isdir(os.path.dirname(temporary)):
            reason = "its directory does not exist"
        else:
            reason = f"its directory takes no new file: {error.strerror}"
        raise OSError(error.errno, reason, path) from None
    os.unlink(temporary)


def _write_beside_and_rename(target: str, data: bytes, mode: int | None) -> None:
    temporary = _temporary_beside(target)
    try:
        # Not tempfile.mkstemp, which makes the file private: a new one is to have the
        # permissions that the umask leaves it.
        with open(temporary, "xb") as file:
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            file.write(data)
        os.replace(temporary, target)
    except BaseException as error:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        if isinstance(error, OSError):  # which names a file that nobody knows of
            raise OSError(error.errno, error.strerror, target) from None
        raise


def _temporary_beside(target: str) -> str:
    """A name that nobody else will choose, in the directory of `target`."""
    directory = os.path.dirname(target)
    return os.path.join(directory, f".fastprof-{os.urandom(8).hex()}.tmp")
