"""Files of benchmarks: from a folder, or fetched once, checked and kept."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from danqing.core.errors import SourceError
from danqing.data.sources.urls import Fetcher
from danqing.evaluation import data
from danqing.evaluation.data import Origin

TEXT = "一 prompt\n"
ORIGIN = Origin(
    name="small",
    repository="somebody/small",
    commit="0123456789abcdef",
    folder="files",
    licence="none stated",
    files={"sub/a b.txt": hashlib.sha256(TEXT.encode()).hexdigest()},
)
FILE = "sub/a b.txt"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Serve a folder in place of the web, and return where it lies and how to close it."""
    folder = tmp_path / "site"
    place = folder / ORIGIN.repository / ORIGIN.commit / ORIGIN.folder / FILE
    place.parent.mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(data, "SITE", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(data, "Fetcher", partial(Fetcher, private=True, tries=1))
    yield place
    server.shutdown()
    server.server_close()


def test_a_folder_or_a_clone_is_taken_as_it_is(tmp_path):
    for place in (tmp_path / "flat" / FILE, tmp_path / "clone" / "files" / FILE):
        place.parent.mkdir(parents=True)
        place.write_text("mine")
    assert ORIGIN.read(FILE, tmp_path / "flat") == ORIGIN.read(FILE, tmp_path / "clone") == "mine"


def test_a_folder_without_the_file_is_refused_in_one_line(tmp_path):
    with pytest.raises(SourceError, match=r"data of small must be a folder with .*; clone https"):
        ORIGIN.read(FILE, tmp_path)


def test_what_is_fetched_once_is_kept_and_mended(site):
    site.write_text(TEXT)
    assert ORIGIN.read(FILE, None) == TEXT
    site.unlink()
    assert ORIGIN.read(FILE, None) == TEXT
    kept = data.cache_folder("benchmarks") / "small" / ORIGIN.commit[:12] / FILE
    kept.write_text("spoiled")
    with pytest.raises(SourceError, match="must be fetched from"):
        ORIGIN.read(FILE, None)
    site.write_text(TEXT)
    assert ORIGIN.read(FILE, None) == kept.read_text() == TEXT


def test_another_file_is_refused_and_not_kept(site):
    site.write_text("not it")
    with pytest.raises(SourceError, match="must have sha256 "):
        ORIGIN.read(FILE, None)
    assert not list(data.cache_folder("benchmarks").rglob("*.txt"))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="must be UTF-8"):
        ORIGIN.read(FILE, tmp_path)
