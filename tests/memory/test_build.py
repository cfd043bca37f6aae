"""C files are built once, and whoever has no compiler is told nothing worse than None."""

import threading

import pytest
import torch

from danqing.memory import build as room
from danqing.memory.build import build, share_out


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path / "cache"))
    build.cache_clear()
    yield tmp_path / "cache"
    build.cache_clear()


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "seven.c"
    file.write_text("int seven(void) { return 7; }")
    return file


def test_a_file_is_built_once_and_again_when_it_changes(source, cache):
    opened = build(source)
    if opened is None:
        pytest.skip("no C compiler")
    assert opened.seven() == 7
    build.cache_clear()
    assert build(source).seven() == 7
    assert len(list(cache.rglob("*.so"))) == 1
    source.write_text("int seven(void) { return 8; }")
    build.cache_clear()
    assert build(source).seven() == 8
    assert len(list(cache.rglob("*.so"))) == 2


def test_the_cache_is_ours_alone(source, cache):
    if build(source) is None:
        pytest.skip("no C compiler")
    assert (cache / "native").stat().st_mode & 0o077 == 0


def test_what_cannot_be_built_is_none_and_leaves_nothing(source, cache, monkeypatch):
    source.write_text("this is no C")
    assert build(source) is None
    assert not list(cache.rglob("*.so"))
    monkeypatch.setattr(room.shutil, "which", lambda name: None)
    build.cache_clear()
    assert build(source) is None


@pytest.mark.parametrize("threads", [1, 3])
def test_shares_cover_everything_once_in_order(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        names = set()

        def run(first, last):
            names.add(threading.current_thread().name)
            return list(range(first, last))

        assert [i for piece in share_out(10, run, 2) for i in piece] == list(range(10))
        assert share_out(0, run, 2) == []
        assert len(share_out(10, run, 100)) == 1
    finally:
        torch.set_num_threads(before)
