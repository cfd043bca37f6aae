"""A rolling cache stays within its budget and lets go of what was not read for longest."""

import os

import pytest

from danqing.core.cache import Rolling


def put(cache, name, size, age):
    with cache.write(name) as staged:
        staged.write_bytes(bytes(size))
    os.utime(cache.folder / name, (1_000_000 - age, 1_000_000 - age))


def test_the_budget_is_kept_and_the_oldest_go_first(tmp_path):
    cache = Rolling(tmp_path, 1000)
    for number in range(10):
        put(cache, str(number), 100, 10 - number)
    assert len(list(tmp_path.iterdir())) == 10
    with cache.write("new") as staged:
        staged.write_bytes(bytes(100))
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {str(n) for n in range(2, 10)} | {"new"}


def test_what_was_read_stays(tmp_path):
    cache = Rolling(tmp_path, 250)
    put(cache, "a", 100, 2)
    put(cache, "b", 100, 1)
    assert cache.find("a") == tmp_path / "a"
    with cache.write("c") as staged:
        staged.write_bytes(bytes(100))
    assert cache.find("b") is None
    assert cache.find("a") is not None


def test_files_of_other_programs_count(tmp_path):
    (tmp_path / "theirs").write_bytes(bytes(900))
    os.utime(tmp_path / "theirs", (0, 0))
    cache = Rolling(tmp_path, 950)
    put(cache, "ours", 100, 0)
    assert cache.find("theirs") is None
    assert cache.find("ours") is not None


def test_what_fails_to_be_written_leaves_nothing(tmp_path):
    def fail():
        with Rolling(tmp_path, 100).write("a") as staged:
            staged.write_bytes(b"half")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert not list(tmp_path.iterdir())
