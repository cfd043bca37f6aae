import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from danqing.core.errors import StorageError
from danqing.core.files import atomic_folder, atomic_path, storage_errors


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_name_only_when_it_is_whole(tmp_path):
    target = tmp_path / "picture.png"
    with atomic_path(target) as path:
        path.write_text("half")
        assert not target.exists()
        assert path.parent == target.parent
        assert path.suffix == ".png"
    assert target.read_text() == "half"
    assert names(tmp_path) == ["picture.png"]


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_whatever_stops_the_writing_leaves_the_old_file_and_nothing_else(tmp_path, stop):
    target = tmp_path / "picture.png"
    target.write_text("old")

    def write():
        with atomic_path(target) as path:
            path.write_text("half")
            raise stop

    with pytest.raises(stop):
        write()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["picture.png"]


def test_missing_parents_are_made(tmp_path):
    with atomic_path(tmp_path / "a" / "b" / "c.txt") as path:
        path.write_text("x")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "x"


def test_a_killed_process_leaves_no_file_of_that_name(tmp_path):
    target = tmp_path / "big.bin"
    program = (
        "import sys, time\n"
        "from danqing.core.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as path:\n"
        "    path.write_bytes(b'half')\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(target)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout
    with process.stdout as stdout:
        assert stdout.readline() == b"writing\n"
        process.kill()
        process.wait()
    assert not target.exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EROFS, "the disk is read-only; choose another place"),
        (errno.EACCES, "permission is denied; choose another place"),
    ],
)
def test_what_the_disk_refuses_is_one_line_with_the_fix(tmp_path, number, words):
    target = tmp_path / "picture.png"

    def write():
        with atomic_path(target) as path:
            path.write_text("half")
            raise OSError(number, os.strerror(number))

    with pytest.raises(StorageError) as refusal:
        write()
    assert str(refusal.value).startswith(f"{target} cannot be written: {words}")
    assert "\n" not in str(refusal.value)
    assert names(tmp_path) == []


def test_a_full_disk_is_known_by_its_text_where_that_is_all_there_is(tmp_path):
    with pytest.raises(StorageError, match="the disk is full"), storage_errors(tmp_path / "x"):
        raise RuntimeError("I/O error: No space left on device (os error 28)")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk always full")
def test_a_disk_that_is_full_is_met_for_real(tmp_path):
    def write():
        with atomic_path(tmp_path / "x") as path:
            path.symlink_to("/dev/full")
            path.write_bytes(b"0" * 100_000)

    with pytest.raises(StorageError, match="the disk is full"):
        write()
    assert names(tmp_path) == []


def test_a_folder_where_a_file_should_be_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(StorageError, match="it is a folder"), atomic_path(tmp_path / "out") as path:
        path.write_text("x")


def test_a_file_where_a_folder_should_be_is_refused(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(StorageError, match="is a file"), atomic_path(tmp_path / "out" / "x"):
        pass


def test_errors_of_reading_elsewhere_pass_unchanged(tmp_path):
    with pytest.raises(NotADirectoryError), atomic_path(tmp_path / "x"):
        raise NotADirectoryError(errno.ENOTDIR, "no", "/elsewhere/y")


def test_a_folder_is_whole_or_not_there(tmp_path):
    target = tmp_path / "model"
    with atomic_folder(target) as path:
        (path / "deep").mkdir()
        (path / "deep" / "a").write_text("new")
        assert not target.exists()
    assert (target / "deep" / "a").read_text() == "new"
    assert names(tmp_path) == ["model"]


def test_a_folder_replaces_the_one_that_was_there(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with atomic_folder(target) as path:
        (path / "new").touch()
        assert names(target) == ["old"]
    assert names(target) == ["new"]
    assert names(tmp_path) == ["model"]


def test_a_folder_that_failed_leaves_the_one_that_was_there(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()

    def write():
        with atomic_folder(target) as path:
            (path / "new").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert names(target) == ["old"]
    assert names(tmp_path) == ["model"]
