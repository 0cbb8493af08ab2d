"""A result file is either as it was or complete."""

import errno
import os
import stat
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from fastprof.output import check_writable, create_rescue_file, replace_file

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX file modes and devices")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /dev/full")
not_root = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere"
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def umask_027():
    old = os.umask(0o027)
    yield
    os.umask(old)


@posix
def test_new_file_has_the_permissions_that_the_umask_leaves(tmp_path, umask_027):
    target = tmp_path / "new.prof"
    replace_file(target, b"new")
    assert target.read_bytes() == b"new"
    assert mode_of(target) == 0o640


@posix
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_existing_file_keeps_its_permissions(tmp_path, mode):
    target = tmp_path / "old.prof"
    target.write_bytes(b"old")
    target.chmod(mode)
    replace_file(str(target), b"new")
    assert target.read_bytes() == b"new"
    assert mode_of(target) == mode


def test_whoever_has_the_old_file_open_goes_on_reading_it(tmp_path):
    target = tmp_path / "old.prof"
    target.write_bytes(b"old content")
    with target.open("rb") as reader:
        replace_file(target, b"new")
        assert reader.read() == b"old content"


def test_nothing_but_the_result_stays_in_the_directory(tmp_path):
    replace_file(tmp_path / "out.prof", b"new")
    assert names_in(tmp_path) == ["out.prof"]


@posix
@pytest.mark.parametrize("existing", [True, False])
def test_a_link_is_followed(tmp_path, existing):
    target = tmp_path / "elsewhere" / "target.prof"
    target.parent.mkdir()
    if existing:
        target.write_bytes(b"old")
    link = tmp_path / "link.prof"
    link.symlink_to(target)
    check_writable(link)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names_in(target.parent) == ["target.prof"]


@pytest.mark.parametrize("failing", ["os.replace", "os.chmod"])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    target = tmp_path / "old.prof"
    target.write_bytes(b"old")

    def fail(*arguments):
        raise OSError(errno.EIO, "no luck")

    monkeypatch.setattr(failing, fail)
    with pytest.raises(OSError, match="no luck"):
        replace_file(target, b"new")
    assert target.read_bytes() == b"old"
    assert names_in(tmp_path) == ["old.prof"]


def test_interruption_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "old.prof"
    target.write_bytes(b"old")

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        replace_file(target, b"new")
    assert target.read_bytes() == b"old"
    assert names_in(tmp_path) == ["old.prof"]


def test_missing_directory_is_an_error_and_is_not_made(tmp_path):
    target = tmp_path / "nowhere" / "out.prof"
    with pytest.raises(FileNotFoundError):
        replace_file(target, b"new")
    assert names_in(tmp_path) == []


@posix
def test_a_pipe_is_written_directly(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    check_writable(pipe)
    replace_file(pipe, b"new")
    reader.join()
    assert received == [b"new"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@linux
def test_a_full_device_is_an_error_of_the_write_only():
    check_writable("/dev/full")
    with pytest.raises(OSError) as caught:
        replace_file("/dev/full", b"new")
    assert caught.value.errno == errno.ENOSPC
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.parametrize("content", [None, b"old"])
def test_checking_changes_nothing(tmp_path, content):
    target = tmp_path / "out.prof"
    if content is not None:
        target.write_bytes(content)
    before = names_in(tmp_path)
    check_writable(target)
    assert names_in(tmp_path) == before
    assert content is None or target.read_bytes() == content


def test_check_names_a_missing_directory(tmp_path):
    target = tmp_path / "nowhere" / "out.prof"
    with pytest.raises(FileNotFoundError) as caught:
        check_writable(target)
    assert caught.value.strerror == "its directory does not exist"
    assert caught.value.filename == str(target)


def test_check_refuses_a_directory(tmp_path):
    with pytest.raises(IsADirectoryError):
        check_writable(tmp_path)


def test_check_refuses_a_path_below_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        check_writable(tmp_path / "file" / "out.prof")


def test_check_refuses_a_name_that_is_too_long(tmp_path):
    with pytest.raises(OSError) as caught:
        check_writable(tmp_path / ("x" * 300))
    assert caught.value.errno == errno.ENAMETOOLONG


@posix
def test_check_refuses_links_in_a_circle(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError) as caught:
        check_writable(loop)
    assert caught.value.errno == errno.ELOOP


@linux
def test_check_finds_that_a_directory_takes_no_files_even_for_root():
    with pytest.raises(OSError):
        check_writable("/proc/out.prof")


@not_root
@posix
def test_check_refuses_a_read_only_file(tmp_path):
    target = tmp_path / "old.prof"
    target.write_bytes(b"old")
    target.chmod(0o444)
    with pytest.raises(PermissionError):
        check_writable(target)


@not_root
@posix
def test_check_refuses_a_read_only_directory(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError) as caught:
            check_writable(tmp_path / "out.prof")
    finally:
        tmp_path.chmod(0o755)
    assert "its directory takes no new file" in caught.value.strerror


@pytest.mark.parametrize("name", ["run.prof", "no-suffix", "x" * 250 + ".prof"])
def test_rescue_file_is_new_empty_and_named_after_the_lost_one(
    tmp_path, monkeypatch, name
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first, second = create_rescue_file(name), create_rescue_file("/gone/" + name)
    assert first != second
    for path in map(Path, (first, second)):
        assert path.parent == tmp_path
        assert path.read_bytes() == b""
        assert path.suffix == Path(name).suffix
        assert path.name.startswith(name[:8].removesuffix(path.suffix))


@linux
def test_an_open_file_without_a_name_is_written_directly(tmp_path):
    """Its /proc entry leads to a name that no file has any more."""
    with tempfile.TemporaryFile(dir=tmp_path) as file:
        path = f"/dev/fd/{file.fileno()}"
        check_writable(path)
        replace_file(path, b"new")
        assert file.read() == b"new"
    assert names_in(tmp_path) == []
